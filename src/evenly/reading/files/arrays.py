"""Files of NumPy's arrays, ``.npz``: the numbers of `x` are columns, others stand beside them.

Nothing is unpickled: an array of Python objects is refused by its header.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ...errors import DataError
from .. import memory
from ..values import of_array
from .parquet import one_line

Header = tuple[tuple[int, ...], np.dtype[Any]]


class Arrays(NamedTuple):
    """What a file holds.

    Attributes:
        frame: the columns of x, named by it and their place, then the arrays beside it.
        inputs: the names of the columns of x.
        example: the shape of one example of x.
    """

    frame: Any
    inputs: tuple[str, ...]
    example: tuple[int, ...]


def arrays(path: Path, name: str, beside: Sequence[str] = ()) -> Arrays:
    """The arrays of a file as a table: `x` (or `X`, or the only one beside `y`), and those of one
    value a row.

    Arguments:
        path: of the file.
        name: for messages.
        beside: arrays that are no inputs, and must be there: a target, groups.

    Raises:
        DataError: no zip archive, no such arrays, Python objects, other numbers of rows, more than
            memory takes.
    """
    import polars as pl

    try:
        headers = headers_of(path)
        for wanted in beside:
            if wanted not in headers:
                raise DataError(f"{name}: there is no array '{wanted}': it holds "
                                f"{', '.join(headers)}")
        title = _inputs(headers, name, {"y", *beside})
        rows = headers[title][0][:1]
        if not rows:
            raise DataError(f"{name}: array '{title}' expects shape (rows, features...), got ()")
        own = [title, *(
            other for other, (shape, _) in headers.items()
            if other != title and shape in (rows, (*rows, 1))
        )]
        needed = [other for other in ("y", *beside) if other in headers]
        for wanted in dict.fromkeys([*own, *needed]):
            _check(wanted, headers[wanted], name)
        for wanted in needed:
            if wanted not in own:
                raise _unlike(title, wanted, headers, name)
        with np.load(path, allow_pickle=False) as file:
            values = {wanted: file[wanted] for wanted in own}
    except (ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{name}: is not an .npz archive: {one_line(error)}") from error
    x = values.pop(title)
    example = x.shape[1:]
    x = x.reshape(len(x), -1) if len(x) else x.reshape(0, max(1, math.prod(example)))
    names = [f"{title}{i}" for i in range(x.shape[1])]
    for other in values:
        if other in names:
            raise DataError(f"{name}: an array and a column of '{title}' are both named "
                            f"'{other}': rename the array")
    columns = {column: of_array(x[:, i], column) for i, column in enumerate(names)}
    columns |= {other: of_array(v.reshape(len(v)), other) for other, v in values.items()}
    return Arrays(pl.DataFrame(columns), tuple(names), example)


def headers_of(path: Path) -> dict[str, Header]:
    """Names, shapes and types of the arrays, without unpacking any."""
    headers = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if member.endswith(".npy"):
                with archive.open(member) as file:
                    headers[member.removesuffix(".npy")] = _header(file)
    return headers


def _header(file: Any) -> Header:
    stream: BinaryIO = file
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    return shape, dtype


def _inputs(headers: Mapping[str, Header], name: str, beside: Collection[str]) -> str:
    """The name of the array of inputs."""
    others = [title for title in headers if title not in beside]
    for title in ("x", "X"):
        if title in others:
            return title
    if len(others) != 1:
        raise DataError(f"{name}: expects inputs in an array 'x', got {', '.join(headers)}: "
                        "rename the array")
    return others[0]


def _check(title: str, header: Header, name: str) -> None:
    shape, dtype = header
    if dtype.hasobject:
        raise DataError(f"{name}: array '{title}' holds Python objects, which are never loaded: "
                        "save it as numbers or text")
    if dtype.kind not in "biufUmM":
        raise DataError(f"{name}: array '{title}' holds {dtype}: save it as numbers or text")
    size = math.prod(shape) * dtype.itemsize
    memory.require(size, f"{name}: array '{title}' of shape {shape}")


def _unlike(title: str, other: str, headers: Mapping[str, Header], name: str) -> DataError:
    shape, rows = headers[other][0], headers[title][0][0]
    if len(shape) != 1 or other != "y":
        return DataError(f"{name}: array '{other}' expects shape ({rows},), one value a row, got "
                         f"{shape}")
    return DataError(
        f"{name}: '{title}' has {rows} rows and '{other}' has {shape[0]}: expects the same")
