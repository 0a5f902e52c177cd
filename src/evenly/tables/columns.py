"""What each column of a table was taken for, and why: decided once, by the training rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError
from .kinds import KINDS, Kind
from .plain import found
from .rules import Reading


@dataclass(frozen=True)
class Column:
    """One column, decided.

    Attributes:
        name: its header.
        kind: how its cells are read.
        reason: why this kind, in a line.
        missing: rows of training without a value.
        distinct: different values there.
        shown: their range, or examples.
        left_out: why it is no input, in a line; empty where it is one.
        odd: what looks odd about it, a line each.
        asked: whether the kind was said rather than decided.
    """

    name: str
    kind: Kind
    reason: str
    missing: int = 0
    distinct: int = 0
    shown: str = ""
    left_out: str = ""
    odd: tuple[str, ...] = ()
    asked: bool = False


@dataclass(frozen=True)
class Columns:
    """The columns of a table.

    Attributes:
        columns: all of them but the target, in the table's order.
        target: the column to predict; None where the table has none.
        rows: how many they were decided by.
    """

    columns: tuple[Column, ...]
    target: Column | None
    rows: int

    @property
    def inputs(self) -> tuple[Column, ...]:
        """Those that the network reads."""
        return tuple(column for column in self.columns if not column.left_out)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, read otherwise than it stands there, or looks odd: a line each."""
        lines = []
        for column in self.columns:
            if column.left_out:
                lines.append(f"column '{column.name}': left out: {column.left_out}")
            lines += [f"column '{column.name}': {line}" for line in column.odd]
        return tuple(lines)

    @classmethod
    def decide(cls, frame: Any, target: str | None = None, reading: Reading | None = None) -> Columns:
        """Decides the columns of a polars frame.

        Arguments:
            frame: strings as they stand in a file, or columns of types of their own.
            target: the column to predict, which is decided too and is no input.
            reading: what the user says.
        """
        rules = reading or Reading()
        decided = {name: _decided(frame[name], rules) for name in frame.columns}
        own = decided.pop(target) if target is not None else None
        return cls(tuple(decided.values()), own, frame.height)

    def values(self, frame: Any) -> tuple[dict[str, Any], list[str]]:
        """The inputs of new rows, read as those of training were.

        Returns:
            (values by column as in :class:`Values`, notes about what is unlike training).

        Raises:
            DataError: a column is missing, or holds what its kind cannot read.
        """
        missing = [column.name for column in self.inputs if column.name not in frame.columns]
        if missing:
            raise DataError(f"the table lacks the columns {missing} that training had")
        notes, values = [], {}
        for column in self.inputs:
            values[column.name], line = _values(column, frame[column.name])
            notes += line
        return values, notes

    def answers(self, frame: Any) -> Any:
        """The target of the rows, read as that of training was: as :class:`Values` holds it."""
        assert self.target is not None
        return _values(self.target, frame[self.target.name])[0]


def _decided(cells: Any, rules: Reading) -> Column:
    for kind in KINDS:
        found = kind.recognized(cells, rules)
        if found is not None:
            break
    values = found.kind.read(cells).values
    missing = int(np.sum(values != values)) if isinstance(values, np.ndarray) else values.null_count()
    reason = "" if found.kind.type != "nothing" else "it is empty"
    return Column(cells.name, found.kind, found.reason, missing, cells.n_unique(),
                  found.kind.shown(values), reason, found.odd)


def _values(column: Column, cells: Any) -> tuple[Any, list[str]]:
    read = column.kind.read(cells)
    if read.unread.any():
        raise DataError(f"column '{column.name}': was {column.kind.type} in training, got "
                        f"{found(repr(cells[int(read.unread.argmax())]), read.unread)}")
    return read.values, []


_ = Mapping
