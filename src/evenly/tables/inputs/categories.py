"""Categories as inputs: one for each level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ...errors import DataError
from ..plain import found
from .base import SILENT, Part, codes_of

# A category gets at most this many inputs, unless it is said: its rarest levels share the last.
MAX_CATEGORIES = 100


@dataclass(frozen=True)
class LevelInputs(Part):
    """A category: an input for each level, 1 where a row has it.

    Attributes:
        name: its header.
        levels: those that have an input of their own, in the order of the inputs.
        shares: whether one more input stands for all other levels: the rare ones of the training
            rows, and new ones.
        gaps: whether the training rows had gaps: then one more input stands for a gap.
    """

    of: ClassVar[tuple[str, ...]] = ("category",)
    levels: tuple[str, ...]
    shares: bool = False
    gaps: bool = False

    def __post_init__(self) -> None:
        if list(self.levels) != sorted(set(self.levels)):
            raise DataError(f"column '{self.name}': expects sorted levels, each once")

    @classmethod
    def learn(cls, name: str, values: Any, most: int = MAX_CATEGORIES) -> Self:
        """From a polars series of strings, null for gaps; at most so many levels."""
        counts = values.drop_nulls().alias("level").value_counts(name="rows")
        pairs = sorted(zip(*counts.to_dict(as_series=False).values(), strict=True),
                       key=lambda pair: (-pair[1], pair[0]))
        shares = len(pairs) > most
        kept = pairs[: most - 1] if shares else pairs
        levels = tuple(sorted(level for level, _ in kept))
        return cls(name, levels, shares, values.null_count() > 0)

    @property
    def names(self) -> tuple[str, ...]:
        names = [f"{self.name} = {level}" for level in self.levels]
        names += [f"{self.name} (others)"] if self.shares else []
        return (*names, *([f"{self.name} (nothing)"] if self.gaps else []))

    @property
    def width(self) -> int:
        return len(self.levels) + self.shares + self.gaps

    def write(self, values: Any, out: Any) -> list[str]:
        places = codes_of(values, self.levels)
        other = len(self.levels)
        missing = places < 0
        new = (places == other) & (not self.shares)
        out[:] = 0.0
        if self.gaps:
            places = np.where(missing, out.shape[1] - 1, places)
        silent = new if self.gaps else new | missing
        told = np.flatnonzero(~silent)
        out[told, places[told]] = 1.0
        out[silent] = np.nan
        notes = []
        if missing.any() and not self.gaps:
            notes.append(self._note(
                f"{found('nothing', missing)}: training had no gaps here; {SILENT}"
            ))
        if new.any():
            example = values[int(new.argmax())]
            notes.append(self._note(
                f"{found(repr(example), new)}: no such value in training; {SILENT}"
            ))
        return notes
