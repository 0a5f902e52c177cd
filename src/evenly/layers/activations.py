"""Activations: one function, applied to each number. Those whose output tells their slope run
within the layer in front of them. Of the others ELU, SELU and Softsign are here, whose output loses
the slope's digits far out; the rest is in ``gated.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .base import ArrayLike, Arrays, Gradients, Layer, Run, Shape, expect
from .special import logistic, softplus


@dataclass(frozen=True)
class ReLU(Layer):
    """The rectified linear unit: ``y = max(x, 0)``.

    Gradient: ``d_x = d_y`` where x > 0, else 0 (at 0 itself too). NaN passes through.

    Arguments:
        name: the layer's name; by default ``relu_1``, ...

    Source: Nair and Hinton 2010.

    Example:
        >>> y, _ = ReLU().forward(np.array([-1.0, 2.0]), {}, Run(training=True))
        >>> y
        array([0., 2.])
    """

    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    activation_code: ClassVar[int] = 1

    @property
    def type_name(self) -> str:
        return "relu"

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        return run.note("y", run.xp.maximum(x, 0), "max(x, 0)"), x

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        return run.note("d_x", d_y * (saved > 0), "d_y where x > 0"), {}


@dataclass(frozen=True)
class Sigmoid(Layer):
    """The logistic function: ``y = 1 / (1 + exp(-x))``.

    Gradient: ``d_x = d_y y (1 - y)``, at most a quarter of d_y. From the output, as everywhere: far
    above 0, where y rounds to 1, it is 0 (in float32 from x = 17 on).

    Arguments:
        name: the layer's name; by default ``sigmoid_1``, ...

    Source: Rumelhart, Hinton and Williams 1986.

    Example:
        >>> y, _ = Sigmoid().forward(np.array([0.0]), {}, Run(training=True))
        >>> y
        array([0.5])
    """

    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    activation_code: ClassVar[int] = 2

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        y = run.note("y", logistic(run.xp, x), "1 / (1 + exp(-x))")
        return y, y

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        slope = run.note("slope", saved * (1 - saved), "y (1 - y)")
        return run.note("d_x", d_y * slope, "d_y slope"), {}


@dataclass(frozen=True)
class Tanh(Layer):
    """The hyperbolic tangent: ``y = tanh(x)``.

    Gradient: ``d_x = d_y (1 - y^2)``. From the output, as everywhere: far out, where y rounds to
    +-1, it is 0 (in float32 from |x| = 10 on).

    Arguments:
        name: the layer's name; by default ``tanh_1``, ...

    Source: LeCun, Bottou, Orr and Mueller 1998, "Efficient BackProp", section 4.4.

    Example:
        >>> y, _ = Tanh().forward(np.array([0.0]), {}, Run(training=True))
        >>> y
        array([0.])
    """

    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    activation_code: ClassVar[int] = 3

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        y = run.note("y", run.xp.tanh(x), "tanh(x)")
        return y, y

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        slope = run.note("slope", 1 - saved * saved, "1 - y^2")
        return run.note("d_x", d_y * slope, "d_y slope"), {}


@dataclass(frozen=True)
class LeakyReLU(Layer):
    """ReLU that lets a little through: ``y = x`` where x > 0, else ``slope x``.

    Gradient: ``d_x = d_y`` where x > 0, else ``slope d_y`` (at 0 itself too).

    Arguments:
        slope: below 0; > 0. PyTorch's ``negative_slope``, ONNX's ``alpha``. For 0 use
            :class:`ReLU`, for one that is trained :class:`PReLU`.
        name: the layer's name; by default ``leaky_relu_1``, ...

    Source: Maas, Hannun and Ng 2013, "Rectifier nonlinearities improve neural network acoustic
    models", section 2.

    Example:
        >>> y, _ = LeakyReLU(0.1).forward(np.array([-1.0, 2.0]), {}, Run(training=True))
        >>> y
        array([-0.1,  2. ])
    """

    slope: float = 0.01
    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    activation_code: ClassVar[int] = 4

    def __post_init__(self) -> None:
        expect(self.slope > 0, self, "slope must be positive (for 0 use ReLU)", self.slope)

    @property
    def type_name(self) -> str:
        return "leaky_relu"

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"activation_slope": self.slope}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        return run.note("y", run.xp.where(x > 0, x, self.slope * x), "x, or slope x below 0"), x

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        d_x = run.xp.where(saved > 0, d_y, self.slope * d_y)
        return run.note("d_x", d_x, "d_y, or slope d_y where x <= 0"), {}


@dataclass(frozen=True)
class ELU(Layer):
    """The exponential linear unit: ``y = x`` where x > 0, else ``alpha (exp(x) - 1)``.

    Gradient: ``d_x = d_y`` where x > 0, else ``d_y alpha exp(x)``. (That is ``d_y (y + alpha)``,
    which loses its digits far below 0.)

    Arguments:
        alpha: minus the limit far below 0; > 0.
        name: the layer's name; by default ``elu_1``, ...

    Source: Clevert, Unterthiner and Hochreiter 2016, "Fast and accurate deep network learning by
    exponential linear units", section 3.

    Example:
        >>> y, _ = ELU().forward(np.array([-1e9, 2.0]), {}, Run(training=True))
        >>> y
        array([-1.,  2.])
    """

    alpha: float = 1.0
    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    activation_code: ClassVar[int] = 21
    output_tells: ClassVar[bool] = False

    def __post_init__(self) -> None:
        expect(self.alpha > 0, self, "alpha must be positive", self.alpha)

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"activation_alpha": self.alpha, "activation_scale": 1.0}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        return run.note("y", elu(run.xp, x, self.alpha), "x, or alpha (exp(x) - 1) below 0"), x

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        slope = run.note("slope", elu_slope(run.xp, saved, self.alpha),
                         "1, or alpha exp(x) where x <= 0")
        return run.note("d_x", d_y * slope, "d_y slope"), {}


# Klambauer et al. 2017, equation 14: with these, mean 0 and variance 1 is a fixed point.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@dataclass(frozen=True)
class SELU(Layer):
    """The scaled exponential linear unit: ``y = scale x`` where x > 0, else
    ``scale alpha (exp(x) - 1)``, with alpha = 1.6733 and scale = 1.0507, which make mean 0 and
    variance 1 a stable fixed point. Its dropout is :class:`AlphaDropout`.

    Gradient: ``d_x = d_y scale`` where x > 0, else ``d_y scale alpha exp(x)``.

    Arguments:
        name: the layer's name; by default ``selu_1``, ...

    Source: Klambauer, Unterthiner, Mayr and Hochreiter 2017, "Self-normalizing neural networks",
    equation 2. It asks for kernels of variance 1 / fan_in.

    Example:
        >>> y, _ = SELU().forward(np.array([-1e9, 1.0]), {}, Run(training=True))
        >>> y.round(4)
        array([-1.7581,  1.0507])
    """

    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    activation_code: ClassVar[int] = 21  # ELU's kernel, scaled
    output_tells: ClassVar[bool] = False

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"activation_alpha": SELU_ALPHA, "activation_scale": SELU_SCALE}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        inner = run.note("elu", elu(run.xp, x, SELU_ALPHA), "x, or alpha (exp(x) - 1) below 0")
        return run.note("y", SELU_SCALE * inner, "scale elu"), x

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        slope = SELU_SCALE * elu_slope(run.xp, saved, SELU_ALPHA)
        slope = run.note("slope", slope, "scale, or scale alpha exp(x) where x <= 0")
        return run.note("d_x", d_y * slope, "d_y slope"), {}


def elu(xp: Any, x: ArrayLike, alpha: float) -> ArrayLike:
    """``x`` where x > 0, else ``alpha (exp(x) - 1)``; exp sees no positive number."""
    return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0)))


def elu_slope(xp: Any, x: ArrayLike, alpha: float) -> ArrayLike:
    """1 where x > 0, else ``alpha exp(x)``."""
    return xp.where(x > 0, 1, alpha * xp.exp(xp.minimum(x, 0)))


@dataclass(frozen=True)
class Softplus(Layer):
    """A smooth ReLU: ``y = log(1 + exp(beta x)) / beta``.

    Gradient: ``d_x = d_y / (1 + exp(-beta x)) = d_y (1 - exp(-beta y))``.

    Arguments:
        beta: how sharply it bends; > 0. (PyTorch returns x itself where beta x > 20.)
        name: the layer's name; by default ``softplus_1``, ...

    Source: Dugas, Bengio, Belisle, Nadeau and Garcia 2001, "Incorporating second-order functional
    knowledge for better option pricing", section 2.

    Example:
        >>> y, _ = Softplus().forward(np.array([0.0, 100.0]), {}, Run(training=True))
        >>> y.round(4)
        array([  0.6931, 100.    ])
    """

    beta: float = 1.0
    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    activation_code: ClassVar[int] = 6

    def __post_init__(self) -> None:
        expect(self.beta > 0, self, "beta must be positive", self.beta)

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"activation_beta": self.beta}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        z = run.note("z", self.beta * x, "beta x")
        return run.note("y", softplus(run.xp, z) / self.beta, "log(1 + exp(z)) / beta"), z

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        slope = run.note("slope", logistic(run.xp, saved), "1 / (1 + exp(-z))")
        return run.note("d_x", d_y * slope, "d_y slope"), {}


@dataclass(frozen=True)
class Softsign(Layer):
    """A bounded function with slow tails: ``y = x / (1 + |x|)``.

    Gradient: ``d_x = d_y / (1 + |x|)^2``. (That is ``d_y (1 - |y|)^2``, which loses its digits far
    out.)

    Arguments:
        name: the layer's name; by default ``softsign_1``, ...

    Source: Glorot and Bengio 2010, section 2.3 (after Bergstra et al. 2009).

    Example:
        >>> y, _ = Softsign().forward(np.array([-1.0, 3.0]), {}, Run(training=True))
        >>> y
        array([-0.5 ,  0.75])
    """

    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    activation_code: ClassVar[int] = 22
    output_tells: ClassVar[bool] = False

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        size = run.note("size", 1 + abs(x), "1 + |x|")
        return run.note("y", x / size, "x / (1 + |x|)"), size

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        return run.note("d_x", d_y / (saved * saved), "d_y / (1 + |x|)^2"), {}
