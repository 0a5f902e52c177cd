"""A loss that grows."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign, harm


def look(case: Case) -> Iterator[Sign]:
    if not case.failed and not case.worsened:
        return
    failed, evidence = case.record.failed_at, harm(case)
    if failed is not None:
        evidence = (Evidence(f"At step {failed[0]} the first number that is not finite arose in "
                             f"{failed[1]}.", float(failed[0]), None, "probes.loss"),)
    rate = case.rate
    layer = failed[1] if failed is not None and failed[1] in case.kinds else None
    steps = (failed[0], failed[0]) if failed is not None else case.span
    yield Sign(evidence, (cures.rate_times(0.1, rate), cures.clip(), cures.scaled_inputs()), 0.97,
               layer, steps)


RULE = Rule(
    "divergence",
    "The loss grows instead of falling, until it is no number any more. A step that leads too far "
    "makes the next gradient larger, and that the next step.",
    "Goodfellow, Bengio and Courville 2016, Deep learning, section 8.2.4",
    look,
)
