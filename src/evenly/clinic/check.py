"""A look at a training before it begins."""

from __future__ import annotations

from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from ..augmentation import Augmentation
from ..averaging import Snapshots, WeightAverage
from ..clipping import Clip
from ..constraints import Constraint
from ..doctor import Diagnosis, diagnose
from ..errors import DataError, ShapeError
from ..given import as_array
from ..layers.base import Layer
from ..layers.containers import Sequential
from ..losses import Loss
from ..optimizers import ArrayRates, Optimizer
from ..penalties import Penalty
from ..probes.describe import loss_info, network_info, optimizer_info, rows_of_batch_norm
from ..program import compile as compile_program
from ..program import training_rows
from ..records import DataSummary, TargetSummary, TrainingRecord
from ..rows.data import as_arrays
from ..settings import Settings
from ..training.arguments import BATCH, EPOCHS, as_settings
from ..training.before import before_training
from ..training.model import Model, as_sequential

# Targets that are looked through for what is no number.
_SOME = 10_000


def check(
    net: Layer | Model | Settings,
    x: Any,
    y: Any,
    *,
    loss: Loss | None = None,
    optimizer: Optimizer | None = None,
    epochs: int = EPOCHS,
    batch: int | None = BATCH,
    validation: float | tuple[Any, ...] | None = None,
    sample_weight: Any = None,
    lengths: Any = None,
    seed: int = 0,
    penalty: Penalty | None = None,
    clip: Clip | None = None,
    constraint: Constraint | None = None,
    augment: Augmentation | None = None,
    schedule: Any = None,
    early_stopping: Any = None,
    dtype: str = "float32",
    trials: bool = True,
    average: WeightAverage | Snapshots | None = None,
    rates: ArrayRates | None = None,
    dropout_schedule: Any = None,
    decay_schedule: Any = None,
) -> Diagnosis:
    """What would ail a training, before it begins: in seconds, and without training it.

    Looks at the network against its loss and its data, at inputs and targets, at the first step
    layer by layer, and tries some things: whether one batch can be memorized, whether the inputs
    help at all, whether a step goes downhill, whether rows keep apart.

    Arguments:
        net: the network, or :class:`Settings` that hold it and the rest.
        x, y: inputs and targets, arrays as for :func:`evenly.fit`.
        loss, optimizer, epochs, batch, validation, sample_weight, lengths, seed, penalty, clip,
            constraint, augment, schedule, early_stopping, dtype, average, rates,
            dropout_schedule, decay_schedule: as for :func:`evenly.fit`.
        trials: False leaves out what takes seconds.

    Returns:
        A :class:`Diagnosis`; its ``findings`` are empty where nothing was found.

    Targets that the loss refuses (one-hot rows, classes numbered from 1, text, NaN, another shape)
    and batches too small for batch normalization are findings, not errors.

    Raises:
        ShapeError, ConfigurationError, DataError: as :func:`evenly.fit`, before training: inputs
            that do not fit the network, or are no finite numbers; settings that cannot be.

    Source: Karpathy 2019, "A recipe for training neural networks"; CS231n, "Neural networks 3:
    sanity checks".

    Example:
        >>> import evenly as ev
        >>> x = np.random.default_rng(0).standard_normal((100, 2))
        >>> y = (x[:, 0] > x[:, 1]).astype(int)
        >>> net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(2), ev.Softmax()])
        >>> [finding.kind for finding in ev.check(net, x, y, loss=ev.SoftmaxCrossEntropy())]
        ['output_activation_wrong']
    """
    settings = as_settings(net, {
        "loss": loss, "optimizer": optimizer, "epochs": epochs, "batch": batch, "penalty": penalty,
        "clip": clip, "constraint": constraint, "augment": augment, "schedule": schedule,
        "early_stopping": early_stopping, "average": average, "rates": rates,
        "dropout_schedule": dropout_schedule, "decay_schedule": decay_schedule,
    })
    if isinstance(settings.net, Model):
        settings = replace(settings, net=settings.net.net)
    found = _refused(settings, x, y, validation, dtype, seed)
    if found is not None:
        return found
    return diagnose(before_training(
        settings, x, y, validation=validation, sample_weight=sample_weight, lengths=lengths,
        seed=seed, dtype=_holding(x, y, dtype), trials=trials,
    ))


def _refused(
    settings: Settings, x: Any, y: Any, validation: Any, dtype: str, seed: int
) -> Diagnosis | None:
    """What is wrong with targets or batches that no training could begin with; None where one
    can."""
    if y is None:
        return None
    x, y = as_arrays(x, y, "check")
    net = as_sequential(settings.net)
    shape = net.output_shape(x.shape[1:])
    settings.loss.check(shape)
    rows = min(settings.batch or len(x), len(x))
    needed = training_rows(net, x.shape[1:])
    parts = {"data": (x, y)}
    if isinstance(validation, tuple) and len(validation) > 1:
        parts["validation"] = as_arrays(validation[0], validation[1], "check, validation")
    for part, (own_x, own_y) in parts.items():
        try:
            settings.loss.prepare(own_y, shape, np.dtype(_holding(own_x, own_y, dtype)))
        except (DataError, ShapeError) as error:
            reason = str(error).rstrip(".")
            told = {part: _targets(settings.loss, own_y, reason)}
            return _without_training(settings, net, x, max(rows, needed), told)
    if rows < needed:
        return _without_training(settings, net, x, rows, {})
    return None


def _without_training(
    settings: Settings, net: Sequential, x: Any, rows: int, targets: dict[str, TargetSummary]
) -> Diagnosis:
    """The diagnosis of what is there, where not even the first step can be looked at.

    Arguments:
        targets: of the parts of a record, "data" or "validation".
    """
    program = compile_program(net, x.shape[1:], max(rows, training_rows(net, x.shape[1:])),
                              settings.loss, settings.optimizer)
    few = {name: rows * own // program.batch for name, own in rows_of_batch_norm(program).items()}
    data, held = (
        None if part not in targets else DataSummary(len(x), (), x.shape[-1], targets[part])
        for part in ("data", "validation"))
    return diagnose(TrainingRecord(
        source="evenly", network=network_info(program), loss=loss_info(settings.loss),
        optimizer=optimizer_info(settings.optimizer), batch=rows, rows_of_batch_norm=few, data=data,
        validation=held))


def _holding(x: Any, y: Any, dtype: str) -> str:
    """An element type that holds the numbers: they are looked at, not trained on."""
    largest = float(np.finfo(np.float32).max)
    for array in (as_array(x, "x"), as_array(y, "y")):
        if array.dtype.kind == "f" and array.size and \
                float(np.abs(array[np.isfinite(array)]).max(initial=0.0)) > largest:
            return "float64"
    return dtype


def _targets(loss: Loss, y: Any, reason: str) -> TargetSummary:
    """What targets are like that the loss refuses, whatever they are."""
    several = y.shape[-1] if y.ndim > 1 else 1
    own = TargetSummary("numbers", several, shape=tuple(y.shape[1:]), refused=reason)
    texts = _texts(y)
    if texts or not _are_numbers(y):
        return replace(own, texts=texts or None)
    values, missing = _numbers(y)
    if not values.size:
        return replace(own, missing=missing)
    whole = bool((values == np.floor(values)).all())
    one_hot = several > 1 and not missing and set(np.unique(values)) <= {0.0, 1.0} and bool(
        (np.asarray(y).sum(axis=-1) == 1).all())
    is_classes = loss.targets_are_classes and whole and not one_hot
    return replace(
        own, kind="classes" if is_classes else "numbers",
        outputs=max(1, int(values.max()) + 1) if is_classes else several,
        mean=float(values.mean()), deviation=float(values.std()), smallest=float(values.min()),
        largest=float(values.max()), distinct=min(len(np.unique(values)), 1000), whole=whole,
        one_hot=one_hot, missing=missing,
    )


def _texts(y: Any) -> tuple[str, ...]:
    """Some of the targets that are text."""
    if y.dtype.kind not in "OUS":
        return ()
    some = y.reshape(-1)[:_SOME]
    found = dict.fromkeys(value for value in some if isinstance(value, str | bytes))
    return tuple(str(value)[:20] for value in list(found)[:3])


def _are_numbers(y: Any) -> bool:
    """Whether the targets are numbers, or nothing where a number should be."""
    if y.dtype.kind == "O":
        return all(value is None or isinstance(value, Real) for value in y.reshape(-1))
    return y.dtype.kind in "iubf"


def _numbers(y: Any) -> tuple[Any, int | None]:
    """The numbers among the targets, and how many are none: None where all are numbers."""
    if y.dtype.kind == "O":
        y = np.array([np.nan if value is None else value for value in y.reshape(-1)], np.float64)
    values = np.asarray(y, dtype=np.float64)
    finite = values[np.isfinite(values)]
    return finite, values.size - finite.size or None
