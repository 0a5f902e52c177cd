"""Categories as row numbers of a table that the network learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ...errors import DataError
from ..plain import found
from .base import SILENT, Part, codes_of

# The row of what says nothing: it is zeros, and stays so.
NOTHING = 0
# Of levels with fewer rows in training the network could only learn these rows by heart.
LEAST_ROWS = 2
# Inputs of a linear model, which has no table.
INDICATORS = 100


@dataclass(frozen=True)
class CodeInputs(Part):
    """A category of many levels: one whole number, which names a row of a learned table.

    Attributes:
        name: its header.
        levels: those that have a row of their own, the most frequent first.
        first: the row of the first of them.
        shares: whether one more row stands for all other levels: those that training had once, and
            new ones.
        gaps: whether the training rows had gaps: then one more row stands for a gap.

    Source: Guo and Berkhahn 2016, "Entity embeddings of categorical variables".
    """

    of: ClassVar[tuple[str, ...]] = ("category",)
    levels: tuple[str, ...]
    first: int = NOTHING + 1
    shares: bool = False
    gaps: bool = False

    def __post_init__(self) -> None:
        if len(set(self.levels)) < len(self.levels) or self.first <= NOTHING or not self.rows:
            raise DataError(f"column '{self.name}': expects levels, each once, and a row above 0")

    @classmethod
    def learn(cls, name: str, values: Any, first: int) -> Self:
        """From a polars series of strings, null for gaps; `first` is its first row."""
        counts = values.drop_nulls().alias("level").value_counts(name="rows")
        pairs = sorted(zip(*counts.to_dict(as_series=False).values(), strict=True),
                       key=lambda pair: (-pair[1], pair[0]))
        levels = tuple(level for level, rows in pairs if rows >= LEAST_ROWS)
        return cls(name, levels, first, len(levels) < len(pairs), values.null_count() > 0)

    @property
    def rows(self) -> int:
        """How many rows of the table are this column's."""
        return len(self.levels) + self.shares + self.gaps

    @property
    def names(self) -> tuple[str, ...]:
        return (f"{self.name} (level)",)

    def write(self, values: Any, out: Any) -> list[str]:
        places = codes_of(values, self.levels)
        missing, new = places < 0, (places == len(self.levels)) & (not self.shares)
        places = np.where(missing, self.rows - 1, places)
        silent = new if self.gaps else new | missing
        out[:, 0] = np.where(silent, NOTHING, self.first + places)
        notes = []
        if missing.any() and not self.gaps:
            notes.append(self._note(
                f"{found('nothing', missing)}: training had no gaps here; {SILENT}"
            ))
        if new.any():
            notes.append(self._note(
                f"{found(repr(values[int(new.argmax())]), new)}: no such value in training; "
                f"{SILENT}"
            ))
        return notes

    def indicators(self, codes: Any) -> Any:
        """(rows, inputs): what a linear model reads in place of the row numbers: the most frequent
        levels by themselves, and all others in one."""
        width = min(self.rows, INDICATORS)
        places = np.minimum(codes.astype(np.int64) - self.first, width - 1)
        return (places[:, None] == np.arange(width)).astype(codes.dtype)
