"""A table as it is given to an estimator: its frame, and whether its columns have names."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from sklearn.utils.validation import check_array

from ..errors import DataError
from ..given import check_mask, of_library
from ..reading.frames import frame_of
from ..reading.table import listed
from ..rows.sources import is_sparse

# Libraries whose tables have names of columns.
_LIBRARIES = ("pandas", "polars", "pyarrow")


@dataclass(frozen=True)
class GivenTable:
    """A table.

    Attributes:
        frame: a polars frame.
        named: whether the columns have names of their own; those of an array are x0, x1, ...
    """

    frame: Any
    named: bool

    @classmethod
    def of(cls, X: Any, name: str) -> Self:
        """What was given as X to the estimator of a name.

        Raises:
            ValueError: what is no table, or holds nothing, as scikit-learn words it.
        """
        if is_sparse(X):
            raise TypeError(
                f"Sparse data was passed to {name}, and it reads tables: give X.toarray(), or take "
                f"{name.replace('Table', 'Net')}, which reads sparse rows"
            )
        library = type(X).__module__.partition(".")[0]
        if isinstance(X, Mapping):
            frame, named = frame_of(dict(X)), True
        elif (library in _LIBRARIES and len(getattr(X, "shape", (0, 0))) == 2) or (
            hasattr(X, "__arrow_c_stream__") and library not in _LIBRARIES
        ) or (isinstance(X, list) and X and isinstance(X[0], Mapping)):
            frame = frame_of(X)
            # pandas numbers columns that have no names.
            named = library != "pandas" or any(isinstance(column, str) for column in X.columns)
        else:
            check_mask(X, "X", "fill X with NaN (X.filled(np.nan))")
            array = check_array(
                of_library(X, "X"), dtype=None, ensure_all_finite=False, estimator=name,
                input_name="X", ensure_min_samples=0,
            )
            frame, named = frame_of(array), False
        if not frame.width:
            raise DataError(
                f"Found array with 0 feature(s) (shape={frame.shape}) while a minimum of 1 is "
                f"required by {name}."
            )
        return cls(frame, named)

    def need_rows(self, least: int, name: str) -> None:
        """Raises DataError where there are fewer rows."""
        if self.frame.height < least:
            raise DataError(
                f"Found array with {self.frame.height} sample(s) (shape={self.frame.shape}) while "
                f"a minimum of {least} is required by {name}."
            )

    def split(self, target: str) -> tuple[GivenTable, Any]:
        """The table without a column, and that column.

        Raises:
            DataError: there is no such column.
        """
        frame = self.frame
        if target not in frame.columns:
            raise DataError(
                f"the table has no column '{target}'; it has {listed(frame.columns)}"
            )
        return GivenTable(frame.drop(target), self.named), frame[target]

    def labels(self, given: Any) -> Any:
        """Labels of the rows as an array: given as one, or by the name of a column.

        Raises:
            DataError: there is no such column.
        """
        if isinstance(given, str):
            given = self.split(given)[1]
        if type(given).__module__.partition(".")[0] == "polars":
            given = given.to_list()
        return of_library(given, "groups")

    def as_trained(self, names: list[str], named: bool, estimator: str) -> Any:
        """The frame with the names of training; where either side has none, by the places.

        Arguments:
            names: of training's columns.
            named: whether training's table gave them.
            estimator: its name.

        Raises:
            ValueError: another number of columns, where the places count.
        """
        frame = self.frame
        if self.named and named:
            return frame
        if frame.width != len(names):
            raise ValueError(
                f"X has {frame.width} features, but {estimator} is expecting {len(names)} features "
                "as input"
            )
        if self.named or named:
            warnings.warn(
                f"X has feature names, but {estimator} was fitted without feature names"
                if self.named else "X does not have valid feature names, but "
                f"{estimator} was fitted with feature names",
                UserWarning, stacklevel=4,
            )
        return frame.rename(dict(zip(frame.columns, names, strict=True)))
