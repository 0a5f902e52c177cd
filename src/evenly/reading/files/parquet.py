"""Parquet files as tables: the columns have the types that they have in the file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import DataError
from ...extras import needed
from .. import memory
from .separated import Table

if TYPE_CHECKING:
    import polars as pl

CELL_BYTES = 8


def parquet(source: Path | bytes, name: str) -> Table:
    """A Parquet file, looked at before it is read.

    Raises:
        DataError: damaged, columns of one name, lists or structures in a column, more than memory
            takes.
    """
    import polars as pl

    pa, pq = (needed("reading Parquet", one, "tables") for one in ("pyarrow", "pyarrow.parquet"))
    try:
        about = pq.read_metadata(io.BytesIO(source) if isinstance(source, bytes) else source)
        names = check_schema(about.schema.to_arrow_schema(), name)
        size = max(
            CELL_BYTES * about.num_rows * about.num_columns,
            sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups)),
        )
        memory.require(size, f"{name}: reading {about.num_columns} columns")
        if about.num_rows == 0:
            columns = pl.read_parquet(source, columns=names, n_rows=0)
        else:
            columns = pl.read_parquet(source, columns=names)
    except (ValueError, pa.ArrowException, pl.exceptions.PolarsError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{name}: is not a Parquet table: {one_line(error)}") from error
    frame = with_text(columns, name)
    left = len(about.schema.to_arrow_schema().names) - len(names)
    return Table(frame, [f"the index of a pandas table is left out: {_words(about, names)}"]
                 if left else [])


def check_schema(schema: Any, name: str) -> list[str]:
    """The names of a file's columns, without those that pandas keeps as an index.

    Raises:
        DataError: several of one name; lists or structures.
    """
    import pyarrow as pa

    for title in schema.names:
        if (count := schema.names.count(title)) > 1:
            raise DataError(f"{name}: {count} columns are named '{title}': rename them")
    index = index_of(schema)
    for field in schema:
        if pa.types.is_nested(field.type) and field.name not in index:
            raise DataError(
                f"{name}: column '{field.name}' holds {field.type}, expects numbers or text: "
                "make a column of each part, or leave it out"
            )
    return [title for title in schema.names if title not in index]


def index_of(schema: Any) -> set[str]:
    """The columns that pandas wrote as a table's index."""
    own = schema.pandas_metadata or {}
    return {title for title in own.get("index_columns", []) if isinstance(title, str)}


def with_text(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """The same with bytes as text, as older writers mean them.

    Raises:
        DataError: bytes that are no text.
    """
    import polars as pl

    for title, kind in frame.schema.items():
        if kind == pl.Binary:
            try:
                frame = frame.with_columns(pl.col(title).cast(pl.String))
            except pl.exceptions.PolarsError:
                raise DataError(f"{name}: column '{title}' holds bytes that are no text, expects "
                                "numbers or text: leave it out") from None
    return frame


def parquet_files(folder: Path, name: str) -> list[Path]:
    """The files ``*.parquet`` of a folder and of its folders, in the order of their paths; hidden
    ones are left out.

    Raises:
        DataError: there are none.
    """
    found = sorted(
        path for path in folder.rglob("*")
        if path.suffix.lower() in (".parquet", ".pq") and path.is_file()
        and not any(part[0] in "._" for part in path.relative_to(folder).parts)
    )
    if not found:
        raise DataError(f"{name}: the folder holds no *.parquet: name the files of another kind "
                        "one by one")
    return found


def one_line(error: BaseException) -> str:
    """What an error says, in one line of at most 200 characters."""
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:197] + "..."


def _words(about: Any, names: Sequence[str]) -> str:
    left = [title for title in about.schema.to_arrow_schema().names if title not in set(names)]
    return ", ".join(f"'{title}'" for title in left)
