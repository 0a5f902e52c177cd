"""What an initializer is, and what they share."""

from __future__ import annotations

import math
import numbers
from typing import Any, Protocol

import numpy as np

from ..errors import expect


class Initializer(Protocol):
    """Gives an array's first values.

    ``sample(generator, shape, fan)`` returns float64 values of that shape; ``fan`` is
    (fan_in, fan_out).
    """

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any: ...


def expect_number(initializer: Any, name: str) -> None:
    value = getattr(initializer, name)
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    expect(is_number and math.isfinite(value), initializer, f"{name} must be a finite number",
            value)


def expect_positive(initializer: Any, name: str) -> None:
    expect_number(initializer, name)
    value = getattr(initializer, name)
    expect(value > 0, initializer, f"{name} must be positive", value)


def normal(generator: np.random.Generator, shape: tuple[int, ...], variance: float) -> Any:
    return generator.standard_normal(shape) * math.sqrt(variance)


def uniform(generator: np.random.Generator, shape: tuple[int, ...], variance: float) -> Any:
    limit = math.sqrt(3.0 * variance)
    return generator.uniform(-limit, limit, shape)
