"""Durations: hours, minutes and seconds, or days beside them, as days."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

# What the unit of such a column is called.
UNIT = "days"
_PATTERN = (r"^(?P<sign>-)?(?:(?P<d>-?\d+) days?,?(?: |$))?\+?"
            r"(?:(?P<H>\d+):(?P<M>\d{2})(?::(?P<S>\d{2}(?:\.\d+)?))?)?$")


def are_durations(words: Sequence[str]) -> bool:
    """Whether the first cells are: with days, or with hours beyond a clock's."""
    some = pl.Series("cell", words, dtype=pl.String)
    read = parsed(some)
    if 2 * read.null_count() > len(some):
        return False
    return bool(some.str.contains(r"\d days?\b").any()
                or (some.str.contains(":") & (read.abs() >= 1).fill_null(False)).any())


def parsed(text: Any) -> Any:
    """Stripped strings as days, null where they are none."""
    parts = text.str.extract_groups(_PATTERN).struct.unnest()
    hours = pl.col("H").cast(pl.Float64).fill_null(0) + (
        pl.col("M").cast(pl.Float64).fill_null(0) / 60) + (
        pl.col("S").cast(pl.Float64).fill_null(0) / 3600)
    days = pl.col("d").cast(pl.Float64).fill_null(0) + hours / 24
    sign = pl.when(pl.col("sign").is_null()).then(1.0).otherwise(-1.0)
    says = pl.col("d").is_not_null() | pl.col("H").is_not_null()
    return parts.select(pl.when(says).then(sign * days)).to_series().alias(text.name)
