"""Dropout's kin: noise in training, nothing in inference.

What is drawn depends on (seed, layer name, step, element) alone. It is never stored: the backward
pass draws it again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from ..random import normals
from .activations import SELU_ALPHA, SELU_SCALE
from .base import ArrayLike, Arrays, Gradients, Layer, Run, Shape, expect


class _Noise(Layer):
    """What these layers share: random numbers in training, the input itself in inference."""

    draws: ClassVar[bool] = True
    # What the gradient is multiplied by, in formulas.
    slope: ClassVar[str] = "d_y mask"

    @property
    def inference_is_identity(self) -> bool:
        return True

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        return self.noisy(x, run) if run.training else (x, None)

    def noisy(self, x: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
        """(output in training, what backward multiplies the gradient by)."""
        raise NotImplementedError

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        return run.note("d_x", d_y * saved, self.slope), {}


@dataclass(frozen=True)
class _Dropping(_Noise):
    """Those of which a rate says how much is dropped."""

    rate: float
    name: str | None = None

    drops: ClassVar[bool] = True

    def __post_init__(self) -> None:
        rule = "rate is the fraction dropped: at least 0 and below 1"
        expect(0 <= self.rate < 1, self, rule, self.rate)


def _drop(x: ArrayLike, masks: Shape, shape: Shape, rate: float, run: Run) -> tuple[ArrayLike, Any]:
    """Inverted dropout by masks that are spread over `shape`; returns (y, factors)."""
    rate = run.dropped(rate)
    keep = run.keep(masks, rate).reshape(shape)
    factor = run.note("mask", keep / (1 - rate), "keep / (1 - rate)")
    return run.note("y", x * factor, "x mask"), factor


@dataclass(frozen=True)
class SpatialDropout(_Dropping):
    """Dropout of whole channels: in training all numbers of a channel of an example are set to 0
    together, with probability `rate`, or divided by ``1 - rate``. For images and sequences, where
    neighbours are so alike that dropping single numbers takes nothing away.

    ``y = x keep / (1 - rate)``, ``d_x = d_y keep / (1 - rate)``, one keep an example and channel.

    Arguments:
        rate: fraction dropped, 0 <= rate < 1.
        name: the layer's name; by default ``spatial_dropout_1``, ...

    Shapes: (batch, ..., channels), unchanged. PyTorch's ``Dropout1d``, ``2d`` and ``3d`` (whose
    channels come second).

    Source: Tompson, Goroshin, Jain, LeCun and Bregler 2015, "Efficient object localization using
    convolutional networks", section 3.2.

    Example:
        >>> y, _ = SpatialDropout(0.5).forward(np.ones((1, 5, 3)), {}, Run(training=True, seed=4))
        >>> bool((y == y[:, :1]).all())
        True
    """

    kernel: ClassVar[str | None] = "shared_dropout"

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"rate": self.rate, "masks": shape[-1]}

    def noisy(self, x: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
        batch, channels = x.shape[0], x.shape[-1]
        spread = (batch, *(1 for _ in x.shape[1:-1]), channels)
        return _drop(x, (batch, channels), spread, self.rate, run)


@dataclass(frozen=True)
class StochasticDepth(_Dropping):
    """Dropout of whole examples: in training all of an example is set to 0 with probability
    `rate`, or divided by ``1 - rate``. At the end of a residual branch it drops the branch, and
    the network is shallower for that example and step.

    ``y = x keep / (1 - rate)``, ``d_x = d_y keep / (1 - rate)``, one keep an example. (The paper
    scales in inference instead, by the probability of keeping the branch.)

    Arguments:
        rate: fraction dropped, 0 <= rate < 1. The paper lets it grow linearly with depth, to 0.5.
        name: the layer's name; by default ``stochastic_depth_1``, ...

    Shapes: any, unchanged.

    Source: Huang, Sun, Liu, Sedra and Weinberger 2016, "Deep networks with stochastic depth",
    section 3.

    Example:
        >>> y, _ = StochasticDepth(0.5).forward(np.ones((1, 4)), {}, Run(training=False))
        >>> y
        array([[1., 1., 1., 1.]])
    """

    kernel: ClassVar[str | None] = "shared_dropout"

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"rate": self.rate, "masks": 1}

    def noisy(self, x: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
        batch = x.shape[0]
        return _drop(x, (batch, 1), (batch, *(1 for _ in x.shape[1:])), self.rate, run)


@dataclass(frozen=True)
class AlphaDropout(_Dropping):
    """Dropout for :class:`SELU`: in training each number is set to SELU's lower limit with
    probability `rate`; then all are scaled and shifted so that mean 0 and variance 1 stay.

    ``y = a (x keep + low (1 - keep)) + b`` with ``low = -1.7581``, ``q = 1 - rate``,
    ``a = (q + low^2 q (1 - q))^(-1/2)``, ``b = -a (1 - q) low``. Gradient: ``d_x = a d_y keep``.

    Arguments:
        rate: fraction dropped, 0 <= rate < 1; the paper uses 0.05 to 0.1.
        name: the layer's name; by default ``alpha_dropout_1``, ...

    Shapes: any, unchanged.

    Source: Klambauer, Unterthiner, Mayr and Hochreiter 2017, "Self-normalizing neural networks",
    section 3, "New dropout technique".

    Example:
        >>> y, _ = AlphaDropout(0.1).forward(np.zeros((100, 100)), {}, Run(training=True))
        >>> len(np.unique(y))
        2
    """

    kernel: ClassVar[str | None] = "alpha_dropout"
    slope: ClassVar[str] = "a d_y keep"

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"rate": self.rate, "low": _LOW}

    def noisy(self, x: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
        rate = run.dropped(self.rate)
        keep, q = run.keep(x.shape, rate), 1 - rate
        a = 1 / math.sqrt(q + _LOW**2 * q * rate)
        b = -a * rate * _LOW
        held = run.note("held", run.xp.where(keep, x, _LOW), "x, or low where dropped")
        return run.note("y", a * held + b, "a held + b"), a * keep


# What SELU tends to far below 0.
_LOW = -SELU_SCALE * SELU_ALPHA


@dataclass(frozen=True)
class GaussianDropout(_Dropping):
    """Dropout by normal factors: in training each number is multiplied by one of N(1, variance)
    with ``variance = rate / (1 - rate)``, which has inverted dropout's mean and variance.

    ``y = x factor``, ``d_x = d_y factor``, ``factor = 1 + sqrt(rate / (1 - rate)) n``.

    Arguments:
        rate: fraction that the dropout of the same variance drops, 0 <= rate < 1.
        name: the layer's name; by default ``gaussian_dropout_1``, ...

    Shapes: any, unchanged.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014, section 10.

    Example:
        >>> y, _ = GaussianDropout(0.5).forward(np.ones((1000, 100)), {}, Run(training=True))
        >>> round(float(y.std()), 1)
        1.0
    """

    kernel: ClassVar[str | None] = "gaussian_dropout"
    slope: ClassVar[str] = "d_y factor"

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"rate": self.rate}

    def noisy(self, x: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
        rate = run.dropped(self.rate)
        deviation = math.sqrt(rate / (1 - rate))
        drawn = normals(run.seed, run.layer, run.step, x.shape, run.first_row)
        noise = run.note("noise", drawn, "of N(0, 1)")
        factor = run.note("factor", 1 + deviation * noise, "1 + sqrt(rate / (1 - rate)) noise")
        return run.note("y", x * factor, "x factor"), factor


@dataclass(frozen=True)
class GaussianNoise(_Noise):
    """Normal noise: ``y = x + deviation n`` in training, with n of N(0, 1). ``d_x = d_y``.

    At the input of a linear network it acts as an L2 penalty does.

    Arguments:
        deviation: standard deviation of the noise, in units of the input; >= 0.
        name: the layer's name; by default ``gaussian_noise_1``, ...

    Shapes: any, unchanged.

    Source: Bishop 1995, "Training with noise is equivalent to Tikhonov regularization".

    Example:
        >>> y, _ = GaussianNoise(0.1).forward(np.ones((1000, 100)), {}, Run(training=True))
        >>> round(float(y.std()), 2)
        0.1
    """

    deviation: float
    name: str | None = None

    kernel: ClassVar[str | None] = "gaussian_noise"

    def __post_init__(self) -> None:
        expect(self.deviation >= 0, self, "deviation must be at least 0", self.deviation)

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"deviation": self.deviation}

    def noisy(self, x: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
        drawn = normals(run.seed, run.layer, run.step, x.shape, run.first_row)
        noise = run.note("noise", drawn, "of N(0, 1)")
        return run.note("y", x + self.deviation * noise, "x + deviation noise"), None

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        return run.note("d_x", d_y, "d_y"), {}
