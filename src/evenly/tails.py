"""Inputs with long tails and single outliers, brought near the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import numpy as np

from .errors import ConfigurationError, DataError
from .scaling import ByValue, as_it_came, fitted_rows, never_varies, training_rows

# As far as scores of a normal distribution go.
FARTHEST = 3.0
# Knots of the way from ranks to a normal, at most.
KNOTS = 1000
# Differences of larger numbers overflow.
LARGEST = 1e300
# A farther place is at the limit of the clip by all digits, and its square does not overflow.
_FAR = 1e100
_ROUNDING = 8 * np.finfo(np.float64).eps
# Columns are measured so many at a time.
_BLOCK = 16


@dataclass(frozen=True, eq=False)
class SmoothClipScaler(ByValue):
    """Shifts and scales each feature by its median and quartiles, and bends far values inwards::

        z = (x - median) / (upper quartile - lower quartile)
        y = z / sqrt(1 + (z / limit)^2)

    Near 0 ``y`` is ``z``; no ``y`` is farther out than `limit`, and the order of values stays. So
    neither the scale nor the network is moved by a few values far out. Where the quartiles are
    equal, z is divided by half of largest - smallest.

    ``fit`` returns a new, fitted one, as with :class:`evenly.Standardizer`.

    Attributes:
        median, range: (features...,) or (channels,) float64 arrays once fitted, else None: what is
            subtracted, and what is divided by.
        limit: > 0.
        channels: whether the last axis alone counts as features.
        constant: which features never varied in training, truth values once fitted: they are 0.

    Raises:
        ConfigurationError: a limit that is no number above 0.
        DataError: as :class:`evenly.Standardizer`; numbers beyond 1e300.

    Source: Holzmueller, Grinsztajn and Steinwart 2024, "Better by default: strong pre-tuned MLPs
    and boosted trees on tabular data", section 3 (robust scaling and smooth clipping).

    Example:
        >>> x = np.array([[1.0], [2.0], [3.0], [4.0], [1e6]])
        >>> SmoothClipScaler().fit(x).transform(x).ravel().round(2).tolist()
        [-0.95, -0.49, 0.0, 0.49, 3.0]
    """

    median: Any = None
    range: Any = None
    limit: float = 3.0
    channels: bool = False
    constant: Any = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.limit, (int, float)) or not 0 < self.limit < np.inf:
            raise ConfigurationError(
                f"SmoothClipScaler: limit must be a number above 0, got {self.limit!r}"
            )

    def fit(self, x: Any) -> SmoothClipScaler:
        """Statistics of `x`, shape (rows, features...)."""
        x, axes = training_rows(self, x, self.channels)
        columns, shape = _as_columns(x, self.channels)
        check_size(columns, "SmoothClipScaler")
        median, width = robust_statistics(columns)
        return SmoothClipScaler(median.reshape(shape), width.reshape(shape), self.limit,
                                self.channels, never_varies(x, axes))

    def transform(self, x: Any) -> Any:
        """`x` on the training set's scale; float32 stays float32."""
        x = fitted_rows(self, x, self.median)
        y = smoothly_clipped(_apart(x, self.median, self.range), self.limit)
        return as_it_came(np.where(self.constant, 0.0, y), x)


@dataclass(frozen=True, eq=False)
class NormalScaler(ByValue):
    """Replaces each value by what a normal distribution has at its rank::

        y = the normal quantile of (rank - 1/2) / rows, within -3 and 3

    Equal values share the middle of their ranks. Between the values of training `y` is
    interpolated, and beyond the outermost it stays. A feature is then spread as a normal
    distribution is, however it was; only the order of its values counts. Of more than a thousand
    different values some thousand are kept, evenly spread by rank.

    ``fit`` returns a new, fitted one, as with :class:`evenly.Standardizer`.

    Attributes:
        median: (features...,) or (channels,) float64 once fitted, else None.
        values, scores: what is interpolated between, one feature behind the other, each rising.
        starts: (features + 1,): where each feature's values begin and end.
        channels: whether the last axis alone counts as features.
        constant: which features never varied in training, truth values once fitted: they are 0.

    Raises:
        DataError: as :class:`evenly.Standardizer`; numbers beyond 1e300.

    Source: van der Waerden 1952, "Order tests for the two-sample problem and their power"; for
    inputs of networks: Gorishniy, Rubachev, Khrulkov and Babenko 2021, "Revisiting deep learning
    models for tabular data", section 4.

    Example:
        >>> x = np.array([[1.0], [2.0], [2.0], [4.0], [1e6]])
        >>> NormalScaler().fit(x).transform(x).ravel().round(2).tolist()
        [-1.28, -0.25, -0.25, 0.52, 1.28]
    """

    median: Any = None
    values: Any = None
    scores: Any = None
    starts: Any = None
    channels: bool = False
    constant: Any = field(default=None, compare=False)

    @property
    def is_fitted(self) -> bool:
        """Whether the statistics are there and fit each other."""
        kinds = ((self.median, "f8"), (self.values, "f8"), (self.scores, "f8"), (self.starts, "i8"),
                 (self.constant, "?"))
        if not all(isinstance(part, np.ndarray) and part.dtype == kind for part, kind in kinds):
            return False
        flat = (self.values.ndim, self.scores.ndim, self.starts.ndim) == (1, 1, 1)
        alike = self.constant.shape == self.median.shape and len(self.values) == len(self.scores)
        return bool(flat and alike and self.starts.shape == (self.median.size + 1,)
                    and np.isfinite(self.values).all() and np.isfinite(self.median).all()
                    and are_knots(self.values, self.scores, self.starts))

    def fit(self, x: Any) -> NormalScaler:
        """Ranks of `x`, shape (rows, features...)."""
        x, axes = training_rows(self, x, self.channels)
        columns, shape = _as_columns(x, self.channels)
        check_size(columns, "NormalScaler")
        knots = normal_knots(columns)
        median = middle_of(*knots).reshape(shape)
        return NormalScaler(median, *knots, self.channels, never_varies(x, axes))

    def transform(self, x: Any) -> Any:
        """`x` by its ranks in the training set; float32 stays float32."""
        x = fitted_rows(self, x, self.median)
        columns, _ = _as_columns(x, self.channels)
        y = normal_scores(columns, self.values, self.scores, self.starts).reshape(x.shape)
        return as_it_came(np.where(self.constant, 0.0, y), x)


def _as_columns(x: Any, channels: bool) -> tuple[Any, Any]:
    """Rows as a matrix of features, and the features' shape."""
    if channels:
        return x.reshape(-1, x.shape[-1]), x.shape[-1:]
    return x.reshape(len(x), int(np.prod(x.shape[1:]))), x.shape[1:]


def check_size(x: Any, name: str) -> None:
    """Raises DataError for numbers (rows, columns) whose differences overflow: of float64 alone."""
    if not x.size or x.dtype != np.float64:
        return
    bad = (x.max(axis=0) > LARGEST) | (x.min(axis=0) < -LARGEST)
    if bad.any():
        raise DataError(
            f"{name}: column {int(bad.argmax())} holds numbers beyond {LARGEST:g}, whose "
            "differences overflow: divide the column by a constant"
        )


def robust_statistics(x: Any, weights: Any = None) -> tuple[Any, Any]:
    """(median, width) of each column: the width between the quartiles; where that is 0 half of
    largest - smallest, and where that is 0 too, 1.

    Arguments:
        x: (rows, columns).
        weights: (rows,) above 0, or None. Between two rows a quantile is interpolated, each row in
            the middle of its weight; with equal weights as ``numpy.quantile`` does.
    """
    median, width = np.zeros(x.shape[1]), np.ones(x.shape[1])
    for start in range(0, x.shape[1], _BLOCK):
        part = slice(start, start + _BLOCK)
        columns = np.ascontiguousarray(np.asarray(x[:, part], np.float64).T)
        if weights is None:
            low, middle, high = np.quantile(columns, (0.25, 0.5, 0.75), axis=1)
        else:
            low, middle, high = np.array([_quartiles(values, weights) for values in columns]).T
        between = high - low
        near = _ROUNDING * np.maximum(np.abs(low), np.abs(high))
        smallest, largest = columns.min(axis=1), columns.max(axis=1)
        span = largest / 2 - smallest / 2
        still = span <= _ROUNDING * np.maximum(np.abs(smallest), np.abs(largest)) / 2
        median[part] = middle
        width[part] = np.where(between > near, between, np.where(still, 1.0, span))
    width[width == 0] = 1.0
    return median, width


def _quartiles(values: Any, weights: Any) -> Any:
    order = np.argsort(values, kind="stable")
    own = weights[order] / weights.max()
    places = np.cumsum(own) - own / 2
    places = places - places[0]
    return np.interp(np.array([0.25, 0.5, 0.75]) * places[-1], places, values[order])


def _apart(x: Any, middle: Any, width: Any) -> Any:
    """``(x - middle) / width``: what overflows is as far out as numbers go."""
    with np.errstate(over="ignore"):
        return (np.asarray(x, np.float64) - middle) / width


def smoothly_clipped(z: Any, limit: float = FARTHEST) -> Any:
    """``z / sqrt(1 + (z / limit)^2)``: z near 0, and never farther out than the limit."""
    z = np.clip(z, -_FAR, _FAR)
    return z / np.sqrt(1 + (z / limit) ** 2)


def robustly_scaled(x: Any, middle: Any, width: Any, limit: float = FARTHEST) -> Any:
    """Rows by median and width, bent inwards: float64."""
    return smoothly_clipped(_apart(x, middle, width), limit)


def normal_knots(x: Any, weights: Any = None) -> tuple[Any, Any, Any]:
    """(values, scores, starts) of the columns, one behind the other: the different values of each,
    and what a normal distribution has at the middle of their ranks.

    Arguments:
        x: (rows, columns).
        weights: (rows,) above 0, or None.
    """
    parts = [_ranked(x[:, c], weights) for c in range(x.shape[1])]
    shares = np.concatenate([share for _, share in parts] or [np.zeros(0)])
    # Columns without ties share theirs.
    different, where = np.unique(shares, return_inverse=True)
    normal, most = NormalDist(), NormalDist().cdf(FARTHEST)
    scores = np.array([
        normal.inv_cdf(share) if 1 - most < share < most else np.copysign(FARTHEST, share - 0.5)
        for share in different.tolist()
    ])
    starts = np.concatenate([[0], np.cumsum([len(values) for values, _ in parts])])
    values = np.concatenate([values for values, _ in parts] or [np.zeros(0)])
    return values, scores[where.reshape(shares.shape)], starts.astype(np.int64)


def _ranked(column: Any, weights: Any) -> tuple[Any, Any]:
    """Different values, and the share of all rows that lies below the middle of each."""
    column = np.asarray(column, np.float64) + 0.0
    if weights is None:
        values, own = np.unique(column, return_counts=True)
        own = own.astype(np.float64)
    else:
        values, places = np.unique(column, return_inverse=True)
        own = np.bincount(places, weights / weights.max(), len(values))
    reached = np.cumsum(own)
    shares = (reached - own / 2) / reached[-1]
    if len(values) > KNOTS:
        chosen = np.searchsorted(reached, np.linspace(0, 1, KNOTS) * reached[-1])
        chosen = np.unique(np.minimum(chosen, len(values) - 1))
        values, shares = values[chosen], shares[chosen]
    return values, shares


def middle_of(values: Any, scores: Any, starts: Any) -> Any:
    """(columns,): the value whose score is 0, or nearest to it."""
    result = np.zeros(len(starts) - 1)
    for c, (start, end) in enumerate(pairwise(starts.tolist())):
        if end > start:
            result[c] = np.interp(0.0, scores[start:end], values[start:end])
    return result


def normal_scores(x: Any, values: Any, scores: Any, starts: Any) -> Any:
    """Rows by what :func:`normal_knots` found: (rows, columns) float64."""
    result = np.empty(x.shape)
    for c in range(x.shape[1]):
        knots, own = values[starts[c] : starts[c + 1]], scores[starts[c] : starts[c + 1]]
        column = np.clip(np.asarray(x[:, c], np.float64), knots[0], knots[-1])
        if len(knots) == 1:
            result[:, c] = own[0]
            continue
        above = np.clip(np.searchsorted(knots, column), 1, len(knots) - 1)
        low, high = knots[above - 1], knots[above]
        share = (column - low) / (high - low)
        result[:, c] = own[above - 1] + share * (own[above] - own[above - 1])
    return result


def are_knots(values: Any, scores: Any, starts: Any) -> bool:
    """Whether each column has at least one knot, values that rise, and scores that do not fall."""
    if starts[0] != 0 or starts[-1] != len(values) or (np.diff(starts) < 1).any():
        return False
    inner = np.ones(max(len(values) - 1, 0), bool)
    inner[starts[1:-1] - 1] = False  # from one column to the next
    with np.errstate(over="ignore"):
        return bool((np.abs(scores) <= FARTHEST).all() and (np.diff(values)[inner] > 0).all()
                    and (np.diff(scores)[inner] >= 0).all())
