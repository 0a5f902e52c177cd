"""Rows of a stream in another order, and in batches of another size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .streams import Piece


class _Rows:
    """Room for some rows: arrays like those of the first piece."""

    def __init__(self, like: Piece, rows: int) -> None:
        self._parts = [
            None if part is None else np.empty((rows, *part.shape[1:]), part.dtype)
            for part in like[:3]
        ]

    def put(self, at: Any, piece: Piece, rows: slice) -> None:
        for own, part in zip(self._parts, piece[:3], strict=True):
            if own is not None:
                own[at] = part[rows]

    def take(self, at: Any) -> Piece:
        x, y, weights = (None if own is None else own[at] for own in self._parts)
        return Piece(x, y, weights)


def shuffled(
    pieces: Iterator[Piece], size: int, part: int, random: np.random.Generator
) -> Iterator[Piece]:
    """Mixes rows that come one after the other.

    A buffer takes `size` rows in; whenever it is full, a half of it, drawn at random, goes on in
    random order, and as many new rows take those places. At the end the rest goes on in random
    order. A buffer that holds all rows shuffles them perfectly.

    Arguments:
        pieces: of any number of rows each: the order that results does not depend on it.
        size: rows of the buffer, >= 1.
        part: rows of a piece that is given on, at most.
        random: gives the order.
    """
    buffer: _Rows | None = None
    free = np.arange(size)  # places
    filled = 0  # of these, from the front
    for piece in pieces:
        buffer = buffer or _Rows(piece, size)
        start = 0
        while start < len(piece.x):
            taken = min(len(piece.x) - start, len(free) - filled)
            buffer.put(free[filled : filled + taken], piece, slice(start, start + taken))
            filled, start = filled + taken, start + taken
            if filled == len(free):
                free = random.permutation(size)[: max(1, size // 2)]
                filled = 0
                for first in range(0, len(free), part):
                    yield buffer.take(free[first : first + part])
    if buffer is None:
        return
    held = np.ones(size, bool)
    held[free[filled:]] = False
    order = random.permutation(np.flatnonzero(held))
    for first in range(0, len(order), part):
        yield buffer.take(order[first : first + part])


def in_chunks(pieces: Iterator[Piece], size: int, leave_out: Any) -> Iterator[Piece]:
    """Pieces of exactly `size` rows, and a last one with the rest.

    Arguments:
        pieces: of any number of rows each.
        size: >= 1.
        leave_out: told the rows of the last piece, and how many went before; says how many of its
            last ones sit this pass out.
    """
    chunk: _Rows | None = None
    filled, before = 0, 0
    for piece in pieces:
        start = 0
        while start < len(piece.x):
            if filled == 0:
                chunk = _Rows(piece, size)
            assert chunk is not None
            taken = min(len(piece.x) - start, size - filled)
            chunk.put(slice(filled, filled + taken), piece, slice(start, start + taken))
            filled, start = filled + taken, start + taken
            if filled == size:
                yield chunk.take(slice(None))
                before, filled = before + size, 0
                chunk = None
    if chunk is not None:
        rows = filled - leave_out(filled, before)
        if rows:
            yield chunk.take(slice(0, rows))
