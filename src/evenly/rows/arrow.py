"""Rows from tables that come in batches: Arrow's, Flight's, those of Dask and of Ray."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import ConfigurationError, DataError
from ..extras import needed
from ..layers.base import expect
from .parquet import ParquetRows, check_columns, piece_of
from .sources import READ_BYTES, rows_in
from .streams import Batches, Outline, Piece, Stream


@dataclass(frozen=True)
class ArrowRows(Stream):
    """The rows of a table that comes in batches, as a source for :func:`evenly.fit`. Read anew in
    every epoch, a batch at a time, always in the same order: what is drawn from the shuffle buffer
    depends on the rows and the seed, not on the sizes of batches and partitions, nor on how many
    workers make them.

    Arguments:
        source: a DataFrame of Dask (read partition by partition), a dataset of Ray, a
            ``pyarrow.Table`` or ``pyarrow.dataset.Dataset``, a list of ``pyarrow.RecordBatch``, or
            a function that returns a new iterable of record batches at each call: a
            ``RecordBatchReader``, a reader of Arrow Flight (``client.do_get(ticket)``).
        target, columns, weight: as of :class:`ParquetRows`.
        rows: of one pass, where it is known; else a schedule cannot count in steps.

    Raises:
        ConfigurationError: pyarrow is missing; a reader that can be read only once; a source of
            another kind.
        DataError: as of :class:`ParquetRows`, with the number of the batch and the row in it.

    Source: record batches: the Arrow columnar format, "Serialization and Interprocess
    Communication".

    Example:
        >>> import evenly as ev
        >>> import pyarrow as pa
        >>> x = np.random.default_rng(0).standard_normal((200, 2))
        >>> table = pa.table({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] > x[:, 1]})
        >>> model = ev.fit(ev.Sequential([ev.Dense(2)]), ev.ArrowRows(table, target="y"), epochs=5,
        ...                loss=ev.SoftmaxCrossEntropy())
        >>> model.input_shape, model.history[-1].steps
        ((2,), 7)
    """

    source: Any
    target: str | Sequence[str] | None = None
    columns: Sequence[str] | None = None
    weight: str | None = None
    rows: int | None = None

    def __post_init__(self) -> None:
        whole = isinstance(self.rows, int) and not isinstance(self.rows, bool) and self.rows > 0
        expect(self.rows is None or whole, self, "rows must be a whole number >= 1, or None",
               self.rows)
        # Columns are checked as those of files are.
        checked = ParquetRows("", self.target, self.columns, self.weight)
        for name in ("target", "columns"):
            object.__setattr__(self, name, getattr(checked, name))
        if _is_once(self.source):
            raise ConfigurationError(
                f"ArrowRows: got a {type(self.source).__name__}, which can be read only once, and "
                "every epoch reads anew: give the function that makes it, without calling it"
            )
        if not callable(self.source):
            _check_kind(self.source)

    def outline(self) -> Outline:
        reading = self._open()
        first = next(reading, None)
        _close(reading)
        if first is None:
            raise DataError("ArrowRows: no batches")
        rows = self.rows
        if rows is None and not callable(self.source):
            rows = getattr(self.source, "num_rows", None)
        return Outline((len(self._inputs(first.schema)),), rows, self.target is not None)

    def pieces(self) -> Iterator[Piece]:
        count, columns, kinds = 0, None, dict[str, Any]()
        reading = self._open()
        try:
            for number, batch in enumerate(reading):
                place = f"batch {number}"
                columns = columns or self._inputs(batch.schema)
                names = [*columns, *self._targets, *([self.weight] if self.weight else [])]
                check_columns(place, batch.schema, names, kinds, "ArrowRows")
                size = rows_in(READ_BYTES // 4, (len(names),), 8)
                for row in range(0, len(batch), size):
                    yield piece_of(batch.slice(row, size), columns, self.target, self.weight,
                                   place, row, "ArrowRows")
                count += len(batch)
        finally:
            _close(reading)
        if not count:
            raise DataError("ArrowRows: no rows")
        if self.rows is not None and count != self.rows:
            raise DataError(f"ArrowRows: rows={self.rows} was promised, and there are {count}: "
                            "give the number that one pass has, or rows=None")

    @property
    def _targets(self) -> tuple[str, ...]:
        return (self.target,) if isinstance(self.target, str) else tuple(self.target or ())

    def _inputs(self, schema: Any) -> list[str]:
        others = {*self._targets, self.weight}
        columns = list(self.columns or [name for name in schema.names if name not in others])
        if not columns:
            raise DataError(f"ArrowRows: no columns beside {sorted(map(str, others - {None}))}")
        return columns

    def _open(self) -> Iterator[Any]:
        source = self.source() if callable(self.source) else self.source
        return _batches(source)


def _is_once(source: Any) -> bool:
    """Whether it can be read only once: an iterator, a RecordBatchReader."""
    return isinstance(source, Iterator) or hasattr(source, "read_next_batch") \
        or hasattr(source, "read_chunk")


def _check_kind(source: Any) -> None:
    """Raises ConfigurationError for what cannot give record batches."""
    if _is_dask(source) or hasattr(source, "schema"):  # a dataset of Ray; a batch, table, dataset
        return
    if not isinstance(source, Iterable) or isinstance(source, (str, bytes, Mapping, np.ndarray)):
        raise ConfigurationError(
            f"ArrowRows: source must give record batches, got {type(source).__name__}: a DataFrame "
            "of Dask, a dataset of Ray, a table of Arrow, or a function that returns record batches"
        )


def _batches(source: Any) -> Iterator[Any]:
    """The record batches of whatever gives them."""
    pa = needed("ArrowRows", "pyarrow", "data")
    if _is_dask(source):
        for number in range(source.npartitions):
            frame = source.get_partition(number).compute()
            yield from pa.Table.from_pandas(frame, preserve_index=False).to_batches()
    elif type(source).__module__.startswith("ray.data"):
        # In the order of its rows, however many workers make them.
        source.context.execution_options.preserve_order = True
        for table in source.iter_batches(batch_format="pyarrow", batch_size=None):
            yield from table.to_batches()
    elif hasattr(source, "to_batches"):  # a table, a dataset
        yield from source.to_batches()
    elif isinstance(source, pa.RecordBatch):
        yield source
    else:
        _check_kind(source)
        for number, item in enumerate(source):
            batch = getattr(item, "data", item)  # of Flight: with metadata beside it
            if hasattr(batch, "to_batches"):
                yield from batch.to_batches()
            elif isinstance(batch, pa.RecordBatch):
                yield batch
            else:
                raise DataError(f"ArrowRows, item {number}: expects a pyarrow.RecordBatch, got "
                                f"{type(item).__name__}: for arrays there is Batches")


def _is_dask(source: Any) -> bool:
    return type(source).__module__.split(".")[0] in ("dask", "dask_expr")


def _close(reading: Any) -> None:
    reading.close()


def as_source(x: Any, y: Any) -> tuple[Any, Any]:
    """What :func:`evenly.fit` trains on, where x is no array: a path or an address of Parquet, a
    table of Dask, Ray or Arrow, with y the name of the target's column; two collections of Dask."""
    is_path = isinstance(x, (str, os.PathLike))
    names = isinstance(y, str) or (isinstance(y, (list, tuple)) and len(y) > 0
                                   and all(isinstance(name, str) for name in y))
    if is_path and not names:
        raise ConfigurationError(f"fit: y must name the column of the targets in {x}, got "
                                 f"{type(y).__name__}: y='target', say")
    if is_path:
        return ParquetRows(x, target=y), None
    is_table = _is_dask(x) or type(x).__module__.split(".")[0] in ("ray", "pyarrow")
    if names and is_table:
        return ArrowRows(x, target=y), None
    if not _is_dask(x) and not _is_dask(y):
        return x, y
    return Batches(_side_by_side(x, y)), None


def _side_by_side(x: Any, y: Any) -> Callable[[], Iterator[Any]]:
    """The parts of two of Dask's collections, or of one and an array, from front to back."""
    whole = [one for one in (x, y) if _is_dask(one)]
    arrays = [hasattr(one, "chunks") for one in whole]
    if len(whole) == 2 and arrays[0] != arrays[1]:
        raise ConfigurationError("fit: x and y must both be arrays of Dask, or both DataFrames: "
                                 "use .to_dask_array(lengths=True)")
    if y is None:
        raise ConfigurationError("fit: y must be given beside an array of Dask, or name a column")
    if not all(arrays):
        if len(whole) < 2 or x.npartitions != y.npartitions:
            raise ConfigurationError("fit: x and y must have the same partitions of Dask: take "
                                     "both from one DataFrame, or name the column: y='target'")
        return lambda: (_computed(x.partitions[number], y.partitions[number])
                        for number in range(x.npartitions))
    sizes = whole[0].chunks[0]
    if any(size != size for size in sizes):
        raise ConfigurationError("fit: the chunks of x have no known sizes: call "
                                 "x.compute_chunk_sizes() before")
    if len(x) != len(y):
        raise ConfigurationError(f"fit: x has {len(x)} rows and y {len(y)}: they must be as many")
    starts = np.cumsum([0, *sizes])
    return lambda: (_computed(x[start:end], y[start:end])
                    for start, end in pairwise(starts))


def _computed(*parts: Any) -> tuple[Any, ...]:
    return tuple(np.asarray(part.compute() if _is_dask(part) else part) for part in parts)
