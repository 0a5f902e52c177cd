"""Clipping that cuts every step."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import ADAPTIVE, Case, finite
from .base import Rule, Sign, harm


def look(case: Case) -> Iterator[Sign]:
    optimizer = case.record.optimizer
    if not case.epochs or case.failed or optimizer is None or not optimizer.clip:
        return
    if optimizer.kind in ADAPTIVE:
        # Their steps do not depend on the size of the gradients.
        return
    shares = finite(e.clipped_share for e in case.epochs)
    if not shares or statistics.median(shares) < case.limit("clipped"):
        return
    norms = finite(e.gradient_norm for e in case.epochs)
    limit = optimizer.clip_limit
    if not norms or not limit or optimizer.clip == "value":
        tight = None
    else:
        tight = limit / statistics.median(norms) if statistics.median(norms) > 0 else None
    if tight is not None and tight > case.limit("clip_tight"):
        return
    if not (case.poor or (case.stuck and case.tried) or _is_slow(case)):
        return
    share = statistics.median(shares)
    evidence = [Evidence(f"{share:.0%} of the steps are clipped.", share, case.limit("clipped"),
                         "epochs.clipped_share")]
    if tight is not None:
        evidence.append(Evidence(f"Clipping leaves {tight:.1%} of the typical gradient.", tight,
                                 case.limit("clip_tight"), "epochs.gradient_norm"))
    longer = cures.rate_times(10, optimizer.learning_rate)
    yield Sign((*evidence, *harm(case)), (cures.no_clip(), longer), 0.9, None, case.span, True)


def _is_slow(case: Case) -> bool:
    gain = case.late_gain
    return case.ended and gain is not None and gain > 0.1 and (case.travel or 1.0) < 1.0


RULE = Rule(
    "clipping_always",
    "Clipping is for the rare gradient that is far too large. Where it cuts every step, all steps "
    "have the same short length, and the clip is a second, hidden learning rate.",
    "Godbole et al. 2023, Deep learning tuning playbook: gradient clipping; Pascanu, Mikolov and "
    "Bengio 2013, section 3.2",
    look,
)
