"""A training of Evenly's, from its first step to its record."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from ..clipping import ClipGlobalNorm
from ..engine import Engine, NotFiniteError
from ..layers.base import Run
from ..layers.embedding import index_reader
from ..records import Checks, DataSummary, EpochSummary, Probe, TrainingRecord
from ..records.lines import LinesWriter
from ..rows.data import Examples
from ..rows.sources import RowSource
from ..rows.streams import Stream
from ..rows.training_set import TrainingSet
from .arrays import means_of_parts
from .data import shared_rows, summarize
from .describe import loss_info, network_info, optimizer_info, rows_of_batch_norm
from .generators import own_random
from .looks import Look, Looks
from .pace import Pace

# Rows that stand for the training set where it is scored in inference mode, or summed up; fewer
# where so many multiplications and additions would not do for them.
_SAMPLE_ROWS, _FEWEST_ROWS, _SAMPLE_WORK, _SUMMARY_NUMBERS = 1000, 250, 2**28, 2**23
_STEP_LOSSES = 32
# Steps whose numbers are kept until they are summed up.
_MOST_WAITING = 2**17
_LOSS, _SCORE, _PENALTY, _NORM, _WEIGHT = range(5)

Path = str | os.PathLike[str]


class TrainingWatcher:
    """Watches a training through its engine, and changes nothing of it.

    Arguments:
        engine: that trains.
        data, validation: prepared for it.
        schedule: of the training, for its name.
        epochs: that are asked for.
        untouched: whether the weights are the initial ones.
        scaled: (mean, deviation) of the inputs where a normalization in front of the network takes
            them out: the record tells of what the network gets.
        path: of a file that the record is written to as it grows; None: of none.

    Attributes:
        due: the step that it looks at next.
        pace: how often.
    """

    def __init__(
        self, engine: Engine, data: Examples | Stream, validation: Examples | Stream | None,
        schedule: Any = None, epochs: int | None = None, untouched: bool = True,
        path: Path | None = None, scaled: tuple[Any, Any] | None = None,
    ) -> None:
        program = engine.program
        assert program.loss is not None
        assert program.optimizer is not None
        self._engine, self._data, self._validation = engine, data, validation
        self._epoch = 1
        self._looks = Looks(program)
        self._pending: Look | None = None
        self._sample: Examples | None = None
        self._scored = 0, 0.0  # the epoch, and what it cost
        self._clipped: list[bool] = []
        self._waiting: list[tuple[Any, Any, dict[str, Any]]] = []
        self._waiting_steps = 0
        self._rows: list[tuple[Any, Any]] = []  # of a stream, as far as they were seen
        self._probes: list[Probe] = []
        self._epochs: list[EpochSummary] = []
        self._summaries: tuple[DataSummary | None, DataSummary | None] | None = None
        self._record = TrainingRecord(
            source="evenly", network=network_info(program), loss=loss_info(program.loss),
            optimizer=optimizer_info(program.optimizer, schedule, program.clip, program.penalty),
            batch=program.batch, rows_of_batch_norm=rows_of_batch_norm(program),
            initial_layers=untouched,
        )
        self._summed = 0.0  # seconds
        self._path, self._scaled = path, scaled
        self._writer: LinesWriter | None = None
        self._start = time.perf_counter()
        self.pace = Pace(epochs, engine.steps)

    @property
    def due(self) -> int:
        return self.pace.due

    # What the engine calls -------------------------------------------------------------------

    def before(
        self, engine: Engine, numbers: Any, x: Any, y: Any, weights: Any, lengths: Any
    ) -> None:
        """Looks at the step that comes next."""
        begin = time.process_time()
        random = own_random() if engine.program.has_python else nullcontext()
        with random, np.errstate(all="ignore"):  # a network may diverge
            self._pending = self._looks.look(engine, numbers, x, y, weights, lengths, self._epoch)
        if self._pending.clipped is not None:
            self._clipped.append(self._pending.clipped)
        if isinstance(self._data, Stream) and sum(len(x) for x, _ in self._rows) < _SAMPLE_ROWS:
            self._rows.append((x.copy(), y.copy()))
        self._cost = time.process_time() - begin

    def after(self, engine: Engine) -> None:
        """That step is made."""
        begin = time.process_time()
        assert self._pending is not None
        with np.errstate(all="ignore"):
            self._add(self._pending.done(engine))
        self._pending = None
        self.pace.looked(engine.steps - 1, self._cost + time.process_time() - begin)

    # What the loop calls ---------------------------------------------------------------------

    def resume(self, records: Sequence[Any]) -> None:
        """Takes in epochs of a training that goes on where it stood; the steps in them are told no
        more."""
        for record in records:
            self._epochs.append(_summary(record, None, {}))
        self._record = replace(self._record, initial_layers=False)
        self.pace = Pace(self.pace.epochs, self._engine.steps)

    def epoch_begins(self, epoch: int) -> None:
        """An epoch begins, counted from 1."""
        self._epoch = epoch
        self.pace.epoch(epoch, self._engine.steps)

    def epoch_ends(self, record: Any, steps: Any) -> None:
        """An epoch has ended.

        Arguments:
            record: the loop's own of it, an :class:`evenly.EpochRecord`.
            steps: the records of its steps, (steps, 5).
        """
        told: dict[str, Any] = {}
        if self._clipped:
            told["clipped_share"] = float(np.mean(self._clipped))
            self._clipped = []
        last, cost = self._scored
        if self.pace.worth(record.epoch, cost, last):
            begin = time.process_time()
            told |= self._inference()
            self._scored = record.epoch, time.process_time() - begin
            self.pace.took(self._scored[1])
        # Summed up many at a time: between native calls Python's code has left the caches.
        self._waiting.append((record, steps, told))
        self._waiting_steps += len(steps)
        if self._path is not None or self._waiting_steps > _MOST_WAITING:
            self._sum_up()

    def _sum_up(self) -> None:
        clip = self._engine.program.clip
        limit = clip.max_norm if isinstance(clip, ClipGlobalNorm) else None
        waiting, self._waiting, self._waiting_steps = self._waiting, [], 0
        for record, steps, told in waiting:
            if limit is not None:
                told["clipped_share"] = float((steps[:, _NORM] > limit).mean())
            self._add(_summary(record, steps, told))

    def failed(self, step: int, layer: str) -> None:
        """A step was not finite."""
        if self._pending is not None:
            self._add(self._pending.probe)
            self._pending = None
        self._record = replace(self._record, failed_at=(step, layer))

    def ends(self, stopped: str, best_epoch: int | None = None) -> TrainingRecord:
        """The training has ended; the weights are still those of its last step."""
        self._sum_up()
        if self._epochs and self._epochs[-1].train_loss is None and stopped != "diverged":
            self._epochs[-1] = replace(self._epochs[-1], **self._inference())
        self._record = replace(self._record, stopped=stopped, best_epoch=best_epoch)
        record = self.record
        if self._path is not None:
            self._open().finish(record)
        return record

    def close(self) -> None:
        """Ends writing."""
        if self._writer is not None:
            self._writer.close()

    @property
    def record(self) -> TrainingRecord:
        """As it stands."""
        self._sum_up()
        data, validation = self._summarized()
        return replace(
            self._record, data=data, validation=validation, probes=tuple(self._probes),
            epochs=tuple(self._epochs), seconds=time.perf_counter() - self._start,
            probe_seconds=self.pace.spent + self._summed,
        )

    def before_training(self, training: TrainingSet, checks: Checks | None) -> TrainingRecord:
        """The record of a training that has not begun: of its first step's look, which is made on
        this engine.

        Arguments:
            training: that would be trained on.
            checks: what was tried.
        """
        self._engine.watcher = self
        try:
            for records in training.train(1):
                if len(records):
                    break
        except NotFiniteError as failure:
            self.failed(failure.step, failure.layer)
        finally:
            self._engine.watcher = None
        return replace(self.record, checks=checks)

    # Parts -----------------------------------------------------------------------------------

    def _add(self, event: Probe | EpochSummary) -> None:
        if isinstance(event, Probe):
            self._probes.append(event)
        else:
            self._epochs.append(event)
        if self._path is not None:
            first = self._writer is None
            writer = self._open()
            if not first:
                writer.add(event)

    def _open(self) -> LinesWriter:
        if self._writer is None:
            assert self._path is not None
            self._writer = LinesWriter(self._path, self.record)
        return self._writer

    def _inference(self) -> dict[str, Any]:
        """Loss, score and answers of a fixed sample of the training set, in inference mode."""
        sample = self._sampled()
        if sample is None:
            return {}
        program, loss = self._engine.program, self._engine.program.loss
        assert loss is not None
        with _unmoved(self._engine), own_random():
            scores = self._engine.predict(sample.x, sample.lengths)
        run = Run(training=False, weights=sample.weights, lengths=sample.lengths)
        with np.errstate(all="ignore"):  # of a network that diverges
            value, total, scored = loss.evaluate(scores, sample.y, run)
            score = loss.score(total, scored, loss.spread(sample.y, scores.shape, run))
            told: dict[str, Any] = {"train_loss": value, "train_score": score}
        classes = program.output_shape[-1]
        if loss.targets_are_classes and classes <= _SAMPLE_ROWS:
            answers = np.bincount(scores.argmax(axis=-1).ravel(), minlength=classes)
            told["answers"] = tuple((answers / answers.sum()).tolist())
        return told

    def _sampled(self) -> Examples | None:
        if self._sample is None:
            if isinstance(self._data, Stream):
                if not self._rows:
                    return None
                self._sample = Examples(*self._rows[0])
            else:
                count = len(self._data.x)
                work = max(1, self._engine.program.multiply_adds)
                most = min(_SAMPLE_ROWS, max(_FEWEST_ROWS, _SAMPLE_WORK // work))
                if self._engine.program.carried:
                    most = min(most, self._engine.program.inference_batch)
                rows = np.linspace(0, count - 1, min(count, most)).astype(np.int64)
                self._sample = _dense(self._engine, self._data.take(rows))
        return self._sample

    def _summarized(self) -> tuple[DataSummary | None, DataSummary | None]:
        begin = time.process_time()
        if self._summaries is None:
            if isinstance(self._data, Stream):
                if not self._rows:
                    return None, None
                x, y = (np.concatenate(part) for part in zip(*self._rows, strict=True))
                return self._summary(Examples(x, y)), None
            train = self._some(self._data)
            own, other = self._summary(train), None
            if isinstance(self._validation, Examples):
                held = self._some(self._validation)
                other = self._summary(held)
                if not isinstance(self._data.x, RowSource):
                    self._record = replace(
                        self._record, shared_rows=shared_rows(self._data.x, held.x)
                    )
            self._summaries = own, other
            self._summed = time.process_time() - begin
        return self._summaries

    def _some(self, data: Examples) -> Examples:
        """The examples; of a source of rows, some as a dense array."""
        if not isinstance(data.x, RowSource):
            return data
        size = int(np.prod(data.x.shape[1:], dtype=np.int64))
        most = min(len(data.x), max(_SAMPLE_ROWS, _SUMMARY_NUMBERS // max(1, size)))
        rows = np.linspace(0, len(data.x) - 1, most).astype(np.int64)
        return _dense(self._engine, data.take(rows))

    def _summary(self, data: Examples) -> DataSummary:
        program = self._engine.program
        y = data.y
        if len(program.output_shape) == 1 and y.shape[1:] == (1,):
            y = y[:, 0]
        x = data.x
        if self._scaled is not None:
            x = (x - self._scaled[0]) / self._scaled[1]
        indices = index_reader(program.net) is not None
        return summarize(x, y, self._record.loss, indices=indices)


def _dense(engine: Engine, data: Examples) -> Examples:
    if not isinstance(data.x, RowSource):
        return data
    x = data.x.dense(slice(0, len(data.x)), np.dtype(engine.program.dtype))
    return data._replace(x=x)


@contextmanager
def _unmoved(engine: Engine) -> Any:
    """Leaves the states of stateful layers as they are: a prediction moves them."""
    kept = {name: state.copy() for name, state in engine.states.items()}
    try:
        engine.reset_states()
        yield
    finally:
        for name, state in kept.items():
            engine.states[name][...] = state


def _summary(record: Any, steps: Any, told: dict[str, Any]) -> EpochSummary:
    """What an epoch tells, of its steps too where they are known."""
    if steps is not None:
        told["step_losses"] = means_of_parts(steps[:, _LOSS], _STEP_LOSSES)
        told["largest_gradient_norm"] = float(steps[:, _NORM].max())
    return EpochSummary(
        epoch=record.epoch, steps=record.steps, loss=record.loss, score=record.score,
        validation_loss=record.validation_loss, validation_score=record.validation_score,
        gradient_norm=record.gradient_norm, penalty=record.penalty,
        learning_rate=record.learning_rate, **told,
    )
