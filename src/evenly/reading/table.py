"""Tables from files: what ``read`` takes, and what it hands on.

| kind | by its name | columns |
|---|---|---|
| text | .csv .tsv .tab .txt .dat .data | text, exactly as it stands in the file |
| workbook | .xlsx .xlsm .xls .ods | text |
| Parquet | .parquet .pq, or a folder of them | of the types of the file |
| arrays | .npz | of the types of the arrays |
| JSON | .json .jsonl .ndjson | of the types of the values |

A text, or JSON, may be packed: .gz .bz2 .xz .zst behind its name.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..extras import needed
from ..rows.places import address_in, fetched, is_address
from . import memory
from .files import unpacked
from .files.arrays import arrays
from .files.parquet import parquet, parquet_files
from .files.records import records
from .files.separated import Table, separated
from .files.sheets import sheet_of

if TYPE_CHECKING:
    import polars as pl

TEXTS = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data")
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")
PARQUET = (".parquet", ".pq")
JSON = (".json", ".jsonl", ".ndjson")
ARCHIVES = {".zip", ".tar", ".tgz", ".7z", ".rar"}
KINDS = ".csv, .tsv, .parquet or .npz"
_SHOWN = 8


@dataclass(frozen=True)
class Read:
    """A table as it stands in a file or in several.

    Attributes:
        frame: its rows. Columns of texts and workbooks are text as it stands there, gaps null.
        name: of the file or files, for messages.
        sha256: of the file; of the digests of several, one after the other.
        notes: what was decided or left out on the way, a line each.
        repeated: names that several columns of a file had, which are kept apart in `frame`.
        inputs: of an .npz file the columns of its array of inputs; else None.
        example: of an .npz file the shape of one example; else None.
    """

    frame: pl.DataFrame
    name: str
    sha256: str
    notes: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    inputs: tuple[str, ...] | None = None
    example: tuple[int, ...] | None = None


def read(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    sep: str | None = None,
    encoding: str | None = None,
    sheet: str | int | None = None,
    beside: Sequence[str] = (),
) -> Read:
    """Read a table. Nothing is guessed about what its cells mean.

    Arguments:
        paths: a file, a folder of Parquet files, ``-`` for standard input; the address of a file or
            folder that fsspec reads, as ``s3://...``; or several, which have the same columns in
            any order.
        sep: what stands between the cells of a text: one character, or ``tab``, ``blanks``, ...;
            None: recognized from the first lines.
        encoding: of a text, as Python names it; None: UTF-8, or what
            :func:`~evenly.reading.files.encodings.as_utf8` decides.
        sheet: of a workbook, its name or its number from 1; None: the first.
        beside: of an .npz file the arrays beside `y` that are no inputs.

    Raises:
        ConfigurationError: a package is missing that reads such files.
        DataError: no such file, not of its kind, damaged, rows or files that do not fit together,
            more than memory takes. The message gives file, line, rule and remedy.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> folder = tempfile.TemporaryDirectory()
        >>> path = Path(folder.name) / "t.csv"
        >>> _ = path.write_text("size;kind\\n1,5;a\\n;b\\n")
        >>> table = read(path)
        >>> table.frame.rows()
        [('1,5', 'a'), (None, 'b')]
        >>> folder.cleanup()
    """
    needed("reading tables", "polars", "tables")
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    if not given:
        raise DataError("no file: name a table, " + KINDS)
    options = {"sep": sep, "encoding": encoding, "sheet": sheet, "beside": beside}
    tables = [table for path in given for table in _each(path, options)]
    return tables[0] if len(tables) == 1 else _joined(tables, _names(given))


def _each(path: str | os.PathLike[str], options: dict[str, Any]) -> list[Read]:
    """The tables of one file, or of all files of a folder."""
    if unpacked.is_stdin(path):
        return [_from_stdin(options)]
    own = Path(path)
    address = path if is_address(path) else address_in(path)
    try:
        if address is not None:
            with tempfile.TemporaryDirectory(prefix="evenly-") as folder:
                return [_one(copy, options, name)
                        for name, copy in fetched(str(address), folder, "reading tables")]
        if own.is_dir() and not _kind(own):
            return [_one(file, options) for file in parquet_files(own, str(own))]
        return [_one(own, options)]
    except OSError as error:
        raise DataError(
            f"{address or own}: cannot be read: {error.strerror or error}") from error


def _one(path: Path, options: dict[str, Any], name: str = "") -> Read:
    name = name or str(path)
    if not path.exists():
        raise DataError(f"{name}: no such file: check the name and the folder")
    if not path.is_file():
        raise DataError(f"{name}: is not a file: name a table, {KINDS}")
    kind, packed = _kind(path), path.suffix.lower() in unpacked.PACKINGS
    if not kind and ARCHIVES.intersection(map(str.lower, path.suffixes)):
        raise DataError(f"{name}: is an archive: unpack it, and name the table in it")
    if not kind:
        raise DataError(f"{name}: expects a table, {KINDS}, got '{path.suffix}': convert it")
    if path.stat().st_size == 0:
        raise DataError(f"{name}: the file is empty: expects a header and rows")
    if packed and kind not in (*TEXTS, *JSON):
        raise DataError(f"{name}: is packed, and {kind} is packed by itself: unpack it first")
    _check_options(name, kind, options)
    if kind in PARQUET:
        return _of(parquet(path, name), name, unpacked.digest(path))
    if kind in WORKBOOKS:
        return _of(sheet_of(path, name, options["sheet"]), name, unpacked.digest(path))
    if kind == ".npz":
        found = arrays(path, name, options["beside"])
        return Read(found.frame, name, unpacked.digest(path), (), (), found.inputs, found.example)
    return _of_bytes(unpacked.contents(path, name), name, kind, options)


def _from_stdin(options: dict[str, Any]) -> Read:
    found = unpacked.standard_input()
    kind = ".csv"
    if found.data.startswith(b"PAR1"):
        return _of(parquet(found.data, unpacked.STDIN), unpacked.STDIN, found.sha256)
    if found.data.lstrip()[:1] in (b"[", b"{"):
        kind = ".json" if found.data.lstrip().startswith(b"[") else ".jsonl"
    return _of_bytes(found, unpacked.STDIN, kind, options)


def _of_bytes(found: unpacked.Contents, name: str, kind: str, options: dict[str, Any]) -> Read:
    if kind in JSON:
        table = records(found.data, name, kind != ".json", options["encoding"])
    else:
        for start, holds, rename in (
            (b"PAR1", "a Parquet table", "name it .parquet"),
            (b"PK\x03\x04", "a zip archive", "unpack it, or name it .xlsx if it is a workbook"),
            (b"\x93NUMPY", "an array of NumPy", "save it as .npz"),
        ):
            if found.data.startswith(start):
                raise DataError(f"{name}: is not a CSV table: it holds {holds}: {rename}")
        table = separated(found.data, name, options["sep"], options["encoding"])
    return _of(table, name, found.sha256)


def _of(table: Table, name: str, sha256: str) -> Read:
    return Read(table.frame, name, sha256, tuple(table.notes), table.repeated)


def _kind(path: Path) -> str:
    """The suffix that says of which kind a file is, '' where none does."""
    suffix = path.suffix.lower()
    if suffix in unpacked.PACKINGS:
        suffix = path.with_suffix("").suffix.lower()
    known = (*TEXTS, *WORKBOOKS, *PARQUET, *JSON, ".npz")
    return suffix if suffix in known else ""


def _check_options(name: str, kind: str, options: dict[str, Any]) -> None:
    """Raises DataError for a word that does not go with the kind of file."""
    goes_with = {"sep": TEXTS, "encoding": (*TEXTS, *JSON), "sheet": WORKBOOKS}
    for option, kinds in goes_with.items():
        if options[option] is not None and kind not in kinds:
            raise DataError(f"{name}: {option}={options[option]!r} goes with {', '.join(kinds)}: "
                            "leave it out")


def _names(given: Sequence[str | os.PathLike[str]]) -> str:
    shown = ", ".join(unpacked.STDIN if unpacked.is_stdin(p) else os.fspath(p) for p in given[:3])
    return shown + (f" and {len(given) - 3} more" if len(given) > 3 else "")


def _joined(tables: list[Read], name: str) -> Read:
    """Tables one below the other, the columns in the order of the first."""
    import polars as pl

    first = tables[0]
    names = first.frame.columns
    for other in tables[1:]:
        _check_alike(first, other)
    memory.require(sum(int(t.frame.estimated_size()) for t in tables), f"{name}: joining the files")
    frame = pl.concat([t.frame.select(names) for t in tables], how="vertical_relaxed")
    digests = "".join(t.sha256 for t in tables)
    notes = tuple(f"{t.name}: {note}" for t in tables for note in t.notes)
    repeated = tuple(dict.fromkeys(title for t in tables for title in t.repeated))
    return replace(first, frame=frame, name=name, notes=notes, repeated=repeated,
                   sha256=hashlib.sha256(digests.encode()).hexdigest())


def _check_alike(first: Read, other: Read) -> None:
    """Raises DataError where two tables have not the same columns."""
    import polars as pl

    own, its = first.frame.schema, other.frame.schema
    lacks = [title for title in own if title not in its]
    more = [title for title in its if title not in own]
    if lacks or more:
        parts = [f"{verb} {listed(names)}" for verb, names in (("lacks", lacks), ("has", more))
                 if names]
        raise DataError(
            f"{other.name}: {' and '.join(parts)}, unlike {first.name}: files that are read "
            "together have the same columns"
        )
    if (first.inputs, first.example) != (other.inputs, other.example):
        raise DataError(f"{other.name}: its examples have shape {other.example}, those of "
                        f"{first.name} {first.example}: they must be alike")
    for title, kind in own.items():
        if its[title] == kind or pl.Null in (kind, its[title]):
            continue
        if not (kind.is_numeric() and its[title].is_numeric()):
            raise DataError(
                f"{other.name}: column '{title}' holds {its[title]}, and that of {first.name} "
                f"{kind}: write both with one type"
            )


def listed(names: Sequence[str]) -> str:
    """Names in quotation marks, the first few of them."""
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
