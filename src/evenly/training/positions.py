"""Where a training stands, as arrays and JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ..averaging import Snapshots
from ..engine import Engine, StepRecord, kept_buffers
from ..errors import FileFormatError
from ..files import MEMORY, Path, read_arrays
from .history import EpochRecord

# Why a training may be over before its last epoch.
ENDED = ("early stopping", "callback", "doctor")
_KIND, _VERSION = "checkpoint", 1
_COLUMNS = tuple(entry.name for entry in fields(EpochRecord))
_WHOLE = ("epoch", "steps")  # columns that hold whole numbers


@dataclass(frozen=True)
class Position:
    """Where a training stands between two steps, beside the arrays of its engine.

    Attributes:
        epochs: that the training was to have.
        history: the records of the epochs that are over.
        steps: the records of the steps of the epoch that is not, (steps, 6).
        seconds: since the training began.
        best: the weights that early stopping has kept, by name.
        ended: one of :data:`ENDED` where the training is over.
        snapshots: the weights at the ends of its cycles.
    """

    epochs: int
    history: tuple[EpochRecord, ...]
    steps: Any
    seconds: float
    best: Mapping[str, Any] = field(default_factory=dict)
    ended: str = ""
    snapshots: tuple[Mapping[str, Any], ...] = ()

    @property
    def epoch(self) -> int:
        """The epoch that is going on, counted from 1."""
        return len(self.history) + 1

    @property
    def begun(self) -> int:
        """How many epochs have begun."""
        return len(self.history) + (len(self.steps) > 0)


@dataclass(frozen=True)
class Contents:
    """What a checkpoint's file holds.

    Attributes:
        settings: of its training, by name.
        position: where it stood.
        steps: the engine's step number.
        arrays: of the engine, by the name of the buffer.
    """

    settings: Mapping[str, str]
    position: Position
    steps: int
    arrays: Mapping[str, Any]


def as_contents(
    engine: Engine, settings: Mapping[str, str], position: Position
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(arrays, JSON) of the file that says where a training stands."""
    columns = _columns(settings)
    rows = [[getattr(record, name) for name in columns] for record in position.history]
    arrays = {key: engine.buffer(name) for key, name in kept_buffers(engine.program).items()}
    arrays |= {f"best/{name}": array for name, array in position.best.items()}
    arrays |= {f"snapshot_{i}/{name}": array for i, weights in enumerate(position.snapshots, 1)
               for name, array in weights.items()}
    arrays["steps"] = position.steps
    arrays["history"] = np.array(rows, np.float64).reshape(-1, len(columns))
    return arrays, {
        "kind": _KIND, "version": _VERSION, "settings": dict(settings), "steps": engine.steps,
        "epochs": position.epochs, "seconds": position.seconds, "ended": position.ended,
    }


def _columns(settings: Mapping[str, str]) -> list[str]:
    """The fields that an epoch's record has."""
    there = {"validation": settings.get("validation") != "None",
             **{name: f"{name}_schedule" in settings for name in ("dropout", "decay")}}
    return [name for name in _COLUMNS if there.get(name.partition("_")[0], True)]


def settings_in(path: Path, content: Mapping[str, Any]) -> dict[str, str]:
    """The settings that a file tells, or a FileFormatError."""
    if content.get("kind") != _KIND:
        raise FileFormatError(path, "no checkpoint of a training")
    if content.get("version") != _VERSION:
        raise FileFormatError(path, f"a checkpoint of version {content.get('version')!r}; this "
                                    f"Evenly reads version {_VERSION}")
    settings = content.get("settings")
    if not isinstance(settings, dict) or not all(isinstance(v, str) for v in settings.values()):
        raise FileFormatError(path, "tells no settings of its training")
    return settings


def read(
    path: Path, engine: Engine, cycles: Snapshots | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(arrays, JSON) of a checkpoint's file; no more memory is taken than such a training needs."""
    copies = 2 + (0 if cycles is None else cycles.cycles)
    return read_arrays(path, MEMORY + copies * engine.program.state_bytes)


def as_position(
    path: Path, engine: Engine, arrays: Mapping[str, Any], content: Mapping[str, Any],
    cycles: Snapshots | None,
) -> Contents:
    """What a file holds, of a training with the settings of this one.

    Raises:
        FileFormatError: contents that such a training cannot have written.
    """
    program = engine.program
    left = dict(arrays)

    def take(key: str, shape: tuple[int | None, ...], dtype: Any) -> Any:
        array = left.pop(key, None)
        if array is None:
            raise FileFormatError(path, f"lacks the array '{key}'")
        fits = len(array.shape) == len(shape) and all(
            n is None or n == m for n, m in zip(shape, array.shape, strict=True)
        )
        if not fits or array.dtype != np.dtype(dtype):
            raise FileFormatError(
                path, f"the array '{key}' is of {array.dtype} and shape {array.shape}, which its "
                "training's is not"
            )
        return array

    own = {}
    for key, name in kept_buffers(program).items():
        buffer = program.buffers[name]
        own[name] = take(key, buffer.shape, buffer.dtype)

    def weights(kind: str) -> dict[str, Any]:
        buffers = {name: program.buffers[name] for name in program.arrays}
        return {name: take(f"{kind}/{name}", buffer.shape, buffer.dtype)
                for name, buffer in buffers.items()}

    best = weights("best") if any(key.startswith("best/") for key in arrays) else {}
    records = take("steps", (None, len(StepRecord._fields)), np.float64)
    settings = settings_in(path, content)
    columns = _columns(settings)
    table = take("history", (None, len(columns)), np.float64)
    steps, epochs = (_whole(path, content, name) for name in ("steps", "epochs"))
    ends = () if cycles is None else cycles.ends(epochs)
    snapshots = tuple(weights(f"snapshot_{i}") for i, end in enumerate(ends, 1)
                      if end <= len(table))
    if left:
        raise FileFormatError(path, f"holds the array '{next(iter(left))}', which is nobody's")
    history = _history(path, table, columns)
    seconds, ended = content.get("seconds"), content.get("ended")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
        raise FileFormatError(path, "does not say how long its training took")
    if ended not in ("", *ENDED):
        raise FileFormatError(path, "does not say whether its training is over")
    position = Position(epochs, history, records, float(seconds), best, ended, snapshots)
    if steps != sum(record.steps for record in history) + len(records):
        raise FileFormatError(path, "tells of another number of steps than its records have")
    if position.begun > epochs or (ended and len(records)):
        raise FileFormatError(path, "tells of more than its training was to have")
    if bool(best) != (bool(history) and settings.get("early_stopping") != "None"):
        raise FileFormatError(path, "early stopping's best weights are there where there was no "
                                    "epoch of it, or not where there was")
    return Contents(settings, position, steps, own)


def _history(path: Path, table: Any, columns: list[str]) -> tuple[EpochRecord, ...]:
    whole = table[:, [columns.index(name) for name in _WHOLE]]
    epochs, steps = whole.T
    good = np.array_equal(epochs, np.arange(1, len(table) + 1)) and bool(
        ((steps >= 1) & (steps < 2**53) & (steps == np.floor(steps))).all()
    )
    if not good:
        raise FileFormatError(path, "its epochs are not counted as epochs are")
    nothing: dict[str, Any] = {"validation_loss": None, "validation_score": None}
    return tuple(
        EpochRecord(**nothing | {
            name: int(value) if name in _WHOLE else value
            for name, value in zip(columns, row, strict=True)
        })
        for row in table.tolist()
    )


def _whole(path: Path, content: Mapping[str, Any], name: str) -> int:
    value = content.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise FileFormatError(path, f"does not say its number of {name}")
    return value
