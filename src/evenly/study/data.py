"""The table of a study: read, checked, told apart into classes or numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..tables.columns import LARGEST
from ..tables.inputs.categories import MAX_CATEGORIES
from ..tables.plain import found, plain_column, unique_names
from . import files
from .designs import Design
from .errors import StudyError
from .sides import Sides, read_sides

Task = Literal["classification", "regression"]

# Whole numbers with at most this many different values are taken for classes.
MAX_WHOLE_CLASSES = 20
MIN_ROWS = 10


@dataclass(frozen=True)
class Table:
    """Inputs and target, checked: no infinity, no gap in the target, at least two classes.

    Attributes:
        inputs: a pandas table: numbers as floats (a gap is NaN), text as objects.
        target: classes as codes 0 to k-1 (int64), or numbers (float64).
        classes: the classes' names by code; empty for regression.
        width: the number of input columns after text became one-hot columns, at most.
        example: the shape of one example where the inputs came as an array: its numbers are the
            columns, in order.
        groups, groups_name: (rows,) codes of the groups that no split parts, and their column.
        time, time_name: (rows,) numbers that rows are put in order by, and their column.
        left_out: columns of the file that are no inputs.
        task_asked: whether the task was said rather than told apart.
    """

    name: str
    inputs: Any
    target: npt.NDArray[Any]
    target_name: str
    task: Task
    task_reason: str
    classes: tuple[str, ...]
    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    gaps: int
    width: int
    sha256: str | None
    notes: tuple[str, ...]
    example: tuple[int, ...] | None = None
    groups: npt.NDArray[Any] | None = None
    groups_name: str = ""
    time: npt.NDArray[Any] | None = None
    time_name: str = ""
    left_out: tuple[str, ...] = ()
    task_asked: bool = False

    @property
    def outputs(self) -> int:
        """The width of the network's last layer."""
        return len(self.classes) or 1

    @property
    def answers(self) -> npt.NDArray[Any]:
        """The target: the classes' names, or numbers."""
        return np.array(self.classes, dtype=str)[self.target] if self.classes else self.target


def load_digits() -> Table:
    """The handwritten digits that ship with scikit-learn: 1797 images of 8 x 8, 10 classes."""
    import pandas as pd
    from sklearn import datasets

    pixels, digit = datasets.load_digits(return_X_y=True)
    inputs = pd.DataFrame(pixels, columns=[f"pixel{i}" for i in range(pixels.shape[1])])
    return make_table("digits", inputs, pd.Series(digit), "digit", "classification", None, (8, 8))


def load(
    path: Path,
    target: str | None,
    task: Task | None,
    *,
    groups: str | None = None,
    time: str | None = None,
    keep: bool = False,
    without: tuple[str, ...] = (),
) -> Table:
    """Read and check a table file.

    Args:
        path: a CSV, Parquet or .npz file.
        target: the column (the array, in an .npz file) to predict.
        task: classification or regression; None tells them apart by the target's values.
        groups: the column whose rows of one value are never on both sides of a split.
        time: the column that rows are put in order by, for splits by time.
        keep: whether these two columns are inputs as well.
        without: columns that are no inputs.

    Raises:
        StudyError: the file cannot be read, or a study cannot use what it holds.
    """
    sides = {name: keep for name in (groups, time) if name is not None}
    source = files.read(path, target, sides | dict.fromkeys(without, False))
    table = make_table(
        str(path),
        source.inputs,
        source.target,
        source.target_name,
        task,
        source.sha256,
        source.example,
        read_sides(str(path), source.others, groups, time),
    )
    return replace(table, left_out=(*(() if keep else sides), *without),
                   notes=(*source.notes, *table.notes))


def make_table(
    name: str,
    inputs: Any,
    target: Any,
    target_name: str,
    task: Task | None,
    sha256: str | None,
    example: tuple[int, ...] | None = None,
    sides: Sides | None = None,
) -> Table:
    """Check inputs and target (pandas objects) and make a table of them.

    Raises:
        StudyError: as `load`.
    """
    if len(inputs) == 0:
        raise StudyError(f"{name}: the table is empty: expects at least {MIN_ROWS} rows")
    where = f"{name}: target '{target_name}'"
    target = plain_column(target)
    _no_gap(where, target)
    asked = task
    task, reason = _tell_task(where, target, task)
    if len(inputs) < MIN_ROWS:
        raise StudyError(f"{name}: expects at least {MIN_ROWS} rows, got {len(inputs)}: add rows")
    codes, classes = _encode(where, target, task)
    inputs, notes = _clean(name, inputs)
    is_text = inputs.dtypes.eq(object).to_numpy()
    texts, numbers = tuple(inputs.columns[is_text]), tuple(inputs.columns[~is_text])
    holes = inputs.isna()
    holed = int(holes.any().to_numpy()[~is_text].sum())
    values = {column: inputs[column].nunique(dropna=False) for column in texts}
    shared = [column for column in texts if values[column] > MAX_CATEGORIES]
    if shared:
        notes = (
            *notes,
            f"More than {MAX_CATEGORIES} different values, of which the rarest share one column: "
            f"{_listed(shared)}.",
        )
    return Table(
        name=name,
        inputs=inputs,
        target=codes,
        target_name=target_name,
        task=task,
        task_reason=reason,
        classes=classes,
        numbers=numbers,
        texts=texts,
        gaps=int(holes.to_numpy().sum()),
        width=len(numbers) + holed + sum(min(MAX_CATEGORIES, n) for n in values.values()),
        sha256=sha256,
        notes=notes,
        example=example,
        task_asked=asked is not None,
        **({} if sides is None else vars(sides)),
    )


def input_shape(table: Table, design: Design) -> tuple[int, ...]:
    """The shape of one example, as the design's network reads it.

    Raises:
        StudyError: the network cannot read it, or it has gaps that only the columns of an mlp fill.
    """
    net = design.network
    if not net.expects:
        return (table.width,)
    shape = None if table.example is None else net.reads(table.example)
    if shape is None:
        if table.example is None:
            got = f"a table of {table.inputs.shape[1]} columns"
            remedy = "save x as such an array in an .npz file"
        else:
            got = f"x of shape {(len(table.target), *table.example)}"
            remedy = "reshape x"
        raise StudyError(
            f"{table.name}: --net {net.name} expects {net.expects}, got {got}: "
            f"{remedy}, or take --net mlp"
        )
    if table.texts:
        raise StudyError(
            f"{table.name}: --net {net.name} expects numbers, got text: save x as numbers"
        )
    # A column that holds nothing is left out of the inputs, and is a gap in every row.
    holes = table.inputs.isna().to_numpy().any(axis=1)
    if table.inputs.shape[1] < math.prod(shape):
        holes[:] = True
    if holes.any():
        raise StudyError(
            f"{table.name}: {found('NaN', holes)}: --net {net.name} expects none: fill the gaps, "
            "or take --net mlp, which puts medians there"
        )
    return shape


def _tell_task(where: str, target: Any, asked: Task | None) -> tuple[Task, str]:
    is_text = target.dtype == object
    if asked == "regression" and is_text:
        raise StudyError(
            f"{where}: regression expects numbers, got text such as '{target.iloc[0]}': "
            "say --task classification"
        )
    if asked is not None:
        return asked, "as asked for"
    if is_text:
        return "classification", "the target is text"
    count = target.nunique()
    if (target % 1 == 0).all() and count <= MAX_WHOLE_CLASSES:
        return "classification", f"the target has {count} different whole numbers"
    return "regression", f"the target is numbers, {count} different ones"


def _encode(where: str, target: Any, task: Task) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """Codes and names of the classes, or the numbers and no names."""
    values = target.to_numpy()
    if task == "regression":
        if (values == values[0]).all():
            raise StudyError(
                f"{where}: all values are {values[0]:g}: there is nothing to predict, "
                "choose another --target"
            )
        return values.astype(np.float64), ()
    names, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    labels = tuple(_label(name) for name in names)
    if len(names) < 2:
        raise StudyError(
            f"{where}: expects at least two classes, got one, '{labels[0]}': "
            "choose another --target"
        )
    if counts.min() < 2:
        single = int(counts.argmin())
        number = int((counts < 2).sum())
        more = f" (and {number - 1} more)" if number > 1 else ""
        remedy = "add rows or merge classes" + (
            "" if target.dtype == object else ", or say --task regression"
        )
        raise StudyError(
            f"{where}: a class expects at least two rows, '{labels[single]}'{more} has one: "
            f"{remedy}"
        )
    return codes.reshape(-1).astype(np.int64), labels


def _label(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _no_gap(where: str, target: Any) -> None:
    missing = target.isna()
    if missing.any():
        raise StudyError(f"{where}: {found('NaN or nothing', missing)}: remove or fill the rows")
    if target.dtype != object:
        _in_range(where, target)


def _clean(name: str, inputs: Any) -> tuple[Any, tuple[str, ...]]:
    """Inputs as floats and text alone; columns that hold nothing are left out, and noted."""
    import pandas as pd

    columns = {}
    empty = []
    # A wide table of plain floats is taken as it is: column by column would take minutes.
    if all(dtype in (np.float64, np.float32) for dtype in inputs.dtypes):
        beyond = (np.abs(inputs.to_numpy()) > LARGEST).any(axis=0)
        if beyond.any():
            first = int(np.flatnonzero(beyond)[0])
            _in_range(f"{name}: column '{inputs.columns[first]}'", inputs.iloc[:, first])
        filled = inputs.notna().any()
        empty = [str(column) for column in inputs.columns[~filled]]
        cleaned = inputs.loc[:, filled] if empty else inputs
    else:
        for position, title in enumerate(unique_names(inputs.columns)):
            column = plain_column(inputs.iloc[:, position])
            if column.isna().all():
                empty.append(title)
                continue
            if column.dtype != object:
                _in_range(f"{name}: column '{title}'", column)
            columns[title] = column
        cleaned = pd.DataFrame(columns, index=inputs.index)
    if cleaned.shape[1] == 0:
        raise StudyError(f"{name}: no input columns beside the target: add some")
    notes = (f"Left out, because they are empty: {_listed(empty)}.",) if empty else ()
    return cleaned, notes


def _listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _in_range(where: str, column: Any) -> None:
    infinite = np.isinf(column)
    if infinite.any():
        raise StudyError(f"{where}: {found('infinity', infinite)}: remove or mend the rows")
    large = column.abs() > LARGEST
    if large.any():
        raise StudyError(f"{where}: {found(f'more than {LARGEST:g}', large)}: rescale the column")
