"""Columns that say which side of a split a row may be on: groups and time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..tables.asked import read_alone
from ..tables.columns import Column
from ..tables.kinds.words import cells_of
from ..tables.plain import found
from ..tables.rules import Reading
from ..tables.targets import known


def read_groups(frame: Any, name: str, reading: Reading) -> npt.NDArray[Any]:
    """Codes of the groups that a column names.

    Raises:
        DataError: a gap.
    """
    values = _filled(frame, f"groups '{name}'", name, reading)[1]
    return np.unique(np.asarray(values), return_inverse=True)[1].reshape(-1)


def read_times(frame: Any, name: str, reading: Reading) -> npt.NDArray[Any]:
    """Numbers that a column of times, or of numbers, puts rows in order by.

    Raises:
        DataError: a gap, or what is neither a number nor a date.
    """
    column, values = _filled(frame, f"time '{name}'", name, reading)
    if not isinstance(values, np.ndarray):
        raise DataError(f"time '{name}': expects numbers or dates such as 2024-01-31, got "
                         f"{column.reason}, such as {column.shown}: write dates so")
    return values.astype("M8[us]").astype(np.float64) if values.dtype.kind == "M" else values


def _filled(frame: Any, where: str, name: str, reading: Reading) -> tuple[Column, Any]:
    column, values = read_alone(frame, name, reading)
    missing = ~known(values)
    if missing.any():
        cells = cells_of(frame, name).filter(missing).drop_nulls()
        what = f"'{cells[0]}'" if len(cells) else "nothing"
        raise DataError(f"{where}: {found(what, missing)}: remove or fill the rows")
    return column, values
