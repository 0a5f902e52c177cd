"""The record of a training, as an array of bytes: the doctor's own lines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import FileFormatError
from ..records import TrainingRecord, from_lines, to_lines
from .values import NotReadable, Reader, Writer

_NAME = "record/lines"
# Bytes that a record may take; what they become as values takes so many times more.
_MOST, _GROWN = 2**24, 16


def write_record(record: TrainingRecord | None, writer: Writer) -> dict[str, Any]:
    """What a model's JSON has of its record: nothing where there is none. Of one that is too long
    every other look at the layers is left out until it is not; the first stays."""
    if record is None:
        return {}
    while len(data := to_lines(record)) > _MOST and len(record.probes) > 1:
        record = replace(record, probes=record.probes[::2])
    writer.arrays[_NAME] = np.frombuffer(data, np.uint8)
    return {"record": _NAME}


def read_record(name: Any, reader: Reader, memory: int) -> TrainingRecord:
    """The record of a model's JSON.

    Raises:
        NotReadable: no record, or one that would take more than `memory`.
    """
    if name != _NAME:
        raise NotReadable(f"the record should be the array '{_NAME}'")
    data = reader.array(_NAME)
    if data.dtype != np.uint8 or data.ndim != 1:
        raise NotReadable(f"the array '{_NAME}' should be a row of bytes")
    if data.size > 2 * _MOST or data.size * _GROWN > memory:
        raise NotReadable(f"a record of {data.size:,} bytes, memory={memory:,} does not allow it")
    try:
        return from_lines(data.tobytes())
    except FileFormatError as error:
        raise NotReadable(f"the record, {error.reason}") from error
