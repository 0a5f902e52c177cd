"""Activations that are x times a gate, and the hard sigmoid: their slope needs the input.

A kernel that runs behind another layer has its output alone. So these are not fused into the layer
in front of them, and keep their input to the backward pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from .base import ArrayLike, Arrays, Gradients, Layer, Run, Shape, expect
from .special import logistic, normal_cdf, softplus

_STEEP, _CUBE = math.sqrt(2 / math.pi), 0.044715


@dataclass(frozen=True)
class GELU(Layer):
    """The Gaussian error linear unit: ``y = x cdf(x)``, where ``cdf(x) = P(N(0, 1) < x)
    = (1 + erf(x / sqrt(2))) / 2``.

    Gradient: ``d_x = d_y (cdf(x) + x density(x))``, ``density(x) = exp(-x^2 / 2) / sqrt(2 pi)``.

    Arguments:
        approximate: True for ``y = x (1 + tanh(u)) / 2`` with ``u = sqrt(2 / pi) (x + 0.044715
            x^3)``, which differs by at most 0.0005: PyTorch's ``approximate="tanh"``. It is no
            faster here than the exact one; it is for networks that were trained with it.
        name: the layer's name; by default ``gelu_1``, ...

    Source: Hendrycks and Gimpel 2016, section 2.

    Example:
        >>> y, _ = GELU().forward(np.array([-1.0, 0.0, 1.0]), {}, Run(training=True))
        >>> y.round(4)
        array([-0.1587,  0.    ,  0.8413])
    """

    approximate: bool = False
    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    activation_code: ClassVar[int] = 16
    output_tells: ClassVar[bool] = False

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"activation_approximate": float(self.approximate)}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        if self.approximate:
            gate = run.note("gate", logistic(run.xp, 2 * _curve(x, run)), "(1 + tanh(u)) / 2")
        else:
            gate = run.note("gate", normal_cdf(run.xp, x), "P(N(0, 1) < x)")
        return run.note("y", x * gate, "x gate"), (x, gate)

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        x, gate = saved
        if self.approximate:
            d_u = run.note("d_u", _STEEP * (1 + 3 * _CUBE * x * x), "du/dx")
            shut = run.note("shut", logistic(run.xp, -2 * _curve(x, run)), "1 - gate")
            d_gate = run.note("d_gate", 2 * gate * shut * d_u, "2 gate (1 - gate) du/dx")
        else:
            d_gate = run.note("d_gate", run.xp.exp(-x * x / 2) / math.sqrt(2 * math.pi),
                              "exp(-x^2 / 2) / sqrt(2 pi)")
        slope = run.note("slope", gate + x * d_gate, "gate + x d_gate")
        return run.note("d_x", d_y * slope, "d_y slope"), {}


def _curve(x: ArrayLike, run: Run) -> ArrayLike:
    return run.note("u", _STEEP * (x + _CUBE * x * x * x), "sqrt(2 / pi) (x + 0.044715 x^3)")


@dataclass(frozen=True)
class SiLU(Layer):
    """The sigmoid linear unit, also called swish: ``y = x s``, ``s = 1 / (1 + exp(-x))``.

    Gradient: ``d_x = d_y (s + x s (1 - s))``.

    Arguments:
        name: the layer's name; by default ``silu_1``, ...

    Source: Elfwing, Uchibe and Doya 2018, "Sigmoid-weighted linear units for neural network
    function approximation in reinforcement learning", section 2.1.

    Example:
        >>> y, _ = SiLU().forward(np.array([-1.0, 0.0, 1.0]), {}, Run(training=True))
        >>> y.round(4)
        array([-0.2689,  0.    ,  0.7311])
    """

    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    activation_code: ClassVar[int] = 17
    output_tells: ClassVar[bool] = False

    @property
    def type_name(self) -> str:
        return "silu"

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        s = run.note("s", logistic(run.xp, x), "1 / (1 + exp(-x))")
        return run.note("y", x * s, "x s"), (x, s)

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        x, s = saved
        slope = run.note("slope", s + x * (s * (1 - s)), "s + x s (1 - s)")
        return run.note("d_x", d_y * slope, "d_y slope"), {}


@dataclass(frozen=True)
class Mish(Layer):
    """``y = x tanh(softplus(x))``, ``softplus(x) = log(1 + exp(x))``.

    Gradient: ``d_x = d_y (t + x (1 - t^2) s)``, ``t = tanh(softplus(x))``,
    ``s = 1 / (1 + exp(-x))``.

    Arguments:
        name: the layer's name; by default ``mish_1``, ...

    Source: Misra 2019, "Mish: a self regularized non-monotonic activation function", section 3.

    Example:
        >>> y, _ = Mish().forward(np.array([-1.0, 0.0, 1.0]), {}, Run(training=True))
        >>> y.round(4)
        array([-0.3034,  0.    ,  0.8651])
    """

    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    activation_code: ClassVar[int] = 18
    output_tells: ClassVar[bool] = False

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        t = run.note("t", run.xp.tanh(softplus(run.xp, x)), "tanh(log(1 + exp(x)))")
        return run.note("y", x * t, "x t"), (x, t)

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        x, t = saved
        s = run.note("s", logistic(run.xp, x), "1 / (1 + exp(-x))")
        slope = run.note("slope", t + x * (1 - t * t) * s, "t + x (1 - t^2) s")
        return run.note("d_x", d_y * slope, "d_y slope"), {}


@dataclass(frozen=True)
class HardSigmoid(Layer):
    """A sigmoid of three straight pieces: ``y = min(max(slope x + shift, 0), 1)``.

    Gradient: ``d_x = slope d_y`` where 0 < slope x + shift < 1, else 0.

    Arguments:
        slope: > 0. The defaults are PyTorch's; ONNX's ``alpha`` is 0.2 unless it says otherwise.
        shift: the value at 0; ONNX's ``beta``.
        name: the layer's name; by default ``hard_sigmoid_1``, ...

    Source: Courbariaux, Bengio and David 2015, "BinaryConnect", equation 3 (with slope 1/2).

    Example:
        >>> y, _ = HardSigmoid().forward(np.array([-3.0, 0.0, 9.0]), {}, Run(training=True))
        >>> y
        array([0. , 0.5, 1. ])
    """

    slope: float = 1 / 6
    shift: float = 0.5
    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    activation_code: ClassVar[int] = 19
    # Behind dropout's scaling a 1 is not told from a number just below it.
    output_tells: ClassVar[bool] = False

    def __post_init__(self) -> None:
        expect(self.slope > 0, self, "slope must be positive", self.slope)

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"activation_slope": self.slope, "activation_shift": self.shift}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        z = run.note("z", self.slope * x + self.shift, "slope x + shift")
        return run.note("y", run.xp.minimum(run.xp.maximum(z, 0), 1), "min(max(z, 0), 1)"), z

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        inside = (saved > 0) & (saved < 1)
        return run.note("d_x", d_y * (self.slope * inside), "slope d_y where 0 < z < 1"), {}


@dataclass(frozen=True)
class HardSwish(Layer):
    """:class:`SiLU` with a hard gate: ``y = x min(max(x / 6 + 1/2, 0), 1)``.

    Gradient: ``d_x = d_y (x / 3 + 1/2)`` for -3 <= x <= 3, 0 below and d_y above.

    Arguments:
        name: the layer's name; by default ``hard_swish_1``, ...

    Source: Howard et al. 2019, "Searching for MobileNetV3", section 5.2.

    Example:
        >>> y, _ = HardSwish().forward(np.array([-9.0, 1.5, 9.0]), {}, Run(training=True))
        >>> y
        array([-0.   ,  1.125,  9.   ])
    """

    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    activation_code: ClassVar[int] = 20
    output_tells: ClassVar[bool] = False

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        gate = run.xp.minimum(run.xp.maximum(x / 6 + 0.5, 0), 1)
        return run.note("y", x * run.note("gate", gate, "min(max(x / 6 + 1/2, 0), 1)"), "x gate"), x

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        xp, x = run.xp, saved
        slope = xp.where(x < -3, 0, xp.where(x > 3, 1, x / 3 + 0.5))
        slope = run.note("slope", slope, "x / 3 + 1/2 for -3 <= x <= 3, else 0 or 1")
        return run.note("d_x", d_y * slope, "d_y slope"), {}
