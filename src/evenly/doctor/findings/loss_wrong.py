"""A loss that is not of the task."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...records import TargetSummary
from .. import cures
from ..finding import Evidence
from ..measures import ERRORS, Case
from .base import Rule, Sign

MOST_CLASSES, BALANCE = 20, 0.12


def look(case: Case) -> Iterator[Sign]:
    data = case.record.data
    if data is None or not case.loss_kind:
        return
    targets, loss = data.targets, case.loss_kind
    ends = [layer.name for layer in case.output_layers
            if layer.kind in ("softmax", "sigmoid", "hard_sigmoid", "relu", "tanh")]
    if targets.texts is not None or targets.missing:
        return
    if loss in ERRORS and are_classes(case):
        if targets.outputs > 1 or targets.one_hot:
            text = "Each row's targets are a one among zeros: a class"
            units = None if targets.refused is None else targets.outputs
            cure = cures.use_loss(cures.CROSS_ENTROPY, units, ends)
        elif targets.distinct == 2:
            text = "The targets are two whole numbers: no and yes"
            cure = cures.use_loss(cures.LOGISTIC, None, ends)
        else:
            text = f"The targets are {targets.distinct} classes"
            cure = cures.use_loss(cures.CROSS_ENTROPY, int(targets.largest) + 1, ends)
        yield Sign((Evidence(f"{text}, and the loss is of numbers ({loss}).",
                             float(targets.distinct), None, "data"),), (cure,), 0.9, None,
                   case.span)
    elif loss.startswith(("softmax_cross", "focal_cross", "cross_entropy", "nll")) and (
            are_quantities(case) or (targets.kind == "classes" and targets.distinct > max(
                50, data.rows / 4))):
        yield Sign((Evidence(f"The targets have {targets.distinct} values in {data.rows} rows: "
                             "they look like quantities, and the loss takes them for classes.",
                             float(targets.distinct), None, "data"),),
                   (cures.use_loss(cures.SQUARED, 1, ends),), 0.85, None, case.span)
    elif loss.startswith("binary_") and targets.kind == "numbers" and \
            (targets.largest > 1 or targets.smallest < 0) and targets.distinct > 10:
        yield Sign((Evidence(f"The targets run from {targets.smallest:.4g} to "
                             f"{targets.largest:.4g}, and the loss takes them for truth values.",
                             float(targets.distinct), None, "data"),),
                   (cures.use_loss(cures.SQUARED, None, ends),), 0.95, None, case.span)


def are_quantities(case: Case) -> bool:
    """Whether targets that a loss of classes refuses are quantities: one number a row, not all of
    them whole, and of many values."""
    data = case.record.data
    assert data is not None
    targets = data.targets
    return targets.refused is not None and targets.shape in ((), (1,)) and \
        not targets.whole and targets.distinct > MOST_CLASSES


def are_classes(case: Case) -> bool:
    data = case.record.data
    assert data is not None
    targets = data.targets
    if targets.kind in ("classes", "labels") or targets.one_hot:
        return True
    if not targets.whole or targets.smallest != 0 or targets.largest != targets.distinct - 1:
        return False
    return targets.distinct == 2 or _are_balanced(targets)


def _are_balanced(targets: TargetSummary) -> bool:
    """Whether whole numbers from 0 on are about equally frequent: classes often are, counts and
    grades hardly ever."""
    count = targets.distinct
    if not 3 <= count <= MOST_CLASSES or targets.outputs != 1:
        return False
    middle, deviation = (count - 1) / 2, math.sqrt((count**2 - 1) / 12)
    return abs(targets.mean - middle) < BALANCE * count and \
        abs(targets.deviation / deviation - 1) < BALANCE


RULE = Rule(
    "loss_wrong",
    "The loss is of another task: an error of numbers for classes, or classes for numbers. For "
    "classes a squared error is flat where an answer is sure and wrong, so learning is slow "
    "exactly where there is most to learn.",
    "Golik, Doetsch and Ney 2013, Cross-entropy vs. squared error training; Bishop 2006, Pattern "
    "recognition and machine learning, section 5.2",
    look,
)
