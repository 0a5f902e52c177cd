"""A sheet of a workbook (.xlsx and its kin) as a table of text."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

from ...errors import DataError
from ...extras import needed
from .. import memory
from .head import titles_above
from .parquet import one_line
from .separated import Table, named

HEAD_ROWS = 200


def sheet_of(path: Path, name: str, sheet: str | int | None) -> Table:
    """A sheet as a table whose columns are all text: cells as they stand there, dates in ISO.

    Arguments:
        path: of the workbook.
        name: for messages.
        sheet: its name, or its number from 1; None: the first.

    Raises:
        ConfigurationError: fastexcel is missing.
        DataError: damaged, no such sheet, nothing in it, more than memory takes.
    """
    import polars as pl

    fastexcel = needed(f"{name}: reading workbooks", "fastexcel", "xlsx",
                       instead=", or save the sheet as CSV")
    _check_size(path, name)
    try:
        book = fastexcel.read_excel(str(path))
        title, notes = _chosen(book.sheet_names, name, sheet)
        loaded: Any = book.load_sheet(title, header_row=None, dtypes="string").to_polars()
    except fastexcel.FastExcelError as error:
        raise DataError(f"{name}: is not a workbook: {one_line(error)}") from error
    filled = loaded.filter(pl.any_horizontal(pl.all().is_not_null() & (pl.all() != "")))
    if not filled.height:
        raise DataError(f"{name}: sheet '{title}' is empty: expects a header and rows")
    head = [[cell or "" for cell in row] for row in filled.head(HEAD_ROWS).rows()]
    above = titles_above(head)
    if above:
        notes.append(f"{above} row{'s' * (above > 1)} above the header left out: "
                     f"{' '.join(' '.join(head[0]).split())[:60]}")
    names, own, repeated = named(tuple(head[above]), filled.width)
    frame = filled.slice(above + 1)
    frame.columns = names
    return Table(frame.select(pl.when(pl.all() != "").then(pl.all())), notes + own, repeated)


def _chosen(names: list[str], name: str, sheet: str | int | None) -> tuple[str, list[str]]:
    """(the name of the sheet, a note where there are others)."""
    listed = ", ".join(f"'{own}'" for own in names)
    if sheet is None:
        others = [] if len(names) == 1 else [
            f"sheet '{names[0]}' of {len(names)} is read; say --sheet for another of {listed}"]
        return names[0], others
    if sheet in names:
        return str(sheet), []
    number = int(sheet) if str(sheet).isdigit() else 0
    if not 1 <= number <= len(names):
        raise DataError(f"{name}: there is no sheet '{sheet}': choose from {listed}")
    return names[number - 1], []


def _check_size(path: Path, name: str) -> None:
    """Raises DataError for a workbook that is damaged, or larger than memory takes unpacked."""
    if path.suffix.lower() == ".xls":
        return memory.require(path.stat().st_size, f"{name}: reading the workbook")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            memory.require(size, f"{name}: reading the workbook")
            # What a part takes is what the directory says, or its checksum is another.
            if (bad := archive.testzip()) is not None:
                raise DataError(f"{name}: is damaged in {bad}: copy it anew")
    except (zipfile.BadZipFile, EOFError, OSError, zlib.error) as error:
        raise DataError(f"{name}: is not a workbook: {one_line(error)}") from error
