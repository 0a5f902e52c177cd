"""Free text: sentences rather than levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from .base import Recognized
from .category import Category

# Mostly distinct, of several words, long: what no two rows are likely to share.
MIN_DISTINCT = 0.5
MIN_WORDS = 3.0
MIN_LENGTH = 20.0
SAMPLE = 1000


@dataclass(frozen=True)
class Text(Category):
    """Free text, read as strings."""

    type: ClassVar[str] = "text"

    @classmethod
    def recognized(cls, cells: Any, reading: Any, asked: bool = False) -> Recognized | None:
        own = cls(gaps=tuple(reading.na))
        if asked:
            return Recognized(own, "text", read=own.read(cells))
        if cells.dtype != pl.String:
            return None
        known = cells.head(SAMPLE).drop_nulls()
        if not len(known) or known.n_unique() < MIN_DISTINCT * len(known):
            return None
        words = float((known.str.count_matches(r"\s+") + 1).mean())
        length = float(known.str.len_chars().mean())
        if words < MIN_WORDS or length < MIN_LENGTH:
            return None
        return Recognized(own, f"sentences, {words:.1f} words on average", read=own.read(cells))
