"""Callbacks that hear a whole training: how it begins, its steps, its epochs, how it ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from ..errors import DivergenceError
from ..settings import Settings
from .history import EpochRecord

Value = str | int | float | bool


class Listener:
    """A callback of :func:`evenly.fit` that hears more than epochs; each method may be left out.
    One listener may hear several trainings, one after the other.

    Example:
        >>> import evenly as ev
        >>> class Last(ev.callbacks.Listener):
        ...     def ends(self, stopped):
        ...         print("ended:", stopped)
        >>> x = np.eye(4)
        >>> model = ev.fit(ev.Sequential([ev.Dense(1)]), x, x[:, :1], loss=ev.MeanSquaredError(),
        ...                epochs=1, callbacks=[Last()])
        ended: epochs
    """

    def begins(self, settings: Mapping[str, Value]) -> None:
        """Hears what the training is made of, by name."""

    def steps(self, first: int, records: Any) -> None:
        """Hears an epoch's steps, before the epoch itself.

        Arguments:
            first: number of the first of them in the training, counted from 1.
            records: (steps, 6), as :class:`evenly.engine.StepRecord` names the columns.
        """

    def __call__(self, record: EpochRecord) -> str | None:
        """Hears an epoch; ``"stop"`` ends the training."""
        return None

    def ends(self, stopped: str) -> None:
        """Hears why it ended, in the words of :class:`evenly.History`, or ``"failed"``."""


@dataclass
class Heard:
    """The listeners among the callbacks of a training, and how it ended."""

    listeners: Sequence[Listener]
    stopped: str = "failed"


@contextmanager
def recorded(callbacks: Sequence[Any], settings: Mapping[str, Value]) -> Iterator[Heard]:
    """Tells the listeners among the callbacks of the begin and, whatever happens, of the end."""
    heard = Heard([one for one in callbacks if isinstance(one, Listener)])
    begun = []
    try:
        for one in heard.listeners:
            begun.append(one)
            one.begins(settings)
        yield heard
    except DivergenceError:
        heard.stopped = "diverged"
        raise
    finally:
        for one in begun:
            one.ends(heard.stopped)


def told(settings: Settings, **more: Any) -> dict[str, Value]:
    """What a training is made of, as numbers and words."""
    found = {field.name: getattr(settings, field.name) for field in fields(settings)} | more
    found["learning_rate"] = settings.optimizer.learning_rate
    return {name: value if isinstance(value, Value) else str(value)
            for name, value in found.items() if value is not None}
