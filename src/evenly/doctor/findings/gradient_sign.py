"""Steps that lead uphill."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign


def look(case: Case) -> Iterator[Sign]:
    checks = case.record.checks
    cure = (cures.advice("Look for a sign: a loss that is to be raised (a score, a likelihood), a "
                         "step that adds the gradient, or a backward of your own."),)
    if checks is not None and checks.descent is not None and \
            checks.descent < case.limit("descent"):
        told = Evidence(f"A small step changes the loss by {checks.descent:.2g} times what the "
                        "gradient foretells: it leads uphill.", checks.descent,
                        case.limit("descent"), "checks")
        yield Sign((told,), cure, 0.97, None, case.span)
        return
    losses = case.curve
    ratio = case.update_ratio
    if len(losses) < 8 or ratio is None or ratio > case.limit("ratio_high") / 2 or \
            case.first_loss is None:
        return
    up = sum(b > a for a, b in pairwise(losses)) / (len(losses) - 1)
    size = case.chance if case.chance is not None else abs(losses[0])
    if up > 0.8 and losses[-1] - losses[0] > 0.5 * size and min(losses[1:]) >= losses[0]:
        yield Sign((Evidence(f"The loss rises in {up:.0%} of the looks at it, from the first on, "
                             "though steps are short.", up, 0.8, "epochs.loss"),), cure, 0.9, None,
                   case.span)


RULE = Rule(
    "gradient_sign",
    "Steps lead uphill: the loss grows from the first step on, however small the steps. Somewhere "
    "a sign is the wrong way round.",
    "Karpathy, CS231n, Neural networks 3: gradient checks and sanity checks",
    look,
)
