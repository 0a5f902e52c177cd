"""Rows that are not one dense array in memory: sparse matrices, and arrays that lie in a file.
They are made dense, or read, a chunk at a time.

What follows takes the rows of a chunk like any other rows, and a chunk is a whole number of
batches: no result depends on how large it is.
"""

from __future__ import annotations

import mmap
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any, ClassVar

import numpy as np

from ..engine import Engine, Evaluation, StepRecord, as_array, as_lengths, as_weights
from ..errors import DataError
from ..given import cast, no_numbers, too_large
from ..layers.base import Run
from ..schedules import UNMOVED, Moved
from .ahead import WAITING, Ahead
from .tally import Tally

# A chunk takes at most about this many bytes once it is dense.
CHUNK_BYTES = 2**25
# One of those that are read in the background: up to four of them are there at a time.
READ_BYTES = 2**23


def is_sparse(x: Any) -> bool:
    """Whether it is one of SciPy's sparse matrices or arrays. Does not import SciPy: whoever holds
    one has done so."""
    scipy = sys.modules.get("scipy.sparse")
    return scipy is not None and bool(scipy.issparse(x))


def is_mapped(x: Any) -> bool:
    """Whether the numbers of an array lie in a file: a ``numpy.memmap``, or a view of one."""
    while isinstance(x, (np.ndarray, memoryview)):
        if isinstance(x, np.memmap):
            return True
        x = x.base if isinstance(x, np.ndarray) else x.obj
    return isinstance(x, mmap.mmap)


class RowSource:
    """Rows that are had as a dense array only a part at a time.

    Attributes:
        shape, dtype: as of the dense array that it stands for.
    """

    shape: tuple[int, ...]
    dtype: Any
    # Whether having rows means reading a file: worth doing while the kernels compute.
    is_read: ClassVar[bool] = False

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> RowSource:
        raise NotImplementedError

    def dense(self, rows: Any, dtype: Any) -> Any:
        """Some rows as a dense array."""
        raise NotImplementedError

    def not_finite(self, lengths: Any = None, dtype: Any = None) -> tuple[int, int]:
        """(how many rows hold NaN or infinity, the first of them).

        Raises:
            DataError: a number is too large for this element type.
        """
        raise NotImplementedError


class SparseRows(RowSource):
    """A sparse matrix as a source of rows.

    Arguments:
        matrix: any of SciPy's sparse formats, of two axes.

    Attributes:
        shape, dtype: as of the dense array that it stands for.
    """

    def __init__(self, matrix: Any) -> None:
        self._matrix = matrix.tocsr()
        self.shape: tuple[int, ...] = self._matrix.shape
        self.dtype = self._matrix.dtype

    def __getitem__(self, rows: Any) -> SparseRows:
        return SparseRows(self._matrix[rows])

    @property
    def values(self) -> Any:
        """The numbers that are stored."""
        return self._matrix.data

    def dense(self, rows: Any, dtype: Any) -> Any:
        """Some rows as a dense array."""
        return self._cast(self._matrix[rows], rows, dtype).toarray()

    @staticmethod
    def _cast(part: Any, rows: Any, dtype: Any) -> Any:
        with np.errstate(over="ignore"):
            own = part.astype(dtype, copy=False)
        bad = np.flatnonzero(np.isinf(own.data) & np.isfinite(part.data))
        if len(bad):
            row = int(np.searchsorted(part.indptr, bad[0], side="right") - 1)
            place = _number(rows, row), int(part.indices[bad[0]])
            raise too_large(part.data[bad[0]], dtype, "x holds", place)
        return own

    def not_finite(self, lengths: Any = None, dtype: Any = None) -> tuple[int, int]:
        if dtype is not None:
            self._cast(self._matrix, slice(None), dtype)
        bad = np.flatnonzero(~np.isfinite(self._matrix.data))
        rows = np.unique(np.searchsorted(self._matrix.indptr, bad, side="right") - 1)
        return len(rows), int(rows[0]) if len(rows) else 0


class MappedRows(RowSource):
    """An array in a file as a source of rows.

    Arguments:
        array: any array, of any layout.
        rows: which of its rows, in which order; None: all as they lie.
    """

    is_read = True

    def __init__(self, array: Any, rows: Any = None) -> None:
        self._array, self._rows = array, rows
        count = len(array) if rows is None else len(rows)
        self.shape = (count, *array.shape[1:])
        self.dtype = array.dtype

    def __getitem__(self, rows: Any) -> MappedRows:
        own = np.arange(len(self._array)) if self._rows is None else self._rows
        return MappedRows(self._array, own[rows])

    def dense(self, rows: Any, dtype: Any) -> Any:
        at = rows if self._rows is None else self._rows[rows]
        if isinstance(at, slice):
            return cast(self._array[at], dtype, "x holds", _number(at, 0))
        # Read in the order of the file: the other way a disk seeks for every row.
        forth = np.argsort(at, kind="stable")
        part = np.empty((len(at), *self.shape[1:]), dtype)
        with np.errstate(over="ignore"):
            part[forth] = self._array[at[forth]]
        if self.dtype.kind == "f" and self.dtype.itemsize > part.itemsize:
            bad = rows_not_finite(part)
            for row in np.flatnonzero(bad)[:1]:
                cast(self._array[at[row]][None], dtype, "x holds", _number(rows, int(row)))
        return part

    def not_finite(self, lengths: Any = None, dtype: Any = None) -> tuple[int, int]:
        count, first = 0, 0
        if self.dtype.kind in "iub":
            return count, first
        size = rows_in(READ_BYTES, self.shape[1:], self.dtype.itemsize)
        for start in range(0, len(self), size):
            at = slice(start, start + size)
            part = self.dense(at, self.dtype)
            if dtype is not None:
                cast(part, dtype, "x holds", start)
            bad = rows_not_finite(part, None if lengths is None else lengths[at])
            if not count and bad.any():
                first = start + int(bad.argmax())
            count += int(bad.sum())
        return count, first


def _number(rows: Any, index: int) -> int:
    """The number of one of some rows."""
    return int(rows.start or 0) + index if isinstance(rows, slice) else int(rows[index])


def rows_not_finite(x: Any, lengths: Any = None) -> Any:
    """Which rows of an array hold NaN or infinity; what stands behind the end of a sequence does
    not matter."""
    # A sum is finite unless an element is not, or it overflows: only then look at each element.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(x.sum(dtype=np.float64)):
            return np.zeros(len(x), bool)
    good = np.isfinite(x)
    if lengths is not None:
        behind = np.arange(x.shape[1]) >= np.asarray(lengths)[:, None]
        good |= behind.reshape(*behind.shape, *(1,) * (x.ndim - 2))
    return ~good.reshape(len(x), -1).all(axis=1)


def as_source(x: Any) -> Any:
    """Sparse matrices as :class:`SparseRows`, arrays in a file as :class:`MappedRows` unless one
    chunk holds them; anything else as an array."""
    if isinstance(x, RowSource):
        return x
    if not is_sparse(x):
        array = as_array(x, "x")
        if is_mapped(x) and array.ndim > 1 and array.nbytes > CHUNK_BYTES:
            return MappedRows(array)
        return array
    if x.ndim != 2:
        raise DataError(f"a sparse array must have two axes, (rows, features), got {x.shape}")
    return SparseRows(x)


def rows_in(size: int, shape: tuple[int, ...], item: int, batch: int = 1) -> int:
    """How many examples of a shape so many bytes hold: whole batches, at least one."""
    features = int(np.prod(shape, dtype=np.int64))
    return max(1, size // max(1, features * item * batch)) * batch


def chunk_rows(features: int, item: int, batch: int = 1) -> int:
    """How many rows make a chunk: whole batches, at least one."""
    return rows_in(CHUNK_BYTES, (features,), item, batch)


def train_pass(
    engine: Engine, x: Any, y: Any, order: Any, batch: int, weights: Any, lengths: Any,
    moved: Moved = UNMOVED,
) -> Generator[Any, None, None]:
    """One pass over the data as :meth:`Engine.train` makes it, from any source of rows. While it
    waits for a file it yields records of no step."""
    if not isinstance(x, RowSource):
        yield from engine.train(x, y, order, batch, weights, lengths, *moved)
        return
    order = np.arange(len(x)) if order is None else order
    dtype = np.dtype(engine.program.dtype)
    size = rows_in(READ_BYTES if x.is_read else CHUNK_BYTES, x.shape[1:], dtype.itemsize, batch)
    starts = range(0, len(order), size)

    def chunks() -> Generator[tuple[int, Any], None, None]:
        for start in starts:
            yield start, x.dense(order[start : start + size], dtype)

    with Ahead(chunks()) if x.is_read else closing(chunks()) as parts:
        for item in parts:
            if item is WAITING:
                yield np.empty((0, len(StepRecord._fields)))
                continue
            start, part = item
            rows = order[start : start + size]
            counts, long = (None if v is None else np.ascontiguousarray(v[rows])
                            for v in (weights, lengths))
            steps = slice(start // batch, (start + size) // batch)
            targets = np.ascontiguousarray(y[rows])
            yield from engine.train(engine.rows(part), targets, None, batch, counts, long,
                                    *moved.at(steps))


def _real(x: RowSource) -> RowSource:
    """The same, or a DataError: where a chunk is made dense it becomes real without a word."""
    if x.dtype.kind not in "iubf":
        raise DataError(f"inputs: expects real numbers, {no_numbers(np.empty(0, x.dtype))}")
    return x


def _dense_parts(engine: Engine, x: RowSource) -> Generator[tuple[slice, Any], None, None]:
    """All rows, a chunk at a time, for inference."""
    program = engine.program
    dtype = np.dtype(program.dtype)
    if program.carried:  # each row needs a place of its own
        size = max(1, len(x))
    elif x.is_read:  # the kernels' own batches: the scores are those of an array to the bit
        size = rows_in(READ_BYTES, x.shape[1:], dtype.itemsize, program.inference_batch)
    else:
        size = chunk_rows(x.shape[1], dtype.itemsize)

    def parts() -> Iterator[tuple[slice, Any]]:
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            yield rows, x.dense(rows, dtype)

    if not x.is_read:
        yield from parts()
        return
    with Ahead(parts()) as ahead:
        yield from (item for item in ahead if item is not WAITING)


def predict(engine: Engine, x: Any, lengths: Any = None) -> Any:
    """Scores in inference mode, from any source of rows: a new array (rows, outputs...)."""
    x = as_source(x)
    if not isinstance(x, RowSource):
        return engine.predict(x, lengths)
    x, program = _real(x), engine.program
    lengths = as_lengths(program, lengths, len(x))
    scores = np.empty((len(x), *program.output_shape), np.dtype(program.dtype))
    with closing(_dense_parts(engine, x)) as parts:
        for rows, part in parts:
            scores[rows] = engine.predict(part, None if lengths is None else lengths[rows])
    return scores


def evaluate(
    engine: Engine, x: Any, y: Any, weights: Any = None, lengths: Any = None
) -> Evaluation:
    """Loss and score in inference mode, from any source of rows."""
    x = as_source(x)
    if not isinstance(x, RowSource):
        return engine.evaluate(x, y, weights, lengths)
    x, y = _real(x), engine.targets(y)
    if len(x) != len(y):
        raise DataError(f"x has {len(x)} rows and y has {len(y)}: they must be as many")
    loss = engine.program.loss
    assert loss is not None
    weights = as_weights(engine.program.dtype, weights, len(x))
    if not x.is_read:
        run = Run(training=False, weights=weights)
        scores = predict(engine, x)
        value, score_sum, scored = loss.evaluate(scores, y, run)
        spread = loss.spread(y, scores.shape, run)
        return Evaluation(value, loss.score(score_sum, scored, spread))
    lengths = as_lengths(engine.program, lengths, len(x))
    tally = Tally(engine)
    with closing(_dense_parts(engine, x)) as parts:
        for rows, part in parts:
            own = (None if values is None else values[rows] for values in (weights, lengths))
            tally.add(part, y[rows], *own)
    return tally.evaluation()
