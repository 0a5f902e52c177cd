"""Means and deviations of columns, folded together over several calls; scaling by them."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from ...errors import DataError
from ...rows.sources import chunk_rows, is_sparse

# The square of a smaller number loses digits, or is 0.
_TINY = 2.0**-480


class Moments:
    """Means and deviations of columns.

    Arguments:
        columns: how many.
        center: whether scaling subtracts the mean. Not for sparse tables: their zeros stay zeros.
        indicators: whether columns that hold zeros and ones alone keep their size. A rare category
            divided by its small deviation would outweigh every other column.

    Attributes:
        indicator: (columns,) whether all values so far are 0 or 1.
        weight: of all rows so far.
        mean: (columns,) float64.
        exponent: (columns,) whole numbers, 0 for all but tiny columns, whose squares would be 0:
            their squares are those of ``x / 2**exponent``.
        squares: (columns,): the sum of squared differences from the mean.

    Raises:
        DataError: numbers whose squares overflow.

    Source: Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", section 3.

    Example:
        >>> moments = Moments(1)
        >>> moments.fold(np.array([[1.0], [3.0]]))
        >>> moments.scaled(np.array([[5.0]]))
        array([[3.]])
    """

    def __init__(self, columns: int, center: bool = True, indicators: bool = False) -> None:
        self.center = center
        self.indicators = indicators
        self.indicator = np.ones(columns, bool)
        self.weight = 0.0
        self.mean = np.zeros(columns)
        self.squares = np.zeros(columns)
        self.exponent = np.zeros(columns, np.int64)

    @property
    def deviation(self) -> Any:
        """What scaling divides by: the standard deviation; 1 for a column that never varies, and
        for one that keeps its size."""
        kept = self.constant | (self.indicators & self.indicator)
        return np.where(kept, 1.0, np.ldexp(np.sqrt(self._variance), self.exponent))

    @property
    def middle(self) -> Any:
        """(columns,): what is 0 on the scale."""
        return self.mean

    @property
    def constant(self) -> Any:
        """(columns,) whether a column never varies."""
        # What its variance is beside zero is rounding, not signal.
        noise = (8 * np.finfo(np.float64).eps * np.ldexp(self.mean, -self.exponent)) ** 2
        return self._variance <= noise

    @property
    def _variance(self) -> Any:
        return self.squares / max(self.weight, np.finfo(np.float64).tiny)

    def fold(self, x: Any, weights: Any = None) -> None:
        """Takes rows in: (rows, columns), an array or CSR; weights (rows,) or None."""
        size = x.shape[0] if is_sparse(x) else chunk_rows(x.shape[1], 8)
        with np.errstate(over="ignore", invalid="ignore"):
            self._choose_exponents(x)
            for start in range(0, x.shape[0], size):
                part = slice(start, start + size)
                own = None if weights is None else np.asarray(weights[part], np.float64)
                self._fold(x if is_sparse(x) else x[part], own)
        bad = ~np.isfinite(self.squares)
        if bad.any():
            raise DataError(
                f"column {int(bad.argmax())} holds numbers so large that their squares overflow: "
                "divide the column by a constant"
            )

    def _choose_exponents(self, x: Any) -> None:
        """Of columns that were zeros so far and hold tiny numbers now; those that were tiny and are
        no more lose theirs, and their squares so far, which are nothing beside the new."""
        if not x.shape[0]:
            return
        largest = np.maximum(abs(x).max(axis=0).toarray().ravel() if is_sparse(x)
                             else np.maximum(x.max(axis=0), -x.min(axis=0)), 0.0)
        tiny = (largest > 0) & (largest < _TINY) & (self.mean == 0) & (self.squares == 0)
        grown = (largest >= _TINY) & (self.exponent != 0)
        self.squares = np.where(grown, np.ldexp(self.squares, 2 * self.exponent), self.squares)
        self.exponent = np.where(tiny, np.frexp(largest)[1], np.where(grown, 0, self.exponent))

    def _fold(self, x: Any, weights: Any) -> None:
        total = float(x.shape[0] if weights is None else weights.sum())
        if is_sparse(x):
            other = x.indices[(x.data != 0) & (x.data != 1)]
            self.indicator = self.indicator & (np.bincount(other, minlength=x.shape[1]) == 0)
            if self.exponent.any():
                x = x.astype(np.float64)
                x.data = np.ldexp(x.data, -self.exponent[x.indices])
            mean, squares = _sparse_moments(x, weights, total)
        else:
            self.indicator = self.indicator & np.all((x == 0) | (x == 1), axis=0)
            x = np.asarray(x, np.float64)
            x = np.ldexp(x, -self.exponent) if self.exponent.any() else x
            w = np.ones(len(x)) if weights is None else weights
            mean = w @ x / total
            mean = mean + w @ (x - mean) / total  # what rounding took from the sum of many
            squares = w @ (x - mean) ** 2
        both = self.weight + total
        shift = mean - np.ldexp(self.mean, -self.exponent)
        self.mean = self.mean + np.ldexp(shift * (total / both), self.exponent)
        self.squares = self.squares + squares + shift**2 * (self.weight * total / both)
        self.weight = both

    def with_columns(self, chosen: Any, x: Any, weights: Any = None) -> Moments:
        """The same, but for the columns chosen, (columns,) truth values, with these rows taken in:
        (rows, columns), an array or CSR."""
        both, result = copy(self), copy(self)
        both.fold(x, weights)
        result.indicator = np.where(chosen, both.indicator, self.indicator)
        result.mean = np.where(chosen, both.mean, self.mean)
        result.exponent = np.where(chosen, both.exponent, self.exponent)
        squares = both.squares * (self.weight / both.weight)
        result.squares = np.where(chosen, squares, self.squares)
        return result

    def scaled(self, x: Any, dtype: Any = np.float64) -> Any:
        """Rows on the common scale, an array or CSR as they came."""
        deviation = self.deviation
        if is_sparse(x):
            twin = x.astype(np.float64)
            twin.data /= deviation[twin.indices]
            if self.center:
                # Trained on a dense table: zeros move, so nothing stays sparse.
                return (twin.toarray() - self.mean / deviation).astype(dtype)
            return twin.astype(dtype)
        result = np.empty(x.shape, dtype)
        size = chunk_rows(x.shape[1], 8)
        for start in range(0, len(x), size):
            part = slice(start, start + size)
            rows = np.asarray(x[part], np.float64)
            result[part] = (rows - self.mean if self.center else rows) / deviation
        return result

    def original(self, x: Any) -> Any:
        """Back from the common scale; a column that never varied is its mean again."""
        width = np.where(self.constant, 0.0, self.deviation)
        return x * width + (self.mean if self.center else 0.0)


def _sparse_moments(x: Any, weights: Any, total: float) -> tuple[Any, Any]:
    columns = x.shape[1]
    w = None if weights is None else np.repeat(weights, np.diff(x.indptr))
    data = x.data.astype(np.float64)
    mean = np.bincount(x.indices, data if w is None else w * data, columns) / total
    stored = np.bincount(x.indices, w, columns)
    difference = (data - mean[x.indices]) ** 2
    squares = np.bincount(x.indices, difference if w is None else w * difference, columns)
    return mean, squares + (total - stored) * mean**2
