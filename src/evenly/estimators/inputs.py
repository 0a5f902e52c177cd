"""From a table to what the network reads: checked, scaled, and without what never varied."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.utils.validation import _check_sample_weight, validate_data

from ..errors import ConfigurationError, DataError
from ..given import check_mask, of_library
from ..rows.sources import is_sparse
from .fits.going_on import ANEW
from .parameters import NestedParameters
from .scales.column_scales import STANDARD, kind_of, learned_scale, scale_kind
from .scales.constants import Constants
from .scales.moments import Moments
from .settings import element_type

# The element types that inputs keep; others become the first.
_KINDS = (np.float64, np.float32)
# What is done about a table's mask.
_FILL = "fill X with NaN (X.filled(np.nan)) and put sklearn.impute.SimpleImputer in front"


class ScaledInputs(NestedParameters):
    """What the estimators do to inputs in front of the network."""

    scale: Any
    dtype: Any
    # How many of the last inputs are row numbers of a table, and the rows of that table: an
    # estimator for tables says so.
    _coded: tuple[int, int] = (0, 0)

    def _fold_targets(self, y: Any, weights: Any, first: bool) -> None:
        """Learns the scale of the targets that are trained on."""

    def _check_x(self, X: Any, reset: bool = False) -> Any:
        X = _taken(X)
        with numbers_alone(self, X):
            return summed(validate_data(self, X, accept_sparse="csr", dtype=_KINDS, reset=reset))

    def _check_xy(self, X: Any, y: Any, reset: bool, least: int = 1) -> tuple[Any, Any]:
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        X, y = _taken(X), check_target(y, is_regressor(self))
        with numbers_alone(self, X):
            X, y = validate_data(
                self, X, y, accept_sparse="csr", dtype=_KINDS, reset=reset,
                ensure_min_samples=least, multi_output=True, y_numeric=is_regressor(self),
            )
            if is_regressor(self) and y.dtype.kind in "SU":
                y = y.astype(np.float64)
        return summed(X), y

    def _check_weights(self, weights: Any, X: Any) -> Any:
        if weights is None:
            return None
        check_mask(weights, "sample_weight")
        weights = of_library(weights, "sample_weight")
        return _check_sample_weight(weights, X, ensure_non_negative=True)

    # Scale --------------------------------------------------------------------------------------

    def _learn_scale(self, X: Any, y: Any, weights: Any) -> None:
        with named(self):
            self.scaler_: Any = learned_scale(self.scale, X, weights)
        self._constants = Constants(X.shape[1])
        self._constants.fold(X)
        self._fold_targets(y, weights, True)

    def _fold_scale(self, X: Any, y: Any, weights: Any) -> None:
        """Takes more rows into the scale; that of quantiles stays, but for columns that have not
        varied before."""
        if kind_of(self.scaler_) not in (None, STANDARD):
            self._wake(X, y, weights)
            return
        if self.scaler_ is not None:
            self.scaler_ = copy(self.scaler_)
            self.scaler_.fold(X, weights)
        self._constants = copy(self._constants)
        self._constants.fold(X)
        self._fold_targets(y, weights, False)

    def _wake(self, X: Any, y: Any, weights: Any) -> None:
        """Columns that have not varied before and do now get their scale: the weights of the others
        belong to the scale that they have."""
        before = self._constants.still
        self._constants = copy(self._constants)
        self._constants.fold(X)
        woken = before & ~self._constants.still
        if self.scaler_ is not None and woken.any():
            self.scaler_ = self.scaler_.with_columns(woken, X, weights)
        self._wake_targets(y, weights)

    def _wake_targets(self, y: Any, weights: Any) -> None:
        """The same for targets."""

    def _inputs(self, X: Any, dtype: Any = np.float64) -> Any:
        """Checked rows as the network reads them, an array or CSR."""
        if self.scaler_ is None:
            return self._constants.held(X)
        x = self._constants.zeroed(self.scaler_.scaled(X, dtype))
        if self._coded[0]:
            x[:, -self._coded[0] :] = X[:, -self._coded[0] :]
        return x

    def _scaled(self, X: Any) -> Any:
        """The same in the element type of the training."""
        dtype = element_type(self.dtype)
        with np.errstate(over="ignore"):
            cast = self._inputs(X, dtype).astype(dtype, copy=False)
        if self.scaler_ is None and not np.isfinite(cast.data if is_sparse(cast) else cast).all():
            raise DataError(
                f"{type(self).__name__}: X holds numbers too large for {dtype}: use "
                "scale=True, or dtype='float64'"
            )
        return cast

    def _check_scale(self, X: Any) -> None:
        scaler = getattr(self, "scaler_", None)
        was, comes = kind_of(scaler), scale_kind(self.scale)
        if was != comes:
            told = {None: False, STANDARD: True}.get(was, was)
            raise ConfigurationError(
                f"{type(self).__name__}: scale={self.scale!r}, and the network was trained with "
                f"scale={told!r}: its weights belong to inputs of that kind: {ANEW}"
            )
        if scaler is not None and scaler.center and is_sparse(X):
            raise DataError(
                f"{type(self).__name__}: was trained on a dense table, whose means it subtracts: "
                "these sparse rows would not stay sparse; train on dense rows, or scale=False"
            )


def _taken(X: Any) -> Any:
    """A table as scikit-learn's checks take it."""
    check_mask(X, "X", _FILL)
    return of_library(X, "X")


def told_right(y: Any, weights: Any) -> tuple[Any, Any]:
    """Targets and weights as scikit-learn's scores take them."""
    check_mask(y, "y")
    check_mask(weights, "sample_weight")
    return of_library(y, "y"), of_library(weights, "sample_weight")


def constants_of(scaler: Any, columns: int) -> Constants:
    """Which columns have not varied, as far as a scale tells: for fits that kept nothing else.

    A column of one value other than 0 that was not centered was an input of that value: it stays.
    """
    if not isinstance(scaler, Moments):
        return Constants.of(np.zeros(columns), np.zeros(columns, bool))
    return Constants.of(scaler.mean, scaler.constant & (scaler.center | (scaler.mean == 0)))


@contextmanager
def named(estimator: Any) -> Iterator[None]:
    """Puts the estimator's name in front of what is wrong with the data."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{type(estimator).__name__}: {error}") from None


@contextmanager
def numbers_alone(estimator: Any, X: Any) -> Iterator[None]:
    """Raises DataError for text and dates, which names the estimator that takes them."""
    try:
        yield
    except np.exceptions.DTypePromotionError as error:
        raise _no_numbers(estimator, X, "numbers and dates do not make one array") from error
    except ValueError as error:
        if not str(error).startswith("could not convert string to float"):
            raise
        what = re.sub(r"np\.\w+\((.*)\)$", r"\1", str(error))  # a NumPy scalar's own words
        raise _no_numbers(estimator, X, what) from error


def _no_numbers(estimator: Any, X: Any, what: str) -> DataError:
    name, place = type(estimator).__name__, _not_numbers(X)
    if place is None:
        return DataError(
            f"y: {what}: {name} predicts numbers: take NetClassifier for classes, or "
            "TableRegressor for numbers that are spelled otherwise, such as 1,5"
        )
    other = "TableRegressor" if is_regressor(estimator) else "TableClassifier"
    return DataError(
        f"{what}{place}: {name} reads numbers alone: take {other}, which reads text, dates and "
        "gaps as they stand"
    )


def _not_numbers(X: Any) -> str | None:
    """In which column there is something else, "" for an array; None where all are numbers."""
    names = getattr(X, "column_names", getattr(X, "columns", None))
    parts = {f" in column '{name}'": X[name] for name in names} if names is not None else {"": X}
    for place, part in parts.items():
        values = np.asarray(part)
        if values.dtype.kind in "mM":
            return place
        try:
            values.astype(np.float64)
        except (TypeError, ValueError):
            return place
    return None


def check_target(y: Any, numbers: bool) -> Any:
    """The targets as scikit-learn's checks take them.

    Arguments:
        y: as it came.
        numbers: whether they are to be numbers.

    Raises:
        DataError: targets that those checks would take for others.
    """
    check_mask(y, "y")
    y = of_library(y, "y")
    kind = getattr(y, "dtype", None)
    if numbers and getattr(kind, "kind", "") in ("m", "M"):
        raise DataError(
            f"y: expects numbers, got {kind}: make numbers of the times, such as days since the "
            "first: (y - y.min()) / np.timedelta64(1, 'D')"
        )
    if isinstance(y, (list, tuple)) or str(kind) == "object":
        values = np.asarray(y, dtype=object).ravel()
        missing = np.array([is_missing(value) for value in values], bool)
        if missing.any():
            raise DataError(
                f"y: None or NaN in {int(missing.sum())} of {missing.size} places, first at place "
                f"{int(missing.argmax())}, counted from 0: leave out rows without a target (Input "
                "y contains NaN)"
            )
    return y


def is_missing(value: Any) -> bool:
    """Whether a value of a table stands for none."""
    return value is None or (isinstance(value, float) and value != value) or (
        type(value).__name__ in ("NAType", "NaTType")
    )


def summed(X: Any) -> Any:
    """A sparse table with one entry a place: some of several stand for their sum."""
    if is_sparse(X) and not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X
