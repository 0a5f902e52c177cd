"""The data of a training: checked, split, shuffled."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..engine import Engine, as_array, as_lengths, as_weights
from ..errors import DataError
from ..given import no_numbers
from ..random import generator
from ..schedules import steps_per_epoch
from .sources import RowSource, as_source, rows_not_finite


def as_arrays(x: Any, y: Any, what: str) -> tuple[Any, Any]:
    """x and y as arrays of as many rows, or a DataError."""
    x, y = as_source(x), as_array(y, "y")
    if len(x.shape) < 2:
        raise DataError(
            f"{what}: x must have shape (rows, features...), got {x.shape}: "
            "use x[:, None] for a single feature"
        )
    if x.dtype.kind not in "iubf":
        raise DataError(f"{what}: x must hold numbers, {no_numbers(x)}")
    if y.ndim == 0 or len(x) != len(y):
        rows = len(y) if y.ndim else "none"
        raise DataError(f"{what}: x has {len(x)} rows and y has {rows}: they must be as many")
    if len(x) == 0:
        raise DataError(f"{what}: expects at least one row, got none")
    return x, y


def check_finite(x: Any, what: str, lengths: Any = None, dtype: Any = None) -> None:
    """Raises DataError naming the first row that holds NaN or infinity; what stands behind the end
    of a sequence does not matter. Of what is read a part at a time also for a number too large for
    the element type, since it becomes of that type only as it is read."""
    if isinstance(x, RowSource):
        count, first = x.not_finite(lengths, dtype)
    else:
        bad = rows_not_finite(x, lengths)
        count, first = int(bad.sum()), int(bad.argmax())
    if count:
        raise DataError(
            f"{what}: x holds NaN or infinity, first in row {first}: fill or leave out such rows "
            f"({count} of {len(x)})"
        )


class Examples(NamedTuple):
    """Arrays that go together, a row an example.

    Attributes:
        x, y: inputs and targets; x may be a source of rows (sources.py).
        weights: how much each example counts; None: 1 each.
        lengths: how many steps of each sequence count; None: all.
    """

    x: Any
    y: Any
    weights: Any = None
    lengths: Any = None

    def take(self, rows: Any) -> Examples:
        """Some of the examples."""
        return Examples(*(part if part is None else part[rows] for part in self))

    def that_count(self, dtype: str) -> Examples:
        """The same without the examples of weight 0: whatever is in them, they then contribute
        nothing."""
        weights = as_weights(dtype, self.weights, len(self.x))
        if weights is None or weights.all():
            return self
        return self.take(np.flatnonzero(weights))

    def prepared(self, engine: Engine) -> Examples:
        """The same, as the kernels want them."""
        program, n = engine.program, len(self.x)
        x = self.x
        if isinstance(x, RowSource):
            # The rest is looked at as it is read.
            engine.rows(x.dense(slice(0, 1), np.dtype(program.dtype)))
        else:
            x = engine.rows(x)
        return Examples(
            x, engine.targets(self.y), as_weights(program.dtype, self.weights, n),
            as_lengths(program, self.lengths, n),
        )


def rows_of(values: Any, rows: int, what: str) -> Any:
    """Weights or lengths as an array of as many rows, or a DataError; None stays None."""
    if values is None:
        return None
    values = as_array(values, what)
    if values.shape != (rows,):
        raise DataError(f"fit: {what} must have one number for each of the {rows} rows, got shape "
                        f"{values.shape}")
    return values


def split(all_: Examples, fraction: float, seed: int) -> tuple[Examples, Examples]:
    """Takes a share of the rows, chosen by the seed, out for validation: (kept, held out)."""
    x = all_.x
    if not 0 < fraction < 1:
        raise DataError(f"fit: validation is a share between 0 and 1, got {fraction}")
    rows = round(len(x) * fraction)
    if rows < 1 or rows >= len(x):
        raise DataError(
            f"fit: validation={fraction} of {len(x)} rows leaves {len(x) - rows} to train on "
            f"and {rows} to validate with: both need at least one"
        )
    order = generator(seed, "validation").permutation(len(x))
    held, kept = np.sort(order[:rows]), np.sort(order[rows:])
    return all_.take(kept), all_.take(held)


class Passes:
    """The order of the rows in each pass over the training set."""

    def __init__(self, engine: Engine, rows: int, batch: int, seed: int, shuffle: bool) -> None:
        self.rows, self.batch = rows, batch
        self._shuffle = shuffle and batch < rows
        self._seed = seed
        # A last batch of one row has no variance for batch normalization: that row sits this pass
        # out (another one the next time).
        self._left_out = rows > 1 and rows % batch == 1 and engine.program.training_rows > 1
        self.used = rows - self._left_out
        self.steps = int(steps_per_epoch(self.used, batch))

    def order(self, epoch: int) -> Any:
        """Row numbers of a pass, a function of (seed, epoch) alone; None for all rows as they
        lie."""
        if self._shuffle:
            random = generator(self._seed, f"shuffle of epoch {epoch}")
            return random.permutation(self.rows)[: self.used]
        return np.arange(self.used) if self._left_out else None
