"""Tables larger than memory: rows for a training, a sample of them, and what all of them hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine import as_array
from ..errors import DataError
from ..given import no_numbers
from ..layers.base import expect
from ..random import generator
from ..rows.sources import rows_not_finite
from ..rows.streams import Outline, Piece, Stream
from . import memory
from .parts import Part, Paths, files_of, parts_of

if TYPE_CHECKING:
    import polars as pl

Encode = Callable[["pl.DataFrame"], tuple[Any, ...]]
# So many rows tell the shape of an example.
_HEAD = 64


@dataclass(frozen=True)
class FrameRows(Stream):
    """Rows of Parquet files for :func:`evenly.fit`, encoded a few megabytes at a time.

    Read row group by row group, anew in every epoch, in the order of the files; fit's
    ``shuffle_buffer`` mixes them. What comes out depends on the rows, not on how they are parted
    among files and row groups, as long as `encode` looks at each row by itself.

    Attributes:
        paths: of files, or of folders of them.
        encode: makes of a frame (x, y) or (x, y, weights): x of shape (rows, features...), finite
            numbers; y is None where there are no targets. Rows of weight 0 are left out.
        columns: that `encode` reads; None: all.
        told: what `encode` does, in any words: a checkpoint goes on where they are the same.

    Raises:
        DataError: files that are not alike; while reading, what `encode` raises or gives that is
            no such array, with file and rows.

    Example: see :func:`streamed`.
    """

    paths: Sequence[Any]
    encode: Encode
    columns: Sequence[str] | None = None
    told: str = ""

    def __post_init__(self) -> None:
        expect(callable(self.encode), self, "encode must be a function", self.encode)
        for name in ("paths", "columns"):
            value = getattr(self, name)
            if value is not None:
                expect(not isinstance(value, str), self, f"{name} must be a list", value)
                object.__setattr__(self, name, tuple(value))

    def outline(self) -> Outline:
        files = files_of(self.paths)
        for part in files.parts(self.columns, _HEAD):
            piece = self._piece(part)
            return Outline(piece.x.shape[1:], files.rows, piece.y is not None)
        raise AssertionError("files of rows give some")

    def pieces(self) -> Iterator[Piece]:
        for part in files_of(self.paths).parts(self.columns):
            yield self._piece(part)

    def _piece(self, part: Part) -> Piece:
        try:
            given = self.encode(part.frame)
            if not isinstance(given, tuple) or len(given) not in (2, 3):
                raise DataError(f"encode must give (x, y) or (x, y, weights), got {given!r}")
            x, y, weights = (*given, None)[:3]
            x = as_array(x, "x")
            y, weights = (v if v is None else as_array(v, "y and weights") for v in (y, weights))
            _check(x, part.frame.height, y=y, weights=weights)
        except DataError as error:
            raise DataError(f"{part.place}: {error}") from error
        bad = rows_not_finite(x)
        if bad.any():
            row = part.first + int(bad.argmax())
            raise DataError(f"{part.path}: encode gives NaN or infinity for row {row}: fill or "
                            "leave out such rows")
        return Piece(x, y, weights, part.place)


def streamed(
    paths: Paths, encode: Encode, columns: Sequence[str] | None = None, told: str = ""
) -> FrameRows:
    """Rows of Parquet files, of a folder larger than memory say, as a source for
    :func:`evenly.fit`.

    Arguments:
        paths: a file, a folder, or several.
        encode, columns, told: as in :class:`FrameRows`.

    Example:
        >>> import tempfile
        >>> import polars as pl
        >>> import evenly as ev
        >>> folder = tempfile.TemporaryDirectory()
        >>> for i in range(3):
        ...     pl.DataFrame({"a": [1.0, 2.0] * 50, "kind": ["u", "v"] * 50}).write_parquet(
        ...         f"{folder.name}/{i}.parquet")
        >>> def encode(frame):
        ...     return frame.select("a").to_numpy(), (frame["kind"] == "v").to_numpy()
        >>> model = ev.fit(ev.Sequential([ev.Dense(2)]), streamed(folder.name, encode), epochs=1,
        ...                loss=ev.SoftmaxCrossEntropy(), batch=20)
        >>> model.history[-1].steps
        15
        >>> folder.cleanup()
    """
    files = files_of(paths)
    if columns is not None:
        _check_columns(columns, files.names, str(files.paths[0]))
    return FrameRows(files.paths, encode, columns, told)


def sampled(
    paths: Paths, rows: int, seed: int, columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """Some rows of Parquet files, each row as likely as any other; the same for the same seed and
    files. They stand in the order of the files.

    Arguments:
        paths: a file, a folder, or several.
        rows: how many; all where there are not more.
        seed: of the choice.
        columns: of these columns; None: all.

    Raises:
        DataError: files that are not alike, more than memory takes.
    """
    import polars as pl

    files = files_of(paths)
    names = list(files.names if columns is None else columns)
    _check_columns(names, files.names, str(files.paths[0]))
    if rows < 1:
        raise DataError(f"sampled: rows must be at least 1, got {rows}")
    count = min(rows, files.rows)
    memory.require(2 * 16 * count * len(names), f"a sample of {count} rows")
    chosen = np.sort(generator(seed, "sample of rows").choice(
        files.rows, count, replace=False, shuffle=False))
    found, before = [], 0
    for path, own in zip(files.paths, files.counts, strict=True):
        here = chosen[np.searchsorted(chosen, before) : np.searchsorted(chosen, before + own)]
        found += _taken(path, names, here - before)
        before += own
    return pl.concat(found, how="vertical_relaxed")


def _taken(path: Any, names: Sequence[str], rows: Any) -> list[pl.DataFrame]:
    """Some rows of a file, by their sorted numbers: row groups without any are not read."""
    import pyarrow.parquet as pq

    found: list[pl.DataFrame] = []
    if not len(rows):
        return found
    first, about = 0, pq.read_metadata(path)
    for group in range(about.num_row_groups):
        end = first + about.row_group(group).num_rows
        if np.searchsorted(rows, first) < np.searchsorted(rows, end):
            for part in parts_of(path, names, None, [group], first):
                low, high = np.searchsorted(rows, [part.first, part.first + part.frame.height])
                if low < high:
                    found.append(part.frame[rows[low:high] - part.first])
        first = end
    return found


def _check(x: Any, rows: int, **others: Any) -> None:
    if x.ndim < 2 or len(x) != rows:
        raise DataError(f"encode must give x of shape ({rows}, features...), got {x.shape}")
    if x.dtype.kind not in "iubf":
        raise DataError(f"encode must give numbers, {no_numbers(x)}")
    for name, value in others.items():
        if value is not None and (value.ndim == 0 or len(value) != rows):
            raise DataError(f"encode must give {name} for {rows} rows, got shape {value.shape}")


def _check_columns(wanted: Sequence[str], names: Sequence[str], where: str) -> None:
    for name in wanted:
        if name not in names:
            raise DataError(f"{where} has no column '{name}'; there are: {', '.join(names)}")
