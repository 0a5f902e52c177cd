"""Text as inputs: hashed words."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ...errors import DataError
from .base import Part

# Inputs of a column of text.
WORDS = 256


@dataclass(frozen=True)
class WordInputs(Part):
    """A column of text: each word counts in one of some inputs, which its hash (CRC-32) names.

    An input is ``log(1 + n)`` for the n words of a row that fall to it; words are runs of letters
    and digits, in lower case. A row without text has no words.

    Attributes:
        name: its header.
        inputs: how many.
    """

    of: ClassVar[tuple[str, ...]] = ("text",)
    inputs: int = WORDS

    def __post_init__(self) -> None:
        if not 1 <= self.inputs <= 1 << 20:
            raise DataError(f"column '{self.name}': {self.inputs} inputs of words")

    @classmethod
    def learn(cls, name: str, values: Any) -> Self:
        """From a polars series of strings, null for gaps."""
        return cls(name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.name} (words {place})" for place in range(self.inputs))

    @property
    def width(self) -> int:
        return self.inputs

    def write(self, values: Any, out: Any) -> list[str]:
        import polars as pl

        frame = pl.DataFrame({
            "row": np.arange(len(values)),
            "word": values.str.to_lowercase().str.extract_all(r"[\p{L}\p{N}]+"),
        }).explode("word").drop_nulls()
        out[:] = 0.0
        if frame.height:
            words = frame["word"].unique()
            numbers = [zlib.crc32(word.encode()) % self.inputs for word in words]
            places = frame["word"].replace_strict(words, pl.Series(numbers, dtype=pl.Int64))
            np.add.at(out, (frame["row"].to_numpy(), places.to_numpy()), 1.0)
            np.log1p(out, out=out)
        return []
