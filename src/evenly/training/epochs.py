"""The epochs of one training."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from ..engine import Engine, NotFiniteError, StepRecord
from ..errors import CheckpointError, ConfigurationError, DivergenceError
from ..rows.data import Examples
from ..rows.streams import Stream
from ..rows.training_set import TrainingSet
from ..schedules import UNMOVED
from .averages import Averaged
from .checkpoints import Keeper
from .doctoring import Doctor
from .early_stopping import BestSoFar
from .history import EpochRecord, History, epoch_record
from .interrupt import Interrupt
from .listener import Listener
from .model import Model
from .positions import ENDED, Position
from .progress import Progress
from .rates import Rates
from .team import SharedKeeper, Team

Callback = Callable[[EpochRecord], str | None]
_REQUESTS = (None, "stop")
_NO_STEPS = np.empty((0, len(StepRecord._fields)))


class Loop:
    """The epochs of one training.

    Arguments:
        engine, data, validation: what is trained on what.
        rates, averaged, best: follow the epochs.
        bar, interrupt: of whoever watches.
        keeper: of checkpoints.
        doctor: who watches over it, or None.
        team: the processes that train together; None: this one alone.

    Attributes:
        records: of the epochs so far.
    """

    def __init__(
        self, engine: Engine, data: TrainingSet, validation: Examples | Stream | None,
        rates: Rates, averaged: Averaged, best: BestSoFar | None, bar: Progress,
        interrupt: Interrupt, keeper: Keeper | SharedKeeper | None, doctor: Doctor | None = None,
        team: Team | None = None,
    ) -> None:
        self.engine, self.data, self.validation = engine, data, validation
        self.doctor, self.team = doctor, team or Team()
        self.rates, self.best, self.bar, self.interrupt = rates, best, bar, interrupt
        self.averaged, self.keeper = averaged, keeper
        self.records: list[EpochRecord] = []
        self._parts: list[Any] = []
        self._resumed = _NO_STEPS  # what a resumed epoch has behind it
        self._epochs, self._ended = 0, ""
        self._moved = UNMOVED
        self._start = time.perf_counter()

    def resume(self, position: Position, epochs: int) -> None:
        """Goes on where a training stood, which the engine's arrays are of already.

        Raises:
            ConfigurationError: another number of epochs than fits to what is done.
        """
        was, begun = position.epochs, position.begun
        if epochs < begun:
            raise ConfigurationError(
                f"fit: the checkpoint stands in epoch {begun}: epochs must be at least that, got "
                f"{epochs}"
            )
        if not self.rates.as_if(was, begun):
            raise ConfigurationError(
                f"fit: the schedule depends on the number of epochs, which was {was} and is "
                f"{epochs}: give epochs={was}, or another folder"
            )
        if not self.averaged.as_if(was, begun):
            raise ConfigurationError(
                f"fit: which epochs are averaged depends on their number, which was {was} and is "
                f"{epochs}: give epochs={was}, SWA(from_epoch=...) from the beginning, or another "
                "folder"
            )
        self.records = list(position.history)
        self.averaged.taken = list(position.snapshots)
        if self.doctor is not None:
            self.doctor.resume(self.records)
        for record in self.records:
            self.rates.after(record)
            self.averaged.resume(record.epoch)
            if self.best is not None:
                self.best.is_over(record, position.best, self.averaged.counts)
            self.bar.step(record.steps)
            self.bar.epoch(record)
        self.bar.step(len(position.steps))
        self._resumed, self._ended = position.steps, position.ended
        self._start -= position.seconds

    def run(self, epochs: int, callbacks: Sequence[Callback]) -> str:
        """Trains; returns why it ended."""
        if self._ended:
            return self._ended
        self._epochs = epochs
        ended = self._run(epochs, callbacks)
        if ended != "interrupted":
            self._parts = []
            self._keep(ended if ended in ENDED else "")
        return ended

    def _run(self, epochs: int, callbacks: Sequence[Callback]) -> str:
        good = now = self._weights()
        for epoch in range(len(self.records) + 1, epochs + 1):
            good, now = now, self._weights()
            try:
                steps = self._epoch(epoch)
            except NotFiniteError as failure:
                if failure.updated:
                    good = now
                elif self._is_good(failure.loss):
                    good = self._weights()
                elif self._parts:
                    good = now
                raise self._divergence(failure, epoch, good) from None
            if not len(steps):
                return "interrupted"
            whole = self.data.is_whole(len(steps))
            if whole:
                self.averaged.epoch_ends(epoch)
            record = self._record(epoch, steps)
            self.records.append(record)
            self.rates.after(record)
            self.bar.epoch(record)
            for callback in callbacks:
                if isinstance(callback, Listener):
                    only_read = steps.view()
                    only_read.flags.writeable = False
                    callback.steps(sum(one.steps for one in self.records[:-1]) + 1, only_read)
            requests = [callback(record) for callback in callbacks]
            for request in requests:
                if request not in _REQUESTS:
                    raise ConfigurationError(
                        f"fit: a callback may return 'stop' or None, got {request!r}"
                    )
            asked, ill = self.team.any(
                "stop" in requests,
                self.doctor is not None and self.doctor.epoch_ends(record, steps),
            )
            over = self.best is not None and self.best.is_over(
                record, self.averaged.weights, self.averaged.counts
            )
            if self.interrupt.asked and not (whole and epoch == epochs):
                if whole:  # else the checkpoint was written where the epoch broke off
                    self._parts = []
                    self._keep(_ended(asked, over, ill))
                return "interrupted"
            if ended := _ended(asked, over, ill):
                return ended
        return "epochs"

    def _epoch(self, epoch: int) -> Any:
        """One pass, or what is left of it; returns the records of its steps, of none where it is
        interrupted before any."""
        done, self._resumed = self._resumed, _NO_STEPS
        self._parts = parts = [done] if len(done) else []
        self._moved = self.rates.of_epoch(epoch)
        if not len(done):
            self.engine.reset_states()
        if self.doctor is not None:
            self.doctor.epoch_begins(epoch)
        if not self.interrupt.asked:
            # Closed at once: a thread that reads must not outlive an error.
            with closing(self.data.train(epoch, self._moved, len(done))) as training:
                for records in training:
                    if len(records):  # none while a file is waited for
                        parts.append(records)
                        self.bar.step(len(records))
                        if self.keeper is not None and self.keeper.due():
                            self._keep()
                    if self.interrupt.asked:
                        break
        steps = self._steps()
        if self.interrupt.asked:
            self._keep()
        # A resumed epoch that came no further has its checkpoint, and no score.
        return _NO_STEPS if self.interrupt.asked and len(steps) == len(done) else steps

    def _steps(self) -> Any:
        """The records of the steps of the epoch so far."""
        if len(self._parts) > 1:  # put together once, however often checkpoints ask
            self._parts[:] = [np.concatenate(self._parts)]
        return self._parts[0] if self._parts else _NO_STEPS

    def _keep(self, ended: str = "") -> None:
        """Writes a checkpoint of how it stands."""
        if self.keeper is None:
            return
        seconds = time.perf_counter() - self._start
        best = self.best.weights if self.best is not None else {}
        position = Position(self._epochs, tuple(self.records), self._steps(), seconds, best, ended,
                            tuple(self.averaged.taken))
        try:
            self.keeper.write(position)
        except CheckpointError as error:
            error.model = self.model("checkpoint")
            raise

    def _record(self, epoch: int, steps: Any) -> EpochRecord:
        held = self.validation
        score = self.data.score(float(steps[:, 1].sum()), float(steps[:, 5].sum()))
        evaluation = None
        if held is not None:
            with self.averaged.in_force():
                evaluation = self.team.evaluate(self.engine, held)
        seconds = self.team.epoch_ends(self.engine, epoch, time.perf_counter() - self._start)
        return epoch_record(
            epoch, steps, score, seconds, evaluation, **self._last(len(steps)),
        )

    def _last(self, steps: int) -> dict[str, float | None]:
        """What the schedules had come to in the last of so many steps."""
        optimizer = self.engine.program.optimizer
        assert optimizer is not None
        rate, _, dropout, decay = (
            None if values is None else float(values[min(steps, len(values)) - 1])
            for values in self._moved
        )
        return {"learning_rate": optimizer.learning_rate if rate is None else rate,
                "dropout_factor": dropout, "decay_factor": decay}

    def _is_good(self, loss: float) -> bool:
        """Whether the weights that gave a step this loss are worth keeping: it is finite, and has
        not grown beyond twice what it was when the epoch began."""
        if self._parts:
            return bool(loss <= 2 * self._parts[0][0, 0])
        return bool(loss <= 2 * self.records[-1].loss) if self.records else np.isfinite(loss)

    def _weights(self) -> dict[str, Any]:
        return {name: array.copy() for name, array in self.engine.arrays.items()}

    def _divergence(
        self, failure: NotFiniteError, epoch: int, good: dict[str, Any]
    ) -> DivergenceError:
        error = DivergenceError(
            f"epoch {epoch}, step {failure.step + 1}: {failure.layer} is not finite; "
            "the last good weights are in error.weights. Try a smaller learning rate, "
            "clip=ClipGlobalNorm(1.0), or inputs scaled by Standardizer",
            epoch=epoch, step=failure.step + 1, layer=failure.layer,
        )
        error.weights = good
        if self.doctor is not None:
            self.doctor.failed(failure.step, failure.layer)
        error.model = self.model("diverged")
        self.engine.set_weights(error.weights)
        return error

    def model(self, stopped: str) -> Model:
        """The engine as it is, with the history so far, and the record of a training that is
        watched."""
        best = self.best.epoch if self.best is not None else None
        record = self.doctor.ends(stopped, best) if self.doctor is not None else None
        return Model(self.engine, History(tuple(self.records), stopped, best), record)


def _ended(asked: bool, over: bool, ill: bool) -> str:
    """Why a training is over before its last epoch: the first of :data:`ENDED` that holds."""
    return "callback" if asked else "early stopping" if over else "doctor" if ill else ""
