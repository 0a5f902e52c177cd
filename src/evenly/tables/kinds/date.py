"""Dates and times."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import polars as pl

from . import calendar
from .base import Kind, Recognized, Values, no_cells
from .words import cleaned, listed, spared

# Cells by which a column is taken for dates at all: at least this share of them are spelled so.
LOOKED_AT = 40
MIN_SHARE = 0.5
# Digits alone, 20240131, are a date where the column's name has one of these words.
_DATE_NAMES = re.compile(
    r"(?i)(?:^|[^a-z])(?:date|day|datum|dt|tag|jour|fecha|data|dob|time|timestamp|ymd|yyyymmdd)"
    r"(?:$|[^a-z])|date$|datum$")
EMPTY = frozenset(("0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "00.00.0000", "0"))
ORDERS = ("d/m/y", "m/d/y")


@dataclass(frozen=True)
class Date(Kind):
    """A date, a time, or both, read as datetime64[us] in UTC; a time alone on 1970-01-01.

    Attributes:
        order: "d/m/y" or "m/d/y", how 01/02/2024 is read; "" where training had none such.
        compact: whether 20240131 is a date here.
        gaps: words that stand for nothing here.
    """

    order: str = ""
    compact: bool = False
    gaps: tuple[str, ...] = ()
    type: ClassVar[str] = "date"

    @classmethod
    def recognized(cls, cells: Any, reading: Any, asked: bool = False) -> Recognized | None:
        dtype = cells.dtype
        if isinstance(dtype, (pl.Date, pl.Datetime, pl.Time)) or dtype in (pl.Date, pl.Time):
            own = cls(gaps=tuple(reading.na))
            read = own.read(cells)
            return Recognized(own, "times" if dtype == pl.Time else _of(read.values), read=read)
        named = asked or bool(_DATE_NAMES.search(str(cells.name)))
        if dtype.is_integer() and named:
            cells = cells.cast(pl.String)
        elif dtype != pl.String:
            return None
        sample = cells.head(1000).drop_nulls().unique(maintain_order=True).head(LOOKED_AT).to_list()
        found = [calendar.family_of(word, named) for word in sample]
        if not asked and sum(map(bool, found)) < max(1.0, MIN_SHARE * len(sample)):
            return None
        empty = cells.is_in(list(EMPTY))
        text = cells.set(empty, None) if empty.any() else cells
        return cls._spelled(text, reading, asked, named)

    @classmethod
    def _spelled(cls, text: Any, reading: Any, asked: bool, named: bool) -> Recognized | None:
        said = reading.types.get(text.name)
        order, line = (said, "") if said in ORDERS else _order(text)
        kind = cls(order, named and _has_compact(text), ())
        values = calendar.parsed(text, kind._families(), order != "m/d/y")
        unread = (values.is_null() & text.is_not_null()).to_numpy()
        numbers = values.to_numpy()
        words = spared(text, unread, numbers, "dates")
        if words is None and asked and not unread.all():
            gone = text.filter(pl.Series(unread)).unique(maintain_order=True).to_list()
            words = tuple(gone), f"{listed(gone)}: taken as gaps, because dates were asked for"
        if words is None or np.isnat(numbers).all():
            return None
        gaps, about = words
        kind = cls(order, kind.compact, (*reading.na, *gaps))
        odd = [line] if line else []
        if about:
            odd.append(about)
        zones = calendar.zones(text) if len(calendar.zones(text.head(1000))) else ()
        if len(zones) > 1:
            odd.append(f"several zones, {listed(zones)}: all brought to UTC")
        reason = _of(numbers) + (f", {order}" if order else "")
        return Recognized(kind, reason, tuple(odd), Values(numbers, no_cells(text)))

    @classmethod
    def may_be_compact(cls, cells: Any) -> bool:
        """Whether the first cells are as 01.2024, or as 20240131 and the name speaks of dates."""
        named = bool(_DATE_NAMES.search(str(cells.name)))
        head = [word for word in cells.head(LOOKED_AT).to_list() if word is not None]
        return bool(head) and all(calendar.family_of(str(word), named) for word in head)

    def otherwise(self, cells: Any) -> tuple[Date, str] | None:
        """Another spelling that reads cells which this one cannot, and what it is."""
        text = cleaned(cells, (*self.gaps, *EMPTY), among_numbers=True)
        order = _order(text)[0]
        own = replace(self, order=order or self.order, compact=True)
        if own == self or own.read(cells).unread.any():
            return None
        return own, order or "other dates"

    def _families(self) -> list[str]:
        return [name for name in calendar.FAMILIES if name != "compact" or self.compact]

    def read(self, cells: Any) -> Values:
        dtype = cells.dtype
        if dtype == pl.Null:
            return Values(np.full(len(cells), "NaT", "M8[us]"), no_cells(cells))
        if dtype == pl.Time:
            values = (cells.cast(pl.Int64) // 1000).cast(pl.Datetime("us"))
            return Values(values.to_numpy(), no_cells(cells))
        if isinstance(dtype, pl.Datetime):
            if dtype.time_zone is not None:
                cells = cells.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            return Values(cells.cast(pl.Datetime("us")).to_numpy(), no_cells(cells))
        if dtype == pl.Date:
            return Values(cells.cast(pl.Datetime("us")).to_numpy(), no_cells(cells))
        if dtype.is_numeric() and not (dtype.is_integer() and self.compact):
            return Values(np.full(len(cells), "NaT", "M8[us]"), cells.is_not_null().to_numpy())
        text = cleaned(cells, (*self.gaps, *EMPTY), among_numbers=True)
        values = calendar.parsed(text, self._families(), self.order != "m/d/y")
        return Values(values.to_numpy(), (values.is_null() & text.is_not_null()).to_numpy())

    def shown(self, values: Any) -> str:
        known = values[~np.isnat(values)]
        if not len(known):
            return ""
        low, high = known.min(), known.max()
        if high < np.datetime64("1970-01-02", "us") and low >= np.datetime64("1970-01-01", "us"):
            return f"{str(low)[11:16]} to {str(high)[11:16]}"
        days = (known.astype("M8[D]") == known).all()
        if days or high - low > np.timedelta64(2, "D"):
            return f"{str(low)[:10]} to {str(high)[:10]}"
        return f"{str(low)[:16].replace('T', ' ')} to {str(high)[:16].replace('T', ' ')}"


def _of(values: Any) -> str:
    known = values[~np.isnat(values)]
    if len(known) and (known.astype("M8[D]") == known).all():
        return "dates"
    day = np.datetime64("1970-01-01", "D")
    return "times" if len(known) and (known.astype("M8[D]") == day).all() else "dates and times"


def _has_compact(text: Any) -> bool:
    return bool(text.str.contains(calendar.FAMILIES["compact"]).any())


def _order(text: Any) -> tuple[str, str]:
    """How 01/02/2024 is read, and a line where nothing decides it."""
    sample = text.drop_nulls().head(1000)
    if not sample.str.contains(calendar.FAMILIES["a/b/y"]).any():
        return "", ""
    parts = calendar.orders(text)
    if not len(parts):
        return "", ""
    day_first, month_first = int((parts["a"] > 12).sum()), int((parts["b"] > 12).sum())
    if day_first or month_first:
        return ("d/m/y", "") if day_first >= month_first else ("m/d/y", "")
    if (parts["a"] == parts["b"]).all():
        return "d/m/y", ""
    order, why = _likely(text, parts)
    other = "m/d/y" if order == "d/m/y" else "d/m/y"
    return order, (f"no day is above 12: read as {order}, {why}; say --as "
                   f"{text.name}={other} where it is the other")


def _likely(text: Any, parts: Any) -> tuple[str, str]:
    if parts["half"].is_not_null().any():
        return "m/d/y", "because the hours are AM and PM"
    rising = {}
    for order in ORDERS:
        known = calendar.parsed(text, ["a/b/y"], order == "d/m/y").drop_nulls()
        rising[order] = known.is_sorted() or known.is_sorted(descending=True)
    if rising["d/m/y"] != rising["m/d/y"] and len(parts) > 2:
        order = "d/m/y" if rising["d/m/y"] else "m/d/y"
        return order, "because the rows then are in order"
    if len(parts) > 2 and (parts["a"].n_unique() == 1) != (parts["b"].n_unique() == 1):
        order = "d/m/y" if parts["a"].n_unique() == 1 else "m/d/y"
        return order, "because the day then is always the same"
    return "d/m/y", "as in most countries"
