"""First values whose variance depends on the fan: a base says which variance, a class of each kind
which distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import expect
from .base import expect_number, expect_positive, normal, uniform


class _Scaled:
    is_normal: ClassVar[bool]

    def variance(self, fan: tuple[int, int]) -> float:
        """Of each number, for this (fan_in, fan_out)."""
        raise NotImplementedError

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        draw = normal if self.is_normal else uniform
        return draw(generator, shape, self.variance(fan))


@dataclass(frozen=True)
class _Xavier(_Scaled):
    gain: float = 1.0

    def __post_init__(self) -> None:
        expect_positive(self, "gain")

    def variance(self, fan: tuple[int, int]) -> float:
        return self.gain**2 * 2.0 / (fan[0] + fan[1])


@dataclass(frozen=True)
class XavierNormal(_Xavier):
    """Normal, mean 0, variance ``gain^2 2 / (fan_in + fan_out)``: keeps the variance of activations
    and of gradients through linear and tanh layers.

    Arguments:
        gain: what the deviation is multiplied by, > 0: PyTorch gives 5 / 3 for tanh.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Glorot and Bengio 2010, equation 12.

    Example:
        >>> XavierNormal().variance((30, 10))
        0.05
    """

    is_normal: ClassVar[bool] = True


@dataclass(frozen=True)
class XavierUniform(_Xavier):
    """Uniform on +-``gain sqrt(6 / (fan_in + fan_out))``: variance ``gain^2 2 / (fan_in +
    fan_out)``.

    Arguments:
        gain: what the limits are multiplied by, > 0.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Glorot and Bengio 2010, equation 16.

    Example:
        >>> XavierUniform(gain=2.0).variance((30, 10))
        0.2
    """

    is_normal: ClassVar[bool] = False


@dataclass(frozen=True)
class _He(_Scaled):
    mode: str = "fan_in"
    negative_slope: float = 0.0

    def __post_init__(self) -> None:
        expect(self.mode in ("fan_in", "fan_out"), self, "mode is 'fan_in' or 'fan_out'",
                self.mode)
        expect_number(self, "negative_slope")

    def variance(self, fan: tuple[int, int]) -> float:
        return 2.0 / (1.0 + self.negative_slope**2) / fan[self.mode == "fan_out"]


@dataclass(frozen=True)
class HeNormal(_He):
    """Normal, mean 0, variance ``2 / fan_in``: keeps the variance of activations through ReLU
    layers; ``2 / ((1 + negative_slope^2) fan_in)`` through leaky ones.

    Arguments:
        mode: ``"fan_in"``, or ``"fan_out"``: keeps the variance of gradients instead.
        negative_slope: of the LeakyReLU or PReLU that follows.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: He, Zhang, Ren and Sun 2015, equations 10 and 14; with the slope: 15.

    Example:
        >>> HeNormal(mode="fan_out").variance((30, 10))
        0.2
    """

    is_normal: ClassVar[bool] = True


@dataclass(frozen=True)
class HeUniform(_He):
    """Uniform on +-``sqrt(6 / fan_in)``: variance ``2 / fan_in``, as :class:`HeNormal`.

    Arguments:
        mode, negative_slope: as in :class:`HeNormal`.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: He, Zhang, Ren and Sun 2015, equations 10 and 14; with the slope: 15.

    Example:
        >>> HeUniform(negative_slope=1.0).variance((10, 30))
        0.1
    """

    is_normal: ClassVar[bool] = False


class _LeCun(_Scaled):
    def variance(self, fan: tuple[int, int]) -> float:
        return 1.0 / fan[0]


@dataclass(frozen=True)
class LeCunNormal(_LeCun):
    """Normal, mean 0, variance ``1 / fan_in``: keeps the variance of activations through linear
    layers and through tanh near 0; what :class:`SELU` needs. Courses call it Xavier initialization
    "with 1 / n_in", the one for tanh; :class:`XavierNormal` differs from it where a layer has more
    or fewer outputs than inputs.

    Source: LeCun, Bottou, Orr and Mueller 1998, "Efficient BackProp", section 4.6; Klambauer,
    Unterthiner, Mayr and Hochreiter 2017, "Self-normalizing neural networks", section 3.

    Example:
        >>> LeCunNormal().variance((10, 30))
        0.1
    """

    is_normal: ClassVar[bool] = True


@dataclass(frozen=True)
class LeCunUniform(_LeCun):
    """Uniform on +-``sqrt(3 / fan_in)``: variance ``1 / fan_in``, as :class:`LeCunNormal`.

    Source: LeCun, Bottou, Orr and Mueller 1998, "Efficient BackProp", section 4.6.

    Example:
        >>> LeCunUniform().variance((10, 30))
        0.1
    """

    is_normal: ClassVar[bool] = False
