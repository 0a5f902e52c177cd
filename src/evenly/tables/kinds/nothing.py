"""A column without any value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from .base import Kind, Recognized, Values
from .words import AMONG_NUMBERS, cleaned


@dataclass(frozen=True)
class Nothing(Kind):
    """Every cell is empty, or a word that stands for nothing."""

    type: ClassVar[str] = "nothing"

    @classmethod
    def recognized(cls, cells: Any, reading: Any, asked: bool = False) -> Recognized | None:
        if cells.dtype.is_float():
            cells = cells.fill_nan(None)
        if cells.null_count() < len(cells) and (
                cells.dtype != pl.String or _says(cells.head(1000)) or _says(cells)):
            return None
        return Recognized(cls(), "no cell holds anything")

    def read(self, cells: Any) -> Values:
        text = cleaned(cells, ())
        return Values(np.full(len(cells), np.nan), text.is_not_null().to_numpy())

    def shown(self, values: Any) -> str:
        return ""


def _says(known: Any) -> bool:
    """Whether the cells hold more than one word that would stand for nothing among numbers."""
    words = known.drop_nulls().unique()
    if not len(words):
        return False
    return len(words) > 1 or words[0].lower() not in AMONG_NUMBERS or words[0].isalpha()
