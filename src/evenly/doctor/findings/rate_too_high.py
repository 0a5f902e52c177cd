"""Steps that are too long."""

from __future__ import annotations

import math
from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case, finite, median
from .base import Rule, Sign, harm

FIRST = 5  # times as long as a usual step of the same training
AIM = 0.01  # update over weight that a lowered rate aims at


def look(case: Case) -> Iterator[Sign]:
    if not case.trained:
        yield from _trial(case)
    if not case.trained:
        return
    ratio = _ratio(case)
    limit = case.limit("ratio_high" if case.ails else "ratio_forgets")
    if not case.room:
        if _begin_small(case):
            return
        limit *= 2
    if ratio is None:
        # A loss that becomes infinite without any look at the layers: steps, as a rule.
        if not case.failed or case.probes:
            return
        evidence: tuple[Evidence, ...] = harm(case)
        ratio, confidence = 1.0, 0.7
    elif ratio > limit:
        evidence = (Evidence(f"A step changes a kernel by {ratio:.2g} of its own size.", ratio,
                             limit, "probes.update_ratio"), *harm(case))
        confidence = 0.93
    else:
        return
    rate = case.rate
    factor = 10.0 ** math.floor(math.log10(min(0.1, max(1e-4, AIM / ratio))) + 0.5)
    yield Sign(evidence, (cures.rate_times(factor, rate), cures.rate_times(factor / 10, rate),
                          cures.clip()), confidence, None, case.span)


def _begin_small(case: Case) -> bool:
    """Whether first weights are so small that any step is large beside them."""
    for layer in case.layers:
        rms = case.first(layer.name, "weight_rms")
        if layer.fan_in and rms is not None and \
                rms * math.sqrt(layer.fan_in) < case.limit("gain_low"):
            return True
    return False


def _trial(case: Case) -> Iterator[Sign]:
    """Before training: steps on one batch alone that go up and away."""
    checks = case.record.checks
    if checks is None or checks.memorized_loss is None or checks.first_loss is None or \
            not checks.memorized_steps:
        return
    last, first = checks.memorized_loss, checks.first_loss
    if not (last > first + abs(first) or not math.isfinite(last)):  # some losses are below 0
        return
    told = f"{last:.3g}" if math.isfinite(last) else "no number any more"
    evidence = Evidence(f"After {checks.memorized_steps} steps on one small batch alone the loss "
                        f"is {told}; it began at {first:.3g}.", last, 2 * first, "checks")
    yield Sign((evidence,), (cures.rate_times(0.1, case.rate), cures.rate_times(0.01, case.rate),
                             cures.clip()), 0.85)


def _ratio(case: Case) -> float | None:
    """The larger of the ratios at the beginning and on the whole, of the median layer: where a
    network died of its steps, the late ones are zero."""
    told = finite([case.update_ratio, case.early_update_ratio])
    if not _begin_small(case):
        # The first step is always looked at. It is a long one: averages of gradients begin with it.
        told += [one / FIRST for one in finite([_first_ratio(case)])]
    return max(told) if told else None


def _first_ratio(case: Case) -> float | None:
    """Of the very first step, of the median layer."""
    return median(case.first(name, "update_ratio") for name in case.weighted)


RULE = Rule(
    "rate_too_high",
    "Each step moves the weights so far that the gradient, which holds nearby, says nothing about "
    "where it leads. The loss jumps about or grows without end instead of falling.",
    "Bengio 2012, Practical recommendations for gradient-based training of deep architectures, "
    "section 3.1.1; Karpathy, CS231n, Neural networks 3: ratio of weights to updates",
    look,
)
