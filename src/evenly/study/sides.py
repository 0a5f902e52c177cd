"""Columns that say which side of a split a row may be on: groups and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..tables.plain import found, plain_column
from .errors import StudyError


@dataclass(frozen=True)
class Sides:
    """Codes of the groups, numbers of the times, and the columns' names; None where there is no
    such column."""

    groups: npt.NDArray[Any] | None
    groups_name: str
    time: npt.NDArray[Any] | None
    time_name: str


def read_sides(
    name: str, columns: Mapping[str, Any], groups: str | None, time: str | None
) -> Sides:
    """Read the columns of groups and time.

    Args:
        name: of the table, for messages.
        columns: pandas columns by name.
        groups, time: which of them; None where there is none.

    Raises:
        StudyError: a gap in one of them, or a time that is neither a number nor a date.
    """
    return Sides(
        None if groups is None else _codes(name, groups, columns[groups]),
        groups or "",
        None if time is None else _moments(name, time, columns[time]),
        time or "",
    )


def _codes(name: str, title: str, column: Any) -> npt.NDArray[Any]:
    column = plain_column(column)
    _no_gap(f"{name}: groups '{title}'", column)
    return np.unique(column.to_numpy(), return_inverse=True)[1].reshape(-1)


def _moments(name: str, title: str, column: Any) -> npt.NDArray[Any]:
    import pandas as pd

    where = f"{name}: time '{title}'"
    column = plain_column(column)
    _no_gap(where, column)
    if column.dtype == object:
        try:
            column = plain_column(pd.to_datetime(column, format="ISO8601", utc=True))
        except ValueError:
            parsed = pd.to_datetime(column, format="ISO8601", utc=True, errors="coerce")
            wrong = parsed.isna()
            raise StudyError(
                f"{where}: expects numbers or dates such as 2024-01-31, got text: "
                f"{found(repr(str(column[wrong].iloc[0])), wrong)}: write dates so"
            ) from None
    return np.asarray(column.to_numpy(), np.float64)


def _no_gap(where: str, column: Any) -> None:
    missing = column.isna()
    if missing.any():
        raise StudyError(f"{where}: {found('NaN or nothing', missing)}: remove or fill the rows")
