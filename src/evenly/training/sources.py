"""Rows that are not one dense array: sparse matrices, made dense a chunk at a time.

What follows takes the rows of a chunk like any other rows, and a chunk is a whole number of
batches: no result depends on how large it is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..engine import Engine, Evaluation
from ..errors import DataError
from ..layers.base import Run

# A chunk takes at most about this many bytes once it is dense.
CHUNK_BYTES = 2**25


def is_sparse(x: Any) -> bool:
    """Whether it is one of SciPy's sparse matrices or arrays. Does not import SciPy: whoever holds
    one has done so."""
    scipy = sys.modules.get("scipy.sparse")
    return scipy is not None and bool(scipy.issparse(x))


class SparseRows:
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

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> SparseRows:
        return SparseRows(self._matrix[rows])

    @property
    def values(self) -> Any:
        """The numbers that are stored."""
        return self._matrix.data

    def dense(self, rows: Any, dtype: Any) -> Any:
        """Some rows as a dense array."""
        return self._matrix[rows].astype(dtype, copy=False).toarray()

    def first_not_finite(self) -> int | None:
        """The first row that holds NaN or infinity."""
        bad = np.flatnonzero(~np.isfinite(self._matrix.data))
        if not len(bad):
            return None
        return int(np.searchsorted(self._matrix.indptr, bad[0], side="right") - 1)


def as_source(x: Any) -> Any:
    """Sparse matrices as :class:`SparseRows`; anything else as an array."""
    if isinstance(x, SparseRows):
        return x
    if not is_sparse(x):
        return np.asarray(x)
    if x.ndim != 2:
        raise DataError(f"a sparse array must have two axes, (rows, features), got {x.shape}")
    return SparseRows(x)


def chunk_rows(features: int, item: int, batch: int = 1) -> int:
    """How many rows make a chunk: whole batches, at least one."""
    return max(1, CHUNK_BYTES // max(1, features * item * batch)) * batch


def train_pass(
    engine: Engine, x: Any, y: Any, order: Any, batch: int, weights: Any, lengths: Any
) -> Iterator[Any]:
    """One pass over the data as :meth:`Engine.train` makes it, from any source of rows."""
    if not isinstance(x, SparseRows):
        yield from engine.train(x, y, order, batch, weights, lengths)
        return
    order = np.arange(len(x)) if order is None else order
    dtype = np.dtype(engine.program.dtype)
    size = chunk_rows(x.shape[1], dtype.itemsize, batch)
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        part = engine.rows(x.dense(rows, dtype))
        own = None if weights is None else np.ascontiguousarray(weights[rows])
        yield from engine.train(part, np.ascontiguousarray(y[rows]), None, batch, own)


def predict(engine: Engine, x: Any, lengths: Any = None) -> Any:
    """Scores in inference mode, from any source of rows: a new array (rows, outputs...)."""
    x = as_source(x)
    if not isinstance(x, SparseRows):
        return engine.predict(x, lengths)
    program = engine.program
    dtype = np.dtype(program.dtype)
    scores = np.empty((len(x), *program.output_shape), dtype)
    size = chunk_rows(x.shape[1], dtype.itemsize)
    for start in range(0, len(x), size):
        rows = slice(start, start + size)
        scores[rows] = engine.predict(x.dense(rows, dtype))
    return scores


def evaluate(
    engine: Engine, x: Any, y: Any, weights: Any = None, lengths: Any = None
) -> Evaluation:
    """Loss and score in inference mode, from any source of rows."""
    x = as_source(x)
    if not isinstance(x, SparseRows):
        return engine.evaluate(x, y, weights, lengths)
    y = engine.targets(y)
    if len(x) != len(y):
        raise DataError(f"x has {len(x)} rows and y has {len(y)}: they must be as many")
    loss = engine.program.loss
    assert loss is not None
    run = Run(training=False, weights=weights)
    value, score_sum = loss.evaluate(predict(engine, x), y, run)
    return Evaluation(value, loss.score(score_sum, y))
