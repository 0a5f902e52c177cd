"""Numbers and truth values as inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ...errors import DataError
from ..columns import LARGEST
from ..plain import found
from .base import SILENT, Part


@dataclass(frozen=True)
class NumberInputs(Part):
    """A column of numbers or truth values. A gap becomes the median of the training rows.

    Attributes:
        name: its header.
        median: of the training rows; 0 where they had gaps alone.
        gaps: whether these had gaps: then a second input says which rows have one.
        still: whether they had one value alone.
    """

    of: ClassVar[tuple[str, ...]] = ("number", "boolean")
    median: float
    gaps: bool = False
    still: bool = False

    def __post_init__(self) -> None:
        if not abs(self.median) <= LARGEST:
            raise DataError(f"column '{self.name}': the median must be a number, {self.median}")

    @classmethod
    def learn(cls, name: str, values: Any) -> Self:
        """From float64 values with NaN for gaps."""
        missing = np.isnan(values)
        known = values[~missing]
        if not len(known):
            return cls(name, 0.0, bool(missing.any()), True)
        low, high = float(known.min()), float(known.max())
        still = high - low <= 8 * float(np.finfo(np.float64).eps) * max(abs(low), abs(high))
        return cls(name, low if still else float(np.median(known)), bool(missing.any()), still)

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, f"{self.name} (nothing)") if self.gaps else (self.name,)

    def write(self, values: Any, out: Any) -> list[str]:
        missing = np.isnan(values)
        out[:, 0] = np.where(missing, self.median, values)
        notes = []
        if self.gaps:
            out[:, 1] = missing
        elif missing.any():
            notes.append(self._note(
                f"{found('nothing', missing)}: the median of the training rows, "
                f"{self.median:g}, is put there"
            ))
        if self.still:
            other = ~missing & (np.abs(values - self.median) > 1e-12 * abs(self.median))
            if other.any():
                example = values[int(other.argmax())]
                notes.append(self._note(
                    f"{found(f'{example:g}', other)}: training had {self.median:g} alone; {SILENT}"
                ))
        return notes
