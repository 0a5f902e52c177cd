"""A penalty that outweighs the data."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case, finite
from .base import Rule, Sign, harm


def look(case: Case) -> Iterator[Sign]:
    optimizer = case.record.optimizer
    if not case.epochs or case.failed or not (case.ails or case.unfit):
        return
    decay = 0.0
    if optimizer is not None:
        decay = float(optimizer.settings.get("weight_decay") or 0.0)
        if not optimizer.penalty and not decay:
            return
    evidence = []
    share = _share(case)
    if share is not None and share > case.limit("penalty_share"):
        evidence.append(Evidence(f"The penalty is {share:.0%} of the cost.", share,
                                 case.limit("penalty_share"), "epochs.penalty"))
    shrunk = _shrunk(case)
    if shrunk is not None and shrunk[0] < case.limit("weights_shrunk"):
        evidence.append(Evidence(
            f"The weights of {shrunk[1]} have shrunk to {shrunk[0]:.0%} of their first size.",
            shrunk[0], case.limit("weights_shrunk"), f"probes.{shrunk[1]}.weight_norm"))
    if optimizer is not None and optimizer.learning_rate * decay > case.limit("decay_step"):
        pull = optimizer.learning_rate * decay
        evidence.append(Evidence(f"Weight decay takes {pull:.1%} of every weight at each step.",
                                 pull, case.limit("decay_step"), "network"))
    if not evidence:
        return
    yield Sign((*evidence, *harm(case)), (cures.no_penalty(),), 0.92, None, case.span, True)


def _share(case: Case) -> float | None:
    """The penalty's share of the cost, over the second half."""
    half = case.epochs[len(case.epochs) // 2:]
    shares = finite(e.penalty / (e.loss + e.penalty) for e in half
                    if e.loss + e.penalty > 0)
    return statistics.median(shares) if shares else None


def _shrunk(case: Case) -> tuple[float, str] | None:
    """Last over first size of the middle layer: a penalty draws on all of them."""
    found = []
    for name in case.weighted:
        series = case.series(name, "weight_norm")
        last = case.late(name, "weight_norm")
        if series and series[0][1] > 0 and last is not None:
            found.append((last / series[0][1], name))
    return sorted(found)[len(found) // 2] if found else None


RULE = Rule(
    "over_regularized",
    "Penalty or weight decay pull the weights to zero harder than the data pull them away. The "
    "network gives up what it could know to keep its weights small.",
    "Goodfellow, Bengio and Courville 2016, Deep learning, sections 5.2.2 and 7.1",
    look,
)
