"""What of a training is a curve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from ..engine import StepRecord
from ..errors import ConfigurationError
from ..training.history import EpochRecord

_STEP_NAMES = tuple((name, StepRecord._fields.index(name))
                    for name in ("loss", "penalty", "gradient_norm"))


def of_epoch(record: EpochRecord) -> dict[str, float]:
    """The numbers of an epoch by name; what it has not is left out."""
    found = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: float(value) for name, value in found.items()
            if value is not None and name != "epoch"}


def of_steps(first: int, records: Any, every: int | None) -> Iterator[tuple[int, str, float]]:
    """The number, name and value of what each `every`-th step tells; of none where it is None."""
    for number, record in enumerate(records, first) if every else ():
        if every and (number - 1) % every == 0:
            for name, place in _STEP_NAMES:
                yield number, f"step/{name}", float(record[place])


def check_every(who: str, every: Any) -> None:
    """Raises ConfigurationError for what is no number of steps."""
    if every is not None and (isinstance(every, bool) or not isinstance(every, int) or every < 1):
        raise ConfigurationError(f"{who}: every must be a whole number of steps >= 1, or None for "
                                 f"epochs alone, got {every!r}")


