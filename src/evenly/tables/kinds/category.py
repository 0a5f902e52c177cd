"""One of some words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from .base import Kind, Recognized, Values, no_cells
from .number import codes_in
from .spelling import Spelling, spelling_of
from .words import ASKED, cleaned, each, listed, rows_of

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
        text = cells if cells.dtype == pl.String else cleaned(cells, reading.na)
        width = 0
        if not codes and text.head(1000).str.contains(r"\d").any():
            codes = codes_in(text) or _mixed(text)
            if codes.startswith("codes"):
                widths = text.str.len_chars().unique().drop_nulls().to_list()
                width = int(widths[0]) if len(widths) == 1 else 0
        odd = [codes] if codes and not asked else []
        gaps = tuple(reading.na)
        silent = (text == ASKED).fill_null(False)
        # Beside letters or digits: signs alone are levels.
        if silent.any() and text.filter(~silent).str.contains(r"[\p{L}\d]").any():
            gaps = (*gaps, ASKED)
            odd.append(f"'{ASKED}' in {silent.sum()} of {len(text)} rows "
                       f"({rows_of(silent.to_numpy())}): taken as gaps")
            text = text.set(silent, None)
        own = cls(width, gaps)
        return Recognized(own, codes.partition(":")[0] or "words", tuple(odd),
                          Values(own._spelled(text), no_cells(text)))

    def read(self, cells: Any) -> Values:
        return Values(self._spelled(cleaned(cells, self.gaps)), no_cells(cells))

    def _spelled(self, text: Any) -> Any:
        """10.0 is the level 10, and 42 is 0042 where all codes are as long."""
        if not self.width and not (
                text.str.ends_with(".0") | text.str.ends_with(".00")).any():
            return text

        def spelled(some: Any) -> Any:
            whole = some.str.replace(_WHOLE, "${1}")
            return whole.str.zfill(self.width) if self.width else whole

        return each(text, spelled).alias(text.name)

    def shown(self, values: Any) -> str:
        known = values.drop_nulls()
        return ", ".join(known.head(10_000).unique(maintain_order=True).head(4))


def _mixed(text: Any) -> str:
    """Why a column with numbers in it is one of words; "" where it has none."""
    sample = text.drop_nulls().head(1000).unique(maintain_order=True).to_list()
    spelling, _, units = spelling_of(sample)
    if spelling is None:
        return ""
    values = each(text, spelling.parsed)
    filled = len(text) - text.null_count()
    read = filled - int((values.is_null() & text.is_not_null()).sum())
    if not read or 5 * read < filled:
        return ""
    if len(units) > 1 and each(text, Spelling().parsed).null_count() > 0:
        return f"numbers in several units, {listed(units)}: bring them to one"
    words = text.filter(values.is_null() & text.is_not_null()).unique(maintain_order=True)
    if not len(words):
        return ""
    return (f"numbers and words: {read} of {filled} values are numbers, others are "
            f"{listed(words)}: with --as {text.name}=number these are gaps")
