"""Who looks at steps of a training, between native calls."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np


class Watcher(Protocol):
    """Looks at steps of :meth:`Engine.train`, and leaves every array that outlives one as it is."""

    @property
    def due(self) -> int:
        """The step that it looks at next, counted from 0 over the whole training."""

    def before(self, engine: Any, numbers: Any, x: Any, y: Any, weights: Any, lengths: Any) -> None:
        """A step of an engine comes: its batch, and its numbers as :meth:`Engine.run` takes
        them."""

    def after(self, engine: Any) -> None:
        """That step is made. Not called where it was not finite."""


def batch_of(parts: Any, order: Any, n: int, batch: int, index: int) -> list[Any]:
    """The rows of one batch of a pass, of each array; None stays None."""
    return rows_of_batch(parts, order, index * batch, 0, min(batch, n - index * batch))


def rows_of_batch(parts: Any, order: Any, begin: int, first: int, last: int) -> list[Any]:
    """The rows [first, last) of the batch that begins at a place of a pass, likewise."""
    at = slice(begin + first, begin + last)
    rows = at if order is None else order[at]
    return [part if part is None else np.ascontiguousarray(part[rows]) for part in parts]
