"""Steps that are too short."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from .. import cures
from ..finding import Evidence
from ..measures import ADAPTIVE, LIKELIHOODS, Case
from .base import Rule, Sign, harm

SHORT = 5e-4  # a step of each weight; kernels of a hundred inputs have weights of 0.1
AIM = 3e-3  # update over weight that a raised rate aims at


def look(case: Case) -> Iterator[Sign]:
    if not case.trained:
        yield from _trial(case)
    if not case.epochs or case.failed:
        return
    if not (case.poor or (case.stuck and case.tried) or case.falls is not None):
        return
    ratio, travel, middle = case.largest_update_ratio, case.travel, case.update_ratio
    if ratio is None or travel is None or middle is None or ratio <= 0:
        return
    limit = case.limit("ratio_low")
    if middle >= limit or ratio >= 2 * limit or travel >= 10 * case.limit("travel"):
        return
    if travel >= case.limit("travel") and not _falls(case):
        return
    evidence = Evidence(
        f"A step changes no kernel by more than {ratio:.2g} of its size; all {case.steps} steps "
        f"together by {travel:.2g} at most.", ratio, case.limit("ratio_low"), "probes.update_ratio")
    rate = case.rate
    factor = 10.0 ** math.floor(math.log10(min(1e4, max(10.0, AIM / ratio))) + 0.5)
    yield Sign((evidence, *harm(case)), (cures.rate_times(factor, rate), cures.adam()), 0.9, None,
               case.span, _by_itself(case))


def _by_itself(case: Case) -> bool:
    """Whether it is the rate: steps of an adaptive rule are as long as the rate, whatever the
    gradients are."""
    return case.optimizer_kind in ADAPTIVE and case.rate is not None and case.rate <= SHORT


def _trial(case: Case) -> Iterator[Sign]:
    """Before training: steps on one batch alone that go down, and nowhere."""
    checks = case.record.checks
    if checks is None or checks.memorized_loss is None or checks.first_loss is None or \
            checks.descent is None or not 0.5 < checks.descent < 1.5 or \
            case.loss_kind in LIKELIHOODS:
        return
    last, first = checks.memorized_loss, checks.first_loss
    if not 0.9 * first < last < 1.05 * first or not checks.memorized_steps:
        return
    evidence = Evidence(
        f"After {checks.memorized_steps} steps on one small batch alone the loss is {last:.3g}; it "
        f"began at {first:.3g}, though each step goes downhill.", last / first, 0.9, "checks")
    yield Sign((evidence,), (cures.rate_times(100, case.rate), cures.adam()), 0.8)


def _falls(case: Case) -> bool:
    """Whether the loss goes down all the time, as it does where steps are merely short."""
    losses = [e.loss for e in case.epochs]
    if len(losses) < 4:
        return True
    down = sum(b < a for a, b in pairwise(losses))
    return down >= 0.75 * (len(losses) - 1)


RULE = Rule(
    "rate_too_low",
    "Each step moves the weights by so little that the training ends close to where it began. The "
    "loss falls steadily, and far too slowly.",
    "Bengio 2012, Practical recommendations for gradient-based training of deep architectures, "
    "section 3.1.1; Karpathy, CS231n, Neural networks 3: ratio of weights to updates",
    look,
)
