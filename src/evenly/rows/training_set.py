"""What is trained on, to the loop: passes over rows that lie in memory, or that are read."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, Protocol

import numpy as np

from ..engine import Engine, Evaluation, StepRecord
from ..errors import ConfigurationError, DataError, ShapeError
from ..layers.base import Run
from ..losses import Spread
from ..random import generator
from ..schedules import UNMOVED, Moved, steps_per_epoch
from .ahead import WAITING, Ahead
from .data import Examples, Passes
from .shuffle_buffer import in_chunks, shuffled
from .sources import READ_BYTES, evaluate, rows_in, train_pass
from .streams import Piece, Stream, prepared
from .tally import Tally

# By default the shuffle buffer has this many rows, or as many as so many bytes hold.
_BUFFER_ROWS, _BUFFER_BYTES = 2**14, 2**26


class TrainingSet(Protocol):
    """Passes over the data.

    Attributes:
        steps: of a pass; None while it is not known.
    """

    steps: int | None

    def train(
        self, epoch: int, moved: Moved = UNMOVED, done: int = 0
    ) -> Generator[Any, None, None]:
        """One pass, as :meth:`Engine.train` makes it, without its first `done` steps; at times it
        yields records of no step."""

    def is_whole(self, steps: int) -> bool:
        """Whether so many steps were all of the last pass."""

    def score(self, score_sum: float, scored: float) -> float:
        """The score of the last pass, from the kernels' sum over its steps and the examples that
        count in it."""


class RowsInMemory:
    """Rows that can be taken in any order.

    Arguments:
        engine: that trains.
        data: prepared for it.
        passes: the order of the rows.
    """

    def __init__(self, engine: Engine, data: Examples, passes: Passes) -> None:
        self._engine, self._data, self._passes = engine, data, passes
        self.steps: int | None = passes.steps

    def train(
        self, epoch: int, moved: Moved = UNMOVED, done: int = 0
    ) -> Generator[Any, None, None]:
        data, passes = self._data, self._passes
        order = passes.order(epoch)
        if done:
            order = (np.arange(passes.used) if order is None else order)[done * passes.batch :]
            moved = moved.at(slice(done, None))
        return train_pass(
            self._engine, data.x, data.y, order, passes.batch, data.weights, data.lengths, moved,
        )

    def is_whole(self, steps: int) -> bool:
        return steps == self.steps

    def score(self, score_sum: float, scored: float) -> float:
        program, y = self._engine.program, self._data.y
        assert program.loss is not None
        run = Run(training=True, weights=self._data.weights, lengths=self._data.lengths)
        spread = program.loss.spread(y, (len(y), *program.output_shape), run)
        return program.loss.score(score_sum, scored, spread)


class RowsFromStream:
    """Rows that are read from front to back, through a shuffle buffer.

    Arguments:
        engine: that trains.
        stream: what is read.
        rows: how many it has; None where it is not known.
        batch: rows a step.
        seed: of the order.
        shuffle: False for the order of the stream.
        buffer: rows of the shuffle buffer; None: a default.
    """

    def __init__(
        self, engine: Engine, stream: Stream, rows: int | None, batch: int, seed: int,
        shuffle: bool, buffer: int | None,
    ) -> None:
        self._engine, self._stream, self._batch, self._seed = engine, stream, batch, seed
        program = engine.program
        item = np.dtype(program.dtype).itemsize
        self._chunk = rows_in(READ_BYTES, program.input_shape, item, batch)
        if buffer is None:
            buffer = min(_BUFFER_ROWS, rows_in(_BUFFER_BYTES, program.input_shape, item))
        # One more than there are rows is never full: the order is as where they are not counted.
        self._buffer = (buffer if rows is None else min(buffer, rows + 1)) if shuffle else 0
        self.steps: int | None = None
        if rows is not None:
            rest = rows % batch
            used = rows - self._left_out(rest, rows - rest)
            self.steps = int(steps_per_epoch(used, batch))
        self._taken, self._whole, self._spread = 0, False, Spread()

    def train(
        self, epoch: int, moved: Moved = UNMOVED, done: int = 0
    ) -> Generator[Any, None, None]:
        self._taken, self._whole, self._spread = 0, False, Spread()
        engine, batch = self._engine, self._batch
        loss = engine.program.loss
        assert loss is not None
        with Ahead(self._chunks(epoch)) as chunks:
            for chunk in chunks:
                if chunk is WAITING:
                    yield np.empty((0, len(StepRecord._fields)))
                    continue
                first, rows = self._taken // batch, len(chunk.x)
                # Steps that are done already: their rows are read again, since nothing else tells
                # which rows follow them.
                skipped = min(max(0, done - first) * batch, rows)
                steps = slice(first + skipped // batch, first - (-rows // batch))
                # One number stands for all steps where their number is not known.
                own = moved if self.steps is None else moved.at(steps)
                self._taken += rows
                if not loss.counts_right_answers:
                    self._judge(chunk, rows)
                if skipped < rows:
                    x, y, weights, _ = chunk.part(slice(skipped, None))
                    yield from engine.train(x, y, None, batch, weights, None, *own)
        if not self._taken:
            raise DataError("fit: every row of the source has the weight 0: nothing could be "
                            "learned")
        if -(-self._taken // batch) < done:
            raise DataError(
                f"fit: the source has {self._taken} rows, fewer than it had when the checkpoint "
                f"was written, after {done} batches of {batch}: it must bring the same rows again"
            )
        self._whole = True

    def _judge(self, chunk: Piece, rows: int) -> None:
        """Takes in the targets of a chunk of so many rows."""
        loss, shape = self._engine.program.loss, (rows, *self._engine.program.output_shape)
        assert loss is not None
        run = Run(training=True, weights=chunk.weights)
        self._spread.add(loss.judged(chunk.y), loss.scored(chunk.y, shape, run))

    def is_whole(self, steps: int) -> bool:
        return self._whole or steps == self.steps

    def score(self, score_sum: float, scored: float) -> float:
        loss = self._engine.program.loss
        assert loss is not None
        return loss.score(score_sum, scored, self._spread)

    def _chunks(self, epoch: int) -> Iterator[Piece]:
        if self._buffer <= 1:
            pieces = prepared(self._stream, self._engine)
        else:
            order = generator(self._seed, f"order of epoch {epoch}")
            pieces = prepared(self._stream, self._engine, reading=self._stream.mixed(order))
            random = generator(self._seed, f"shuffle of epoch {epoch}")
            pieces = shuffled(pieces, self._buffer, self._chunk, random)
        return in_chunks(pieces, self._chunk, self._left_out)

    def _left_out(self, rest: int, before: int) -> int:
        """As in :class:`Passes`: a single row that is left over has no variance."""
        alone = rest % self._batch == 1 and rest + before > 1
        return int(alone and self._engine.program.training_rows > 1)


def evaluate_any(engine: Engine, data: Examples | Stream) -> Evaluation:
    """Loss and score in inference mode of rows in memory or of a stream."""
    if not isinstance(data, Stream):
        return evaluate(engine, *data)
    tally = Tally(engine)
    with Ahead(_even_chunks(engine, data, True)) as chunks:
        for chunk in chunks:
            if chunk is not WAITING:
                tally.add(chunk.x, chunk.y, chunk.weights)
    return tally.evaluation()


def predict_stream(engine: Engine, stream: Stream) -> Any:
    """Scores in inference mode: a new array (rows, outputs...)."""
    with Ahead(_even_chunks(engine, stream, False)) as chunks:
        parts = [engine.predict(chunk.x) for chunk in chunks if chunk is not WAITING]
    return np.concatenate(parts)


def _even_chunks(engine: Engine, stream: Stream, targets: bool) -> Iterator[Piece]:
    """All rows as they lie, in chunks whose size does not depend on the stream's pieces."""
    if engine.program.carried:
        raise ConfigurationError(
            "the network is stateful: evaluate and predict take arrays, where each row has a place "
            "of its own"
        )
    program = engine.program
    item = np.dtype(program.dtype).itemsize
    size = rows_in(READ_BYTES, program.input_shape, item, program.inference_batch)
    return in_chunks(prepared(stream, engine, targets), size, lambda rest, before: 0)


def check_stream(
    stream: Any, y: Any, batch: int | None, validation: Any, parts: dict[str, Any],
    what: str = "fit",
) -> None:
    """Raises ConfigurationError for what goes with arrays alone."""
    name = f"{what}: {type(stream).__name__}"
    if y is not None:
        raise ConfigurationError(f"{name} brings its own targets: leave y out")
    for given, value in parts.items():
        if value is not None:
            remedy = ("give them with each item, or as a column" if given == "sample_weight" else
                      "give arrays where sequences have lengths")
            raise ConfigurationError(
                f"{name} is read from front to back, and takes no {given}: {remedy}"
            )
    if batch is None:
        raise ConfigurationError(f"{name}: batch=None needs all rows at once: give a number")
    if validation is not None and not isinstance(validation, (tuple, Stream)):
        raise ConfigurationError(
            f"{name}: no share can be held out of what is read from front to back, got "
            f"validation={validation!r}: give (x, y) or another source"
        )


def check_targets(stream: Stream, has_targets: bool, what: str) -> None:
    """Raises ConfigurationError where a source has no targets."""
    if not has_targets:
        raise ConfigurationError(f"{what}: {stream!r} has no targets: say which column they are")


def check_shape(engine: Engine, shape: Any, what: str) -> None:
    """Raises ShapeError where the examples of a source are not those of the network."""
    if tuple(shape) != engine.program.input_shape:
        raise ShapeError(f"{what}: the network expects examples of shape "
                         f"{engine.program.input_shape}, got {tuple(shape)}")
