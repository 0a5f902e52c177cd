"""Rows of which each process of a training has a part of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine import Engine
from ..errors import ConfigurationError, DataError
from ..layers.base import Declared, Run, expect
from ..losses import Spread
from ..parallel import Group, group
from ..random import generator
from .data import Examples, as_arrays, check_finite, rows_of
from .parquet import ParquetRows
from .shuffle_buffer import in_chunks, shuffled
from .sources import READ_BYTES, RowSource, rows_in
from .streams import Outline, Piece, Stream, prepared
from .training_set import RowsFromStream


def own_part(rows: int, workers: Any) -> slice:
    """Which of so many rows are this process's own in :class:`OwnRows`.

    Arguments:
        rows: of all.
        workers: as of :func:`evenly.fit`.

    Raises:
        ConfigurationError: rows that are no whole number of at least 0; other workers.

    Example:
        >>> own_part(1001, None)
        slice(0, 1001, None)
    """
    if isinstance(rows, bool) or not isinstance(rows, (int, np.integer)) or rows < 0:
        raise ConfigurationError(f"own_part: rows must be a whole number >= 0, got {rows!r}")
    return _range(int(rows), group(workers))


@dataclass(frozen=True, eq=False)
class OwnRows(Declared):
    """Training data of which each process has, or reads, its own rows alone.

    Part p of every batch (of 8, see :func:`evenly.fit`) is drawn from the p-th eighth of all rows,
    and each process has the eighths of its parts: so the model does not depend on the number of
    processes here either, but it is another one than where all rows are shuffled together.

    Arguments:
        x: this process's rows, ``x[own_part(rows, workers)]``, an array or a ``numpy.memmap``; or a
            :class:`ParquetRows` of all rows, of which each process reads its own.
        y: targets of these rows; None with ParquetRows.
        sample_weight: of these rows, > 0.

    Raises:
        ConfigurationError: ParquetRows with y or weights; an x that is neither; an array without y.

    Example:
        >>> import evenly as ev
        >>> x = np.random.default_rng(0).standard_normal((640, 2))
        >>> at = own_part(len(x), None)  # MPI.COMM_WORLD under mpiexec
        >>> model = ev.fit(ev.Sequential([ev.Dense(2)]), OwnRows(x[at], x[at, 0] > 0), batch=64,
        ...                loss=ev.SoftmaxCrossEntropy(), epochs=2, parts=8)
        >>> model.history[-1].steps
        10
    """

    x: Any
    y: Any = None
    sample_weight: Any = None

    def __post_init__(self) -> None:
        whole = isinstance(self.x, ParquetRows)
        expect(not whole or (self.y is None and self.sample_weight is None), self,
               "ParquetRows name the columns of targets and weights themselves", "y or weights")
        expect(not (whole and self.x.by_groups), self,
               "each process reads its rows in order: leave by_groups out", "by_groups=True")
        other = isinstance(self.x, (str, bytes, Mapping, Stream))
        is_rows = hasattr(self.x, "__len__") and not other
        expect(whole or is_rows, self, "x must be an array or ParquetRows", type(self.x).__name__)
        expect(whole or self.y is not None, self, "y must be given beside an array", "None")

    def of_all(self, members: Group, parts: int | None, dtype: str) -> OwnRowsOfAll:
        """What these rows are together with the others' ones.

        Raises:
            ConfigurationError: batches that are not cut into parts.
            DataError: a process has another number of rows than its part is.
        """
        if parts is None:
            raise ConfigurationError("fit: OwnRows go with workers=MPI.COMM_WORLD, or parts=8")
        if isinstance(self.x, ParquetRows):
            shape, rows, has_targets = self.x.outline()
            assert rows is not None
            return OwnRowsOfAll(Outline(shape, rows, has_targets), repr(self.x),
                                _Own(self.x, members, parts))
        x, y = as_arrays(self.x, self.y, "fit")
        data = Examples(x, y, rows_of(self.sample_weight, len(x), "sample_weight"))
        check_finite(x, "fit", None, dtype)
        counts = [int(one[0]) for one in members.gather(np.array([len(x)]))]
        rows = sum(counts)
        for rank, count in enumerate(counts):
            at = _range(rows, members, rank)
            if at.stop - at.start != count:
                raise DataError(
                    f"OwnRows: process {rank} has {count} of all {rows} rows, and its part is "
                    f"{at.stop - at.start}: give it x[evenly.own_part({rows}, workers)]"
                )
        return OwnRowsOfAll(Outline(x.shape[1:], rows, True), _checksum(data, rows, members, parts),
                            _Own(data, members, parts))


class _Own:
    """What a process has, and whose member it is."""

    def __init__(self, data: Examples | ParquetRows, members: Group, parts: int) -> None:
        self.data, self.members, self.parts = data, members, parts


def check_own(validation: Any, watched: bool) -> None:
    """Raises ConfigurationError for what looks at rows that this process does not have."""
    if watched:
        raise ConfigurationError("fit: OwnRows: the doctor looks at whole batches, of which this "
                                 "process has a part: leave doctor out")
    if isinstance(validation, OwnRows):
        raise ConfigurationError("fit: OwnRows: every process validates with all rows: give "
                                 "validation=(x, y), the same in each")


class OwnRowsOfAll(Stream):
    """The rows of all processes.

    Arguments:
        known: of all rows.
        told: a text that tells these rows from others.
        own: what this process has.
    """

    def __init__(self, known: Outline, told: str, own: _Own) -> None:
        self.told, self.own, self.known = told, own, known

    def outline(self) -> Outline:
        return self.known

    def pieces(self) -> Iterator[Piece]:
        raise ConfigurationError("OwnRows are for training: give the rows themselves here")


class RowsOfParts(RowsFromStream):
    """Passes over the rows of all processes: of each batch, those of this process are there.

    Arguments: as of :class:`RowsFromStream`.

    Raises:
        ConfigurationError: a batch that cannot be cut evenly, or a network and settings that mix
            rows of several processes.
    """

    def __init__(
        self, engine: Engine, stream: Stream, rows: int | None, batch: int, seed: int,
        shuffle: bool, buffer: int | None,
    ) -> None:
        assert isinstance(stream, OwnRowsOfAll)
        assert rows is not None
        super().__init__(engine, stream, rows, batch, seed, shuffle, buffer)
        own = stream.own
        if batch % own.parts:
            raise ConfigurationError(
                f"fit: OwnRows: each of {own.parts} parts gives as many rows to a batch: batch "
                f"must be a multiple of {own.parts}, and there are {rows} rows, got {batch}"
            )
        if engine.program.augment is not None:
            raise ConfigurationError(
                f"fit: OwnRows: {type(engine.program.augment).__name__} mixes rows that other "
                "processes have: leave augment out, or give all rows to each process"
            )
        self._rows, self._own, self._shuffle = rows, own, shuffle
        each = own.parts // own.members.size
        self._numbers = range(each * own.members.rank, each * (own.members.rank + 1))
        self._spreads = [Spread() for _ in self._numbers]

    def _judge(self, chunk: Piece, rows: int) -> None:
        loss, program = self._engine.program.loss, self._engine.program
        assert loss is not None
        if self._taken == rows:  # the first chunk of a pass
            self._spreads = [Spread() for _ in self._numbers]
        for spread, number in zip(self._spreads, self._numbers, strict=True):
            part = chunk.part(self._places(number, rows))
            run = Run(training=True, weights=part.weights)
            shape = (len(part.y), *program.output_shape)
            spread.add(loss.judged(part.y), loss.scored(part.y, shape, run))

    def score(self, score_sum: float, scored: float) -> float:
        loss = self._engine.program.loss
        assert loss is not None
        total = Spread()
        if not loss.counts_right_answers:
            mine = np.stack([spread.state() for spread in self._spreads])
            for state in np.concatenate(self._own.members.gather(mine)):
                total.join(state)
        return loss.score(score_sum, scored, total)

    def _chunks(self, epoch: int) -> Iterator[Piece]:
        size = self._chunk // self._own.parts
        readers = [in_chunks(self._part(number, epoch, size), size, lambda rest, before: 0)
                   for number in self._numbers]
        used = self._rows - self._left_out(self._rows % self._batch, self._rows - 1)
        like: Piece | None = None
        for begin in range(0, used, self._chunk):
            rows = min(self._chunk, used - begin)
            found = [(self._places(number, rows), next(reader, None))
                     for number, reader in zip(self._numbers, readers, strict=True)]
            like = like or next(piece for _, piece in found if piece is not None)
            # The others' rows are not looked at.
            x, y, weights = (None if part is None else np.zeros((rows, *part.shape[1:]), part.dtype)
                             for part in like[:3])
            chunk = Piece(x, y, weights)
            for at, piece in found:
                have = 0 if piece is None else len(piece.x)
                if have < len(at):
                    raise DataError(
                        "OwnRows: there are fewer rows than were told: the files have changed, or "
                        "rows have the weight 0, which cannot be left out here"
                    )
                for whole, part in zip(chunk[:3], piece[:3] if piece else (), strict=False):
                    if whole is not None:
                        whole[at] = part[: len(at)]
            yield chunk

    def _places(self, number: int, rows: int) -> Any:
        """Where the rows of a part stand in a chunk of so many."""
        parts, batch = self._own.parts, self._batch
        whole, rest = divmod(rows, batch)
        each = batch // parts
        places = np.arange(whole)[:, None] * batch + number * each + np.arange(each)
        last = np.arange(rest * number // parts, rest * (number + 1) // parts)
        return np.concatenate([places.reshape(-1), whole * batch + last])

    def _part(self, number: int, epoch: int, size: int) -> Iterator[Piece]:
        """The rows of a part in the order of a pass."""
        own = self._own
        first, last = (self._rows * i // own.parts for i in (number, number + 1))
        random = generator(self._seed, f"shuffle of epoch {epoch}, part {number}")
        if isinstance(own.data, ParquetRows):
            pieces = prepared(_Range(own.data, first, last), self._engine)
            if self._buffer > 1:
                pieces = shuffled(pieces, min(self._buffer, last - first + 1), size, random)
            return pieces
        begin = _range(self._rows, own.members).start
        order = random.permutation(last - first) if self._shuffle else np.arange(last - first)
        return prepared(_Taken(own.data, first - begin + order, size), self._engine)


class _Range(Stream):
    """Some of the rows of Parquet files."""

    def __init__(self, source: ParquetRows, first: int, last: int) -> None:
        self._source, self._first, self._last = source, first, last

    def outline(self) -> Outline:
        return self._source.outline()

    def pieces(self) -> Iterator[Piece]:
        return self._source.pieces_of(self._first, self._last)


class _Taken(Stream):
    """Rows of arrays in some order."""

    def __init__(self, data: Examples, order: Any, size: int) -> None:
        self._data, self._order, self._size = data, order, size

    def outline(self) -> Outline:
        return Outline(self._data.x.shape[1:], len(self._order), True)

    def pieces(self) -> Iterator[Piece]:
        x, y, weights, _ = self._data
        for start in range(0, len(self._order), self._size):
            at = self._order[start : start + self._size]
            rows = x.dense(at, x.dtype) if isinstance(x, RowSource) else x[at]
            yield Piece(rows, y[at], None if weights is None else weights[at], "OwnRows")


def _range(rows: int, members: Group, rank: int | None = None) -> slice:
    rank = members.rank if rank is None else rank
    return slice(rows * rank // members.size, rows * (rank + 1) // members.size)


def _checksum(data: Examples, rows: int, members: Group, parts: int) -> str:
    """Of the rows of all, whoever has them."""
    begin = _range(rows, members).start
    each = parts // members.size
    mine = []
    for number in range(each * members.rank, each * (members.rank + 1)):
        total = hashlib.sha256()
        first, last = (rows * i // parts - begin for i in (number, number + 1))
        size = rows_in(READ_BYTES, data.x.shape[1:], data.x.dtype.itemsize)
        for start in range(first, last, size):
            at = slice(start, min(last, start + size))
            x = data.x.dense(at, data.x.dtype) if isinstance(data.x, RowSource) else data.x[at]
            for part in (x, data.y[at], *(() if data.weights is None else (data.weights[at],))):
                total.update(repr((part.shape[1:], part.dtype.str)).encode())
                total.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
        mine.append(np.frombuffer(total.digest(), np.uint8))
    everyone = np.concatenate(members.gather(np.stack(mine)))
    return f"sha256 {hashlib.sha256(everyone.tobytes()).hexdigest()[:32]}"
