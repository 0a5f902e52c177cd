"""The training loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..clipping import ClipGlobalNorm
from ..engine import Engine, NotFiniteError, StepRecord, check_seed
from ..errors import ConfigurationError, DivergenceError
from ..layers.base import Layer
from ..losses import Loss
from ..optimizers import Adam, Optimizer
from ..penalties import L2
from ..program import compile as compile_program
from .data import Examples, Passes, as_arrays, check_finite, rows_of, split
from .early_stopping import BestSoFar, EarlyStopping
from .history import EpochRecord, History
from .interrupt import Interrupt
from .model import Model, as_sequential
from .progress import Progress, make_progress
from .sources import evaluate, train_pass

Callback = Callable[[EpochRecord], str | None]
_REQUESTS = (None, "stop")


def fit(
    net: Layer | Model,
    x: Any,
    y: Any,
    *,
    loss: Loss,
    optimizer: Optimizer | None = None,
    epochs: int = 20,
    batch: int | None = 32,
    validation: float | tuple[Any, ...] | None = None,
    sample_weight: Any = None,
    lengths: Any = None,
    seed: int = 0,
    penalty: L2 | None = None,
    clip: ClipGlobalNorm | None = None,
    early_stopping: EarlyStopping | None = None,
    shuffle: bool = True,
    dtype: str = "float32",
    threads: int | None = None,
    progress: bool | None = None,
    callbacks: Sequence[Callback] = (),
    stop: Callable[[], bool] | None = None,
) -> Model:
    """Trains a network.

    Arguments:
        net: the network, or a model whose weights training starts from.
        x: inputs, (rows, features...). A SciPy sparse matrix is made dense a few rows at a time.
        y: targets, as the loss wants them.
        loss: what to lower.
        optimizer: by default ``Adam(1e-3)``.
        epochs: passes over the training set, >= 1.
        batch: rows a step: 1 for single examples, None for the whole training set. Where a last
            batch would have one row and the network has batch normalization, that row sits the
            pass out.
        validation: a share of the rows to hold out, or (x, y) to validate with, or (x, y, lengths),
            or (x, y, lengths, weights), where lengths may be None.
        sample_weight: (rows,): how much each example counts in the loss; 1 each by default.
        lengths: (rows,): how many steps of each sequence count, where sequences were padded to one
            length; what stands behind them contributes nothing.
        seed: of initial weights, shuffling, dropout and the validation split.
        penalty: added to the cost.
        clip: of the gradients.
        early_stopping: needs validation data.
        shuffle: the rows anew in each epoch. False for stateful layers: their states begin at zero
            in every epoch, and pass from row i of a batch to row i of the next.
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
    net = net.net if isinstance(net, Model) else as_sequential(net)
    seed = check_seed(seed)
    _check(epochs, batch, early_stopping, validation)
    x, y = as_arrays(x, y, "fit")
    data = Examples(x, y, rows_of(sample_weight, len(x), "sample_weight"),
                    rows_of(lengths, len(x), "lengths"))
    held = None
    if isinstance(validation, tuple):
        held = _given_validation(validation)
    elif validation is not None:
        data, held = split(data, float(validation), seed)
    check_finite(data.x, "fit", data.lengths)
    batch = len(data.x) if batch is None else min(batch, len(data.x))
    program = compile_program(
        net, x.shape[1:], batch, loss, optimizer or Adam(), penalty=penalty, clip=clip, dtype=dtype
    )
    if program.carried and shuffle:
        raise ConfigurationError(
            "fit: a stateful layer takes up where the same row of the batch before ended: order "
            "the rows so, and give shuffle=False"
        )
    engine = Engine(program, seed=seed, threads=threads, weights=weights)
    data = data.prepared(engine)
    if held is not None:
        check_finite(held.x, "fit, validation", held.lengths)
        held = held.prepared(engine)
    passes = Passes(engine, len(data.x), batch, seed, shuffle)
    best = BestSoFar(early_stopping) if early_stopping is not None else None
    score_name = "accuracy" if loss.counts_right_answers else "R2"
    bar = make_progress(progress, epochs, passes.steps, score_name)
    try:
        with Interrupt(stop) as interrupt:
            loop = _Loop(engine, data, held, passes, bar, interrupt)
            stopped = loop.run(epochs, best, callbacks)
    finally:
        bar.close()
    if best is not None:
        engine.set_weights(best.weights)
    history = History(tuple(loop.records), stopped, best.epoch if best else None)
    return Model(engine, history)


def _check(epochs: Any, batch: Any, early_stopping: Any, validation: Any) -> None:
    if not isinstance(epochs, int) or epochs < 1:
        raise ConfigurationError(f"fit: epochs must be a whole number >= 1, got {epochs!r}")
    if batch is not None and (not isinstance(batch, int) or batch < 1):
        raise ConfigurationError(
            f"fit: batch must be a whole number >= 1, or None for all rows, got {batch!r}"
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
        self, engine: Engine, data: Examples, validation: Examples | None, passes: Passes,
        bar: Progress, interrupt: Interrupt,
    ) -> None:
        self.engine, self.data, self.validation = engine, data, validation
        self.passes, self.bar, self.interrupt = passes, bar, interrupt
        self.records: list[EpochRecord] = []
        self._parts: list[Any] = []
        self._start = time.perf_counter()

    def run(self, epochs: int, best: BestSoFar | None, callbacks: Sequence[Callback]) -> str:
        """Trains; returns why it ended."""
        good = now = self._weights()
        for epoch in range(1, epochs + 1):
            good, now = now, self._weights()
            try:
                steps, rows = self._epoch()
            except NotFiniteError as failure:
                if self._is_good(failure.loss):
                    good = self._weights()
                elif self._parts:
                    good = now
                raise self._divergence(failure, epoch, good) from None
            if not len(steps):
                return "interrupted"
            record = self._record(epoch, steps, rows)
            self.records.append(record)
            self.bar.epoch(record)
            requests = [callback(record) for callback in callbacks]
            for request in requests:
                if request not in _REQUESTS:
                    raise ConfigurationError(
                        f"fit: a callback may return 'stop' or None, got {request!r}"
                    )
            over = best is not None and best.is_over(record, self.engine.arrays)
            whole = epoch == epochs and len(steps) == self.passes.steps
            if self.interrupt.asked and not whole:
                return "interrupted"
            if "stop" in requests:
                return "callback"
            if over:
                return "early stopping"
        return "epochs"

    def _epoch(self) -> tuple[Any, Any]:
        """One pass; returns the records of its steps and how many rows each had."""
        self._parts = parts = []
        self.engine.reset_states()
        if not self.interrupt.asked:
            for records in train_pass(
                self.engine, self.data.x, self.data.y, self.passes.order(), self.passes.batch,
                self.data.weights, self.data.lengths,
            ):
                parts.append(records)
                self.bar.step(len(records))
                if self.interrupt.asked:
                    break
        steps = np.concatenate(parts) if parts else np.empty((0, len(StepRecord._fields)))
        return steps, self.passes.batch_rows(0, len(steps))

    def _record(self, epoch: int, steps: Any, rows: Any) -> EpochRecord:
        loss = self.engine.program.loss
        assert loss is not None
        score_sum = float(steps[:, 1].sum())
        if loss.counts_right_answers:
            score = score_sum / float(rows.sum())
        else:
            # Every row has an equal part in the squares; a pass that left one out is scaled up.
            y = self.data.y
            score = loss.score(score_sum * len(y) / float(rows.sum()), y)
        held = self.validation
        evaluation = evaluate(self.engine, *held) if held is not None else None
        return EpochRecord(
            epoch=epoch,
            steps=len(steps),
            loss=_mean(steps[:, 0], steps[:, 4]),
            score=score,
            validation_loss=evaluation.loss if evaluation else None,
            validation_score=evaluation.score if evaluation else None,
            gradient_norm=float(steps[:, 3].mean()),
            seconds=time.perf_counter() - self._start,
            penalty=float(steps[:, 2].mean()),
        )

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


def _mean(values: Any, weights: Any) -> float:
    """The mean of the steps' losses, each weighted as its examples are."""
    return float(values @ weights / weights.sum()) if weights.any() else float(values.mean())
