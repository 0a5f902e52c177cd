"""The kinds, in their simplest form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from .base import Kind, Recognized, Values, no_cells

NA = ("", "NA", "NaN", "nan", "?", "-", "n/a", "N/A", "null", "None")


def _strings(cells: Any) -> Any:
    text = cells.cast(pl.String).str.strip_chars()
    return text.set(text.is_in(list(NA)), None)


@dataclass(frozen=True)
class Nothing(Kind):
    """A column without any value."""

    type: ClassVar[str] = "nothing"

    @classmethod
    def recognized(cls, cells: Any, reading: Any) -> Recognized | None:
        return Recognized(cls(), "every cell is empty") if _strings(cells).is_null().all() else None

    def read(self, cells: Any) -> Values:
        return Values(np.full(len(cells), np.nan), ~_strings(cells).is_null().to_numpy())

    def shown(self, values: Any) -> str:
        return ""


@dataclass(frozen=True)
class Boolean(Kind):
    """True and False."""

    type: ClassVar[str] = "boolean"

    @classmethod
    def recognized(cls, cells: Any, reading: Any) -> Recognized | None:
        words = set(_strings(cells).drop_nulls().str.to_lowercase().unique())
        return Recognized(cls(), "true and false") if words <= {"true", "false"} else None

    def read(self, cells: Any) -> Values:
        text = _strings(cells).str.to_lowercase()
        values = np.full(len(cells), np.nan)
        values[(text == "true").fill_null(False).to_numpy()] = 1
        values[(text == "false").fill_null(False).to_numpy()] = 0
        return Values(values, np.isnan(values) & ~text.is_null().to_numpy())

    def shown(self, values: Any) -> str:
        return f"{np.nanmean(values):.0%} true"


@dataclass(frozen=True)
class Number(Kind):
    """Numbers."""

    type: ClassVar[str] = "number"

    @classmethod
    def recognized(cls, cells: Any, reading: Any) -> Recognized | None:
        own = cls().read(cells)
        return Recognized(cls(), "numbers") if not own.unread.any() else None

    def read(self, cells: Any) -> Values:
        if cells.dtype.is_numeric():
            return Values(cells.cast(pl.Float64).to_numpy(), no_cells(cells))
        text = _strings(cells)
        values = text.cast(pl.Float64, strict=False)
        unread = (values.is_null() & text.is_not_null()).to_numpy()
        return Values(values.to_numpy().copy(), unread)

    def shown(self, values: Any) -> str:
        return f"{np.nanmin(values):g} to {np.nanmax(values):g}"


@dataclass(frozen=True)
class Date(Kind):
    """Dates and times."""

    type: ClassVar[str] = "date"

    @classmethod
    def recognized(cls, cells: Any, reading: Any) -> Recognized | None:
        own = cls().read(cells)
        return Recognized(cls(), "dates") if not own.unread.any() else None

    def read(self, cells: Any) -> Values:
        if cells.dtype.is_temporal():
            return Values(cells.cast(pl.Datetime("us")).to_numpy(), no_cells(cells))
        text = _strings(cells)
        values = text.str.to_datetime("%Y-%m-%d", strict=False, time_unit="us")
        return Values(values.to_numpy(), (values.is_null() & text.is_not_null()).to_numpy())

    def shown(self, values: Any) -> str:
        known = values[~np.isnat(values)]
        return f"{str(known.min())[:10]} to {str(known.max())[:10]}" if len(known) else ""


@dataclass(frozen=True)
class Category(Kind):
    """One of some words."""

    type: ClassVar[str] = "category"

    @classmethod
    def recognized(cls, cells: Any, reading: Any) -> Recognized | None:
        return Recognized(cls(), "words")

    def read(self, cells: Any) -> Values:
        return Values(_strings(cells), no_cells(cells))

    def shown(self, values: Any) -> str:
        return ", ".join(values.drop_nulls().unique(maintain_order=True).head(4))


@dataclass(frozen=True)
class Text(Category):
    """Free text."""

    type: ClassVar[str] = "text"

    @classmethod
    def recognized(cls, cells: Any, reading: Any) -> Recognized | None:
        return None
