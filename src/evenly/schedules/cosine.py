"""Schedules along a cosine."""

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


@dataclass(frozen=True)
class FlatCosine(Schedule):
    """Holds the rate for the first part of the training, then lets it fall to a floor along half a
    cosine: 1 up to ``flat length``, then ``floor + (1 - floor) (1 + cos(pi u)) / 2``, u being the
    share of the rest that is over.

    Arguments:
        flat: the share that is flat, at least 0 and below 1.
        length: steps (or epochs) until the floor, >= 1; None: the whole training.
        floor: what is left in the end, as a share of the rate.
        by: what t counts, ``"step"`` or ``"epoch"``.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Holzmüller, Grinsztajn and Steinwart 2024, "Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data", section 3 (flat_cos, there for dropout and weight decay).

    Example:
        >>> FlatCosine().factors(np.arange(9.0), 8).round(3)
        array([1.   , 1.   , 1.   , 1.   , 1.   , 0.854, 0.5  , 0.146, 0.   ])
    """

    flat: float = 0.5
    length: int | None = None
    floor: float = 0.0
    by: str = "step"

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(0 <= self.flat < 1, self,
               "flat is a share of the training: at least 0 and below 1", self.flat)
        expect_length(self, self.length)
        expect_floor(self, self.floor)

    def factors(self, positions: Any, length: float) -> Any:
        share = np.minimum(positions / (length if self.length is None else self.length), 1)
        return _fall(np.maximum(share - self.flat, 0) / (1 - self.flat), self.floor)


@dataclass(frozen=True)
class LogCosine(Schedule):
    """Waves that grow longer: the rate rises from 0 and falls to 0 again, each wave twice as long
    as the one before: ``(1 - cos(2 pi log2(1 + (2^cycles - 1) t / length))) / 2`` (coslog), and 0
    from `length` on.

    Arguments:
        cycles: how many, >= 1.
        length: steps (or epochs) of all of them, >= 1; None: the whole training.
        by: what t counts, ``"step"`` or ``"epoch"``. Epochs begin with one at rate 0.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Holzmüller, Grinsztajn and Steinwart 2024, "Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data", section 3 (coslog4).

    Example:
        >>> LogCosine().factors(np.array([0.0, 0.5, 1.0, 2.0, 3.0, 15.0]), 15).round(3)
        array([0.  , 0.93, 0.  , 0.93, 0.  , 0.  ])
    """

    cycles: int = 4
    length: int | None = None
    by: str = "step"

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(1 <= self.cycles <= 30, self, "cycles must be from 1 to 30", self.cycles)
        expect_length(self, self.length)

    def factors(self, positions: Any, length: float) -> Any:
        share = np.minimum(positions / (length if self.length is None else self.length), 1)
        waves = np.log2(1 + (2.0**self.cycles - 1) * share)
        # Of the part of a wave alone: the cosine of 2 pi n is 1 but for rounding.
        return (1 - np.cos(2 * np.pi * (waves - np.floor(waves)))) / 2
