"""What every part of the inputs can do: name its inputs, and write them for rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

SILENT = "the column says nothing about these rows"


@dataclass(frozen=True)
class Part:
    """The inputs of one column, as the training rows had it: plain numbers and text.

    Attributes:
        name: the column's header.
        of: the types of columns that have such inputs.
    """

    of: ClassVar[tuple[str, ...]] = ()
    name: str

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each input."""
        raise NotImplementedError

    @property
    def width(self) -> int:
        """How many inputs it makes."""
        return len(self.names)

    def write(self, values: Any, out: Any) -> list[str]:
        """Writes the inputs of rows.

        Arguments:
            values: of the column, as its kind reads them.
            out: (rows, width) float64, to be filled: NaN where the column says nothing.

        Returns:
            What is unlike training, a line each.
        """
        raise NotImplementedError

    def _note(self, text: str) -> str:
        return f"column '{self.name}': {text}"


def codes_of(values: Any, levels: tuple[str, ...]) -> Any:
    """(rows,) the places of strings among the levels; as many as there are for others, -1 for
    nothing."""
    import polars as pl

    other = len(levels)
    if not other:
        return np.where(values.is_null().to_numpy(), -1, 0)
    places = values.replace_strict(
        pl.Series(levels, dtype=pl.String), pl.Series(range(other), dtype=pl.Int64),
        default=other, return_dtype=pl.Int64,
    )
    return np.where(values.is_null().to_numpy(), -1, places.to_numpy())


def hashes_of(values: Any) -> Any:
    """(rows,) a number from 1 to 2**32 for each string, 0 for nothing: the same on any machine."""
    import zlib

    import polars as pl

    levels = values.drop_nulls().unique()
    if not len(levels):
        return np.zeros(len(values), np.int64)
    numbers = [zlib.crc32(level.encode()) + 1 for level in levels]
    hashed = values.replace_strict(levels, pl.Series(numbers, dtype=pl.Int64), default=0,
                                   return_dtype=pl.Int64)
    return np.where(values.is_null().to_numpy(), 0, hashed.to_numpy())
