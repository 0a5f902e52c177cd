"""Targets far from size 1, for a loss of errors."""

from __future__ import annotations

import math
from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import ERRORS, Case
from .base import Rule, Sign, harm


def look(case: Case) -> Iterator[Sign]:
    data = case.record.data
    if data is None or case.loss_kind not in ERRORS or data.targets.kind != "numbers":
        return
    targets = data.targets
    size = math.hypot(targets.mean, targets.deviation)
    large, small = case.limit("targets_large"), case.limit("targets_small")
    if not math.isfinite(size) or size == 0 or small <= size <= large:
        return
    if case.trained and not case.ails:
        return
    if not case.trained and small / 3 <= size <= 3 * large:
        return
    evidence = Evidence(
        f"The targets have mean {targets.mean:.3g} and deviation {targets.deviation:.3g}; an "
        "untouched network answers with numbers of size 1.", size, large if size > large else small,
        "data")
    yield Sign((evidence, *harm(case)), (cures.scaled_targets(), cures.scaled_inputs()), 0.92,
               None, case.span)


RULE = Rule(
    "targets_not_scaled",
    "Targets far from mean 0 and deviation 1 make the first errors, and with them the gradients, "
    "very large or very small. The network either spends its training on reaching their mean, or "
    "takes steps that are too long to stay.",
    "LeCun, Bottou, Orr and Mueller 1998, Efficient BackProp, section 4.5; Karpathy 2019, A recipe "
    "for training neural networks: init well",
    look,
)
