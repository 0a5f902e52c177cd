"""What makes a training the one that it is: its settings and its data, as short texts."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine import Engine
from ..rows.data import Examples
from ..rows.sources import READ_BYTES, RowSource, rows_in
from ..rows.streams import Stream

# A function or an object without a text of its own is known by its name: where it lies in memory
# differs from process to process.
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_SHOWN = 60
# Longer texts than this many characters stand in each checkpoint as their beginning and a checksum.
_LONGEST = 2**16


def settings_of(
    engine: Engine, data: Examples | Stream, validation: Examples | Stream | None,
    more: Mapping[str, Any],
) -> dict[str, str]:
    """The settings of a training by name, and a checksum of its data.

    Arguments:
        engine: made for it.
        data, validation: prepared for the engine.
        more: what the engine does not know.
    """
    program = engine.program
    told = {name: getattr(program, name) for name in (
        "net", "input_shape", "loss", "optimizer", "batch", "dtype", "penalty", "clip",
        "constraint", "augment",
    )}
    told |= {"seed": engine.seed, **more}
    settings = {name: as_text(value) for name, value in told.items()}
    for name, rows in (("data", data), ("validation", validation)):
        settings[name] = _of_rows(rows)
    return settings


def as_text(value: Any) -> str:
    """A value as a text that tells all its numbers."""
    with np.printoptions(threshold=2**62, floatmode="unique"):
        text = _ADDRESS.sub("", repr(value))
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_SHOWN]}... of sha256 {hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _of_rows(rows: Examples | Stream | None) -> str:
    if rows is None:
        return "None"
    if isinstance(rows, Stream):
        # A source may hold all its rows: it is known by its type, and a function by its name.
        told = ", ".join(f"{name}={_of_source(value)}" for name, value in vars(rows).items())
        return f"{type(rows).__name__}({told}) of {as_text(tuple(rows.outline()))}"
    total = hashlib.sha256()
    for part in rows:
        if part is not None:
            array = _spread(part) if isinstance(part, RowSource) else np.ascontiguousarray(part)
            total.update(repr((part.shape, array.dtype.str)).encode())
            total.update(array.reshape(-1).view(np.uint8).data)
        total.update(b"|")
    x = rows.x
    return f"{x.dtype} of shape {tuple(x.shape)}, sha256 {total.hexdigest()[:32]}"


def _of_source(value: Any) -> str:
    if value is None or isinstance(value, (str, int, float, tuple, os.PathLike)):
        return as_text(value)
    return str(getattr(value, "__qualname__", type(value).__name__))


def _spread(source: RowSource) -> Any:
    """Some megabytes of rows that lie all over what is too large to be read once more."""
    count = min(len(source), rows_in(READ_BYTES, source.shape[1:], source.dtype.itemsize))
    rows = np.linspace(0, len(source) - 1, count).astype(np.int64)
    return source.dense(rows, source.dtype)


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What two trainings differ in, in words; "" where they do not."""
    words = []
    for name in dict.fromkeys([*now, *before]):
        was, comes = before.get(name, "None"), now.get(name, "None")
        if was != comes:
            start = next(
                (i for i, (a, b) in enumerate(zip(was, comes, strict=False)) if a != b),
                min(len(was), len(comes)),
            )
            words.append(f"{name} was {_near(was, start)} and is {_near(comes, start)}")
    return "; ".join(words)


def _near(text: str, place: int) -> str:
    """A text, or of a long one what stands around a place."""
    if len(text) <= 2 * _SHOWN:
        return text
    first = place - _SHOWN // 2 if place > _SHOWN * 3 // 4 else 0
    part = text[first : first + _SHOWN]
    return "..." * (first > 0) + part + "..." * (first + _SHOWN < len(text))
