"""The average of a training's weights, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..engine import Engine


class Averaged:
    """Follows the epochs for a :class:`WeightAverage`, or for none: then the weights themselves
    are what counts.

    Arguments:
        engine: that trains.
        epochs: of the whole training.

    Attributes:
        taken: weights that were set aside: none, where there is an average.
    """

    def __init__(self, engine: Engine, epochs: int) -> None:
        self._engine, self._rule = engine, engine.program.average
        self._first = 1 if self._rule is None else self._rule.first(epochs)
        self._count = 0
        self.taken: list[Mapping[str, Any]] = []

    @property
    def there(self) -> bool:
        """Whether there is an average by now."""
        if self._rule is None:
            return False
        return self._engine.steps > 0 if self._rule.by == "step" else self._count > 0

    @property
    def counts(self) -> bool:
        """Whether early stopping may choose what there is by now."""
        return self._rule is None or self.there

    @property
    def weights(self) -> Mapping[str, Any]:
        """What counts, by name: views."""
        return self._engine.averages if self.there else self._engine.arrays

    def epoch_ends(self, epoch: int) -> None:
        """Takes in the weights at the end of a whole epoch."""
        if self._rule is not None and self._rule.by == "epoch" and epoch >= self._first:
            self._count = epoch - self._first + 1
            self._engine.take_average(self._rule.weight(self._count))

    def resume(self, epochs: int) -> None:
        """Goes on behind so many whole epochs, whose averages the engine's arrays are already."""
        self._count = max(0, epochs - self._first + 1)

    def as_if(self, epochs: int, until: int) -> bool:
        """Whether the epochs up to `until` would be the same if there were `epochs` in all."""
        if self._rule is None:
            return True
        first = self._rule.first(epochs)
        return first == self._first or min(first, self._first) > until

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """The engine's weights are the average meanwhile, where there is one."""
        if not self.there:
            yield
            return
        self._engine.swap_averages()
        try:
            yield
        finally:
            self._engine.swap_averages()
