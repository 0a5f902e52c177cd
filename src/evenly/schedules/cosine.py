"""Schedules that go down along a cosine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..layers.base import expect
from .base import Schedule, expect_floor, expect_length


def _fall(share: Any, floor: float) -> Any:
    """From 1 to the floor along half a cosine, `share` of the way."""
    return floor + (1 - floor) * (1 + np.cos(np.pi * share)) / 2


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """Lets the rate fall to a floor along half a cosine: ``floor + (1 - floor) (1 + cos(pi t /
    length)) / 2``, and the floor from `length` on. Slow at first, slow at the end.

    Arguments:
        length: steps (or epochs) until the floor, >= 1; None: the whole training.
        floor: what is left in the end, as a share of the rate.
        by: what t counts, ``"step"`` or ``"epoch"``.

    PyTorch's ``CosineAnnealingLR(T_max=length, eta_min=floor * rate)``, which would rise again
    behind the end.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm restarts",
    equation 5, without a restart.

    Example:
        >>> CosineDecay().factors(np.arange(5.0), 4).round(3)
        array([1.   , 0.854, 0.5  , 0.146, 0.   ])
    """

    length: int | None = None
    floor: float = 0.0
    by: str = "step"

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_length(self, self.length)
        expect_floor(self, self.floor)

    def factors(self, positions: Any, length: float) -> Any:
        end = length if self.length is None else self.length
        return _fall(np.minimum(positions / end, 1), self.floor)


@dataclass(frozen=True)
class CosineRestarts(Schedule):
    """Lets the rate fall along half a cosine, again and again: ``floor + (1 - floor) (1 + cos(pi
    u / n)) / 2``, u being the time since the last restart and n the length of this fall: `first`,
    then ``first growth``, ``first growth^2``, ...

    Arguments:
        first: epochs (or steps) of the first fall, >= 1.
        growth: how many times longer each next fall is, >= 1.
        floor: what is left at the end of each fall, as a share of the rate.
        by: what t counts, ``"epoch"`` or ``"step"``.

    PyTorch's ``CosineAnnealingWarmRestarts(T_0=first, T_mult=growth, eta_min=floor * rate)``.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm restarts",
    section 3.

    Example:
        >>> CosineRestarts(2, growth=2).factors(np.arange(7.0), 7).round(3)
        array([1.   , 0.5  , 1.   , 0.854, 0.5  , 0.146, 1.   ])
    """

    first: int
    growth: float = 1.0
    floor: float = 0.0
    by: str = "epoch"

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self.first >= 1, self, "first must be at least 1", self.first)
        expect(1 <= self.growth < np.inf, self, "growth must be at least 1", self.growth)
        expect_floor(self, self.floor)

    def factors(self, positions: Any, length: float) -> Any:
        if self.growth == 1:
            since = positions - self.first * np.floor(positions / self.first)
            return _fall(since / self.first, self.floor)
        # The restarts one by one: a logarithm would be off by one restart where rounding hits it.
        starts, size = [0.0], float(self.first)
        last = np.max(positions) if np.size(positions) else 0.0
        while starts[-1] + size <= last:
            starts.append(starts[-1] + size)
            size *= self.growth
        number = np.searchsorted(starts, positions, side="right") - 1
        since = positions - np.array(starts)[number]
        return _fall(since / (self.first * np.float64(self.growth) ** number), self.floor)
