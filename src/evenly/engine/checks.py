"""What callers hand over, as the kernels want it, or an error that says what is wrong."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np

from ..errors import ConfigurationError, DataError, ShapeError
from ..given import as_array as as_array
from ..given import as_numbers, cast, no_numbers
from ..layers.base import Layer
from ..native import are_classes, processors
from ..program.values import Program

# Below this much work a step, a further thread costs more than it brings.
_WORK_A_THREAD = 300_000
_TYPES = {name: np.dtype(name) for name in ("float32", "float64")}


def is_ready(x: Any, dtype: str) -> bool:
    """Whether kernels can read an array as it is."""
    return type(x) is np.ndarray and x.dtype is _TYPES[dtype] and x.flags.c_contiguous


def as_rows(program: Program, x: Any) -> Any:
    """Inputs: C-contiguous, of the program's dtype and shape."""
    if not is_ready(x, program.dtype):
        if hasattr(x, "toarray"):
            raise DataError(
                "expects dense rows, got a sparse matrix: give x.toarray() (fit, predict and "
                "evaluate of a Model take sparse rows as they are)"
            )
        x = cast(as_numbers(x, "inputs"), program.dtype, "inputs: x holds")
    if x.ndim == 0 or x.shape[1:] != program.input_shape:
        expected = ", ".join(["n", *map(str, program.input_shape)])
        raise ShapeError(f"the network expects inputs of shape ({expected}), got {x.shape}")
    return x


def entered(program: Program) -> tuple[str, Layer] | None:
    """The layer that the data enters, past those that only reshape, and its name."""
    return next((own for own in program.net.named_layers() if not own[1].reshapes), None)


def rows_for(program: Program, first: tuple[str, Layer] | None, x: Any) -> Any:
    """Inputs as the kernels want them, looked at by the layer that they enter."""
    x = as_rows(program, x)
    if first is not None:
        name, layer = first
        layer.check_values(x, name)
    return x


def as_targets(program: Program, y: Any) -> Any:
    """Targets, as the loss has them."""
    loss = program.loss
    if loss is None:
        raise ConfigurationError("the program has no loss: compile it with one")
    flat = len(program.output_shape) == 1
    if loss.targets_are_classes and flat and type(y) is np.ndarray and y.dtype == np.int32 \
            and y.ndim == 1 and y.size and y.flags.c_contiguous \
            and are_classes(y, program.output_shape[0]):
        return y[:, None]
    return loss.prepare(y, program.output_shape, program.dtype)


def as_weights(dtype: str, weights: Any, rows: int) -> Any:
    """Sample weights: one number of at least 0 an example; None stays None. What is so small that
    the type has only 0 for it counts as 0."""
    if weights is None:
        return None
    given = as_array(weights, "sample_weight")
    if given.dtype.kind not in "iubf":
        raise DataError(f"sample_weight: expects numbers, {no_numbers(given)}")
    if given.shape != (rows,):
        raise DataError(
            f"sample_weight: expects one number for each of the {rows} rows, got shape "
            f"{given.shape}"
        )
    bad = ~(np.isfinite(given) & (given >= 0))
    if bad.any():
        raise DataError(
            "sample_weight: expects finite numbers of at least 0, got "
            f"{float(given[bad][0])} in row {int(bad.argmax())}"
        )
    weights = cast(given, dtype, "sample_weight holds")
    if rows and not weights.any():
        small = f" in {dtype}, the largest is {given.max():g}" if given.any() else ""
        raise DataError(f"sample_weight: every weight is 0{small}: nothing could be learned")
    return weights


def rows_that_count(program: Program, weights: Any) -> Any:
    """The numbers of the rows whose weight is not 0, or None where they are all to be computed. A
    row of weight 0 is left out of a batch: whatever is in it, it then contributes nothing. Where
    rows hand on states, each has its place and stays."""
    if weights is None or weights.all() or program.carried or not weights.any():
        return None
    return np.flatnonzero(weights)


def as_lengths(program: Program, lengths: Any, rows: int) -> Any:
    """Lengths of sequences: one whole number from 0 to the number of steps an example; None stays
    None."""
    if lengths is None:
        return None
    if not program.takes_lengths:
        raise ConfigurationError(
            "lengths: no layer of the network reads them: they are for RNN, LSTM and GRU"
        )
    if program.steps_changed:
        raise ConfigurationError(
            f"lengths: layer '{program.steps_changed}' sees another number of steps than the input "
            "has, so the lengths of the input mean nothing to it: leave out what changes the steps"
        )
    given = as_array(lengths, "lengths")
    if given.shape != (rows,) or given.dtype.kind not in "iu":
        raise DataError(
            f"lengths: expects one whole number for each of the {rows} rows, got "
            f"{given.dtype} of shape {given.shape}"
        )
    steps = program.input_shape[0]
    bad = (given < 0) | (given > steps)
    if bad.any():
        raise DataError(
            f"lengths: expects numbers from 0 to {steps}, the steps of the input, got "
            f"{given[bad][0]} in row {int(bad.argmax())}"
        )
    return np.ascontiguousarray(given, dtype=np.int32)


def check_mixed(program: Program, lengths: Any) -> None:
    """Raises ConfigurationError for sequences of several lengths that mixup would mix."""
    if lengths is not None and program.augment is not None:
        raise ConfigurationError(
            "lengths: mixup takes means of examples, and sequences of two lengths have none: "
            "leave augment or lengths out"
        )


def check_trainable(program: Program, smallest_batch: int) -> None:
    """Makes sure that a program can train with batches of this size."""
    if program.optimizer is None:
        raise ConfigurationError("the program has no optimizer: compile it with one")
    if smallest_batch < program.training_rows:
        raise ShapeError(
            f"a batch of {smallest_batch} rows: batch normalization needs at least "
            f"{program.training_rows} in training"
        )


def check_seed(seed: Any) -> int:
    """A seed as a whole number, or a ConfigurationError."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise ConfigurationError(f"seed must be a whole number, got {seed!r}")
    if not 0 <= seed < 2**64:
        raise ConfigurationError(f"seed must lie between 0 and 2^64 - 1, got {seed}")
    return int(seed)


def allowed_threads() -> int:
    """The processors that this process may use, or fewer where OMP_NUM_THREADS says so: joblib,
    Dask and Ray give each of their worker processes a share that way. A worker that none was given,
    as a thread beside others, has one."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    limit = int(first) if first.isdigit() else 0
    if limit:
        return min(processors(), limit)
    return 1 if is_worker() else int(processors())


def is_worker() -> bool:
    """Whether the calling thread is a worker of joblib or of Dask. Neither is loaded to ask."""
    joblib = sys.modules.get("joblib.parallel")
    if joblib is not None and (joblib.get_active_backend()[0].nesting_level or 0) > 0:
        return True
    dask = sys.modules.get("distributed.worker")
    return dask is not None and hasattr(dask.thread_state, "execution_state")


def most_threads(program: Program, threads: int | None) -> int:
    """The threads asked for, or as many as the work of a step can be worth."""
    if threads is None:
        work = 3 * program.multiply_adds * program.batch
        return int(max(1, min(allowed_threads(), 16, work // _WORK_A_THREAD)))
    if not isinstance(threads, int) or not 1 <= threads <= 1024:
        raise ConfigurationError(f"threads must be a whole number from 1 to 1024, got {threads!r}")
    return threads
