"""A loss that swings and does not come to rest."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from itertools import pairwise

from .. import cures
from ..finding import Evidence
from ..measures import Case, swings
from .base import Rule, Sign


def look(case: Case) -> Iterator[Sign]:
    if case.failed or case.record.best_epoch is not None:
        return
    losses = case.losses
    if len(losses) < 8 or not (case.ended or len(losses) >= 20):
        return
    late = losses[len(losses) // 2:]
    turns, level = swings(late), statistics.median(late)
    # Neighbours' differences: a trend adds nothing to them, swings do.
    size = statistics.median(abs(b - a) for a, b in pairwise(late))
    chance = case.chance if case.chance is not None else max(losses)
    if turns < case.limit("swing_turns") or level <= 0 or chance <= 0:
        return
    if size < case.limit("swing_size") * level or size < 0.1 * chance:
        return
    if case.done or (case.held_score is not None and case.reference is not None
                     and case.held_score >= case.reference):
        return
    early = losses[: len(losses) // 2]
    before = statistics.median(abs(b - a) for a, b in pairwise(early))
    if size < 0.5 * before:
        return
    evidence = Evidence(
        f"In the second half the loss turns around at {turns:.0%} of the epochs, by "
        f"{size / level:.0%} of its level from one to the next.", size / level,
        case.limit("swing_size"), "epochs.loss")
    rate = case.rate
    batch = case.record.batch
    more = (cures.larger_batch(batch * 4),) if batch else ()
    yield Sign((evidence,), (cures.rate_times(0.1, rate), cures.decay_rate(), *more), 0.85, None,
               case.span)


RULE = Rule(
    "oscillation",
    "The loss swings from epoch to epoch and does not come to rest: steps carry the weights from "
    "one side of the valley to the other. What is kept at the end is a matter of luck.",
    "LeCun, Bottou, Orr and Mueller 1998, Efficient BackProp, section 5; Godbole et al. 2023, Deep "
    "learning tuning playbook: late variance",
    look,
)
