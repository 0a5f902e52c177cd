"""What each column of a table was taken for, and why: decided once, by the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError
from .column import Column as Column
from .deciding import decide
from .kinds import Date, Number
from .kinds.number import floats
from .kinds.words import cells_of, listed, shorter, strings
from .plain import found
from .rules import Reading, nearest_names

LARGEST = 1e30  # the square of a larger number is beyond float32 by far


@dataclass(frozen=True)
class Columns:
    """The columns of a table.

    Attributes:
        columns: all of them but the target, in the table's order.
        target: the column to predict; None where the table has none.
        rows: how many they were decided by.
        totals: the rows, from 0, that say "Total": sums of the others, no examples.

    Example:
        >>> import polars as pl
        >>> frame = pl.DataFrame({
        ...     "price": ["1,5 €", "2,25 €", "?", "10 €"],
        ...     "since": ["31.01.2024", "01.02.2024"] * 2,
        ...     "kind": ["new", "old", "old", "new"]})
        >>> columns = Columns.decide(frame, "kind")
        >>> [(column.name, column.kind.type, column.reason) for column in columns.columns]
        [('price', 'number', 'numbers, decimal comma, in €'), ('since', 'date', 'dates, d/m/y')]
        >>> values, notes = columns.values(frame)
        >>> values["price"].tolist(), str(values["since"][0])[:10]
        ([1.5, 2.25, nan, 10.0], '2024-01-31')
    """

    columns: tuple[Column, ...]
    target: Column | None
    rows: int
    totals: tuple[int, ...] = ()

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
        if self.target is not None:
            lines += [f"target '{self.target.name}': {line}" for line in self.target.odd]
        if self.totals:
            rows = ", ".join(str(row + 1) for row in self.totals[:4])
            several = len(self.totals) > 1
            lines.append(f"row{'s' if several else ''} {rows}{', ...' if self.totals[4:] else ''}: "
                         f"{'say' if several else 'says'} 'Total': a sum of other rows is no "
                         "example: not trained on")
        return tuple(lines)

    def check_inputs(self) -> None:
        """Raises DataError where no column is left as an input."""
        if not self.inputs:
            reasons = "".join(f"\n- '{one.name}': {one.left_out}" for one in self.columns[:8])
            raise DataError(f"the table has no input columns (n_features = 0 of "
                            f"{len(self.columns)}), since these are left out:{reasons}")

    @classmethod
    def decide(cls, frame: Any, target: str | None = None, reading: Reading | None = None
               ) -> Columns:
        """Decides the columns of a polars frame.

        Arguments:
            frame: strings as they stand in a file, or columns of types of their own.
            target: the column to predict, which is decided too and is no input.
            reading: what the user says.

        Raises:
            DataError: names that the table does not have, a type that a column cannot be, or cells
                that are lists.
        """
        columns, own, totals = decide(frame, target, reading or Reading())
        return cls(columns, own, frame.height, totals)

    def values(self, frame: Any) -> tuple[dict[str, Any], list[str]]:
        """The inputs of new rows, read as those of training were.

        Returns:
            (values by column as :class:`evenly.tables.kinds.Values` has them, notes about what is
            unlike training).

        Raises:
            DataError: a column is missing, or holds what its kind cannot read.
        """
        titles = frame.columns
        held = set(titles)
        missing = [column.name for column in self.inputs if column.name not in held]
        if missing:
            raise DataError(
                f"the table lacks {'columns' if len(missing) > 1 else 'the column'} "
                f"{listed(missing, 8)} that training had; "
                + nearest_names(missing[0], titles)
            )
        known = {column.name for column in self.columns} | (
            {self.target.name} if self.target else set())
        extra = [name for name in titles if name not in known]
        notes = ([f"left out, because training had no such column: {listed(extra, 8)}"]
                 if extra else [])
        values = plain_values(self.inputs, frame)
        for column in self.inputs:
            if column.name in values:
                continue
            values[column.name], lines = read_column(column, cells_of(frame, column.name))
            notes += lines
        return {column.name: values[column.name] for column in self.inputs}, notes

    def answers(self, frame: Any) -> Any:
        """The target of the rows, read as that of training was.

        Returns:
            What :class:`evenly.tables.kinds.Values` holds.

        Raises:
            DataError: the column is missing, or holds what its kind cannot read.
        """
        if self.target is None:
            raise DataError("the table was read without a target: name one")
        if self.target.name not in frame.columns:
            raise DataError(f"the table lacks the target '{self.target.name}'; "
                            + nearest_names(self.target.name, frame.columns))
        return read_column(self.target, cells_of(frame, self.target.name))[0]


def plain_values(columns: tuple[Column, ...], frame: Any) -> dict[str, Any]:
    """Columns of plain numbers that are strings, all read at once; those with a cell that is no
    plain number are left to :func:`read_column`."""
    import polars as pl

    types = frame.schema
    names = [column.name for column in columns if isinstance(column.kind, Number)
             and column.kind.is_plain and types[column.name] == pl.String]
    if not names:
        return {}
    cells = pl.DataFrame([frame[name].alias(str(i)) for i, name in enumerate(names)])
    values = cells.select(pl.all().cast(pl.Float64, strict=False).fill_nan(None))
    within = values.select(pl.all().abs().max().fill_null(0) <= LARGEST).row(0)
    counts = zip(values.null_count().row(0), cells.null_count().row(0), strict=True)
    return {name: floats(values[str(i)]) for i, (name, fits, (after, before)) in enumerate(
        zip(names, within, counts, strict=True)) if fits and after == before}


def read_column(column: Column, cells: Any) -> tuple[Any, list[str]]:
    """(the values of a column, what is unlike training).

    Raises:
        DataError: a cell that the column's kind cannot read, or a number without end.
    """
    kind, notes = column.kind, []
    read = kind.read(cells)
    if read.unread.any() and isinstance(kind, (Number, Date)):
        other = kind.otherwise(cells)
        if other is not None:
            own, said = other
            read = own.read(cells)
            notes.append(f"column '{column.name}': written otherwise than in training: {said}")
    if read.unread.any():
        row = int(read.unread.argmax())
        cell = shorter(str(strings(cells.slice(row, 1))[0]))
        raise DataError(
            f"column '{column.name}': was {_WAS[kind.type]} in training, got "
            f"{found(repr(cell), read.unread)}: mend the cell, leave it empty, or say --na "
            f"{_quoted(cell)}"
        )
    if kind.type == "number":
        with np.errstate(invalid="ignore"):
            wrong = np.abs(read.values) > LARGEST
        if wrong.any():
            raise DataError(
                f"column '{column.name}': {found(f'infinity or more than {LARGEST:g}', wrong)}: "
                "mend the rows, or rescale the column"
            )
    return read.values, notes


_WAS = {"number": "numbers", "boolean": "true or false", "date": "dates", "category": "words",
        "text": "text", "nothing": "empty"}


def _quoted(word: str) -> str:
    return f"'{word}'" if any(mark in word for mark in " *?$&|<>;()#!\\\"`~") else word
