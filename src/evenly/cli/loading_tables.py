"""Tables and networks for tables that a command reads: what cannot be is one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from .loading import load_file

# How the command line has the arguments that errors name.
OPTIONS = {"types": "--as", "drop": "--drop", "keep": "--keep", "decimal": "--decimal"}


def read_tables(paths: Sequence[Path], given: dict[str, Any]) -> Any:
    """The rows of files, one below the other, as `evenly.reading.table.read` has them."""
    from evenly.reading.table import read

    found = read([str(path) for path in paths], sep=given.get("sep"),
                 encoding=given.get("encoding"))
    words = list(given.get("na") or ())
    return replace(found, frame=_with_gaps(found.frame, words)) if words else found


def check_rows(read: Any) -> None:
    """Raises UsageError for an array of images or sequences: rows have columns."""
    if read.example is not None and len(read.example) > 1:
        raise click.UsageError(f"{read.name}: array 'x' expects numbers or text of shape (rows, "
                               f"features), got examples of shape {read.example}")


def _with_gaps(frame: Any, words: list[str]) -> Any:
    """The same, nothing in place of some words."""
    import polars as pl

    text = pl.col(pl.String)
    return frame.with_columns(
        pl.when(text.str.strip_chars().is_in(words)).then(None).otherwise(text).name.keep())


# Rows of files larger than memory that decide what the columns are.
SAMPLE_ROWS = 100_000


def sampled_files(paths: Sequence[Path], settings: Any) -> Any:
    """Some rows of Parquet files larger than memory, as `read_tables` hands on whole tables."""
    from evenly.reading.parts import files_of
    from evenly.reading.streamed import sampled
    from evenly.reading.table import Read

    files = files_of(paths)
    rows = min(SAMPLE_ROWS, files.rows)
    frame = sampled(paths, rows, settings["random_state"])
    name = ", ".join(map(str, paths))
    note = f"the columns were decided by {rows:,} of {files.rows:,} rows; all rows are trained on"
    return Read(frame, name, "", (note,) if rows < files.rows else ())


def load_table_model(path: Path) -> Any:
    """A network that `evenly fit` wrote.

    Raises:
        UsageError: the file holds something else, or cannot be read.
    """
    from evenly.tables import TableModel

    loaded = load_file(path)
    if not isinstance(loaded, TableModel):
        raise click.UsageError(
            f"{path}: holds a {type(loaded).__name__}, not a network of `evenly fit`: load it in "
            "Python with evenly.load"
        )
    return loaded


@contextmanager
def of_table(name: str) -> Iterator[None]:
    """What is wrong with a table is told with the table's name."""
    from evenly.errors import DataError

    try:
        yield
    except DataError as error:
        text = str(error)
        for argument, option in OPTIONS.items():
            if text.startswith(f"{argument}: "):
                text = option + text[len(argument):]
        raise click.UsageError(text if text.startswith(name) else f"{name}: {text}") from error
