"""Columns of a table as the inputs of a network, and what was learned of them as a value.

Everything is plain numbers and text, so that it can be written into a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError
from .plain import found, plain_column, unique_names

# A text column gets at most this many inputs: its rarest values share the last.
MAX_CATEGORIES = 100
LARGEST = 1e30  # the square of a larger number is beyond float32 by far
_SHOWN = 8


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers. A gap becomes the median of the training rows.

    Attributes:
        name: its header.
        median: of the training rows.
        gaps: whether these had gaps: then a second input says which rows have one.
    """

    name: str
    median: float
    gaps: bool = False

    def __post_init__(self) -> None:
        if not abs(self.median) <= LARGEST:
            raise DataError(f"column '{self.name}': the median must be a number, {self.median}")

    @property
    def width(self) -> int:
        return 1 + self.gaps

    def encode(self, values: Any) -> tuple[list[Any], list[str]]:
        """(its inputs, what is worth a note), from float64 values with NaN for gaps."""
        missing = np.isnan(values)
        inputs = [np.where(missing, self.median, values)]
        notes = []
        if self.gaps:
            inputs.append(missing.astype(np.float64))
        elif missing.any():
            notes.append(f"column '{self.name}': {found('nothing', missing)}: the median of the "
                         f"training rows, {self.median:g}, is put there")
        return inputs, notes


@dataclass(frozen=True)
class TextColumn:
    """A column of text: an input for each value, 1 where a row has it.

    Attributes:
        name: its header.
        values: those that have an input of their own, in the order of the inputs.
        shares: whether one more input stands for all other values: the rare ones of the training
            rows, and new ones.
        gaps: whether the training rows had gaps: then one more input stands for a gap.
    """

    name: str
    values: tuple[str, ...]
    shares: bool = False
    gaps: bool = False

    @property
    def width(self) -> int:
        return len(self.values) + self.shares + self.gaps

    def encode(self, values: Any) -> tuple[list[Any], list[str]]:
        """(its inputs, what is worth a note), from an array of str, NaN for gaps. Inputs are NaN
        where the column says nothing: values and gaps that training did not have."""
        codes = {value: i for i, value in enumerate(self.values)}
        missing = np.array([not isinstance(value, str) for value in values], bool)
        other = len(codes)
        places = np.array([codes.get(value, other) if isinstance(value, str) else -1
                           for value in values], np.int64)
        inputs = [(places == i).astype(np.float64) for i in range(other + self.shares)]
        notes = []
        new = (places == other) & (not self.shares)
        if self.gaps:
            inputs.append(missing.astype(np.float64))
        elif missing.any():
            notes.append(f"column '{self.name}': {found('nothing', missing)}: training had no "
                         "gaps here; the column says nothing about these rows")
        if new.any():
            example = values[int(np.flatnonzero(new)[0])]
            notes.append(f"column '{self.name}': {found(repr(example), new)}: no such value in "
                         "training; the column says nothing about these rows")
        silent = new if self.gaps else new | missing
        return [np.where(silent, np.nan, column) for column in inputs], notes


@dataclass(frozen=True)
class Columns:
    """The input columns of a table, as training has seen them.

    Attributes:
        columns: in the order of the inputs.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"size": [1.0, 3.0, None], "kind": ["a", "b", "a"]})
        >>> columns = Columns.learn(table)
        >>> x, notes = columns.encode(pd.DataFrame({"kind": ["b"], "size": [5.0]}))
        >>> x, notes
        (array([[5., 0., 0., 1.]]), [])
    """

    columns: tuple[NumberColumn | TextColumn, ...]

    @property
    def width(self) -> int:
        """How many inputs the columns make."""
        return sum(column.width for column in self.columns)

    @classmethod
    def learn(cls, table: Any) -> Columns:
        """From the training rows, a pandas table. Columns that hold nothing are left out.

        Raises:
            DataError: no column is left, or a number is infinite or beyond 1e30.
        """
        columns: list[NumberColumn | TextColumn] = []
        for name, position in zip(unique_names(table.columns), range(table.shape[1]), strict=True):
            column = plain_column(table.iloc[:, position])
            missing = column.isna().to_numpy()
            if missing.all():
                continue
            if column.dtype == object:
                columns.append(_learn_text(name, column, bool(missing.any())))
            else:
                values = column.to_numpy()
                _in_range(name, values)
                columns.append(
                    NumberColumn(name, float(np.median(values[~missing])), bool(missing.any()))
                )
        if not columns:
            raise DataError("the table has no input columns that hold anything: add some")
        return cls(tuple(columns))

    def encode(self, table: Any, nothing: Any = None) -> tuple[Any, list[str]]:
        """Rows as the network's inputs.

        Arguments:
            table: a pandas table with these columns, in any order; others are left out.
            nothing: (width,): what each input is where its column says nothing, such as the means
                of training; None: 0.

        Returns:
            (float64 array (rows, width), notes about what is unlike training).

        Raises:
            DataError: columns that are missing, of another type, or infinite.
        """
        names = unique_names(table.columns)
        places = {name: i for i, name in enumerate(names)}
        known = {column.name for column in self.columns}
        missing = [column.name for column in self.columns if column.name not in places]
        if missing:
            raise DataError(
                f"the table lacks {_columns(missing)} that training had; it has "
                f"{_listed(names) if names else 'no columns'}"
            )
        notes = []
        extra = [name for name in names if name not in known]
        if extra:
            notes.append(f"left out, because training used no such column: {_listed(extra)}")
        parts: list[Any] = []
        for column in self.columns:
            values = _of_kind(column, plain_column(table.iloc[:, places[column.name]]))
            inputs, own = column.encode(values)
            parts += inputs
            notes += own
        x = np.stack(parts, axis=1)
        return np.where(np.isnan(x), 0.0 if nothing is None else nothing, x), notes


def _learn_text(name: str, column: Any, gaps: bool) -> TextColumn:
    counts = column.value_counts()
    order = sorted(counts.index, key=lambda value: (-counts[value], value))
    shares = len(order) > MAX_CATEGORIES
    kept = order[: MAX_CATEGORIES - 1] if shares else order
    return TextColumn(name, tuple(sorted(kept)), shares, gaps)


def _of_kind(column: NumberColumn | TextColumn, values: Any) -> Any:
    """A column's values as training had them, or a DataError."""
    is_text = values.dtype == object
    if isinstance(column, TextColumn):
        if not is_text and not values.isna().all():
            raise DataError(
                f"column '{column.name}': was text in training, such as '{column.values[0]}', got "
                f"numbers, such as {values[values.first_valid_index()]:g}"
            )
        return values.to_numpy(dtype=object)
    if is_text:
        # One word makes text of a whole column: the numbers in it are not what is wrong.
        texts = np.array([isinstance(v, str) and not _is_number(v) for v in values], bool)
        if not texts.any():
            texts = np.array([isinstance(value, str) for value in values], bool)
        if texts.any():
            example = values.iloc[int(np.flatnonzero(texts)[0])]
            raise DataError(
                f"column '{column.name}': was numbers in training, got {found('text', texts)}: "
                f"'{example}'"
            )
    numbers = values.to_numpy(dtype=np.float64)
    _in_range(column.name, numbers)
    return numbers


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _in_range(name: str, values: Any) -> None:
    wrong = np.isinf(values) | (np.abs(values) > LARGEST)
    if wrong.any():
        raise DataError(
            f"column '{name}': {found(f'infinity or more than {LARGEST:g}', wrong)}: mend the "
            "rows, or rescale the column"
        )


def _columns(names: Sequence[str]) -> str:
    return f"{'columns' if len(names) > 1 else 'the column'} {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
