"""Labels that the loss has no meaning for."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import TargetSummary
from .. import cures
from ..finding import Cure, Evidence
from ..measures import ERRORS, LIKELIHOODS, SOFTMAXES, Case
from .base import Rule, Sign
from .loss_wrong import are_classes, are_quantities

CLASS_LOSSES = (*SOFTMAXES, "cross_entropy_of_probabilities", "nll")


def look(case: Case) -> Iterator[Sign]:
    data, held = case.record.data, case.record.validation
    if held is not None and held.targets.refused is not None:
        text, cures_of = _refused(case, held.targets)
        yield Sign((Evidence(f"Validation: {text}", 1.0, None, "data"),), cures_of, 0.98, None,
                   case.span)
        return
    if data is None:
        return
    targets, kind = data.targets, case.loss_kind
    cure = (cures.advice("Number the classes 0, 1, 2, ... without gaps; for one logistic output "
                         "the targets are 0 and 1."),)
    if targets.refused is not None and not _has_own_kind(case):
        text, cures_of = _refused(case, targets)
        yield Sign((Evidence(text, 1.0, None, "data"),), cures_of, 0.98, None, case.span)
        return
    if kind.startswith("binary_") and (targets.smallest < 0 or targets.largest > 1):
        told = f"The targets run from {targets.smallest:g} to {targets.largest:g}; this loss has " \
               "a meaning for 0 to 1."
        yield Sign((Evidence(told, max(-targets.smallest, targets.largest), 1.0, "data"),), cure,
                   0.98, None, case.span)
        return
    if kind not in CLASS_LOSSES or targets.kind != "classes":
        return
    if targets.smallest < 0:
        told = f"The smallest class number is {targets.smallest:g}."
        yield Sign((Evidence(told, targets.smallest, 0.0, "data"),), cure, 0.98, None, case.span)
        return
    outputs = max((layer.shape[-1] for layer in case.output_layers if layer.shape), default=0)
    if outputs > 1 and targets.largest >= outputs:
        told = f"The largest class number is {targets.largest:g}, and the network has {outputs} " \
               "outputs, numbered from 0."
        yield Sign((Evidence(told, targets.largest, outputs - 1, "data"),), cure, 0.98, None,
                   case.span)


def _has_own_kind(case: Case) -> bool:
    """Whether another finding says better why the loss refuses the targets: it is of another task,
    or the numbers are the wrong ones."""
    data = case.record.data
    assert data is not None
    targets, kind = data.targets, case.loss_kind
    if targets.texts is not None or targets.missing:
        return False
    if kind in LIKELIHOODS:
        return False
    if kind in (*ERRORS, "quantiles"):
        return are_classes(case)
    if kind in CLASS_LOSSES:
        outputs = max((layer.shape[-1] for layer in case.output_layers if layer.shape), default=0)
        is_a_number = targets.kind == "classes" and targets.shape in ((), (1,))
        return are_quantities(case) or (is_a_number and (
            outputs <= 1 or targets.smallest < 0 or targets.largest >= outputs))
    return targets.smallest < 0 or targets.largest > 1


def _refused(case: Case, targets: TargetSummary) -> tuple[str, tuple[Cure, ...]]:
    """What is wrong with targets that the loss refuses, and what to do."""
    if targets.texts is not None:
        return (f"The targets are text: {', '.join(map(repr, targets.texts))}.",
                (cures.advice("Number the classes: classes, y = numpy.unique(y, "
                              "return_inverse=True). Of quantities make numbers: "
                              "y.astype(float)."),))
    if targets.missing:
        return (f"{targets.missing} of the targets are NaN, infinite or missing.",
                (cures.advice("Leave such rows out, or give them sample_weight 0 and a target that "
                              "counts for nothing."),))
    shape = ", ".join(["rows", *map(str, targets.shape or ())])
    if targets.one_hot:
        return (f"Each row's targets are a one among zeros, shape ({shape}), and the loss takes "
                "one class number a row.",
                (cures.advice("Give class numbers: y = y.argmax(axis=-1)."),))
    if case.loss_kind in CLASS_LOSSES and not targets.whole and targets.outputs > 1:
        return (f"Each row's targets are {targets.outputs} numbers that are not whole, shape "
                f"({shape}), and the loss takes one class number a row.",
                (cures.advice("Give the likeliest class: y = y.argmax(axis=-1)."),))
    if case.loss_kind.startswith("binary_") and targets.shape == () and targets.distinct == 2:
        return (f"Each row has one target, no or yes: {targets.refused}.",
                (cures.use_loss(cures.LOGISTIC, 1),))
    if case.loss_kind in CLASS_LOSSES:
        return (f"Targets of shape ({shape}) are no class numbers: {targets.refused}.",
                (cures.advice("Give one class number for each row that the network answers to."),))
    units = max((layer.shape[-1] for layer in case.output_layers if layer.shape), default=0)
    if targets.distinct and units and 0 < targets.outputs != units:
        return f"{targets.refused}.", (cures.outputs(targets.outputs),)
    return f"{targets.refused}.", (cures.advice("Give numbers that the loss has a meaning for."),)


RULE = Rule(
    "labels_wrong_range",
    "The targets are numbers that the loss has no meaning for, such as classes numbered from 1 or "
    "truth values of -1 and 1. The loss then rewards answers that no probability can give, and has "
    "no lowest point there.",
    "Bishop 2006, Pattern recognition and machine learning, section 4.3",
    look,
)
