"""Numbers and truth values as inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ...errors import DataError
from ..columns import LARGEST
from ..plain import found
from .base import SILENT, Part

# How far behind the range of training a number is taken as it is, in widths of that range. A
# network knows nothing of what lies farther out: one wrong digit would decide a row alone.
MARGIN = 0.5


@dataclass(frozen=True)
class NumberInputs(Part):
    """A column of numbers or truth values. A gap becomes the median of the training rows.

    What lies beyond the training rows by more than half of their range is taken for what lies as
    far: beyond, a network would go on in a straight line on the word of one number.

    Attributes:
        name: its header.
        median: of the training rows; 0 where they had gaps alone.
        gaps: whether these had gaps: then a second input says which rows have one.
        still: whether they had one value alone.
        low, high: the least and the largest of them.
    """

    of: ClassVar[tuple[str, ...]] = ("number", "boolean")
    median: float
    gaps: bool = False
    still: bool = False
    low: float = -LARGEST
    high: float = LARGEST

    def __post_init__(self) -> None:
        if not abs(self.median) <= LARGEST:
            raise DataError(f"column '{self.name}': the median must be a number, {self.median}")
        if not -LARGEST <= self.low <= self.high <= LARGEST:
            raise DataError(f"column '{self.name}': the range must be two numbers, the first not "
                            f"above the second, got {self.low} and {self.high}")

    @classmethod
    def learn(cls, name: str, values: Any) -> Self:
        """From float64 values with NaN for gaps."""
        missing = np.isnan(values)
        known = values[~missing]
        if not len(known):
            return cls(name, 0.0, bool(missing.any()), True)
        low, high = float(known.min()), float(known.max())
        still = high - low <= 8 * float(np.finfo(np.float64).eps) * max(abs(low), abs(high))
        median = low if still else float(np.median(known))
        return cls(name, median, bool(missing.any()), still, low, high)

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, f"{self.name} (nothing)") if self.gaps else (self.name,)

    def write(self, values: Any, out: Any) -> list[str]:
        missing = np.isnan(values)
        known = np.where(missing, self.median, values)
        margin = MARGIN * (self.high - self.low)
        out[:, 0] = np.clip(known, self.low - margin, self.high + margin)
        notes = []
        far = (out[:, 0] != known) & (not self.still)
        if far.any():
            first = int(far.argmax())
            notes.append(self._note(
                f"{found(f'{values[first]:g}', far)}: training had {self.low:g} to {self.high:g}; "
                f"taken for {out[first, 0]:g}"
            ))
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
