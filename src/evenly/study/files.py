"""Table files: CSV, Parquet and .npz become a pandas table, after a look at their size."""

from __future__ import annotations

import hashlib
import math
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..tables import memory
from .designs import nearest
from .errors import StudyError

# Inputs, target, its name, the shape of one example of an array, and columns beside them by name.
Parts = tuple[Any, Any, str, tuple[int, ...] | None, dict[str, Any]]

SAMPLE_BYTES = 1 << 20


@dataclass(frozen=True)
class Source:
    """What a file holds: inputs and target as pandas objects, and the file's digest.

    `example` is the shape of one example where the inputs are an array; its numbers are the columns
    of `inputs`, in order. `others` are the columns beside inputs and target that were asked for.
    """

    inputs: Any
    target: Any
    target_name: str
    sha256: str
    example: tuple[int, ...] | None
    others: dict[str, Any]


def read(path: Path, target: str | None, others: Mapping[str, bool] | None = None) -> Source:
    """Read a table file.

    Args:
        path: a file that ends in .csv, .tsv, .txt, .parquet, .pq or .npz.
        target: the column to predict; in an .npz file the array's name, `y` if not given.
        others: columns (arrays, in an .npz file) to hand out by themselves, and whether they are
            inputs as well.

    Raises:
        StudyError: no such file, not readable, not of its kind, no such column, or more than
            memory takes.
    """
    with _opened(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        inputs, y, name, example, beside = READERS[path.suffix.lower()](path, target, others or {})
    return Source(inputs, y, name, digest, example, beside)


def read_columns(path: Path) -> Any:
    """Read a table file as it is, a pandas table: for predictions, where no column is the target.

    An array `x` (or the only one) of an .npz file has columns named as :func:`read` names them.

    Raises:
        StudyError: as :func:`read`.
    """
    with _opened(path):
        suffix = path.suffix.lower()
        if suffix == ".npz":
            return _npz_columns(path)
        return (_parquet_table if suffix in (".parquet", ".pq") else _csv_table)(path)


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    """A file that is there and is a table by its name; what the system refuses is named."""
    reader = READERS.get(path.suffix.lower())
    try:
        if not path.exists():
            raise StudyError(f"{path}: no such file: check the name and the folder")
        if not path.is_file():
            raise StudyError(f"{path}: is not a file: name a table, {KINDS}")
        if reader is None:
            raise StudyError(f"{path}: expects a table, {KINDS}, got '{path.suffix}': convert it")
        if path.stat().st_size == 0:
            raise StudyError(f"{path}: the file is empty: expects a header and rows")
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror or error}") from error


def _read_csv(path: Path, target: str | None, others: Mapping[str, bool]) -> Parts:
    import pandas as pd

    table = _csv_table(path)
    if target is not None:
        # pandas names a second column 'y' 'y.1': an input that gives the answer away.
        with path.open("rb") as file:
            separator = _separator(file.readline(SAMPLE_BYTES))
        head = pd.read_csv(path, sep=separator, header=None, nrows=1, dtype=str)
        for name in (target, *others):
            _once(path, [str(title) for title in head.iloc[0]], name)
    return _take(path, table, target, others)


def _csv_table(path: Path) -> Any:
    import pandas as pd

    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
    separator = _separator(sample.split(b"\n", 1)[0])
    columns = sample.split(b"\n", 1)[0].count(separator.encode()) + 1
    lines = sample.count(b"\n") + 1
    rows = lines * path.stat().st_size // max(1, len(sample))
    # A number takes 8 bytes; text is at least as long in memory as in the file.
    needed = max(8 * columns * rows, 2 * path.stat().st_size)
    memory.require(needed, f"{path}: reading {columns} columns", error=StudyError)
    try:
        with warnings.catch_warnings():
            # A row with more cells than the header is cut with a warning; it is a broken file.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(path, sep=separator, index_col=False, low_memory=False)
    except (ValueError, pd.errors.ParserWarning) as error:
        raise StudyError(f"{path}: is not a CSV table: {_csv_fault(error)}") from error
    return table


def _csv_fault(error: Exception) -> str:
    """What is wrong with a CSV file, and what to do, from what pandas says."""
    import pandas as pd

    if isinstance(error, UnicodeDecodeError):
        return f"byte 0x{error.object[error.start]:02x} is not UTF-8: save it as CSV in UTF-8"
    if isinstance(error, pd.errors.EmptyDataError):
        return "there is no header: expects a header and rows"
    if isinstance(error, pd.errors.ParserWarning):
        return "the rows have more cells than the header: name each column once"
    counts = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
    if counts:
        expected, line, saw = counts.groups()
        return f"line {line} has {saw} cells, expects {expected} as in the header: mend the line"
    start = re.search(r"EOF inside string starting at row (\d+)", str(error))
    if start:
        return f"the quotation that begins in line {int(start[1]) + 1} does not end: mend the line"
    return _one_line(error)


def _separator(header: bytes) -> str:
    """The most frequent of the usual separators in the header; a comma where there is none."""
    return max((",", ";", "\t", "|"), key=lambda mark: header.count(mark.encode()))


def _read_parquet(path: Path, target: str | None, others: Mapping[str, bool]) -> Parts:
    return _take(path, _parquet_table(path), target, others)


def _parquet_table(path: Path) -> Any:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        about = pq.read_metadata(path)
        schema = about.schema.to_arrow_schema()
        if len(set(schema.names)) < len(schema.names):
            _once(path, schema.names, max(schema.names, key=schema.names.count))
        for field in schema:
            if pa.types.is_nested(field.type):
                raise StudyError(
                    f"{path}: column '{field.name}' holds {field.type}, expects numbers or text: "
                    "make a column of each part, or leave it out"
                )
        needed = max(
            8 * about.num_rows * about.num_columns,
            sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups)),
        )
        memory.require(needed, f"{path}: reading {about.num_columns} columns", error=StudyError)
        table = pd.read_parquet(path)
    except (ValueError, pa.ArrowException) as error:
        if isinstance(error, StudyError):
            raise
        raise StudyError(f"{path}: is not a Parquet table: {_one_line(error)}") from error
    return table.reset_index(drop=True)


def _take(path: Path, table: Any, target: str | None, others: Mapping[str, bool]) -> Parts:
    """Part the target column, and those that stand by themselves, from the inputs."""
    names = [str(name) for name in table.columns]
    table.columns = names
    if target is None:
        raise StudyError(
            f"{path}: which column is to be predicted? Say --target NAME: {_listed(names)}"
        )
    for name in (target, *others):
        if name not in names:
            raise StudyError(f"{path}: there is no column '{name}': {nearest(name, names[:50])}")
        _once(path, names, name)
    _apart(path, target, others)
    inputs = table.drop(columns=[target, *(name for name, kept in others.items() if not kept)])
    return inputs, table[target], target, None, {name: table[name] for name in others}


def _apart(path: Path, target: str, others: Mapping[str, bool]) -> None:
    """Raises StudyError where the target is to be something else too."""
    if target in others:
        raise StudyError(f"{path}: '{target}' is the target: name other columns beside it")


def _once(path: Path, names: list[str], name: str) -> None:
    """Raises StudyError where several columns have a name."""
    if names.count(name) > 1:
        raise StudyError(f"{path}: {names.count(name)} columns are named '{name}': rename them")


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:8])
    return f"the columns are {shown}" + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _read_npz(path: Path, target: str | None, others: Mapping[str, bool]) -> Parts:
    import pandas as pd

    try:
        headers = _npz_headers(path)
        y_name = target or "y"
        for name in others:
            if name not in headers:
                raise StudyError(
                    f"{path}: there is no array '{name}': {nearest(name, list(headers))}"
                )
        _apart(path, y_name, others)
        names = [name for name in headers if name not in others]
        x_name = _npz_inputs(path, names, y_name, target is None)
        for name in (x_name, y_name, *others):
            shape, dtype = headers[name]
            if dtype.hasobject:
                raise StudyError(
                    f"{path}: array '{name}' holds Python objects, which are never loaded: "
                    "save it as numbers or text"
                )
            # Images and sequences of whole numbers become float64 below.
            item = dtype.itemsize if len(shape) < 3 else max(8, dtype.itemsize)
            size = int(np.prod([float(length) for length in shape])) * item
            memory.require(size, f"{path}: array '{name}' of shape {shape}", error=StudyError)
        with np.load(path, allow_pickle=False) as arrays:
            x, y = arrays[x_name], arrays[y_name]
            beside = {name: arrays[name] for name in others}
    except (ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        if isinstance(error, StudyError):
            raise
        raise StudyError(f"{path}: is not an .npz archive: {_one_line(error)}") from error
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise StudyError(
            f"{path}: array '{y_name}' expects shape (rows,), got {y.shape}: save one target"
        )
    if x.ndim == 0 or len(x) != len(y):
        rows = len(x) if x.ndim else 0
        raise StudyError(
            f"{path}: '{x_name}' has {rows} rows and '{y_name}' has {len(y)}: expects the same"
        )
    for name, array in beside.items():
        if array.shape != y.shape:
            raise StudyError(
                f"{path}: array '{name}' expects shape {y.shape}, one value a row, got "
                f"{array.shape}"
            )
    for name, array in ((x_name, x), (y_name, y), *beside.items()):
        if array.dtype.kind not in "biufUmM":
            raise StudyError(
                f"{path}: array '{name}' holds {array.dtype}: save it as numbers or text"
            )
    example = x.shape[1:]
    x = x.reshape(len(x), -1) if len(x) else x.reshape(0, 1)
    if len(example) > 1 and x.dtype.kind in "biuf" and x.dtype != np.float32:
        # In one piece: column by column would take minutes for large images.
        x = x.astype(np.float64)
    inputs = pd.DataFrame(x, columns=[f"{x_name}{i}" for i in range(x.shape[1])])
    kept = {name: array for name, array in beside.items() if others[name]}
    if kept:
        inputs = inputs.assign(**kept)
        example = inputs.shape[1:]
    columns = {name: pd.Series(array, name=name) for name, array in beside.items()}
    return inputs, pd.Series(y, name=y_name), y_name, example, columns


def _npz_columns(path: Path) -> Any:
    import pandas as pd

    try:
        headers = _npz_headers(path)
        name = next((name for name in ("x", "X") if name in headers), next(iter(headers), None))
        if name is None or (name not in ("x", "X") and len(headers) > 1):
            raise StudyError(f"{path}: expects inputs in an array 'x', got {', '.join(headers)}")
        shape, dtype = headers[name]
        if len(shape) != 2 or dtype.kind not in "biufU":
            raise StudyError(
                f"{path}: array '{name}' expects numbers or text of shape (rows, features), got "
                f"{dtype} of shape {shape}"
            )
        size = math.prod(shape) * dtype.itemsize
        memory.require(size, f"{path}: array '{name}'", error=StudyError)
        with np.load(path, allow_pickle=False) as arrays:
            x = arrays[name]
    except (ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        if isinstance(error, StudyError):
            raise
        raise StudyError(f"{path}: is not an .npz archive: {_one_line(error)}") from error
    return pd.DataFrame(x, columns=[f"{name}{i}" for i in range(x.shape[1])])


def _npz_headers(path: Path) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Names, shapes and types of the arrays, without unpacking any."""
    headers = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if member.endswith(".npy"):
                with archive.open(member) as file:
                    headers[member.removesuffix(".npy")] = _npy_header(file)
    return headers


def _npy_header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    stream: BinaryIO = file
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    return shape, dtype


def _npz_inputs(path: Path, names: list[str], target: str, by_default: bool) -> str:
    """The name of the input array: `x`, or the only one beside the target."""
    if target not in names:
        hint = "say --target NAME: " if by_default else ""
        raise StudyError(f"{path}: there is no array '{target}': {hint}it holds {', '.join(names)}")
    others = [name for name in names if name != target]
    for name in ("x", "X"):
        if name in others:
            return name
    if len(others) != 1:
        raise StudyError(
            f"{path}: expects inputs in an array 'x', got {', '.join(names)}: rename the array"
        )
    return others[0]


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:197] + "..."


READERS: dict[str, Callable[[Path, str | None, Mapping[str, bool]], Parts]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".txt": _read_csv,
    ".parquet": _read_parquet,
    ".pq": _read_parquet,
    ".npz": _read_npz,
}
KINDS = ".csv, .tsv, .parquet or .npz"
