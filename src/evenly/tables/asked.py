"""The column that a table is asked for: read by itself, its task told, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import DataError
from .column import Column
from .columns import Columns
from .rules import Reading
from .targets import known
from .task import Task, task_of

MIN_ROWS = 10


@dataclass(frozen=True)
class Answered:
    """A target.

    Attributes:
        column: decided by itself.
        rows: (rows,) which of the table's rows have one.
        values: of these rows, as the column's kind reads them.
        task, reason: what is to be learned, and why.
    """

    column: Column
    rows: Any
    values: Any
    task: Task
    reason: str

    @property
    def notes(self) -> tuple[str, ...]:
        """Rows without a target, in a line."""
        gaps = int((~self.rows).sum())
        return () if not gaps else (
            f"target '{self.column.name}': nothing in {gaps:,} of {len(self.rows):,} rows: they "
            "are left out",
        )

    def types(self, said: Mapping[str, str]) -> dict[str, str]:
        """Types that were said, and the target's where its classes are numbers that are not whole:
        then they are names as they stand there."""
        numbers = self.column.kind.type in ("number", "date")
        if self.task != "classification" or not numbers or (
                self.values.dtype.kind == "f" and np.all(self.values % 1 == 0)):
            return dict(said)
        return {**said, self.column.name: "category"}


def read_alone(frame: Any, name: str, reading: Reading) -> tuple[Column, Any]:
    """(a column of a polars frame, decided by itself and whatever it is for; its values).

    Raises:
        DataError: it cannot be read as was said.
    """
    types = {one: kind for one, kind in reading.types.items() if one == name}
    own = Columns.decide(frame.select(name), name, replace(reading, types=types, drop=(), keep=()))
    assert own.target is not None
    return own.target, own.answers(frame)


def answered(frame: Any, target: str, reading: Reading, asked: Task | None) -> Answered:
    """The target of a polars frame.

    Raises:
        DataError: there is nothing to learn, or the task is another one than was asked for.
    """
    column, values = read_alone(frame, target, reading)
    rows = known(values)
    task, reason = task_of(column, values, asked)
    values = values[rows] if isinstance(values, np.ndarray) else values.drop_nulls()
    check_answers(target, task, values, column.kind.type)
    return Answered(column, rows, values, task, reason)


def check_answers(target: str, task: str, values: Any, kind: str) -> None:
    """Raises DataError where there is nothing to learn.

    Arguments:
        target: the column.
        task: "classification" or "regression".
        values: of the rows that have one, as the column's kind reads them.
        kind: of the column.
    """
    where = f"target '{target}'"
    if not len(values):
        raise DataError(f"{where}: nothing in every row: there is nothing to learn from")
    if len(values) < MIN_ROWS:
        raise DataError(f"expects at least {MIN_ROWS} rows, got {len(values)}: add rows")
    if task == "regression":
        if kind == "date":
            raise DataError(f"{where}: expects numbers or classes, got dates: name another "
                            "--target, or say --task classification")
        if (values == values[0]).all():
            raise DataError(f"{where}: all values are {_shown(values[0])}: there is nothing to "
                            "predict, choose another --target")
        return
    if isinstance(values, np.ndarray):
        names, counts = np.unique(values, return_counts=True)
        labels = [str(bool(own)) if kind == "boolean" else _shown(own) for own in names]
    else:
        # In the order of the table.
        labels = values.unique(maintain_order=True).to_list()
        counts = values.unique_counts().to_numpy()
    if len(labels) < 2:
        raise DataError(f"{where}: expects at least two classes, got one, '{labels[0]}': choose "
                        "another --target")
    if counts.min() < 2:
        number = int((counts < 2).sum())
        more = f" (and {number - 1} more)" if number > 1 else ""
        remedy = "add rows or merge classes" + (
            ", or say --task regression" if kind == "number" else "")
        raise DataError(f"{where}: a class expects at least two rows, "
                        f"'{labels[int(counts.argmin())]}'{more} has one: {remedy}")


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
