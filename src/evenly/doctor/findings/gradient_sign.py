"""Steps that lead uphill."""

from __future__ import annotations

import math
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
    rising = _rises(case)
    if rising is not None:
        yield Sign((rising,), cure, 0.9, None, case.span)


def _rises(case: Case) -> Evidence | None:
    """A loss that rises from the first step on, though steps are short: one that is too long does
    that too, but then it is long beside the weights."""
    ratio, first, limit = case.early_update_ratio, case.first_loss, case.limit("ratio_high")
    if ratio is None or first is None or ratio > 0.6 * limit:
        return None
    if len(case.losses) >= 5:
        losses, series = [first, *case.losses], "epochs.loss"
    else:
        losses, series = [p.loss for p in case.probes if math.isfinite(p.loss)], "probes.loss"
    if len(losses) < 4:
        return None
    up = sum(b > a for a, b in pairwise(losses)) / (len(losses) - 1)
    size = case.chance if case.chance is not None else abs(losses[0])
    if up < 0.8 or losses[-1] - first < 0.5 * size or min(losses[1:]) < 0.9 * first:
        return None
    return Evidence(f"The loss rises in {up:.0%} of the looks at it, from the first on, though a "
                    f"step changes a kernel by no more than {ratio:.2g} of its size.", up, 0.8,
                    series)


RULE = Rule(
    "gradient_sign",
    "Steps lead uphill: the loss grows from the first step on, however small the steps. Somewhere "
    "a sign is the wrong way round.",
    "Karpathy, CS231n, Neural networks 3: gradient checks and sanity checks",
    look,
)
