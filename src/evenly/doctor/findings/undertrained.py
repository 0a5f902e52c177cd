"""A training that ended while it still gained."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case, finite
from .base import Rule, Sign


def look(case: Case) -> Iterator[Sign]:
    if case.record.stopped != "epochs" or case.failed or len(case.epochs) < 2:
        return
    if case.record.best_epoch is not None and case.record.best_epoch < case.epochs[-1].epoch:
        return
    watched = finite(e.validation_loss for e in case.epochs)
    series = "epochs.validation_loss"
    if len(watched) < len(case.epochs):
        watched, series = case.losses, "epochs.loss"
    if len(watched) < 2:
        return
    fall = _late_fall(watched)
    chance = case.chance if case.chance is not None else max(watched)
    if fall is None or watched[-1] <= 0 or chance <= 0:
        return
    share = fall / watched[-1]
    if share < case.limit("falling") or fall < case.limit("falling_chance") * chance:
        return
    if _is_done(case):
        return
    evidence = Evidence(f"In the last quarter of the epochs the loss still fell by {share:.0%} of "
                        "what is left of it.", share, case.limit("falling"), series)
    yield Sign((evidence,), (cures.more_epochs(3), cures.rate_times(3, case.rate)), 0.88, None,
               (int(0.75 * (case.steps - 1)), case.steps - 1) if case.steps else None)


def _late_fall(losses: list[float]) -> float | None:
    """How far the loss fell in the last quarter, by a line through it that single epochs do not
    sway; None where it did not fall all along."""
    count = max(2, len(losses) // 4 + 1)
    late = losses[-count:]
    slopes = [(late[j] - late[i]) / (j - i) for i in range(count) for j in range(i + 1, count)]
    slope = statistics.median(slopes)
    if slope >= 0 or late[-1] > min(losses) + abs(slope):
        return None
    return -slope * (count - 1)


def _is_done(case: Case) -> bool:
    """Whether nothing is left to gain: a score of 1 stays one."""
    scores = finite(e.validation_score if e.validation_score is not None else e.train_score
                    for e in case.epochs[-3:])
    return bool(scores) and min(scores) > 0.985


RULE = Rule(
    "undertrained",
    "The training ended while the loss was still falling at a steady pace. What the network would "
    "have learned in the epochs to come is missing.",
    "Godbole et al. 2023, Deep learning tuning playbook: deciding how long to train",
    look,
)
