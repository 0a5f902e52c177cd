"""True and false, yes and no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from .base import Kind, Recognized, Values, no_cells
from .words import AMONG_NUMBERS, cleaned, each, listed, rows_of

# (true, false), in lower case. The first four are written True and False whatever the language.
TRUTH = (("true", "false"), ("wahr", "falsch"), ("vrai", "faux"), ("verdadero", "falso"))
WORDS = (*TRUTH, ("yes", "no"), ("ja", "nein"), ("oui", "non"), ("sí", "no"), ("si", "no"),
         ("t", "f"), ("y", "n"))
# One letter, or "no" alone, says too little: a column of f, or of no, is a category.
BOTH = frozenset(("t", "f", "y", "n", "no", "non", "ja", "si", "sí"))
_UNREAD = -1.0
_TRUE = frozenset(word for word, _ in WORDS) | {"1"}
_FALSE = frozenset(word for _, word in WORDS) | {"0"}


@dataclass(frozen=True)
class Boolean(Kind):
    """A truth value, read as 1 and 0.

    Attributes:
        false, true: the names as the table spells them; True and False in any language of a
            spreadsheet are these two.
        gaps: words that stand for nothing here.
    """

    false: str = "False"
    true: str = "True"
    gaps: tuple[str, ...] = ()
    type: ClassVar[str] = "boolean"

    @property
    def names(self) -> tuple[str, str]:
        """Of 0 and of 1."""
        return self.false, self.true

    @property
    def is_bool(self) -> bool:
        """Whether the names are Python's True and False."""
        return self.names == ("False", "True")

    @classmethod
    def recognized(cls, cells: Any, reading: Any, asked: bool = False) -> Recognized | None:
        if cells.dtype == pl.Boolean:
            return Recognized(cls(gaps=tuple(reading.na)), "true or false")
        if asked and cells.dtype.is_numeric():
            own = cls(gaps=tuple(reading.na))
            read = own.read(cells)
            return None if read.unread.any() else Recognized(own, "0 or 1", read=read)
        if cells.dtype != pl.String:
            return None
        text = cells
        if not asked and _pair(text.head(1000).unique().drop_nulls().to_list()) is None:
            return None
        counts = text.drop_nulls().alias("word").value_counts(sort=True)["word"].to_list()
        if not counts:
            return Recognized(cls(gaps=tuple(reading.na)), "true or false") if asked else None
        pair = _pair(counts)
        if pair is None:
            if not asked:
                return None
            pair = ("1", "0") if {*counts} & {"0", "1"} else _first(counts)
        # The most frequent spelling of each.
        spelled = {word.lower(): word for word in reversed(counts)}
        true, false = (spelled.get(word, word) for word in pair)
        if pair in TRUTH or pair == ("1", "0"):
            true, false = "True", "False"
        own = cls(false, true, tuple(reading.na))
        words = pl.Series(counts, dtype=pl.String)
        values = text.replace_strict(words, own._numbers(words), return_dtype=pl.Float64)
        values = _plain(values.set(values == _UNREAD, None))
        if np.isnan(values).all():
            return None
        read = Values(values, no_cells(text))
        gone = text.is_not_null().to_numpy() & np.isnan(values)
        odd: tuple[str, ...] = ()
        if gone.any():
            silent = text.filter(pl.Series(gone)).unique(maintain_order=True).to_list()
            own = cls(false, true, (*reading.na, *silent))
            odd = (f"{listed(silent)} ({rows_of(gone)}): taken as gaps",)
        return Recognized(own, f"{pair[0]} or {pair[1]}", odd, read)

    def read(self, cells: Any) -> Values:
        if cells.dtype == pl.Boolean:
            return Values(_floats(cells), no_cells(cells))
        if cells.dtype.is_numeric():
            values = _floats(cells)
            unread = ~np.isin(values, (0, 1)) & ~np.isnan(values)
            return Values(np.where(unread, np.nan, values), unread)
        values = _plain(each(cells, self._numbers))
        unread = values == _UNREAD
        return Values(np.where(unread, np.nan, values) if unread.any() else values, unread)

    def _numbers(self, cells: Any) -> Any:
        text = cleaned(cells, self.gaps, among_numbers=True).str.to_lowercase()
        text = text.str.replace(r"^([01])\.0+$", "${1}")
        known = {**dict.fromkeys(_FALSE, 0.0), **dict.fromkeys(_TRUE, 1.0),
                 self.false.lower(): 0.0, self.true.lower(): 1.0}
        return text.replace_strict(list(known), list(known.values()), default=_UNREAD,
                                   return_dtype=pl.Float64).set(text.is_null(), None)

    def shown(self, values: Any) -> str:
        known = values[~np.isnan(values)]
        share = float(known.mean()) if len(known) else 0.0
        digits = 0 if share in (0.0, 1.0) or 0.01 <= share <= 0.99 else 2
        return f"{share:.{digits}%} {self.true}"


def _plain(values: Any) -> Any:
    return values.fill_null(np.nan).to_numpy()


def _floats(cells: Any) -> Any:
    return cells.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _pair(words: list[str]) -> tuple[str, str] | None:
    """The pair that all words are of, but those that stand for nothing."""
    lower = {word.lower() for word in words[: 2 * len(WORDS)]}
    if len(words) > 2 * len(WORDS):
        return None
    for pair in WORDS:
        found = lower & {*pair}
        rest = lower - {*pair}
        # An answer "unknown" beside yes and no is a level of its own.
        silent = rest <= AMONG_NUMBERS and (pair in TRUTH or not any(map(str.isalpha, rest)))
        if found and silent and (len(found) == 2 or not found & BOTH):
            return pair
    return None


def _first(words: list[str]) -> tuple[str, str]:
    """The pair that has the most frequent word, where the user says that it is one."""
    lower = words[0].lower() if words else ""
    return next((pair for pair in WORDS if lower in pair), TRUTH[0])
