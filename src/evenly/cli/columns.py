"""`evenly columns`: what each column of a table is taken for."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .helping import command
from .needed import need
from .reading_options import reading_of, reading_options
from .values import PATH

if TYPE_CHECKING:
    from evenly.tables import Column, Columns

# On a terminal more columns than this are told in short.
MOST_SHOWN = 60
TITLES = ("column", "type", "missing", "distinct", "values", "becomes")
RIGHT = ("missing", "distinct")
# Reasons that the type says as well.
PLAIN = ("numbers", "words", "dates", "true or false", "no cell holds anything")


@command()
@click.argument("tables", type=PATH, nargs=-1, required=True)
@click.option("--target", metavar="NAME", help="Column to predict.")
@reading_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text",
              help="For people, or for programs.")
@click.option("--all", "every", is_flag=True,
              help=f"Show each of more than {MOST_SHOWN} columns on a terminal too.")
def columns(tables: tuple[Path, ...], target: str | None, form: str, every: bool, **given: Any
            ) -> int:
    """Show what each column of a table is taken for, and what looks odd about it.

    TABLES is a .csv, .tsv or .parquet file, or several with the same columns. `evenly fit` reads
    them the same way, and takes the same options to say otherwise.
    """
    need("columns", "polars")
    from evenly.tables import Columns, Reading

    read = _read(tables, given)
    decided = Columns.decide(read.frame, target, Reading(**reading_of(given)))
    if form == "json":
        click.echo(json.dumps(_record(decided, read), ensure_ascii=False, indent=1))
    else:
        _show(decided, read, every or not sys.stdout.isatty())
    return 0


def _read(tables: tuple[Path, ...], given: dict[str, Any]) -> Any:
    from evenly.reading.table import read

    return read([str(path) for path in tables], sep=given["sep"], encoding=given["encoding"])


def becomes(column: Column) -> str:
    """What a column is to the network, in a few words."""
    kind = column.kind.type
    if column.left_out:
        return "left out"
    words = {
        "number": "a number", "boolean": "0 or 1", "date": "days and cycles",
        "category": f"one of {column.distinct}", "text": "hashed words",
    }[kind]
    return words + (", or a gap" if column.missing else "")


def _task(decided: Columns, frame: Any) -> tuple[str, str]:
    from evenly.tables import task_of

    assert decided.target is not None
    return task_of(decided.target, decided.answers(frame))


def _record(decided: Columns, read: Any) -> dict[str, Any]:
    record = {
        "table": read.name, "rows": decided.rows,
        "columns": [_fields(column) | {"becomes": becomes(column)} for column in decided.columns],
        "notes": [*read.notes, *decided.notes],
    }
    if decided.target is not None:
        task, reason = _task(decided, read.frame)
        record["target"] = _fields(decided.target) | {"task": task, "task_reason": reason}
    return record


def _fields(column: Column) -> dict[str, Any]:
    return {
        "name": column.name, "type": column.kind.type, "reason": column.reason,
        "missing": column.missing, "distinct": column.distinct, "values": column.shown,
        "left_out": column.left_out, "odd": list(column.odd), "asked": column.asked,
    }


def _show(decided: Columns, read: Any, every: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    kinds = Counter(column.kind.type for column in decided.columns if not column.left_out)
    out = sum(bool(column.left_out) for column in decided.columns)
    counts = ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common())
    console.print(Text(
        f"{read.name}: {decided.rows:,} rows, {len(decided.columns):,} columns: {counts or 'none'}"
        + (f", {out:,} left out" if out else "")), soft_wrap=True)
    if decided.target is not None:
        task, reason = _task(decided, read.frame)
        what = "classes" if task == "classification" else "numbers"
        console.print(Text(f"target '{decided.target.name}': {what} ({reason})"), soft_wrap=True)
    shown = decided.columns if every else decided.columns[:MOST_SHOWN]
    _table(console, shown)
    if len(shown) < len(decided.columns):
        console.print(f"and {len(decided.columns) - len(shown):,} more: --all shows them",
                      style="dim")
    read_as = [column for column in decided.columns if column.reason not in PLAIN]
    for column in read_as if every else read_as[:MOST_SHOWN]:
        console.print(Text(f"column '{column.name}': read as {column.reason}"), soft_wrap=True)
    notes = [*read.notes, *decided.notes]
    told = notes if every else notes[:MOST_SHOWN]
    for note in told:
        console.print(Text(note, style="yellow"), soft_wrap=True)
    if len(told) < len(notes):
        console.print(f"and {len(notes) - len(told):,} more lines: --all shows them", style="dim")


def _table(console: Any, columns: tuple[Column, ...]) -> None:
    rows: list[tuple[str, ...]] = [(
             column.name, column.kind.type + ("*" if column.asked else ""),
             f"{column.missing:,}" if column.missing else "", f"{column.distinct:,}",
             column.shown, becomes(column)) for column in columns]
    if console.is_terminal:
        _fitted(console, columns, rows)
        return
    # A pipe has no width: what a program reads is not cut.
    rows = [TITLES, *[tuple(map(_one_line, row)) for row in rows]]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.rjust(width) if title in RIGHT else cell.ljust(width)
                 for title, cell, width in zip(TITLES, row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _fitted(console: Any, columns: tuple[Column, ...], rows: list[tuple[str, ...]]) -> None:
    """The table in the width of a terminal."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in TITLES:
        table.add_column(title, justify="right" if title in RIGHT else "left", no_wrap=True,
                         overflow="ellipsis", max_width=22 if title == "column" else None,
                         ratio=1 if title == "values" else None)
    for column, row in zip(columns, rows, strict=True):
        table.add_row(*map(Text, map(_one_line, row)), style="dim" if column.left_out else "")
    console.print(table)
