"""The training loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from ..augmentation import Mixup
from ..clipping import Clip
from ..constraints import Constraint
from ..engine import Engine, NotFiniteError, StepRecord, check_seed
from ..errors import ConfigurationError, DivergenceError, ShapeError
from ..layers.base import Layer
from ..losses import Loss
from ..optimizers import Adam, Optimizer
from ..penalties import Penalty
from ..program import compile as compile_program
from ..schedules import ReduceOnPlateau, Schedule
from .data import Examples, Passes, as_arrays, check_finite, rows_of, split
from .early_stopping import BestSoFar, EarlyStopping
from .history import EpochRecord, History, epoch_record
from .interrupt import Interrupt
from .model import Model, as_sequential
from .progress import Progress, make_progress
from .rates import Rates
from .streams import Stream
from .training_set import (
    RowsFromStream,
    RowsInMemory,
    TrainingSet,
    check_shape,
    check_stream,
    check_targets,
    evaluate_any,
)

Callback = Callable[[EpochRecord], str | None]
_REQUESTS = (None, "stop")


def fit(
    net: Layer | Model,
    x: Any,
    y: Any = None,
    *,
    loss: Loss,
    optimizer: Optimizer | None = None,
    epochs: int = 20,
    batch: int | None = 32,
    validation: float | tuple[Any, ...] | None = None,
    sample_weight: Any = None,
    lengths: Any = None,
    seed: int = 0,
    penalty: Penalty | None = None,
    clip: Clip | None = None,
    constraint: Constraint | None = None,
    augment: Mixup | None = None,
    schedule: Schedule | ReduceOnPlateau | None = None,
    early_stopping: EarlyStopping | None = None,
    shuffle: bool = True,
    shuffle_buffer: int | None = None,
    dtype: str = "float32",
    threads: int | None = None,
    progress: bool | None = None,
    callbacks: Sequence[Callback] = (),
    stop: Callable[[], bool] | None = None,
) -> Model:
    """Trains a network.

    Arguments:
        net: the network, or a model whose weights training starts from.
        x: inputs, (rows, features...). A SciPy sparse matrix is made dense a few rows at a time, an
            array in a file (``numpy.memmap``) is read so. Or a source that brings its own targets:
            :class:`ParquetRows`, :class:`Batches`.
        y: targets, as the loss wants them.
        loss: what to lower.
        optimizer: by default ``Adam(1e-3)``.
        epochs: passes over the training set, >= 1.
        batch: rows a step: 1 for single examples, None for the whole training set. Where a last
            batch would have one row and the network has batch normalization, that row sits the
            pass out.
        validation: a share of the rows to hold out, or (x, y) to validate with, or (x, y, lengths),
            or (x, y, lengths, weights), where lengths may be None, or a source as x may be one.
        sample_weight: (rows,): how much each example counts in the loss; 1 each by default.
        lengths: (rows,): how many steps of each sequence count, where sequences were padded to one
            length; what stands behind them contributes nothing.
        seed: of initial weights, shuffling, dropout and the validation split.
        penalty: added to the cost.
        clip: of the gradients.
        constraint: on the weights, after every update.
        augment: :class:`Mixup` of the training examples.
        schedule: moves the optimizer's learning rate during training.
        early_stopping: needs validation data.
        shuffle: the rows anew in each epoch. False for stateful layers: their states begin at zero
            in every epoch, and pass from row i of a batch to row i of the next.
        shuffle_buffer: of a source that is read from front to back, so many rows are in memory and
            mixed at a time; by default 16384, or as many as 64 MB hold.
        dtype: ``"float32"`` or ``"float64"``.
        threads: by default as many as the work is worth; no result depends on it.
        progress: whether to show a bar; by default if standard error is a terminal.
        callbacks: each is called with every :class:`EpochRecord` and may return ``"stop"``.
        stop: asked some 20 times a second, or after each step where steps take longer; True ends
            training as Ctrl-C does. For trainings in threads, which hear no Ctrl-C:
            ``stop=event.is_set``.

    Returns:
        The trained model. After Ctrl-C, what was learned up to the last whole step
        (``model.history.stopped == "interrupted"``).

    Raises:
        ShapeError, ConfigurationError, DataError: before training, for what cannot work.
        DivergenceError: the loss or a gradient was not finite.

    Example:
        >>> import evenly as ev
        >>> x = np.random.default_rng(0).standard_normal((64, 2))
        >>> y = (x[:, 0] > x[:, 1]).astype(int)
        >>> net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(2)])
        >>> model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), epochs=30, batch=16,
        ...                optimizer=ev.Adam(0.05))
        >>> model.history[-1].score > 0.9
        True
    """
    weights = net.weights if isinstance(net, Model) else None
    made_for = net.input_shape if isinstance(net, Model) else None
    net = net.net if isinstance(net, Model) else as_sequential(net)
    seed = check_seed(seed)
    _check(epochs, batch, early_stopping, validation, shuffle_buffer)
    held: Examples | Stream | None = None
    if isinstance(x, Stream):
        given = {"sample_weight": sample_weight, "lengths": lengths}
        check_stream(x, y, batch, validation, given)
        shape, rows, has_targets = x.outline()
        check_targets(x, has_targets, "fit")
    else:
        if shuffle_buffer is not None:
            raise ConfigurationError(
                "fit: shuffle_buffer is for sources that are read from front to back; an array is "
                "shuffled whole: leave it out"
            )
        x, y = as_arrays(x, y, "fit")
        data = Examples(x, y, rows_of(sample_weight, len(x), "sample_weight"),
                        rows_of(lengths, len(x), "lengths"))
        if validation is not None and not isinstance(validation, (tuple, Stream)):
            data, held = split(data, float(validation), seed)
        check_finite(data.x, "fit", data.lengths)
        shape, rows = x.shape[1:], len(data.x)
    if isinstance(validation, tuple):
        held = _given_validation(validation)
    elif isinstance(validation, Stream):
        held = validation
    batch = min(batch or rows or 1, rows or batch or 1)
    program = compile_program(
        net, shape, batch, loss, optimizer or Adam(), penalty=penalty, clip=clip,
        constraint=constraint, augment=augment, dtype=dtype,
    )
    if program.carried and shuffle:
        raise ConfigurationError(
            "fit: a stateful layer takes up where the same row of the batch before ended: order "
            "the rows so, and give shuffle=False"
        )
    try:
        engine = Engine(program, seed=seed, threads=threads, weights=weights)
    except ShapeError as error:
        if made_for in (None, tuple(shape)):
            raise
        raise ShapeError(f"fit: the model was made for examples of shape {made_for}, got "
                         f"{tuple(shape)}: {error}") from None
    training: TrainingSet
    if isinstance(x, Stream):
        training = RowsFromStream(engine, x, rows, batch, seed, shuffle, shuffle_buffer)
    else:
        data = data.prepared(engine)
        training = RowsInMemory(engine, data, Passes(engine, len(data.x), batch, seed, shuffle))
    if isinstance(held, Stream):
        own, _, has_targets = held.outline()
        check_targets(held, has_targets, "fit, validation")
        check_shape(engine, own, "fit, validation")
    elif held is not None:
        check_finite(held.x, "fit, validation", held.lengths)
        held = held.prepared(engine)
    assert program.optimizer is not None
    rates = Rates(schedule, program.optimizer, training.steps, epochs, held is not None)
    best = BestSoFar(early_stopping) if early_stopping is not None else None
    score_name = "accuracy" if loss.counts_right_answers else "R2"
    bar = make_progress(progress, epochs, training.steps, score_name)
    try:
        with Interrupt(stop) as interrupt:
            loop = _Loop(engine, training, held, rates, bar, interrupt)
            stopped = loop.run(epochs, best, callbacks)
    finally:
        bar.close()
    if best is not None:
        engine.set_weights(best.weights)
    history = History(tuple(loop.records), stopped, best.epoch if best else None)
    return Model(engine, history)


def _check(
    epochs: Any, batch: Any, early_stopping: Any, validation: Any, shuffle_buffer: Any
) -> None:
    if not isinstance(epochs, int) or epochs < 1:
        raise ConfigurationError(f"fit: epochs must be a whole number >= 1, got {epochs!r}")
    if batch is not None and (not isinstance(batch, int) or batch < 1):
        raise ConfigurationError(
            f"fit: batch must be a whole number >= 1, or None for all rows, got {batch!r}"
        )
    if shuffle_buffer is not None and (
        not isinstance(shuffle_buffer, int) or shuffle_buffer < 1
    ):
        raise ConfigurationError(
            f"fit: shuffle_buffer must be a whole number of rows >= 1, got {shuffle_buffer!r}"
        )
    if early_stopping is not None and validation is None:
        raise ConfigurationError(
            "fit: early_stopping watches the validation loss: give validation=0.1, say"
        )


def _given_validation(parts: tuple[Any, ...]) -> Examples:
    if len(parts) not in (2, 3, 4):
        raise ConfigurationError(
            "fit: validation is a share, (x, y), (x, y, lengths) or (x, y, lengths, weights), got "
            f"{len(parts)} arrays"
        )
    x, y = as_arrays(parts[0], parts[1], "fit, validation")
    lengths, weights = (*parts[2:], None, None)[:2]
    return Examples(x, y, rows_of(weights, len(x), "the validation's weights"),
                    rows_of(lengths, len(x), "the validation's lengths"))


class _Loop:
    """The epochs of one training."""

    def __init__(
        self, engine: Engine, data: TrainingSet, validation: Examples | Stream | None,
        rates: Rates, bar: Progress, interrupt: Interrupt,
    ) -> None:
        self.engine, self.data, self.validation = engine, data, validation
        self.rates, self.bar, self.interrupt = rates, bar, interrupt
        self.records: list[EpochRecord] = []
        self._parts: list[Any] = []
        self._moved: tuple[Any, Any] = (None, None)
        self._start = time.perf_counter()

    def run(self, epochs: int, best: BestSoFar | None, callbacks: Sequence[Callback]) -> str:
        """Trains; returns why it ended."""
        good = now = self._weights()
        for epoch in range(1, epochs + 1):
            good, now = now, self._weights()
            try:
                steps = self._epoch(epoch)
            except NotFiniteError as failure:
                if self._is_good(failure.loss):
                    good = self._weights()
                elif self._parts:
                    good = now
                raise self._divergence(failure, epoch, good) from None
            if not len(steps):
                return "interrupted"
            record = self._record(epoch, steps)
            self.records.append(record)
            self.rates.after(record)
            self.bar.epoch(record)
            requests = [callback(record) for callback in callbacks]
            for request in requests:
                if request not in _REQUESTS:
                    raise ConfigurationError(
                        f"fit: a callback may return 'stop' or None, got {request!r}"
                    )
            over = best is not None and best.is_over(record, self.engine.arrays)
            whole = epoch == epochs and self.data.is_whole(len(steps))
            if self.interrupt.asked and not whole:
                return "interrupted"
            if "stop" in requests:
                return "callback"
            if over:
                return "early stopping"
        return "epochs"

    def _epoch(self, epoch: int) -> Any:
        """One pass; returns the records of its steps."""
        self._parts = parts = []
        self._moved = self.rates.of_epoch(epoch)
        self.engine.reset_states()
        if not self.interrupt.asked:
            # Closed at once: a thread that reads must not outlive an error.
            with closing(self.data.train(epoch, *self._moved)) as training:
                for records in training:
                    if len(records):  # none while a file is waited for
                        parts.append(records)
                        self.bar.step(len(records))
                    if self.interrupt.asked:
                        break
        return np.concatenate(parts) if parts else np.empty((0, len(StepRecord._fields)))

    def _record(self, epoch: int, steps: Any) -> EpochRecord:
        held = self.validation
        score = self.data.score(float(steps[:, 1].sum()), len(steps))
        evaluation = evaluate_any(self.engine, held) if held is not None else None
        return epoch_record(
            epoch, steps, score, time.perf_counter() - self._start, evaluation,
            self._last_rate(len(steps)),
        )

    def _last_rate(self, steps: int) -> float:
        rates, optimizer = self._moved[0], self.engine.program.optimizer
        assert optimizer is not None
        if rates is None:
            return optimizer.learning_rate
        return float(rates[min(steps, len(rates)) - 1])

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
        self.engine.set_weights(error.weights)
        error.model = Model(self.engine, History(tuple(self.records), "diverged"))
        return error
