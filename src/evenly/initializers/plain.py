"""First values that are the same for every layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import expect
from .base import expect_number, expect_positive, normal


@dataclass(frozen=True)
class Zeros:
    """All zeros. Right for biases. Units whose weights, into them and out of them, start equal get
    the same gradient at every step, so nothing ever tells them apart: a network whose kernels all
    start at zero has one unit a layer, however many it was given.

    Example:
        >>> Zeros().sample(np.random.default_rng(0), (2,), (3, 2))
        array([0., 0.])
    """

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        return np.zeros(shape)


@dataclass(frozen=True)
class Constant:
    """One value everywhere.

    Arguments:
        value: that value.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Example:
        >>> Constant(0.5).sample(np.random.default_rng(0), (2,), (3, 2))
        array([0.5, 0.5])
    """

    value: float

    def __post_init__(self) -> None:
        expect_number(self, "value")

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        return np.full(shape, float(self.value))


@dataclass(frozen=True)
class Normal:
    """Normal, mean 0.

    Arguments:
        deviation: its standard deviation, >= 0.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Example:
        >>> kernel = Normal(0.1).sample(np.random.default_rng(0), (100, 100), (100, 100))
        >>> round(float(kernel.std()), 2)
        0.1
    """

    deviation: float = 1.0

    def __post_init__(self) -> None:
        expect_number(self, "deviation")
        expect(self.deviation >= 0, self, "deviation must be at least 0", self.deviation)

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        return normal(generator, shape, self.deviation**2)


@dataclass(frozen=True)
class TruncatedNormal:
    """Normal, mean 0, cut off at two deviations: what falls outside is drawn again. No unit starts
    with a weight that is much larger than the others. The numbers' own standard deviation is 0.8796
    of `deviation`.

    Arguments:
        deviation: of the normal before the cut, > 0.

    PyTorch's ``trunc_normal_(std=deviation, a=-2 * deviation, b=2 * deviation)``: there the limits
    a and b are values, -2 and 2 by default, whatever the deviation.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Dosovitskiy et al. 2021, "An image is worth 16x16 words", whose code starts so.

    Example:
        >>> kernel = TruncatedNormal(0.02).sample(np.random.default_rng(0), (100, 100), (100, 100))
        >>> bool(abs(kernel).max() <= 0.04)
        True
    """

    deviation: float = 0.02

    def __post_init__(self) -> None:
        expect_positive(self, "deviation")

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        values = generator.standard_normal(math.prod(shape))
        outside = np.flatnonzero(np.abs(values) > 2)
        while len(outside):
            values[outside] = generator.standard_normal(len(outside))
            outside = outside[np.abs(values[outside]) > 2]
        return self.deviation * values.reshape(shape)


@dataclass(frozen=True)
class Uniform:
    """Uniform between two numbers: mean ``(low + high) / 2``, variance ``(high - low)^2 / 12``.

    Arguments:
        low, high: the limits, low < high.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Example:
        >>> kernel = Uniform(-0.1, 0.1).sample(np.random.default_rng(0), (100, 100), (100, 100))
        >>> bool(abs(kernel).max() <= 0.1)
        True
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        expect_number(self, "low")
        expect_number(self, "high")
        expect(self.low < self.high, self, "low must be below high", (self.low, self.high))

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        return generator.uniform(self.low, self.high, shape)
