"""A network that cannot learn one batch by heart."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import LIKELIHOODS, Case
from .base import Rule, Sign

ENOUGH = 0.9   # of the rows, or of their variance
LOSS = 0.5     # of the first loss


def look(case: Case) -> Iterator[Sign]:
    checks = case.record.checks
    if checks is None or checks.memorized_loss is None or not checks.memorized_steps:
        return
    if case.trained and not case.fails_to_fit:
        return
    data = case.record.data
    if data is not None and data.contradictions > 0:
        return
    if case.loss_kind in LIKELIHOODS:  # how low the loss can be is not known
        return
    first = case.chance if case.chance is not None else checks.first_loss
    if first is None or first <= 0:
        return
    best = checks.memorized_best if checks.memorized_best is not None else checks.memorized_loss
    if checks.memorized_score is not None and checks.memorized_score >= ENOUGH:
        return
    if best < LOSS * first:
        return
    told = f", with a score of {checks.memorized_score:.3g}" \
        if checks.memorized_score is not None else ""
    evidence = Evidence(
        f"After {checks.memorized_steps} steps on one small batch alone the loss is {best:.3g}"
        f"{told}; a constant answer has {first:.3g}.", best / first, LOSS, "checks")
    rate = case.rate
    yield Sign((evidence,), (cures.adam(), cures.scaled_inputs(), cures.rate_times(0.1, rate),
                             cures.rate_times(10, rate), cures.widen(4, 32)), 0.85, None, case.span)


RULE = Rule(
    "cannot_memorize",
    "A network that learns should bring the loss on a handful of rows to nearly nothing, whatever "
    "they are. Where it does not, something between inputs, network, loss and steps is broken.",
    "Karpathy 2019, A recipe for training neural networks: overfit one batch; Ben Braiek and Khomh "
    "2023, Testing feedforward neural networks training programs",
    look,
)
