"""Columns that never varied in training: a network has learned nothing about them."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ...rows.sources import is_sparse


class Constants:
    """Which columns have held one value so far, and that value.

    The weights of such a column are as they were drawn. Were it to change at prediction, they would
    act, although training has said nothing about them. So its input is held where it was.

    Arguments:
        columns: how many.

    Attributes:
        low, high: (columns,) float64: the smallest and the largest value of each column so far.

    Example:
        >>> constants = Constants(2)
        >>> constants.fold(np.array([[1.0, 2023.0], [3.0, 2023.0]]))
        >>> constants.held(np.array([[5.0, 2024.0]]))
        array([[   5., 2023.]])
    """

    def __init__(self, columns: int) -> None:
        self.low = np.full(columns, np.inf)
        self.high = np.full(columns, -np.inf)

    @classmethod
    def of(cls, values: Any, still: Any) -> Self:
        """Columns of which some are known to have held one value.

        Arguments:
            values: (columns,) the values.
            still: (columns,) whether it is known; others vary.
        """
        made = cls(len(values))
        made.low = np.where(still, values, -np.inf)
        made.high = np.where(still, values, np.inf)
        return made

    @property
    def still(self) -> Any:
        """(columns,) whether a column has not varied: what it differs by is rounding."""
        with np.errstate(over="ignore", invalid="ignore"):
            apart = self.high - self.low
            size = np.maximum(np.abs(self.low), np.abs(self.high))
        return (apart <= 8 * np.finfo(np.float64).eps * size) & np.isfinite(size)

    def fold(self, x: Any) -> None:
        """Takes rows in: (rows, columns), an array or CSR."""
        if not x.shape[0]:
            return
        low, high = x.min(axis=0), x.max(axis=0)
        if is_sparse(x):
            low, high = (part.toarray().ravel() for part in (low, high))
        self.low = np.minimum(self.low, low)
        self.high = np.maximum(self.high, high)

    def zeroed(self, x: Any) -> Any:
        """Scaled rows, an array or CSR of one's own, with 0 in the columns that have not varied."""
        still = self.still
        if is_sparse(x):
            x.data[still[x.indices]] = 0
        elif still.any():
            x[:, still] = 0
        return x

    def held(self, x: Any) -> Any:
        """Rows with the value of training in the columns that have not varied; a copy where that
        changes anything."""
        still = self.still
        if not is_sparse(x):
            values = self.low[still].astype(x.dtype)
            if (x[:, still] != values).any():
                x = x.copy()
                x[:, still] = values
            return x
        values = np.where(still, self.low, 0.0).astype(x.dtype)
        stored = still[x.indices]
        if not (stored.any() or values.any()):
            return x
        x = x.copy()
        x.data[stored] = 0
        columns = np.flatnonzero(values)
        if len(columns):
            # Rows may leave out what all rows of training had.
            rows = x.shape[0]
            parts = (np.tile(values[columns], rows), np.tile(columns, rows),
                     np.arange(rows + 1) * len(columns))
            x = x + type(x)(parts, shape=x.shape)
        return x
