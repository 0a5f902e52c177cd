"""Runs as plain values that JSON holds, and back, number for number."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..version import __version__
from .cells import Store, Values
from .data import Table
from .designs import Design
from .errors import StudyError
from .records import EpochPoint, RunRecord
from .references import REFERENCES


def to_values(run: RunRecord) -> dict[str, Any]:
    """A run as values: numbers, text, lists. What is not finite is text."""
    values = dataclasses.asdict(run)
    values["epochs"] = [dataclasses.astuple(point) for point in run.epochs]
    plain: dict[str, Any] = _plain(values)
    return plain


def from_values(values: Mapping[str, Any]) -> RunRecord:
    """The run that `to_values` made these of."""
    found = {name: _number(value) for name, value in values.items()}
    for part in ("train", "test"):
        found[part] = tuple((name, _number(value)) for name, value in values[part])
    found["epochs"] = tuple(EpochPoint(*map(_number, point)) for point in values["epochs"])
    return RunRecord(**found)


def fingerprint(table: Table, design: Design) -> str:
    """Names all that the runs of a study depend on: the library's version, the table's bytes and
    which columns are what, the design. The measure that decides is none of it: all are kept."""
    # As it is, whether said or left to the defaults.
    said = dataclasses.replace(
        design, measure=None, lr=design.rate, epochs=design.passes, hidden=design.widths,
        variants=tuple(row.name for row in design.rows),
    )
    fields = dataclasses.asdict(said)
    told = [
        __version__, table.sha256 or table.name, table.target_name, table.task, table.groups_name,
        table.time_name, [(column.name, repr(column.kind)) for column in table.columns], fields,
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


class Runs(Store):
    """A store in a folder that need not be there: it and the file are made when a network's run has
    finished, so that a study which is stopped before leaves nothing behind."""

    def __init__(self, path: Path, fingerprint: str, *, resume: bool) -> None:
        self.path, self.fingerprint = path, fingerprint
        self.found: dict[str, Values] = {}
        self._waiting: dict[str, Values] = {}
        self._is_there = False
        if resume:
            super().__init__(path, fingerprint, resume=True)
            self._is_there = True

    def add(self, key: str, values: Values) -> None:
        self._waiting[key] = values
        if not self._is_there:
            if key.partition(" ")[2] in (row.name for row in REFERENCES):
                return
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StudyError(
                    f"{self.path}: cannot be written: {error.strerror or error}: name another --out"
                ) from error
            super().__init__(self.path, self.fingerprint, resume=False)
            self._is_there = True
        while self._waiting:
            name = next(iter(self._waiting))
            super().add(name, self._waiting.pop(name))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return f"float {value}"
    return value


def _number(value: Any) -> Any:
    if isinstance(value, str) and value in ("float nan", "float inf", "float -inf"):
        return float(value.removeprefix("float "))
    return value
