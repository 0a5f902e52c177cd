"""Parquet files a few megabytes at a time, as polars frames that know where they stand."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import DataError
from ..rows.parquet import opened, unreadable
from ..rows.sources import READ_BYTES, rows_in
from .files.parquet import check_schema, parquet_files, with_text
from .table import listed

if TYPE_CHECKING:
    import polars as pl

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
WHO = "Parquet"
# A cell of a frame and of what it is read from: text has a view, and several copies are alive.
CELL_BYTES = 32


class Part(NamedTuple):
    """Some rows of a file: which file, the number of the first row in it, and the rows."""

    path: Path
    first: int
    frame: pl.DataFrame

    @property
    def place(self) -> str:
        return f"{self.path}, rows {self.first} to {self.first + self.frame.height - 1}"


@dataclass(frozen=True)
class Files:
    """Parquet files with the same columns.

    Attributes:
        paths: in the order in which they are read.
        counts: how many rows each has.
        names: of the columns, in the order of the first file.
    """

    paths: tuple[Path, ...]
    counts: tuple[int, ...]
    names: tuple[str, ...]

    @property
    def rows(self) -> int:
        return sum(self.counts)

    def parts(self, columns: Sequence[str] | None = None, rows: int | None = None
              ) -> Iterator[Part]:
        """All rows, in their order.

        Arguments:
            columns: of these columns; None: all.
            rows: so many at a time; None: a few megabytes.
        """
        for path in self.paths:
            yield from parts_of(path, columns or self.names, rows)


def files_of(paths: Paths, who: str = WHO) -> Files:
    """The files that paths name: files, or folders of them.

    Raises:
        DataError: no such file, no Parquet, columns that are not alike, no rows.
    """
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    found: list[Path] = []
    for path in map(Path, given):
        if path.is_dir():
            found += parquet_files(path, str(path))
        elif not path.is_file():  # opening a pipe would wait for ever
            raise DataError(f"{path}: {'is not a file' if path.exists() else 'no such file'}: "
                            "name Parquet files, or a folder of them")
        else:
            found.append(path)
    if not found:
        raise DataError("no file: name Parquet files, or a folder of them")
    counts, first = [], None
    for path in found:
        with opened(path, who) as file:
            counts.append(int(file.metadata.num_rows))
            schema = file.schema_arrow
        names = check_schema(schema, str(path))
        own = {name: schema.field(name).type for name in names}
        if first is None:
            first = own
        else:
            _check_alike(found[0], first, path, own)
    assert first is not None
    if not sum(counts):
        raise DataError(f"{', '.join(map(str, given))}: no rows: expects at least one")
    return Files(tuple(found), tuple(counts), tuple(first))


def parts_of(
    path: Path, columns: Sequence[str], rows: int | None = None,
    groups: Sequence[int] | None = None, first: int = 0,
) -> Iterator[Part]:
    """The rows of a file, of some row groups of it if these are given; `first` is the number of
    their first row."""
    import polars as pl

    size = rows or rows_in(READ_BYTES, (len(columns),), CELL_BYTES)
    with opened(path, WHO) as file:
        # By name: with 'a' a file gives a column 'a.b' too, and its own order.
        reading = file.iter_batches(size, row_groups=groups, columns=list(columns),
                                    use_threads=False)
        while True:
            try:
                batch = next(reading, None)
            except OSError as error:
                raise unreadable(error, path, first, WHO) from error
            if batch is None:
                return
            if not len(batch):
                continue
            frame: Any = pl.from_arrow(batch)
            frame = with_text(frame.select(columns), str(path))
            # Each part would have categories of its own.
            words = [name for name, kind in frame.schema.items()
                     if kind in (pl.Categorical, pl.Enum)]
            yield Part(path, first, frame.with_columns(pl.col(words).cast(pl.String)))
            first += len(batch)


def _check_alike(
    first: Path, its: dict[str, Any], path: Path, own: dict[str, Any]
) -> None:
    """Raises DataError where a file has other columns than the first, or text for numbers."""
    lacks = [name for name in its if name not in own]
    more = [name for name in own if name not in its]
    if lacks or more:
        parts = [f"{verb} {listed(names)}" for verb, names in (("lacks", lacks), ("has", more))
                 if names]
        raise DataError(f"{path}: {' and '.join(parts)}, unlike {first}: files that are read "
                        "together have the same columns")
    for name, kind in own.items():
        if _family(kind) != _family(its[name]) and "null" not in (str(kind), str(its[name])):
            raise DataError(f"{path}: column '{name}' holds {kind}, and that of {first} "
                            f"{its[name]}: write both with one type")


def _family(kind: Any) -> str:
    import pyarrow.types as types

    if types.is_dictionary(kind):
        return _family(kind.value_type)
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_string(kind) or types.is_large_string(kind) or str(kind) == "string_view":
        return "text"
    if types.is_timestamp(kind):
        return "timestamp" + str(kind.tz is not None)
    if types.is_date(kind):
        return "date"
    return str(kind)
