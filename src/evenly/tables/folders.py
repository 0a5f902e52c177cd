"""Networks for tables that are larger than memory: folders of Parquet files, read again and again.

The columns, the inputs and the scales are those of a sample; the network trains on all rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigurationError, DataError
from ..estimators.effort import is_auto, value_of
from ..estimators.number_embeddings import learns_bins
from ..estimators.settings import training_settings, whole
from ..reading.parts import files_of
from ..reading.streamed import streamed
from ..training import Checkpoint, EarlyStopping, fit
from .models import TableModel
from .targets import known

# Rows that are mixed with each other while they are read from front to back.
SHUFFLED = 20_000


@dataclass(frozen=True)
class Streamed:
    """A training on all rows of Parquet files.

    Attributes:
        model: the fitted estimator.
        rows: of all files.
    """

    model: Any
    rows: int


def fit_files(
    model: TableModel, paths: Any, sample: Any, target: str, *, checkpoint: Any = None,
    resume: bool = False, settings: Mapping[str, Any] | None = None,
) -> Streamed:
    """Trains an estimator for tables on Parquet files, a few megabytes at a time.

    Rows that are equal to one of the sample's held-out rows are not trained on, and rows without a
    target are left out.

    Arguments:
        model: a TableClassifier or TableRegressor that is not fitted.
        paths: of the files.
        sample: rows of them, a polars frame, each with a target.
        target: the column to predict.
        checkpoint: the folder of an :class:`evenly.Checkpoint`, or None.
        resume: whether to go on from there.
        settings: arguments of :func:`evenly.fit` that go before the model's own.

    Raises:
        ConfigurationError: an embedding whose bins the rows would choose.
        DataError: a row that cannot be read by the sample's types, with its file.
    """
    files = files_of(paths)
    if learns_bins(model.embedding):
        raise ConfigurationError(
            f"embedding={model.embedding!r} chooses its bins from all rows at once: for files that "
            'are read piece by piece take embedding="periodic"'
        )
    own = {name: getattr(model, name) for name in ("max_epochs", "verbose", "members")}
    one = 1 if is_auto(model.members) else model.members
    model.set_params(max_epochs=1, verbose=False, members=one).fit(sample, target)
    net: Any = model.estimator_
    model.set_params(**own)
    net.set_params(**own)
    outputs = net.model_.engine.program.output_shape[-1]
    columns = [column.name for column in model.columns_.inputs] + [target]
    order = [name for name in files.names if name in columns]
    held = sample[model.held_out_]
    seen = set(_hashes(held.select(order)))

    def encode(frame: Any) -> tuple[Any, Any, Any]:
        values = model.columns_.answers(frame)
        counts = known(values)
        if seen:
            counts &= np.fromiter((h not in seen for h in _hashes(frame.select(order))), bool,
                                  frame.height)
        y = np.zeros((frame.height, *numbers.shape[1:]), numbers.dtype)
        if counts.any():
            try:
                y[counts] = net._targets(net._encode(
                    model._as_labels(model.columns_, frame.filter(counts), None)), outputs)
            except DataError:
                raise
            except ValueError as error:
                raise DataError(f"target '{target}': {error}") from error
        x, _ = model.encode(frame)
        return net._scaled(x), y, counts.astype(np.float64)

    numbers = net._targets(net._encode(model._as_labels(model.columns_, sample, None)), outputs)
    validation = (net._scaled(model.encode(held)[0]), numbers[model.held_out_]) if held.height \
        else None
    seed = int(model.random_state or 0)
    source = streamed(paths, encode, order, _told(model, sample))
    chosen = training_settings(net, files.rows, validation is not None)
    trained = fit(
        net._network(), source, loss=net._loss(outputs), validation=validation, seed=seed,
        early_stopping=EarlyStopping(patience=whole("patience", value_of(net, "patience"), 1))
        if validation is not None and net.early_stopping else None,
        shuffle_buffer=min(SHUFFLED, files.rows), progress=bool(own["verbose"]),
        checkpoint=None if checkpoint is None else Checkpoint(checkpoint), resume=resume,
        **{**chosen, **(settings or {})},
    )
    net._use(trained)
    return Streamed(model, files.rows)


def _hashes(frame: Any) -> list[int]:
    """A number for each row, by its cells."""
    hashed: list[int] = frame.hash_rows(seed=0).to_list()
    return hashed


def _told(model: TableModel, sample: Any) -> str:
    """What the encoding is: a checkpoint goes on where it is the same."""
    text = repr((model.columns_, model.inputs_, sample.height)).encode()
    return hashlib.sha256(text).hexdigest()
