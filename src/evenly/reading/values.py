"""A column of any making as a polars Series of one type."""

from __future__ import annotations

import datetime as dt
import math
import re
import sys
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import DataError
from ..given import check_mask, of_library

# An object that spells itself by its address spells itself anew in every run.
_ADDRESS = re.compile(r"<.* at 0x[0-9a-fA-F]+>")
_LARGEST = 2**53


def column_of(values: Any, name: str) -> Any:
    """A column of pandas, polars, pyarrow or NumPy, or a list, as a Series.

    Raises:
        DataError: lists or other structures in it; no column.
    """
    import polars as pl

    if isinstance(values, pl.Series):
        return plain_series(values, name)
    pandas = sys.modules.get("pandas")
    if pandas is not None:
        if isinstance(values, (pandas.Index, pandas.api.extensions.ExtensionArray)):
            values = pandas.Series(values)
        if isinstance(values, pandas.Series):
            return _of_pandas(values, name)
    arrow = sys.modules.get("pyarrow")
    if arrow is not None and isinstance(values, (arrow.Array, arrow.ChunkedArray)):
        return plain_series(pl.Series(name, pl.from_arrow(values)), name)
    check_mask(values, f"column '{name}'", "fill them with filled()")
    values = of_library(values, f"column '{name}'")
    if isinstance(values, (str, bytes, dict)) or not hasattr(values, "__len__"):
        raise DataError(f"a table: column '{name}' is {type(values).__name__}, expects a list or "
                        "an array of values")
    if isinstance(values, np.ndarray) or hasattr(values, "__array__"):
        array = np.asarray(values)
        if array.ndim != 1:
            raise DataError(f"a table: column '{name}' has shape {array.shape}, expects (rows,): "
                            "make a column of each part")
        return of_array(array, name)
    return of_objects(list(values), name)


def plain_series(series: Any, name: str) -> Any:
    """A polars Series as rules take it: NaN is null, bytes are text, no structures."""
    import polars as pl

    kind = series.dtype
    if kind.is_float():
        return series.fill_nan(None)
    if kind == pl.Object:
        return of_objects(series.to_list(), name)
    if kind.is_nested():
        raise _structure(name, str(kind))
    if kind == pl.Binary:
        return of_objects(series.to_list(), name)
    return series


def of_array(array: Any, name: str) -> Any:
    """An array (rows,) as a Series."""
    import polars as pl

    kind = array.dtype.kind
    if kind in "OVSc":
        return of_objects(array.tolist(), name)
    if kind in "UT":
        return pl.Series(name, array.tolist(), pl.String)
    if kind in "mM":
        return pl.Series(name, _in_unit(array))
    if kind == "f" and array.dtype.itemsize not in (4, 8):
        array = array.astype(np.float32 if array.dtype.itemsize == 2 else np.float64)
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    return pl.Series(name, native, nan_to_null=True)


def _in_unit(array: Any) -> Any:
    """Dates and durations in a unit that polars has."""
    kind, unit = array.dtype.kind, np.datetime_data(array.dtype)[0]
    if unit in ("ns", "us", "ms"):
        kept = unit
    elif unit in ("ps", "fs", "as"):
        kept = "ns"
    elif kind == "M" and unit in ("Y", "M", "W", "D"):
        kept = "D"
    else:
        kept = "ms"
    if unit in ("Y", "M") and kind == "m":  # years and months have no length of their own
        array = array.astype("m8[D]")
    return array.astype(f"{kind}8[{kept}]")


def _of_pandas(series: Any, name: str) -> Any:
    import pandas as pd
    import polars as pl

    kind = series.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return _categories(series, name)
    if isinstance(kind, pd.SparseDtype):
        return _of_pandas(series.sparse.to_dense(), name)
    if isinstance(kind, pd.PeriodDtype):
        return _of_pandas(series.dt.to_timestamp(), name)
    if isinstance(kind, pd.IntervalDtype):
        return of_objects([None if v is pd.NA or v is None or v != v else str(v)
                           for v in series.tolist()], name)
    if isinstance(kind, np.dtype):
        return of_array(series.to_numpy(), name)
    if isinstance(kind, pd.DatetimeTZDtype) and not _has_name(kind.tz):
        series = series.dt.tz_convert("UTC")
    if pd.api.types.is_string_dtype(kind):
        texts = series.array.to_numpy(dtype=object, na_value=None)
        return of_objects(texts.tolist(), name)
    return plain_series(pl.Series(name, pl.from_pandas(series)), name)


def _has_name(zone: Any) -> bool:
    """Whether a time zone has a name that others know; a fixed offset has none."""
    return str(zone) in ("UTC",) or "/" in str(zone)


def _categories(series: Any, name: str) -> Any:
    """A column of categories, in their order; those that are spelled alike are one."""
    import polars as pl

    spelled = [_spelled(value, name) for value in series.cat.categories.tolist()]
    order = list(dict.fromkeys(spelled))
    codes = series.cat.codes.to_numpy()
    table = np.array([order.index(text) for text in spelled] + [-1]) if len(order) != len(spelled) \
        else np.append(np.arange(len(spelled)), -1)
    texts = pl.Series(name, [*order, None], pl.String)
    return texts.gather(pl.Series(np.where(codes < 0, len(order), table[codes])).cast(
        pl.UInt32)).cast(pl.Enum(order)).alias(name)


def is_missing(value: Any) -> bool:
    """Whether a value stands for nothing."""
    if value is None:
        return True
    if isinstance(value, float):  # of NumPy too
        return math.isnan(value)
    if isinstance(value, (np.floating, np.datetime64, np.timedelta64)):
        return bool(np.isnat(value) if isinstance(value, (np.datetime64, np.timedelta64))
                    else np.isnan(value))
    if isinstance(value, Decimal):
        return value.is_nan()
    return type(value).__name__ in ("NAType", "NaTType")


def of_objects(values: list[Any], name: str) -> Any:
    """Python's values as a Series: of their type where they have one, else as text."""
    import polars as pl

    values = [None if is_missing(value) else _bare(value) for value in values]
    kinds = {type(value) for value in values} - {type(None)}
    if not kinds:
        return pl.Series(name, values, pl.Null)
    for own, kind in ((str, pl.String), (bool, pl.Boolean)):
        if kinds == {own}:
            return pl.Series(name, values, kind)
    if kinds == {int} and all(v is None or -(2**63) <= v < 2**63 for v in values):
        return pl.Series(name, values, pl.Int64)
    if kinds <= {int, float, Decimal, Fraction} and kinds != {int}:
        return pl.Series(name, [None if v is None else float(v) for v in values], pl.Float64)
    if kinds <= {dt.date, dt.datetime} and (timed := _times(values, kinds)) is not None:
        return pl.Series(name, timed)
    if kinds in ({dt.timedelta}, {dt.time}):
        return pl.Series(name, values)
    return pl.Series(name, [None if v is None else _spelled(v, name) for v in values], pl.String)


def _bare(value: Any) -> Any:
    """A value of NumPy or pandas as Python's own."""
    if isinstance(value, np.generic):
        if isinstance(value, (np.datetime64, np.timedelta64)):
            return value.astype(f"{value.dtype.kind}8[us]").item()
        return value.item()
    to_python = getattr(value, "to_pydatetime", None) or getattr(value, "to_pytimedelta", None)
    if to_python is not None:
        return to_python(warn=False) if hasattr(value, "to_pydatetime") else to_python()
    return value


def _times(values: list[Any], kinds: set[type]) -> list[Any] | None:
    """Dates, or dates with times; None where some have a zone and others have none."""
    if kinds == {dt.date}:
        return values
    timed = [dt.datetime(v.year, v.month, v.day) if type(v) is dt.date else v for v in values]
    zoned = {v.utcoffset() is not None for v in timed if v is not None}
    if zoned == {True}:
        return [None if v is None else v.astimezone(dt.UTC) for v in timed]
    return timed if zoned == {False} else None


def _spelled(value: Any, name: str) -> str:
    """A value as text, the same in every run."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise DataError(f"column '{name}' holds bytes that are no text, expects numbers or "
                            "text: leave it out") from None
    value = _bare(value)
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST:
        return str(int(value))
    if isinstance(value, (list, tuple, dict, set, frozenset, np.ndarray)):
        raise _structure(name, f"values of type {type(value).__name__}")
    text = str(value)
    if _ADDRESS.fullmatch(text):
        raise _structure(name, f"values of type {type(value).__name__}")
    return text


def _structure(name: str, what: str) -> DataError:
    return DataError(f"column '{name}' holds {what}, expects numbers or text: make a column of "
                     "each part, or leave it out")
