"""Rows from Parquet files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..errors import DataError
from ..extras import needed
from ..layers.base import expect
from .places import Place, opened_at, parquet_in, place_of, said_by_folders
from .sources import READ_BYTES, rows_in
from .streams import Outline, Piece, Stream


class _Plan(NamedTuple):
    """What is read: files, the columns of x, all columns, what folders say, rows at a time; and the
    types of columns so far."""

    files: Sequence[Place]
    columns: Sequence[str]
    names: Sequence[str]
    said: Mapping[str, Sequence[Any]]
    size: int
    kinds: dict[str, Any]


@dataclass(frozen=True)
class ParquetRows(Stream):
    """The rows of a Parquet file, or of all files of a folder, as a source for :func:`evenly.fit`.

    Read a few megabytes at a time, row group by row group, anew in every epoch. Of a folder the
    files ``*.parquet`` are read in the order of their paths, those of its folders too. What the
    names of folders say (``year=2024``) is a column where it is asked for by its name.

    Arguments:
        path: the file or the folder; or the address of one that fsspec reads, as ``s3://...``.
        target: the column with the targets, or several; None for prediction alone.
        columns: the columns of the inputs, in this order; None: all but those of target and weight.
        weight: the column with the sample weights.
        by_groups: whether training reads the row groups of all files in an order drawn for each
            epoch, before the buffer mixes their rows: for rows that lie sorted, in files larger
            than the buffer.

    Raises:
        ConfigurationError: pyarrow is missing.
        DataError: a file that cannot be read, a column that is not there or holds no numbers; while
            reading, missing values, NaN and infinity, with the file, the column and the row.

    Example:
        >>> import evenly as ev
        >>> import tempfile, pyarrow as pa, pyarrow.parquet as pq
        >>> from evenly.rows import ParquetRows
        >>> folder = tempfile.TemporaryDirectory()
        >>> file = folder.name + "/rows.parquet"
        >>> x = np.random.default_rng(0).standard_normal((200, 2))
        >>> pq.write_table(pa.table({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] > x[:, 1]}), file)
        >>> model = ev.fit(ev.Sequential([ev.Dense(2)]), ParquetRows(file, target="y"), epochs=5,
        ...                loss=ev.SoftmaxCrossEntropy())
        >>> model.input_shape, model.history[-1].steps
        ((2,), 7)
        >>> folder.cleanup()
    """

    path: str | os.PathLike[str]
    target: str | Sequence[str] | None = None
    columns: Sequence[str] | None = None
    weight: str | None = None
    by_groups: bool = False

    def __post_init__(self) -> None:
        expect(isinstance(self.path, (str, os.PathLike)), self, "path must be a path", self.path)
        expect(isinstance(self.by_groups, bool), self, "by_groups must be True or False",
               self.by_groups)
        for name in ("target", "columns"):
            value = getattr(self, name)
            if name == "columns":
                expect(not isinstance(value, str), self, "columns must be a list of names", value)
            if value is not None and not isinstance(value, str):
                names = tuple(value)
                expect(bool(names) and all(isinstance(n, str) for n in names), self,
                       f"{name} must be names of columns", value)
                object.__setattr__(self, name, names)
        named = [*self._targets, *(self.columns or ()), *([self.weight] if self.weight else [])]
        twice = sorted({n for n in named if named.count(n) > 1})
        expect(not twice, self, "each column has one role", twice)

    @property
    def _targets(self) -> tuple[str, ...]:
        if isinstance(self.target, str):
            return (self.target,)
        return tuple(self.target or ())

    def outline(self) -> Outline:
        files = self._files()
        columns = self._inputs(files)
        rows = 0
        for path in files:
            with opened(path) as file:
                rows += file.metadata.num_rows
        if not rows:
            raise DataError(f"ParquetRows: no rows in {os.fspath(self.path)}")
        return Outline((len(columns),), rows, bool(self._targets))

    def pieces(self) -> Iterator[Piece]:
        return self.pieces_of(0, None)

    def pieces_of(self, begin: int, end: int | None) -> Iterator[Piece]:
        """The rows from one to another, counted over all files; row groups that have none of them
        are not read."""
        plan = self._plan()
        for number, path in enumerate(plan.files):
            with opened(path) as file:
                rows = file.metadata.num_rows
                yield from self._of_file(plan, number, file, max(0, begin),
                                         rows if end is None else end)
            begin, end = begin - rows, None if end is None else end - rows

    def mixed(self, random: np.random.Generator) -> Iterator[Piece]:
        if not self.by_groups:
            yield from self.pieces()
            return
        plan = self._plan()
        # What a file's end says is read once: it is long where there are many groups.
        told: list[Any] = []
        groups: list[tuple[int, int, int]] = []  # the file, the first row and the one behind
        for number, path in enumerate(plan.files):
            with opened(path) as file:
                told.append(file.metadata)
            found = [told[number].row_group(at).num_rows
                     for at in range(told[number].num_row_groups)]
            ends = np.cumsum(found).tolist()
            groups += [(number, last - rows, last)
                       for rows, last in zip(found, ends, strict=True) if rows]
        for at in random.permutation(len(groups)):
            number, first, last = groups[at]
            with opened(plan.files[number], metadata=told[number]) as file:
                yield from self._of_file(plan, number, file, first, last)

    def _plan(self) -> _Plan:
        files = self._files()
        columns = self._inputs(files)
        names = self._names(columns)
        # There are several copies of what is read, until it is rows as the kernels want them.
        size = rows_in(READ_BYTES // 4, (len(names),), 8)
        return _Plan(files, columns, names, said_by_folders(files), size, {})

    def _of_file(
        self, plan: _Plan, number: int, file: Any, first: int, last: int
    ) -> Iterator[Piece]:
        """Some rows of a file."""
        path, said = plan.files[number], plan.said
        own = [name for name in plan.names if name in file.schema_arrow.names or name not in said]
        constant = {name: said[name][number] for name in plan.names if name not in own}
        check_columns(path, file.schema_arrow, own, plan.kinds)
        groups, row = _groups(file.metadata, first, last)
        reading = file.iter_batches(plan.size, row_groups=groups, columns=own, use_threads=False)
        while True:
            try:
                batch = next(reading, None)
            except OSError as error:
                raise unreadable(error, path, row) from error
            if batch is None:
                return
            wanted = slice(max(0, first - row), max(0, min(len(batch), last - row)))
            if wanted.start < wanted.stop:
                part = batch.slice(wanted.start, wanted.stop - wanted.start)
                yield piece_of(part, plan.columns, self.target, self.weight, path,
                               row + wanted.start, constant=constant)
            row += len(batch)

    def _files(self) -> list[Place]:
        return parquet_in(place_of(self.path), "ParquetRows")

    def _names(self, columns: Sequence[str]) -> list[str]:
        return [*columns, *self._targets, *([self.weight] if self.weight else [])]

    def _inputs(self, files: Sequence[Place]) -> tuple[str, ...]:
        """The names of the columns of x, and a check of all that are read."""
        path, said = files[0], said_by_folders(files)
        with opened(path) as file:
            schema = file.schema_arrow
        others = {*self._targets, self.weight}
        columns = self.columns
        if columns is None:
            columns = [name for name in schema.names if name not in others]
        if not columns:
            raise DataError(f"ParquetRows: {path} has no columns beside {sorted(map(str, others))}")
        names = self._names(columns)
        for name in names:
            if name in said and name not in schema.names and isinstance(said[name][0], str):
                raise DataError(f"ParquetRows: column '{name}' is said by the folders of "
                                f"{os.fspath(self.path)}, in words, such as {said[name][0]!r}: "
                                "leave it out with columns=[...], or encode it first")
        check_columns(path, schema, [name for name in names if name in schema.names
                                     or name not in said], {})
        return tuple(columns)


def _groups(metadata: Any, begin: int, end: int) -> tuple[list[int], int]:
    """The row groups that have some of the rows from one to another, and where they begin."""
    found: list[int] = []
    start = row = 0
    for number in range(metadata.num_row_groups):
        after = row + metadata.row_group(number).num_rows
        if after > begin and row < end:
            start = start if found else row
            found.append(number)
        row = after
    return found, start


def piece_of(
    batch: Any, columns: Sequence[str], target: str | Sequence[str] | None, weight: str | None,
    path: Place, row: int, who: str = "ParquetRows", constant: Mapping[str, Any] | None = None,
) -> Piece:
    """Some rows of a table as arrays; `constant` are columns of one value."""
    rows = len(batch)

    def column(name: str) -> Any:
        if constant and name in constant:
            return np.full(rows, constant[name])
        # By name: iter_batches gives the order of the file, and with 'a' a column 'a.b' too.
        return _numbers(batch.column(name), name, path, row, who)

    y = None
    if isinstance(target, str):
        y = column(target)
    elif target is not None:
        y = _side_by_side([column(name) for name in target])
    return Piece(_side_by_side([column(name) for name in columns]), y,
                 column(weight) if weight else None, f"{path}, rows {row} to {row + rows - 1}")


def opened(path: Place, who: str = "ParquetRows", metadata: Any = None) -> Any:
    """A Parquet file, of which no more is read than is asked for; its metadata neither, where they
    are known.

    Raises:
        ConfigurationError: pyarrow is missing.
        DataError: no Parquet file.
    """
    pa, parquet = (needed(who, name, "data") for name in ("pyarrow", "pyarrow.parquet"))
    source = opened_at(path, who) if isinstance(path, str) else path
    try:
        # pre_buffer would read whole row groups at once, and every column has a buffer of its own.
        return parquet.ParquetFile(source, metadata=metadata, pre_buffer=False, buffer_size=2**16)
    except pa.ArrowInvalid as error:
        raise DataError(f"{who}: {path} is no Parquet file: {error}") from None


def unreadable(error: OSError, path: Place, row: int, who: str = "ParquetRows") -> Exception:
    """What is raised for an error of the reader."""
    if error.errno is None:  # pyarrow's own word for a file that contradicts itself
        return DataError(
            f"{who}: {path} is damaged, or cannot be read, from row {row} on: "
            f"{' '.join(str(error).split())}"
        )
    error.add_note(f"while reading {path}, from row {row}")
    return error


def check_columns(
    path: Place, schema: Any, names: Sequence[str], kinds: dict[str, Any], who: str = "ParquetRows"
) -> None:
    """Raises DataError unless the columns are there, hold numbers, and have the types of the files
    before, which `kinds` keeps."""
    import pyarrow.types as types

    for name in names:
        found = schema.names.count(name)
        if found != 1:
            raise DataError(
                f"{who}: {path} has {found or 'no'} column{'s' * (found > 1)} '{name}'; "
                f"there are: {', '.join(schema.names)}"
            )
        kind = schema.field(name).type
        if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
            raise DataError(
                f"{who}: column '{name}' of {path} holds {kind}, not numbers: leave it out "
                "with columns=[...], or encode it first"
            )
        if kinds.setdefault(name, kind) != kind:
            raise DataError(f"{who}: column '{name}' of {path} holds {kind}, and that of the "
                            f"{'files' if who == 'ParquetRows' else 'batches'} before it "
                            f"{kinds[name]}: write all with one type")


def _numbers(column: Any, name: str, path: Place, row: int, who: str) -> Any:
    """A column as an array, or a DataError for what is missing."""
    if column.null_count:
        first = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise DataError(
            f"{who}: column '{name}' of {path} has a missing value in row {row + first}: "
            "fill or leave out such rows"
        )
    values = column.to_numpy(zero_copy_only=False)
    if values.dtype.kind == "f":
        bad = ~np.isfinite(values)
        if bad.any():
            raise DataError(
                f"{who}: column '{name}' of {path} holds NaN or infinity in row "
                f"{row + int(bad.argmax())}: fill or leave out such rows"
            )
    return values


def _side_by_side(columns: list[Any]) -> Any:
    """Columns as one array (rows, columns), of a type that holds them all."""
    table = np.empty((len(columns[0]), len(columns)), np.result_type(*columns))
    for number, column in enumerate(columns):
        table[:, number] = column
    return table
