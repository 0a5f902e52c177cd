"""Numbers, however they are spelled."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import polars as pl

from . import durations
from .base import Kind, Recognized, Values, no_cells
from .durations import are_durations
from .spelling import BETWEEN, Spelling, spelling_of
from .words import cleaned, each, listed, rows_of, spared

# Whole numbers beyond it are not told apart as float64: they are names.
LARGEST_WHOLE = 2.0**53
# Cells by which a spelling is chosen; all are read by it, and those that it cannot read join them.
SAMPLE = 1000
_LEADING_ZERO = r"^[-+]?0\d+$"
_US_DAY = 86_400_000_000


@dataclass(frozen=True)
class Number(Kind):
    """Numbers, read as float64.

    Attributes:
        decimal: the decimal mark of cells that are strings.
        thousands: the mark between thousands; "" for none.
        unit: what stands before or behind each number, such as "$", "%" or "kg"; "" for nothing.
        gaps: words that stand for nothing here, beside those that do everywhere.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    gaps: tuple[str, ...] = ()
    type: ClassVar[str] = "number"

    @property
    def is_plain(self) -> bool:
        """Whether cells are read as a programming language has them, and no word is a gap."""
        return self == Number()

    @property
    def spelling(self) -> Spelling:
        return Spelling(self.decimal, self.thousands, self.unit)

    @classmethod
    def recognized(cls, cells: Any, reading: Any, asked: bool = False) -> Recognized | None:
        own = cls(gaps=tuple(reading.na))
        if cells.dtype.is_numeric() or isinstance(cells.dtype, pl.Duration):
            if not asked and codes_in(cells):
                return None
            if isinstance(cells.dtype, pl.Duration):
                own = cls(unit=durations.UNIT, gaps=tuple(reading.na))
                return Recognized(own, "durations, in days", read=own.read(cells))
            return Recognized(own, "numbers", read=own.read(cells))
        if asked and cells.dtype == pl.Boolean:
            return Recognized(own, "numbers", read=own.read(cells))
        if cells.dtype != pl.String:
            return None
        text = cells
        sample = text.drop_nulls().head(SAMPLE).unique(maintain_order=True).to_list()
        if not asked and not any(map(_digit, sample)):
            return None
        return cls._spelled(text, sample, reading, asked)

    @classmethod
    def _spelled(cls, text: Any, sample: list[str], reading: Any, asked: bool) -> Recognized | None:
        if are_durations(sample[:100]):
            values = each(text, durations.parsed)
            if (values.is_null() & text.is_not_null()).any():
                return None
            own = cls(unit=durations.UNIT, gaps=tuple(reading.na))
            return Recognized(own, "durations, in days", (), Values(floats(values), no_cells(text)))
        found = _best_spelling(text, sample, reading.decimal)
        if found is None:
            return None
        spelling, mark, numbers, unread = found
        words = spared(text, unread, numbers, "numbers")
        if words is None and asked and not unread.all():
            gone = text.filter(pl.Series(unread)).unique(maintain_order=True).to_list()
            words = tuple(gone), f"{listed(gone)}: taken as gaps, because numbers were asked for"
        limits = text.str.contains(r"^[<>≤≥]|\d\+$").fill_null(False)
        many = 2 * limits.sum() > len(text) and not text.str.ends_with("+").all()
        if words is None or (not asked and (codes_in(text) or many)):
            return None
        gaps, line = words
        odd = [line] if line else []
        if limits.any():
            known = text.filter(limits).unique(maintain_order=True).to_list()
            odd.append(f"{listed(known)} ({rows_of(limits.to_numpy())}): read as these limits")
        odd += _doubts(spelling, mark, text, unread, reading.decimal)
        kind = cls(spelling.decimal, spelling.thousands, spelling.unit, (*reading.na, *gaps))
        said = spelling.words()
        return Recognized(kind, f"numbers, {said}" if said else "numbers", tuple(odd),
                          Values(silenced(numbers, reading.na), no_cells(text)), mark)

    def read(self, cells: Any) -> Values:
        if cells.dtype == pl.Null:
            return Values(np.full(len(cells), np.nan), no_cells(cells))
        if isinstance(cells.dtype, pl.Duration):
            return self._without(cells.dt.total_microseconds().cast(pl.Float64) / _US_DAY)
        if cells.dtype.is_numeric() or cells.dtype == pl.Boolean:
            return self._without(cells.cast(pl.Float64))
        if cells.dtype.is_temporal():
            return Values(np.full(len(cells), np.nan), cells.is_not_null().to_numpy())
        if self.unit == durations.UNIT:
            return self._read(cells, durations.parsed)
        plain = self.spelling == Spelling() and cells.dtype == pl.String
        values = cells.cast(pl.Float64, strict=False) if plain else None
        if values is not None and values.null_count() == cells.null_count():
            return self._without(values)
        if values is None:
            return self._read(cells, self.spelling.parsed)
        text = cleaned(cells, self.gaps, among_numbers=True)
        values = values.set(text.is_null(), None)
        places = (values.is_null() & text.is_not_null()).arg_true()
        if len(places):
            values = values.scatter(places, self.spelling.parsed(text.gather(places)))
        unread = (values.is_null() & text.is_not_null()).to_numpy()
        return Values(silenced(floats(values), self.gaps), unread)

    def _read(self, cells: Any, parsed: Any) -> Values:
        text = cleaned(cells, self.gaps, among_numbers=True)
        values = each(text, parsed)
        unread = (values.is_null() & text.is_not_null()).to_numpy()
        return Values(silenced(floats(values), self.gaps), unread)

    def _without(self, values: Any) -> Values:
        """Numbers that plain ones are, where the words for gaps may be numbers too."""
        numbers = silenced(floats(values), self.gaps)
        return Values(numbers, no_cells(numbers))

    def otherwise(self, cells: Any) -> tuple[Number, str] | None:
        """Another spelling that reads cells which this one cannot, and what it is."""
        text = cleaned(cells, self.gaps, among_numbers=True)
        words = text.drop_nulls().head(SAMPLE).unique(maintain_order=True).to_list()
        other = spelling_of(words)[0]
        if other is None or other == self.spelling:
            return None
        if (other.parsed(text).is_null() & text.is_not_null()).any():
            return None
        own = replace(self, decimal=other.decimal, thousands=other.thousands, unit=other.unit)
        return own, other.words() or "decimal point"

    def shown(self, values: Any) -> str:
        known = values[np.isfinite(values)]
        if not len(known):
            return ""
        low, high = float(known.min()), float(known.max())
        unit = f" {self.unit}" if self.unit else ""
        return f"{plain(low)}{unit}" if low == high else f"{plain(low)} to {plain(high)}{unit}"


def _best_spelling(
    text: Any, sample: list[str], decimal: str | None
) -> tuple[Spelling, str, Any, Any] | None:
    """(the spelling that reads the most, its mark, the numbers, which cells it cannot read)."""
    spelling, mark, _ = spelling_of(sample, decimal)
    if spelling is None:
        return None
    values = each(text, spelling.parsed)
    left = values.is_null() & text.is_not_null()
    if left.any():
        # What the first cells' spelling cannot read has a say as well.
        more = text.filter(left).unique(maintain_order=True).head(SAMPLE)
        again, mark, _ = spelling_of(list(dict.fromkeys([*sample, *more.to_list()])), decimal)
        if again is not None and again != spelling:
            spelling = again
            values = each(text, spelling.parsed)
            left = values.is_null() & text.is_not_null()
    return spelling, mark, floats(values), left.to_numpy()


def _doubts(
    spelling: Spelling, mark: str, text: Any, unread: Any, decimal: str | None
) -> list[str]:
    """Lines about what could be read otherwise."""
    odd = []
    if mark == "?" and decimal is None and spelling.thousands == ",":
        odd.append("every comma has three digits behind it: read as thousands; say --decimal , "
                   "where it is a decimal comma")
    elif mark == "?" and decimal is None and text.str.ends_with("0").all():
        odd.append("every point has three digits behind it: read as a decimal point; say "
                   "--decimal , where it stands between thousands")
    if spelling.unit:
        part = spelling.unit.partition(BETWEEN)[0].lower()
        bare = int((~text.str.to_lowercase().str.contains(part, literal=True)
                    & ~pl.Series(unread)).sum())
        if bare:
            odd.append(f"{bare} of {len(text) - text.null_count()} values have no "
                       f"'{spelling.unit}': read as if they had")
    return odd


def floats(values: Any) -> Any:
    """A series of numbers as an array, NaN for a gap."""
    return values.fill_null(np.nan).to_numpy() if values.null_count() else values.to_numpy()


def silenced(numbers: Any, gaps: tuple[str, ...]) -> Any:
    """Numbers, NaN where one of the words for gaps is it: -999."""
    own = [float(word) for word in gaps if _is_float(word)]
    return np.where(np.isin(numbers, own), np.nan, numbers) if own else numbers


def plain(number: float) -> str:
    """A number as it is shown: whole ones in full."""
    whole = number == int(number) and abs(number) < 1e15 if np.isfinite(number) else False
    return str(int(number)) if whole else f"{number:.6g}"


def codes_in(cells: Any) -> str:
    """Why whole numbers are names rather than numbers: "" where they are not."""
    if cells.dtype.is_integer():
        largest = max(abs(cells.max() or 0), abs(cells.min() or 0))
        return _beyond() if largest >= LARGEST_WHOLE else ""
    if cells.dtype != pl.String:
        return ""
    # A first look that costs little: most columns have no such cell.
    zero = cells.str.starts_with("0") | cells.str.starts_with("-0") | cells.str.starts_with("+0")
    if cells.filter(zero.fill_null(False)).str.contains(_LEADING_ZERO).any():
        return "codes with leading zeros"
    if (cells.str.len_bytes() > 15).any() and cells.str.contains(r"^[-+]?[1-9]\d{15,}$").any():
        return _beyond()
    return ""


def _beyond() -> str:
    return "whole numbers beyond 2^53, which are names: as numbers they are not told apart"


def _digit(word: str) -> bool:
    return re.search(r"\d", word) is not None


def _is_float(word: str) -> bool:
    try:
        return bool(np.isfinite(float(word)))
    except ValueError:
        return False
