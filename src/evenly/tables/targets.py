"""Targets of any container as an array of numbers or labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DataError
from ..estimators.inputs import check_target
from .kinds import Boolean, Kind
from .plain import found


def labels_of(y: Any, numbers: bool) -> Any:
    """Targets as a NumPy array: of a list, an array, a pandas, polars or Arrow column (nullable
    types, categories too), or several columns of them.

    Arguments:
        y: the targets.
        numbers: whether they are to be numbers.

    Raises:
        DataError: rows without a target.
    """
    what, module = "y", type(y).__module__.partition(".")[0]
    if module not in ("polars", "pyarrow", "pandas"):
        return check_target(y, numbers)
    check_target(y, numbers)
    if module == "polars":
        y = _columns(y, what, lambda c: c.is_null().to_numpy(), lambda c: c.to_list())
    elif module == "pyarrow":
        y = _columns(y, what, lambda c: np.asarray(c.is_null()), lambda c: c.to_pylist())
    elif module == "pandas":
        y = _columns(y, what, lambda c: np.asarray(c.isna()), _values)
    return y


def _values(column: Any) -> Any:
    """A pandas column as it is where NumPy has its type, else the values themselves."""
    import pandas as pd

    is_numpy = isinstance(column.dtype, np.dtype)
    if is_numpy and not isinstance(column.dtype, pd.CategoricalDtype):
        return column.to_numpy()
    return column.tolist()


def _columns(y: Any, what: str, is_missing: Any, values: Any) -> Any:
    if len(getattr(y, "shape", ())) == 2:
        parts = [y[name] for name in getattr(y, "columns", [])] if not hasattr(y, "column_names") \
            else [y.column(i) for i in range(y.num_columns)]
        return np.stack([_columns(part, what, is_missing, values) for part in parts], axis=1)
    missing = is_missing(y)
    if missing.any():
        raise no_target(what, missing)
    return np.asarray(values(y))


def no_target(what: str, missing: Any) -> DataError:
    """The error of rows without a target."""
    return DataError(
        f"{what}: {found('nothing', missing)}: leave out rows without a target (Input y contains "
        "NaN)"
    )


def labels_read(kind: Kind, values: Any, what: str) -> Any:
    """The labels of a column of the table, as its kind has read them: True and False, numbers
    (whole ones where all are), or text.

    Raises:
        DataError: rows without a target.
    """
    if isinstance(values, np.ndarray):
        missing = np.isnat(values) if values.dtype.kind == "M" else np.isnan(values)
    else:
        missing = values.is_null().to_numpy()
    if missing.any():
        raise no_target(what, missing)
    if not isinstance(values, np.ndarray):
        return np.array(values.to_list(), dtype=object)
    if isinstance(kind, Boolean):
        names = [False, True] if kind.is_bool else list(kind.names)
        return np.array(names, dtype=None if kind.is_bool else object)[values.astype(np.int64)]
    if values.dtype.kind == "M":
        texts = np.datetime_as_string(values.astype("datetime64[s]")).tolist()
        short = all(text.endswith("T00:00:00") for text in texts)
        return np.array([text[:10] if short else text for text in texts], dtype=object)
    whole = np.all(values == np.floor(values)) and np.abs(values).max(initial=0) < 2**53
    return values.astype(np.int64) if whole else values


def known(values: Any) -> Any:
    """(rows,) where there is a value, of a column as its kind reads it."""
    if not isinstance(values, np.ndarray):
        return ~values.is_null().to_numpy()
    return ~(np.isnat(values) if values.dtype.kind == "M" else np.isnan(values))
