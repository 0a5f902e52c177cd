"""Scales of targets for losses that are not of squares: robust ones, and those of a mean."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

import numpy as np

# So many rows tell median and quartiles well enough; half of them are kept when there are more.
MOST_ROWS = 4096
# Pairs of quantiles, the first that differ count, and how many deviations of a normal distribution
# lie between them.
_PAIRS = ((0.25, 0.75, 1.34898), (0.1, 0.9, 2.5631), (0.05, 0.95, 3.28971), (0.01, 0.99, 4.6527))
_ROUNDING = 8 * np.finfo(np.float64).eps


class Span:
    """The smallest and the largest of each column so far.

    Arguments:
        columns: how many.

    Attributes:
        low, high: (columns,) float64.
    """

    def __init__(self, columns: int) -> None:
        self.low = np.full(columns, np.inf)
        self.high = np.full(columns, -np.inf)

    @property
    def constant(self) -> Any:
        """(columns,) whether a column has not varied."""
        with np.errstate(over="ignore", invalid="ignore"):
            size = np.maximum(np.abs(self.low), np.abs(self.high))
            return (self.high - self.low <= _ROUNDING * size) & np.isfinite(size)

    def fold(self, y: Any, weights: Any = None) -> None:
        """Takes rows in: (rows, columns); weights (rows,) or None."""
        self.low = np.minimum(self.low, y.min(axis=0))
        self.high = np.maximum(self.high, y.max(axis=0))

    def with_columns(self, chosen: Any, y: Any, weights: Any = None) -> Self:
        """The same, but for the columns chosen, (columns,) truth values, with these rows taken
        in."""
        both = copy(self)
        both.fold(y, weights)
        for name in self._of_columns:
            setattr(both, name, np.where(chosen, getattr(both, name), getattr(self, name)))
        return both

    _of_columns: tuple[str, ...] = ("low", "high")


class RobustScale(Span):
    """Medians and quartile spreads of columns: a few values far out move neither.

    The spread is that of a normal distribution with these quartiles. Where the quartiles are equal,
    the tenths from either end are taken, then the twentieths and hundredths, and then the mean
    distance from the median. Of more than 4,096 rows some are kept, spread evenly.

    Arguments:
        columns: how many.

    Attributes:
        low, high: (columns,) float64: the smallest and the largest value so far.
        middle, width: (columns,) float64: what scaling subtracts and divides by.
        rows, weights: those that are kept, (n, columns) and (n,).
        stride, seen: one of so many rows is kept, of so many.

    Source: Huber 1981, "Robust statistics", section 5.1.

    Example:
        >>> scale = RobustScale(1)
        >>> scale.fold(np.array([[1.0], [2.0], [3.0], [4.0], [1e6]]))
        >>> scale.middle, scale.scaled(np.array([[3.0]]))
        (array([3.]), array([[0.]]))
    """

    _of_columns = ("low", "high", "middle", "width")

    def __init__(self, columns: int) -> None:
        super().__init__(columns)
        self.rows = np.empty((0, columns))
        self.weights = np.empty(0)
        self.stride, self.seen = 1, 0
        self.middle = np.zeros(columns)
        self.width = np.ones(columns)

    def fold(self, y: Any, weights: Any = None) -> None:
        super().fold(y)
        own = np.ones(len(y)) if weights is None else np.asarray(weights, np.float64)
        # Rows 0, stride, 2 stride, ... of all that ever came.
        chosen = slice(-self.seen % self.stride, None, self.stride)
        self.rows = np.concatenate([self.rows, np.asarray(y, np.float64)[chosen]])
        self.weights = np.concatenate([self.weights, own[chosen]])
        self.seen += len(y)
        while len(self.rows) > MOST_ROWS:
            self.rows, self.weights = self.rows[::2], self.weights[::2]
            self.stride *= 2
        self.measure()

    def measure(self) -> None:
        """Finds middle and width from the rows that are kept."""
        with np.errstate(over="ignore"):
            found = [self._of_column(self.rows[:, c]) for c in range(self.rows.shape[1])]
        self.middle = np.array([middle for middle, _ in found])
        self.width = np.array([width for _, width in found])

    def _of_column(self, values: Any) -> tuple[float, float]:
        order = np.argsort(values, kind="stable")
        values, weights = values[order], self.weights[order] / self.weights.max()
        # Each row stands in the middle of its own weight.
        places = (np.cumsum(weights) - weights / 2) / weights.sum()
        middle = float(np.interp(0.5, places, values))
        for low, high, deviations in _PAIRS:
            first, last = np.interp((low, high), places, values)
            width = last / deviations - first / deviations
            if width > _ROUNDING * max(abs(first), abs(last)):
                return middle, float(width)
        width = float(np.average(np.abs(values - middle), weights=weights))
        return middle, width if width > _ROUNDING * abs(middle) else 1.0

    def scaled(self, y: Any) -> Any:
        """Rows on the common scale."""
        return (y - self.middle) / self.width

    def original(self, y: Any) -> Any:
        """Back from the common scale; a column that never varied is its value again."""
        return y * np.where(self.constant, 0.0, self.width) + self.middle


class MeanScale(Span):
    """Means of columns that are not negative: scaling divides by them, and moves nothing, so that
    what is 0 stays 0.

    Arguments:
        columns: how many.

    Attributes:
        low, high: (columns,) float64: the smallest and the largest value so far.
        weight: of all rows so far.
        mean: (columns,) float64.

    Example:
        >>> scale = MeanScale(1)
        >>> scale.fold(np.array([[1e-9], [3e-9]]))
        >>> scale.scaled(np.array([[2e-9]]))
        array([[1.]])
    """

    _of_columns = ("low", "high", "mean")

    def __init__(self, columns: int) -> None:
        super().__init__(columns)
        self.weight = 0.0
        self.mean = np.zeros(columns)

    def fold(self, y: Any, weights: Any = None) -> None:
        super().fold(y)
        own = np.ones(len(y)) if weights is None else np.asarray(weights, np.float64)
        total = float(own.sum())
        largest = np.where(self.high > 0, self.high, 1.0)  # the sum of the largest overflows
        mean = (own / total) @ (y / largest) * largest
        self.weight += total
        self.mean = self.mean + (mean - self.mean) * (total / self.weight)

    @property
    def _unit(self) -> Any:
        return np.where(self.mean > 0, self.mean, 1.0)

    def scaled(self, y: Any) -> Any:
        """Rows on the common scale."""
        return y / self._unit

    def original(self, y: Any) -> Any:
        """Back from the common scale; a column that never varied is its value again."""
        with np.errstate(over="ignore"):
            return np.where(self.constant, self.low, y * self._unit)
