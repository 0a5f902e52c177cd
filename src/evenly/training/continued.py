"""One more pass with an engine that goes on: its optimizer's states and step number stay."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ..engine import Engine, NotFiniteError
from ..errors import DivergenceError
from ..rows.data import Examples, Passes, as_arrays, check_finite, rows_of
from ..rows.training_set import RowsInMemory
from .history import EpochRecord, History, epoch_record
from .model import Model


def one_pass(
    engine: Engine, x: Any, y: Any, sample_weight: Any = None, *, seed: int, epoch: int
) -> EpochRecord:
    """Trains for one pass over some rows, in batches of the program's size.

    Arguments:
        engine: of a program with a loss and an optimizer.
        x, y, sample_weight: as for :func:`evenly.fit`.
        seed: of the order of the rows.
        epoch: what the record says.

    Raises:
        ShapeError: fewer rows than batch normalization needs.
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
    batch = min(engine.program.batch, len(data.x))
    rows = RowsInMemory(engine, data, Passes(engine, len(data.x), batch, seed, shuffle=True))
    kept, steps_before = engine.kept(), engine.steps
    try:
        parts = list(rows.train(epoch, None, None))
    except BaseException as failure:
        engine.put_back(kept)
        engine.steps = steps_before
        if isinstance(failure, NotFiniteError):
            raise _divergence(engine, failure, epoch) from None
        raise
    steps = np.concatenate(parts)
    score = rows.score(float(steps[:, 1].sum()), float(steps[:, 5].sum()))
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
