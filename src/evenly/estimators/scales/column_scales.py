"""Scales of inputs by quantiles: what the estimators learn where tails are long."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

import numpy as np

from ...errors import ConfigurationError, DataError
from ...rows.sources import chunk_rows, is_sparse
from ...tails import (
    check_size,
    middle_of,
    normal_knots,
    normal_scores,
    robust_statistics,
    robustly_scaled,
)
from .moments import Moments

STANDARD = "standard"


class ColumnScale:
    """Base of scales that are learned of all rows at once.

    Columns that hold zeros and ones alone lose their mean and keep their size, as with
    :class:`Moments`.

    Attributes:
        indicator: (columns,) whether all values of training are 0 or 1.
        middle: (columns,) float64: what is 0 on the scale.
    """

    name = ""
    # Zeros do not stay zeros.
    center = True

    indicator: Any
    middle: Any

    @classmethod
    def of(cls, x: Any, weights: Any = None) -> Self:
        """The scale of some rows.

        Arguments:
            x: (rows, columns), dense.
            weights: (rows,) above 0, or None.

        Raises:
            DataError: sparse rows; numbers whose differences overflow.
        """
        if is_sparse(x):
            raise DataError(
                f"scale={cls.name!r} moves zeros, so sparse rows would not stay sparse: take "
                'scale="standard", or give X.toarray()'
            )
        check_size(x, f"scale={cls.name!r}")
        made = cls.__new__(cls)
        made.indicator = np.all((x == 0) | (x == 1), axis=0)
        made._learn(x, None if weights is None else np.asarray(weights, np.float64))
        if made.indicator.any():
            kept = np.asarray(x[:, made.indicator], np.float64)
            made.middle[made.indicator] = np.average(kept, axis=0, weights=weights)
        return made

    def _learn(self, x: Any, weights: Any) -> None:
        raise NotImplementedError

    def _apply(self, x: Any) -> Any:
        """Rows, dense, without regard to the indicators: float64."""
        raise NotImplementedError

    def with_columns(self, chosen: Any, x: Any, weights: Any = None) -> Self:
        """The same, but for the columns chosen, (columns,) truth values, with the scale of these
        rows."""
        other, result = self.of(x, weights), copy(self)
        result.indicator = np.where(chosen, other.indicator, self.indicator)
        result.middle = np.where(chosen, other.middle, self.middle)
        result._take(chosen, other)
        return result

    def _take(self, chosen: Any, other: Self) -> None:
        raise NotImplementedError

    def scaled(self, x: Any, dtype: Any = np.float64) -> Any:
        """Rows on the scale: dense, whatever came."""
        result = np.empty(x.shape, dtype)
        size = chunk_rows(x.shape[1], 8)
        kept = self.indicator
        for start in range(0, x.shape[0], size):
            rows = x[start : start + size]
            rows = np.asarray(rows.toarray() if is_sparse(rows) else rows, np.float64)
            part = self._apply(rows)
            part[:, kept] = rows[:, kept] - self.middle[kept]
            result[start : start + size] = part
        return result


class RobustColumns(ColumnScale):
    """Median and quartiles, and a smooth clip: see :class:`evenly.SmoothClipScaler`.

    Attributes:
        width: (columns,) float64: what is divided by.

    Example:
        >>> scale = RobustColumns.of(np.array([[1.0], [2.0], [3.0], [4.0], [1e6]]))
        >>> scale.scaled(np.array([[3.0], [1e9]])).round(2)
        array([[0.],
               [3.]])
    """

    name = "robust"
    width: Any

    def _learn(self, x: Any, weights: Any) -> None:
        self.middle, self.width = robust_statistics(x, weights)

    def _apply(self, x: Any) -> Any:
        return robustly_scaled(x, self.middle, self.width)

    def _take(self, chosen: Any, other: Self) -> None:
        self.width = np.where(chosen, other.width, self.width)


class NormalColumns(ColumnScale):
    """Ranks as a normal distribution has them: see :class:`evenly.NormalScaler`.

    Attributes:
        values, scores, starts: as of :class:`evenly.NormalScaler`.

    Example:
        >>> scale = NormalColumns.of(np.array([[1.0], [2.0], [4.0], [1e6]]))
        >>> scale.scaled(np.array([[3.0], [1e9]])).round(2)
        array([[0.  ],
               [1.15]])
    """

    name = "normal"
    values: Any
    scores: Any
    starts: Any

    def _learn(self, x: Any, weights: Any) -> None:
        self.values, self.scores, self.starts = normal_knots(x, weights)
        self.middle = middle_of(self.values, self.scores, self.starts)

    def _apply(self, x: Any) -> Any:
        return normal_scores(x, self.values, self.scores, self.starts)

    def _take(self, chosen: Any, other: Self) -> None:
        parts = [
            (other if new else self)._of_column(c) for c, new in enumerate(chosen.tolist())
        ]
        self.starts = np.concatenate([[0], np.cumsum([len(values) for values, _ in parts])])
        self.values = np.concatenate([values for values, _ in parts])
        self.scores = np.concatenate([scores for _, scores in parts])

    def _of_column(self, c: int) -> tuple[Any, Any]:
        part = slice(self.starts[c], self.starts[c + 1])
        return self.values[part], self.scores[part]


BY_QUANTILES: dict[str, type[ColumnScale]] = {
    kind.name: kind for kind in (RobustColumns, NormalColumns)
}


def scale_kind(value: Any) -> str | None:
    """The argument `scale` as a name: ``"standard"`` for True, None for False."""
    if isinstance(value, (bool, np.bool_)):
        return STANDARD if value else None
    if isinstance(value, str) and (value == STANDARD or value in BY_QUANTILES):
        return value
    raise ConfigurationError(
        f'scale must be True, False, "standard", "robust" or "normal", got {value!r}'
    )


def kind_of(scaler: Any) -> str | None:
    """The same of a scale that was learned."""
    if scaler is None:
        return None
    return STANDARD if isinstance(scaler, Moments) else str(scaler.name)


def learned_scale(value: Any, x: Any, weights: Any) -> Moments | ColumnScale | None:
    """The scale of the training rows that the argument `scale` asks for."""
    kind = scale_kind(value)
    if kind is None:
        return None
    if kind in BY_QUANTILES:
        return BY_QUANTILES[kind].of(x, weights)
    moments = Moments(x.shape[1], center=not is_sparse(x), indicators=True)
    moments.fold(x, weights)
    return moments


def middles(value: Any, x: Any, weights: Any) -> Any:
    """(columns,): what that scale makes 0; None without one."""
    kind = scale_kind(value)
    if kind in BY_QUANTILES:
        return BY_QUANTILES[kind].of(x, weights).middle
    return None if kind is None else np.average(x, axis=0, weights=weights)
