"""Columns of any type as numbers or as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np


def found(what: str, mask: Any) -> str:
    """In how many rows something was found, and in which first, counted from 1."""
    first = int(np.flatnonzero(mask)[0]) + 1
    return f"{what} in {int(mask.sum())} of {len(mask)} rows, first in row {first}"


def unique_names(names: Any) -> list[str]:
    """Column names made different from each other, as a table must have them."""
    seen: dict[str, int] = {}
    result = []
    for name in map(str, names):
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result


def plain_column(column: Any) -> Any:
    """A column as float64 (dates as days), or as text, or as text from anything else."""
    from pandas.api import types

    kinds: tuple[tuple[Callable[[Any], bool], Callable[[Any], Any]], ...] = (
        (types.is_complex_dtype, _as_text),
        (types.is_bool_dtype, lambda c: c.astype("float64")),
        (types.is_numeric_dtype, lambda c: c.astype("float64")),
        (types.is_datetime64_any_dtype, _as_days),
        (types.is_timedelta64_dtype, lambda c: c.dt.total_seconds() / 86400),
    )
    for holds, convert in kinds:
        if holds(column.dtype):
            return convert(column)
    return _as_text(column)


def _as_days(column: Any) -> Any:
    import pandas as pd

    origin = pd.Timestamp("1970-01-01", tz=column.dt.tz)
    return (column - origin).dt.total_seconds() / 86400


def _as_text(column: Any) -> Any:
    values = column.to_numpy(dtype=object, copy=True)
    missing = column.isna().to_numpy()
    values[~missing] = [str(value) for value in values[~missing]]
    values[missing] = np.nan
    return cast(Any, type(column)(values, index=column.index, name=column.name, dtype=object))
