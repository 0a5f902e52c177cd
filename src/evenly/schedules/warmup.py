"""The slow start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..layers.base import expect
from .base import Schedule


@dataclass(frozen=True)
class LinearWarmup(Schedule):
    """Raises the rate along a straight line, ``start + (1 - start) t / length``, and hands over to
    another schedule at `length`, which counts from there on.

    Large batches and Adam's first steps make the full rate too large for a network that has not
    settled yet.

    Arguments:
        length: steps (or epochs) until the full rate, >= 1.
        start: the first step's share of the rate, 0 <= start <= 1.
        then: the schedule behind the warm-up. Where its own length is None, it takes the rest of
            the training. By default the rate stays.
        by: what t counts, ``"step"`` or ``"epoch"``; `then` must count in the same.

    PyTorch's ``SequentialLR([LinearLR(start_factor=start, total_iters=length), ...],
    milestones=[length])``.

    Raises:
        ConfigurationError: `then` is no schedule, or counts in another unit.

    Source: Goyal et al. 2017, "Accurate, large minibatch SGD: training ImageNet in 1 hour",
    section 2.2.

    Example:
        >>> LinearWarmup(2, start=0.5, then=CosineDecay()).factors(np.arange(6.0), 6).round(3)
        array([0.5  , 0.75 , 1.   , 0.854, 0.5  , 0.146])
    """

    length: int
    start: float = 0.1
    then: Schedule | None = None
    by: str = "step"

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self.length >= 1, self, "length must be at least 1", self.length)
        expect(0 <= self.start <= 1, self,
               "start is a share of the learning rate: at least 0 and at most 1", self.start)
        if self.then is None:
            return
        expect(isinstance(self.then, Schedule), self, "then must be a Schedule", self.then)
        if self.then.by != self.by:
            raise ConfigurationError(
                f"LinearWarmup: counts in {self.by}s and {type(self.then).__name__}, which "
                f"follows, in {self.then.by}s: give both the same by"
            )

    def factors(self, positions: Any, length: float) -> Any:
        rising = self.start + (1 - self.start) * np.minimum(positions / self.length, 1)
        if self.then is None:
            return rising
        behind = self.then.factors(*self._rest(positions, length))
        return np.where(positions < self.length, rising, behind)

    def momenta(self, positions: Any, length: float) -> Any | None:
        """Those of `then`; during the warm-up the one with which it begins."""
        return None if self.then is None else self.then.momenta(*self._rest(positions, length))

    def _rest(self, positions: Any, length: float) -> tuple[Any, float]:
        """Where the schedule that follows is then, and its length. A training that ends within the
        warm-up never asks for it: any length will do."""
        return np.maximum(positions - self.length, 0), max(length - self.length, 1)
