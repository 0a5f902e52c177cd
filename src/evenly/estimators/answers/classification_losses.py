"""Which loss a classification is trained with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...errors import ConfigurationError
from ...losses import (
    AsymmetricCrossEntropy,
    BinaryCrossEntropy,
    BinaryFocalCrossEntropy,
    FocalCrossEntropy,
    Loss,
    SoftmaxCrossEntropy,
)
from ..names import Make, wrong

# Of one class a row with an output for each, and of an output that is yes or no.
LOSSES: Mapping[str, tuple[Make | None, Make]] = {
    "cross_entropy": (SoftmaxCrossEntropy, BinaryCrossEntropy),
    "focal": (FocalCrossEntropy, BinaryFocalCrossEntropy),
    "asymmetric": (None, AsymmetricCrossEntropy),
}


def class_outputs(who: Any, loss: Any, classes: int, labels: bool) -> tuple[int, ...]:
    """The numbers of outputs that a network may have for a loss, the first where it is built here.

    Raises:
        ConfigurationError: a loss that is none, or of other targets than these.
    """
    of_classes, of_labels = _takes(loss)
    if labels:
        if not of_labels:
            raise ConfigurationError(
                f"{type(who).__name__}: loss={loss!r} takes one class a row, and these are several "
                "labels a row: take 'cross_entropy', 'focal', 'asymmetric', or a loss of yes and no"
            )
        return (classes,)
    if classes == 2:
        return (1,) * of_labels + (2,) * of_classes
    if not of_classes:
        raise ConfigurationError(
            f"{type(who).__name__}: loss={loss!r} takes answers of yes and no, and these are "
            f"{classes} classes of which each row has one: take 'cross_entropy', 'focal', or a "
            "loss of classes"
        )
    return (classes,)


def class_loss(loss: Any, labels: bool) -> Loss:
    """The loss, with its mean over the rows: of an output that is yes or no, or of classes."""
    if isinstance(loss, Loss):
        return replace(loss, mean_over="rows")
    make = LOSSES[loss][labels]
    assert make is not None
    made: Loss = make()
    return replace(made, mean_over="rows")


def _takes(loss: Any) -> tuple[bool, bool]:
    """Whether a loss takes classes, and whether it takes yes and no."""
    if isinstance(loss, Loss) and loss.counts_right_answers:
        return loss.targets_are_classes, not loss.targets_are_classes
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss][0] is not None, True
    names = ", ".join(map(repr, LOSSES))
    hint = "; call it" if isinstance(loss, type) else ""
    hint = ": that is a loss of numbers, for a NetRegressor" if isinstance(loss, Loss) else hint
    raise wrong("loss", f"one of {names}, or a loss of classes or of yes and no", loss, hint)
