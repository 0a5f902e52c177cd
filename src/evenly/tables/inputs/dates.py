"""Dates and times as inputs: days, and parts of year, week and day as cycles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ...errors import DataError
from ..plain import found
from .base import SILENT, Part

_DAY = 86_400_000_000  # microseconds
# The cycles, and over how many days a table must go for one to say more than the days do.
CYCLES = {"year": 365.0, "week": 7.0, "day": 1.0}


@dataclass(frozen=True)
class DateInputs(Part):
    """A column of dates: days since 1970, and for each cycle the sine and cosine of its part.

    A gap becomes the median of the training rows, and 0 in the cycles.

    Attributes:
        name: its header.
        median: of the training rows, in days since 1970; 0 where they had gaps alone.
        cycles: of "year", "week" and "day", those that the training rows go through at least once,
            and that are not the same in all of them: the day where there are times of day.
        gaps: whether the training rows had gaps: then a last input says which rows have one.
        still: whether they had one moment alone.
    """

    of: ClassVar[tuple[str, ...]] = ("date",)
    median: float
    cycles: tuple[str, ...] = ()
    gaps: bool = False
    still: bool = False

    def __post_init__(self) -> None:
        known = [cycle for cycle in CYCLES if cycle in self.cycles]
        if not abs(self.median) < 1e8 or list(self.cycles) != known:
            raise DataError(f"column '{self.name}': a median of {self.median}, {self.cycles}")

    @classmethod
    def learn(cls, name: str, values: Any) -> Self:
        """From datetime64 values with NaT for gaps."""
        values = values.astype("datetime64[us]")
        missing = np.isnat(values)
        known = values[~missing]
        if not len(known):
            return cls(name, 0.0, (), bool(missing.any()), True)
        days = _days(known)
        span = float(days.max() - days.min())
        # Times without a date lie on the first day of all.
        times = bool(days.min() >= 0 and days.max() < 1)
        cycles = [cycle for cycle, period in CYCLES.items()
                  if (span >= period or (times and cycle == "day"))
                  and np.ptp(_whole(known, cycle)) > 0]
        return cls(name, float(np.median(days)), tuple(cycles), bool(missing.any()), span == 0)

    @property
    def names(self) -> tuple[str, ...]:
        parts = [f"{self.name} (days)"]
        for cycle in self.cycles:
            parts += [f"{self.name} ({cycle}, sine)", f"{self.name} ({cycle}, cosine)"]
        return (*parts, *([f"{self.name} (nothing)"] if self.gaps else []))

    def write(self, values: Any, out: Any) -> list[str]:
        values = values.astype("datetime64[us]")
        missing = np.isnat(values)
        known = np.where(missing, np.datetime64(0, "us"), values)
        days = _days(known)
        out[:, 0] = np.where(missing, self.median, days)
        for place, cycle in enumerate(self.cycles):
            angle = 2 * np.pi * _part(known, cycle)
            out[:, 1 + 2 * place] = np.where(missing, 0.0, np.sin(angle))
            out[:, 2 + 2 * place] = np.where(missing, 0.0, np.cos(angle))
        notes = []
        if self.gaps:
            out[:, -1] = missing
        elif missing.any():
            notes.append(self._note(
                f"{found('nothing', missing)}: the median of the training rows, "
                f"{_shown(self.median)}, is put there"
            ))
        if self.still:
            other = ~missing & (days != self.median)
            if other.any():
                example = _shown(days[int(other.argmax())])
                notes.append(self._note(
                    f"{found(example, other)}: training had {_shown(self.median)} alone; {SILENT}"
                ))
        return notes


def _shown(days: float) -> str:
    moment = str(np.datetime64(round(days * _DAY / 1e6), "s"))
    return moment.removesuffix("T00:00:00")


def _days(values: Any) -> Any:
    return values.astype(np.int64) / _DAY


def _whole(values: Any, cycle: str) -> Any:
    """Where in a cycle a moment lies, in steps that tell whether the cycle varies at all."""
    if cycle == "day":
        return values.astype(np.int64) % _DAY
    days = values.astype("datetime64[D]")
    if cycle == "week":
        return days.astype(np.int64) % 7
    return (days - days.astype("datetime64[Y]")).astype(np.int64)


def _part(values: Any, cycle: str) -> Any:
    """The part of a cycle that has gone by, from 0 to below 1."""
    moments = values.astype(np.int64)
    if cycle == "day":
        return moments % _DAY / _DAY
    if cycle == "week":
        return moments % (7 * _DAY) / (7 * _DAY)
    years = values.astype("datetime64[Y]")
    start = years.astype("datetime64[us]").astype(np.int64)
    end = (years + 1).astype("datetime64[us]").astype(np.int64)
    return (moments - start) / (end - start)
