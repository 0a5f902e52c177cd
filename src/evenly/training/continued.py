"""One more pass with an engine that goes on: its optimizer's states and step number stay."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine import Engine, NotFiniteError, kept_buffers
from ..errors import DivergenceError
from ..layers import BatchNorm
from ..layers.containers import Container
from ..program import Program
from ..program import compile as compile_program
from ..rows.data import Examples, Passes, as_arrays, check_finite, rows_of
from ..rows.sources import train_pass
from ..rows.training_set import RowsInMemory
from .history import EpochRecord, History, epoch_record
from .model import Model


def one_pass(
    engine: Engine, x: Any, y: Any, sample_weight: Any = None, *, batch: int, seed: int,
    epoch: int, alone: Callable[[], Engine],
) -> EpochRecord:
    """Trains for one pass over some rows.

    A batch of one row has no variance. Where batch normalization needs one, such a row is
    normalized by the running averages, which it leaves as they are.

    Arguments:
        engine: of a program with a loss and an optimizer.
        x, y, sample_weight: as for :func:`evenly.fit`.
        batch: rows a step.
        seed: of the order of the rows.
        epoch: what the record says.
        alone: gives the engine's twin for single rows (:func:`for_single_rows`).

    Raises:
        DivergenceError: as :func:`evenly.fit`.

    A pass that fails, for whatever reason, leaves the engine as it was before: weights, running
    statistics, the optimizer's states and the step number.
    """
    began = time.perf_counter()
    x, y = as_arrays(x, y, "partial_fit")
    check_finite(x, "partial_fit")
    weights = rows_of(sample_weight, len(x), "sample_weight")
    data = Examples(x, y, weights)
    if not engine.program.carried:
        data = data.that_count(engine.program.dtype)
    data = data.prepared(engine)
    rows = len(data.x)
    batch = min(batch, rows)
    passes = Passes(engine, rows, batch, seed, shuffle=True)
    order = passes.order(epoch)
    order = np.arange(rows) if order is None else order
    single = np.setdiff1d(np.arange(rows), order)
    if batch < engine.program.training_rows:
        order, single = order[:0], np.r_[order, single]
    kept, steps_before = engine.kept(), engine.steps
    parts: list[Any] = []
    try:
        if len(order):
            parts += train_pass(engine, data.x, data.y, order, batch, data.weights, None)
        if len(single):
            twin = alone()
            hand_over(engine, twin)
            parts += train_pass(twin, data.x, data.y, single, 1, data.weights, None)
            hand_over(twin, engine)
    except BaseException as failure:
        engine.put_back(kept)
        engine.steps = steps_before
        if isinstance(failure, NotFiniteError):
            raise _divergence(engine, failure, epoch) from None
        raise
    steps = np.concatenate(parts)
    whole = RowsInMemory(engine, data, passes)
    score = whole.score(float(steps[:, 1].sum()), float(steps[:, 5].sum()))
    return epoch_record(epoch, steps, score, time.perf_counter() - began)


def _divergence(engine: Engine, failure: NotFiniteError, epoch: int) -> DivergenceError:
    error = DivergenceError(
        f"partial_fit, step {failure.step + 1}: {failure.layer} is not finite; weights and "
        "optimizer are again what they were before this call. Try a smaller learning_rate, or "
        "clip=1.0", epoch=epoch, step=failure.step + 1, layer=failure.layer,
    )
    error.weights = {name: array.copy() for name, array in engine.arrays.items()}
    error.model = Model(engine, History((), "diverged"))
    return error


def moved(engine: Engine, program: Program, threads: int | None) -> Engine:
    """An engine of another program over the same arrays, that goes on where this one was. The
    optimizer's states are taken over by an optimizer of the same type; another begins anew."""
    twin = Engine(program, seed=engine.seed, threads=threads, weights=engine.arrays)
    if type(program.optimizer) is type(engine.program.optimizer):
        hand_over(engine, twin)
    return twin


def hand_over(engine: Engine, twin: Engine) -> None:
    """Gives another engine weights, the optimizer's states and the step number."""
    theirs = kept_buffers(twin.program)
    for key, name in kept_buffers(engine.program).items():
        if key in theirs:
            value, place = engine.buffer(name), twin.buffer(theirs[key])
            if value.shape == place.shape:
                place[...] = value
    twin.steps = engine.steps


def for_single_rows(engine: Engine) -> Engine:
    """A twin that trains on one row at a time: batch normalization by the running averages.

    Raises:
        ConfigurationError: another layer of the network needs more rows.
    """
    old = engine.program
    program = compile_program(
        _frozen(old.net.resolved), old.input_shape, 1, old.loss, old.optimizer,
        penalty=old.penalty, clip=old.clip, constraint=old.constraint, augment=old.augment,
        dtype=old.dtype, average=old.average, rates=old.rates,
    )
    return Engine(program, seed=engine.seed, threads=1, weights=engine.arrays)


def _frozen(layer: Any) -> Any:
    if isinstance(layer, BatchNorm):
        return replace(layer, frozen=True)
    if isinstance(layer, Container):
        return layer.with_parts([_frozen(part) for part in layer.parts])
    return layer
