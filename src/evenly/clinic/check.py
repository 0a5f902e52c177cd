"""A look at a training before it begins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..augmentation import Mixup
from ..clipping import Clip
from ..constraints import Constraint
from ..doctor import Diagnosis, diagnose
from ..errors import DataError, ShapeError
from ..layers.base import Layer
from ..losses import Loss
from ..optimizers import Optimizer
from ..penalties import Penalty
from ..probes.describe import loss_info, network_info, optimizer_info
from ..program import compile as compile_program
from ..records import DataSummary, TargetSummary, TrainingRecord
from ..rows.data import as_arrays
from ..settings import Settings
from ..training.arguments import BATCH, EPOCHS, as_settings
from ..training.before import before_training
from ..training.model import Model, as_sequential

# What a target that the loss refuses may be explained by.
_OF_TARGETS = ("labels_wrong_range", "output_activation_wrong", "loss_wrong")


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
    augment: Mixup | None = None,
    schedule: Any = None,
    early_stopping: Any = None,
    dtype: str = "float32",
    trials: bool = True,
) -> Diagnosis:
    """What would ail a training, before it begins: in seconds, and without training it.

    Looks at the network against its loss and its data, at inputs and targets, at the first step
    layer by layer, and tries some things: whether one batch can be memorized, whether the inputs
    help at all, whether a step goes downhill, whether rows keep apart.

    Arguments:
        net: the network, or :class:`Settings` that hold it and the rest.
        x, y: inputs and targets, arrays as for :func:`evenly.fit`.
        loss, optimizer, epochs, batch, validation, sample_weight, lengths, seed, penalty, clip,
            constraint, augment, schedule, early_stopping, dtype: as for :func:`evenly.fit`.
        trials: False leaves out what takes seconds.

    Returns:
        A :class:`Diagnosis`; its ``findings`` are empty where nothing was found.

    Raises:
        ShapeError, ConfigurationError, DataError: as :func:`evenly.fit`, before training.

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
        "early_stopping": early_stopping,
    })
    if isinstance(settings.net, Model):
        settings = replace(settings, net=settings.net.net)
    refused = _refused_targets(settings, x, y, dtype)
    if refused is not None:
        return refused
    return diagnose(before_training(
        settings, x, y, validation=validation, sample_weight=sample_weight, lengths=lengths,
        seed=seed, dtype=dtype, trials=trials,
    ))


def _refused_targets(settings: Settings, x: Any, y: Any, dtype: str) -> Diagnosis | None:
    """What is wrong with targets that the loss refuses; None where it takes them, or where only its
    own error says it."""
    x, y = as_arrays(x, y, "check")
    net = as_sequential(settings.net)
    shape = net.output_shape(x.shape[1:])
    settings.loss.check(shape)
    try:
        settings.loss.prepare(y, shape, np.dtype(dtype))
    except (DataError, ShapeError):
        program = compile_program(net, x.shape[1:], 2, settings.loss, settings.optimizer)
        loss = loss_info(settings.loss)
        if y.dtype.kind not in "iubf":
            return None
        found = diagnose(TrainingRecord(
            source="evenly", network=network_info(program), loss=loss,
            optimizer=optimizer_info(settings.optimizer),
            data=DataSummary(len(x), (), x.shape[-1], _targets(settings.loss, y))))
        return found if any(f.kind in _OF_TARGETS for f in found.findings) else None
    return None


def _targets(loss: Loss, y: Any) -> TargetSummary:
    """What targets are like, whatever numbers they are."""
    values = np.asarray(y, dtype=np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return TargetSummary("numbers", 1)
    whole = bool((values == np.floor(values)).all())
    several = y.shape[-1] if y.ndim > 1 else 1
    one_hot = several > 1 and set(np.unique(values)) <= {0.0, 1.0} and bool(
        (np.asarray(y).sum(axis=-1) == 1).all())
    is_classes = loss.targets_are_classes and whole and not one_hot
    return TargetSummary(
        "classes" if is_classes else "numbers",
        max(1, int(values.max()) + 1) if is_classes else several, (), float(values.mean()),
        float(values.std()), float(values.min()), float(values.max()),
        min(len(np.unique(values)), 1000), whole, one_hot,
    )
