"""One of some words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from .base import Kind, Recognized, Values, no_cells
from .number import codes_in
from .spelling import Spelling, spelling_of
from .words import listed, strings, without

_WHOLE = r"^([-+]?\d+)\.0+$"


@dataclass(frozen=True)
class Category(Kind):
    """A level of some, read as strings.

    Attributes:
        width: of codes with leading zeros that are all as long: a number is filled up to it.
        gaps: words that stand for nothing here.
    """

    width: int = 0
    gaps: tuple[str, ...] = ()
    type: ClassVar[str] = "category"

    @classmethod
    def recognized(cls, cells: Any, reading: Any, asked: bool = False) -> Recognized | None:
        codes = codes_in(cells) if cells.dtype.is_integer() else ""
        text = without(strings(cells), reading.na)
        width = 0
        if not codes and text.dtype == pl.String and text.head(1000).str.contains(r"\d").any():
            codes = codes_in(text) or _mixed(text)
            if codes.startswith("codes"):
                widths = text.str.len_chars().unique().drop_nulls().to_list()
                width = int(widths[0]) if len(widths) == 1 else 0
        own = cls(width, tuple(reading.na))
        odd = (codes,) if codes and not asked else ()
        return Recognized(own, codes.partition(":")[0] or "words", odd, own.read(text))

    def read(self, cells: Any) -> Values:
        text = without(strings(cells), self.gaps)
        if cells.dtype == pl.String:
            text = text.str.replace(_WHOLE, "${1}")
        if self.width:
            text = text.str.zfill(self.width)
        return Values(text, no_cells(cells))

    def shown(self, values: Any) -> str:
        known = values.drop_nulls()
        return ", ".join(known.head(10_000).unique(maintain_order=True).head(4))


def _mixed(text: Any) -> str:
    """Why a column with numbers in it is one of words; "" where it has none."""
    sample = text.drop_nulls().head(1000).unique(maintain_order=True).to_list()
    spelling, _, units = spelling_of(sample)
    counted = [unit for unit in units if unit]
    values = spelling.parsed(text)
    filled = len(text) - text.null_count()
    read = filled - int((values.is_null() & text.is_not_null()).sum())
    if not read or 5 * read < filled:
        return ""
    if len(counted) > 1 and Spelling().parsed(text).null_count() > 0:
        return f"numbers in several units, {listed(counted)}: bring them to one"
    words = text.filter(values.is_null() & text.is_not_null()).unique(maintain_order=True)
    return (f"numbers and words: {read} of {filled} values are numbers, others are "
            f"{listed(words)}: with --as {text.name}=number these are gaps")
