"""Inputs on a common scale, measured on the training set alone."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from .errors import ConfigurationError, DataError
from .given import as_array, no_numbers
from .layers.base import Run
from .layers.statistics import scale_for_squares


class ByValue:
    """Base of dataclasses with arrays in them: equal where all that they hold is equal."""

    def _values(self) -> tuple[Any, ...]:
        held = (getattr(self, entry.name) for entry in fields(self) if entry.compare)  # type: ignore[arg-type]
        return tuple(
            (value.shape, value.dtype.str, (value + 0).tobytes())  # + 0: no negative zeros
            if isinstance(value, np.ndarray) else value for value in held
        )

    def __eq__(self, other: Any) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))


@dataclass(frozen=True, eq=False)
class Standardizer(ByValue):
    """Shifts and scales each feature to mean 0 and deviation 1: ``(x - mean) / deviation``.

    ``fit`` returns a new, fitted one. Fit it on the training set and apply it unchanged to
    everything else: statistics of test data would tell the network about the test.

    With ``channels``, the statistics of images (rows, height, width, channels) and sequences (rows,
    steps, features) are those of each channel over all rows and positions: the same channel has the
    same scale wherever it stands. Examples to transform may then have other heights or lengths.

    Attributes:
        mean, deviation: (features...,) or (channels,) float64 arrays once fitted, else None. A
            feature that never varies has deviation 1, so it becomes 0.
        channels: whether the last axis alone counts as features.
        constant: which features never varied in training, truth values once fitted. They are 0
            whatever they hold later: a network has learned nothing about them, and the weights that
            they would meet are as they were drawn.

    Raises:
        DataError: not fitted, no rows, values that are not finite, or other features than those
            it was fitted on.

    Source: LeCun, Bottou, Orr and Mueller 1998, "Efficient BackProp", section 4.3.

    Example:
        >>> scaler = Standardizer().fit(np.array([[1.0], [3.0]]))
        >>> scaler.transform(np.array([[5.0]]))
        array([[3.]])
        >>> images = np.random.default_rng(0).normal(5.0, 2.0, (100, 8, 8, 3))
        >>> Standardizer(channels=True).fit(images).mean.shape
        (3,)
    """

    mean: Any = None
    deviation: Any = None
    channels: bool = False
    constant: Any = field(default=None, compare=False)

    def fit(self, x: Any) -> Standardizer:
        """Statistics of `x`, shape (rows, features...)."""
        x, axes = training_rows(self, x, self.channels)
        mean, deviation = moments(x, axes, Run(training=True))
        return Standardizer(mean, deviation, self.channels, never_varies(x, axes))

    def transform(self, x: Any) -> Any:
        """`x` on the training set's scale; float32 stays float32."""
        return _transformed(self, x, self.mean, self.deviation)


@dataclass(frozen=True, eq=False)
class RobustScaler(ByValue):
    """Shifts and scales each feature by its median and a range between two of its quantiles:
    ``(x - median) / range``. A few values far out move neither.

    ``fit`` returns a new, fitted one, as with :class:`Standardizer`.

    Attributes:
        median, range: (features...,) or (channels,) float64 arrays once fitted, else None. A
            feature whose two quantiles are equal has range 1.
        quantiles: the lower and the upper, shares of 1; by default the quartiles. Between two
            values a quantile is interpolated linearly.
        channels: whether the last axis alone counts as features.
        constant: as of :class:`Standardizer`.

    Raises:
        ConfigurationError: quantiles that are no two shares in order.
        DataError: as :class:`Standardizer`.

    Source: Huber 1981, "Robust statistics", section 5.1 (median and interquartile range).

    Example:
        >>> x = np.array([[1.0], [2.0], [3.0], [4.0], [1e6]])
        >>> RobustScaler().fit(x).transform(x).ravel().round(1).tolist()
        [-1.0, -0.5, 0.0, 0.5, 499998.5]
    """

    median: Any = None
    range: Any = None
    quantiles: tuple[float, float] = (0.25, 0.75)
    channels: bool = False
    constant: Any = field(default=None, compare=False)

    def __post_init__(self) -> None:
        low, high = self.quantiles
        if not 0 <= low < high <= 1:
            raise ConfigurationError(
                "RobustScaler: quantiles must be two shares of 1, the smaller first, got "
                f"{self.quantiles!r}"
            )
        object.__setattr__(self, "quantiles", (low, high))

    def fit(self, x: Any) -> RobustScaler:
        """Statistics of `x`, shape (rows, features...)."""
        x, axes = training_rows(self, x, self.channels)
        with np.errstate(over="ignore"):
            median, width = spread(x, self.quantiles, axes, Run(training=True))
        if not np.all(np.isfinite(width)):
            raise DataError(
                "RobustScaler: the quantiles of a feature are further apart than the largest "
                "number: divide the feature by a constant"
            )
        constant = never_varies(x, axes)
        return RobustScaler(median, width, self.quantiles, self.channels, constant)

    def transform(self, x: Any) -> Any:
        """`x` on the training set's scale; float32 stays float32."""
        return _transformed(self, x, self.median, self.range)


def moments(x: Any, axes: Any, run: Run) -> tuple[Any, Any]:
    """The definition of what :class:`Standardizer` measures: (mean, deviation) over some axes."""
    xp, note = run.xp, run.note
    scale = scale_for_squares(x, axes) if x.dtype == np.float64 else None
    if scale is not None:
        x = x * scale
    if x.dtype == object:
        mean = xp.mean(x, axis=axes)
    else:
        mean = x.mean(axis=axes, dtype=np.float64)
        mean = mean + (x - mean).mean(axis=axes)  # what rounding took from the sum of many
    mean = note("mean", mean, "mean of x")
    variance = note("variance", xp.mean((x - mean) ** 2, axis=axes), "mean of (x - mean)^2")
    deviation = xp.sqrt(variance)
    # A constant column's computed deviation is rounding, not signal.
    constant = deviation <= 8 * np.finfo(np.float64).eps * abs(mean)
    if scale is not None:
        scale = scale.reshape(mean.shape)
        mean, deviation = mean / scale, deviation / scale
    deviation = xp.where(constant, 1.0, deviation)
    return mean, note("deviation", deviation, "sqrt(variance), 1 where that is 0")


def spread(x: Any, quantiles: tuple[float, float], axes: Any, run: Run) -> tuple[Any, Any]:
    """The definition of what :class:`RobustScaler` measures: (median, range) over some axes."""
    xp, note, shares = run.xp, run.note, (quantiles[0], 0.5, quantiles[1])
    if x.dtype == object:
        rows = np.take_along_axis(x, np.argsort(x, axis=axes), axis=axes)
        low, median, high = (_between(rows, share) for share in shares)
    else:
        x = x.astype(np.float64)
        largest = np.abs(x).max(axis=axes, keepdims=True)
        part = np.where(largest > 1e307, 4.0, 1.0)  # so that no difference overflows
        found = np.quantile(x / part, shares, axis=axes)
        low, median, high = found * part.reshape(found.shape[1:])
    median = note("median", median, "middle of the sorted x")
    low = note("lower", low, "the lower quantile of x")
    high = note("upper", high, "the upper quantile of x")
    width = high - low
    width = xp.where(width > 0, width, 1.0)
    return median, note("range", width, "upper - lower, 1 where that is 0")


def _between(rows: Any, share: float) -> Any:
    """The row at a share of the way through sorted ones; between two of them, interpolated."""
    place = share * (len(rows) - 1)
    below = int(place)
    if place == below:
        return rows[below]
    return rows[below] + (place - below) * (rows[below + 1] - rows[below])


def scaled(x: Any, middle: Any, width: Any, run: Run,
           formula: str = "(x - mean) / deviation") -> Any:
    """The definition of what a scaler does to rows."""
    return run.note("scaled", (x - middle) / width, formula)


def never_varies(x: Any, axes: Any) -> Any:
    """Which features differ by no more than rounding, over some axes: truth values."""
    low, high = (np.asarray(end(axis=axes), np.float64) for end in (x.min, x.max))
    with np.errstate(over="ignore"):
        apart = high - low
    return apart <= 8 * np.finfo(np.float64).eps * np.maximum(np.abs(low), np.abs(high))


def training_rows(scaler: Any, x: Any, channels: bool) -> tuple[Any, Any]:
    """Rows to fit on, and the axes that statistics are taken over."""
    name = type(scaler).__name__
    x = rows_of_numbers(name, x)
    if x.ndim < 1 or len(x) == 0:
        raise DataError(f"{name}: expects at least one row, got none")
    if channels and (x.ndim < 2 or x.size == 0):
        raise DataError(
            f"{name}: channels=True expects shape (rows, ..., channels) and at least one "
            f"position, got {x.shape}: add the axis that is missing"
        )
    if not np.all(np.isfinite(x)):
        raise DataError(
            f"{name}: the data hold NaN or infinity: fill the gaps first, "
            "for instance with sklearn.impute.SimpleImputer"
        )
    return x, tuple(range(x.ndim - 1)) if channels else 0


def _transformed(scaler: Any, x: Any, middle: Any, width: Any) -> Any:
    """``(x - middle) / width``, of the features that the scaler was fitted on."""
    x = fitted_rows(scaler, x, middle)
    with np.errstate(over="ignore"):
        result = scaled(x, middle, width, Run(training=False))
        lost = np.isinf(result)
        if lost.any():  # the difference may have been too large, and what it is divided by larger
            result = np.where(lost, (x / 2 - middle / 2) / (width / 2), result)
    if scaler.constant is not None and scaler.constant.any():
        result = np.where(scaler.constant, 0.0, result)
    return as_it_came(result, x)


def fitted_rows(scaler: Any, x: Any, middle: Any) -> Any:
    """Rows of the features that a scaler was fitted on, as an array.

    Raises:
        DataError: it was not fitted, or on other features; what :func:`rows_of_numbers` refuses.
    """
    name = type(scaler).__name__
    if middle is None:
        raise DataError(f"{name}: call fit on the training set before transform")
    x = rows_of_numbers(name, x)
    features = x.shape[max(1, x.ndim - 1) :] if scaler.channels else x.shape[1:]
    if features != middle.shape:
        what = "channels" if scaler.channels else "features of shape"
        raise DataError(f"{name}: was fitted on {what} {middle.shape}, got {features}")
    return x


def as_it_came(result: Any, x: Any) -> Any:
    """What was made of float32 as float32."""
    with np.errstate(over="ignore"):
        return result.astype(np.float32) if x.dtype == np.float32 else result


def rows_of_numbers(name: str, x: Any) -> Any:
    """Rows as an array of numbers."""
    if hasattr(x, "toarray"):
        raise DataError(f"{name}: expects dense rows, got a sparse matrix: give x.toarray()")
    x = as_array(x, name)
    if x.dtype.kind not in "iubf":
        raise DataError(f"{name}: expects numbers, {no_numbers(x)}")
    return x
