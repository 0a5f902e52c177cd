"""Labels that the loss has no meaning for."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign


def look(case: Case) -> Iterator[Sign]:
    data = case.record.data
    if data is None:
        return
    targets, kind = data.targets, case.loss_kind
    cure = (cures.advice("Number the classes 0, 1, 2, ... without gaps; for one logistic output "
                         "the targets are 0 and 1."),)
    if kind.startswith("binary_cross_entropy") and (targets.smallest < 0 or targets.largest > 1):
        told = f"The targets run from {targets.smallest:g} to {targets.largest:g}; this loss has " \
               "a meaning for 0 to 1."
        yield Sign((Evidence(told, max(-targets.smallest, targets.largest), 1.0, "data"),), cure,
                   0.98, None, case.span)
        return
    if kind not in ("softmax_cross_entropy", "cross_entropy_of_probabilities", "nll") or \
            targets.kind != "classes":
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


RULE = Rule(
    "labels_wrong_range",
    "The targets are numbers that the loss has no meaning for, such as classes numbered from 1 or "
    "truth values of -1 and 1. The loss then rewards answers that no probability can give, and has "
    "no lowest point there.",
    "Bishop 2006, Pattern recognition and machine learning, section 4.3",
    look,
)
