"""The table of a study: read as `evenly fit` reads it, its target as codes or numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..reading.frames import frame_of
from ..tables.asked import MIN_ROWS, answered
from ..tables.columns import LARGEST, Column, Columns
from ..tables.inputs import Answers, Inputs
from ..tables.kinds import Number
from ..tables.plain import found
from ..tables.rules import Reading
from ..tables.targets import labels_read
from ..tables.task import Task as Task
from ..tables.training import OPTIONS
from . import files
from .designs import Design
from .errors import StudyError
from .sides import read_groups, read_times

if TYPE_CHECKING:
    import polars as pl

PLAIN = ("number", "boolean")
WORDS = ("category", "text")


@dataclass(frozen=True)
class Table:
    """Inputs and target: columns decided, no gap in the target, at least two classes.

    Attributes:
        frame: a polars table of all columns but the target, cells as they were read.
        columns: those that are inputs, and what each was taken for.
        target: classes as codes 0 to k-1 (int64), or numbers (float64).
        classes: the classes' names by code; empty for regression.
        width: the number of a network's inputs that the columns become, at most.
        notes: what was left out, read otherwise than it stands, or looks odd: a line each.
        example: the shape of one example where the inputs came as an array: its numbers are the
            columns, in order.
        groups, groups_name: (rows,) codes of the groups that no split parts, and their column.
        time, time_name: (rows,) numbers that rows are put in order by, and their column.
        reading, sep, encoding: what was said about reading.
        left_out: columns of the file that were said to be no inputs.
        task_asked: whether the task was said rather than told apart.
    """

    name: str
    frame: pl.DataFrame
    columns: tuple[Column, ...]
    target: npt.NDArray[Any]
    target_name: str
    task: Task
    task_reason: str
    classes: tuple[str, ...]
    width: int
    sha256: str | None
    notes: tuple[str, ...]
    example: tuple[int, ...] | None = None
    groups: npt.NDArray[Any] | None = None
    groups_name: str = ""
    time: npt.NDArray[Any] | None = None
    time_name: str = ""
    reading: Reading = Reading()  # noqa: RUF009
    sep: str | None = None
    encoding: str | None = None
    left_out: tuple[str, ...] = ()
    task_asked: bool = False

    @property
    def outputs(self) -> int:
        """The width of the network's last layer."""
        return len(self.classes) or 1

    @property
    def answers(self) -> pl.Series:
        """The target, named: the classes' names, or numbers."""
        import polars as pl

        names = np.array(self.classes, dtype=object)
        return pl.Series(self.target_name, names[self.target] if self.classes else self.target)

    @property
    def texts(self) -> tuple[str, ...]:
        """Columns of words; all others are numbers, truth values or dates."""
        return tuple(column.name for column in self.columns if column.kind.type in WORDS)

    @property
    def gaps(self) -> int:
        """Cells of the inputs that say nothing."""
        return sum(column.missing for column in self.columns)

    @cached_property
    def values(self) -> dict[str, Any]:
        """What the cells say, by column."""
        return Columns(self.columns, None, self.frame.height).values(self.frame)[0]

    @cached_property
    def array(self) -> npt.NDArray[Any]:
        """(rows, columns) of an array, in one piece: column by column takes minutes for images."""
        x = self.frame.select([column.name for column in self.columns]).to_numpy()
        return x if x.dtype == np.float32 else x.astype(np.float64)

    def answers_of(self, rows: Any) -> Answers:
        """The target of some rows, for means of it."""
        if self.classes:
            return Answers(self.target[rows], tuple(map(repr, self.classes)))
        return Answers(self.target[rows, None], ("the target",))


def load_digits() -> Table:
    """The handwritten digits that ship with scikit-learn: 1797 images of 8 x 8, 10 classes."""
    from sklearn import datasets

    pixels, digit = datasets.load_digits(return_X_y=True)
    inputs = {f"pixel{i}": column for i, column in enumerate(pixels.T)}
    return make_table("digits", inputs, digit, "digit", "classification", None, (8, 8))


def load(
    path: Path,
    target: str | None,
    task: Task | None,
    *,
    groups: str | None = None,
    time: str | None = None,
    keep: bool = False,
    reading: Reading | None = None,
    sep: str | None = None,
    encoding: str | None = None,
) -> Table:
    """Read a table file as `evenly fit` does, and check it.

    Args:
        path: of the file.
        target: the column (the array, in an .npz file) to predict.
        task: classification or regression; None tells them apart by the target's values.
        groups: the column whose rows of one value are never on both sides of a split.
        time: the column that rows are put in order by, for splits by time.
        keep: whether these two columns are inputs as well.
        reading: what is said about the columns.
        sep, encoding: of a text: what stands between cells, and how its letters are written.

    Raises:
        StudyError: the file cannot be read, or a study cannot use what it holds.
    """
    said = reading or Reading()
    sides = tuple(name for name in (groups, time) if name is not None)
    read, target = files.read(path, target, (*sides, *said.drop), sep=sep, encoding=encoding)
    frame, example = read.frame, read.example
    if read.inputs is not None:
        kept = sides if keep else ()
        frame = frame.select(*read.inputs, *kept)
        example = (frame.width,) if kept else example
    else:
        frame = frame.drop(target)
    dropped = tuple(dict.fromkeys((*(() if keep else sides), *said.drop)))
    with _of_table(str(path)):
        table = make_table(
            str(path), frame, read.frame[target], target, task, read.sha256, example,
            replace(said, drop=tuple(name for name in dropped if name in frame.columns)),
            None if groups is None else read_groups(read.frame, groups, said),
            None if time is None else read_times(read.frame, time, said),
        )
    return replace(table, groups_name=groups or "", time_name=time or "", reading=said, sep=sep,
                   encoding=encoding, left_out=dropped, notes=(*read.notes, *table.notes))


def make_table(
    name: str,
    inputs: Any,
    target: Any,
    target_name: str,
    task: Task | None,
    sha256: str | None,
    example: tuple[int, ...] | None = None,
    reading: Reading | None = None,
    groups: npt.NDArray[Any] | None = None,
    time: npt.NDArray[Any] | None = None,
) -> Table:
    """A table of inputs and target, of any library.

    Rows without a target are left out. Columns are decided; those of an array of several axes are
    numbers, and all of them inputs.

    Raises:
        StudyError: as `load`.
    """
    with _of_table(name):
        frame = frame_of(inputs)
        if not frame.height:
            raise DataError(f"the table is empty: expects at least {MIN_ROWS} rows")
        frame = frame.with_columns(frame_of({target_name: target}).to_series())
        said = reading or Reading()
        said.check(frame.columns, target_name)
        told = answered(frame, target_name, said, task)
        if not told.rows.all():
            frame, groups, time = frame.filter(told.rows), *(
                side if side is None else side[told.rows] for side in (groups, time))
        codes, classes = told.values, np.empty(0)
        if told.task == "classification":
            labels = labels_read(told.column.kind, told.values, f"target '{target_name}'")
            classes, codes = np.unique(labels, return_inverse=True)
            codes = codes.reshape(-1).astype(np.int64)
        notes: tuple[str, ...] = ()
        if example is not None and len(example) > 1:
            columns = _all_of(frame.drop(target_name))
        else:
            decided = Columns.decide(frame, target_name,
                                     replace(said, types=told.types(said.types)))
            decided.check_inputs()
            columns, notes = decided.inputs, decided.notes
            if decided.totals:
                examples = np.delete(np.arange(frame.height), decided.totals)
                frame, codes = frame[examples], codes[examples]
                groups, time = (
                    side if side is None else side[examples] for side in (groups, time))
        table = Table(
            name=name, frame=frame.drop(target_name), columns=columns,
            target=codes, target_name=target_name, task=told.task, task_reason=told.reason,
            classes=tuple(map(_label, classes)), width=0, sha256=sha256, notes=(), example=example,
            groups=groups, time=time, task_asked=task is not None,
        )
        return _measured(table, (*told.notes, *notes))


def _label(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _all_of(frame: pl.DataFrame) -> tuple[Column, ...]:
    """All columns of an array, which its maker has chosen."""
    import polars as pl

    if not all(kind.is_numeric() or kind == pl.Boolean for kind in frame.dtypes):
        return tuple(replace(column, left_out="") for column in Columns.decide(frame).columns)
    gaps = frame.null_count().row(0)
    return tuple(Column(name, Number(), "numbers of an array", missing)
                 for name, missing in zip(frame.columns, gaps, strict=True))


def _measured(table: Table, notes: tuple[str, ...]) -> Table:
    """The table with its width and notes, and nothing beyond what numbers may be."""
    plain = [column for column in table.columns if column.kind.type in PLAIN]
    if len(plain) == len(table.columns) and table.example is not None:
        beyond = np.abs(table.array) > LARGEST
        if beyond.any():
            place = int(beyond.any(axis=0).argmax())
            raise DataError(
                f"column '{plain[place].name}': "
                f"{found(f'infinity or more than {LARGEST:g}', beyond[:, place])}: mend the rows, "
                "or rescale the column"
            )
        others = Inputs(())
    else:
        others = Inputs.learn([column for column in table.columns if column.kind.type not in PLAIN],
                              table.values, table.answers_of(slice(None)))
    width = others.width + len(plain) + sum(column.missing > 0 for column in plain)
    return replace(table, width=width, notes=(*notes, *others.notes))


@contextmanager
def _of_table(name: str) -> Iterator[None]:
    """What is wrong with a table is told with its name, and in the words of the command."""
    try:
        yield
    except DataError as error:
        argument, colon, text = str(error).partition(": ")
        words = f"{OPTIONS.get(argument, argument)}{colon}{text}"
        raise StudyError(f"{name}: {words}") from error


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
            got = f"a table of {table.frame.width} columns"
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
    if table.gaps:
        holes = np.isnan(table.array).any(axis=1)
        raise StudyError(
            f"{table.name}: {found('NaN', holes)}: --net {net.name} expects none: fill the gaps, "
            "or take --net mlp, which puts medians there"
        )
    return shape
