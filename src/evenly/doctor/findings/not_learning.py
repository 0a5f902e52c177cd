"""A loss that stays where it began."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign, harm


def look(case: Case) -> Iterator[Sign]:
    if not case.epochs or case.failed or not case.stuck or not case.tried:
        return
    if case.learnable is False:
        return
    evidence = list(harm(case))
    if case.learnable:
        evidence.append(Evidence(
            f"A simple model reaches a score of {case.reference:.3g} on unseen rows, a constant "
            f"answer {case.constant_score:.3g}.", float(case.reference or 0.0), None, "data"))
    rate = case.rate
    yield Sign(tuple(evidence), (cures.adam(), cures.scaled_inputs(), cures.fresh_weights(),
                                 cures.rate_times(10, rate), cures.rate_times(0.1, rate)),
               0.9 if case.learnable else 0.7, None, case.span)


RULE = Rule(
    "not_learning",
    "The loss stays where a constant answer has it: the network found nothing in its inputs. Where "
    "a simple model finds something, the fault is in the training, not in the data.",
    "Karpathy 2019, A recipe for training neural networks: input-independent baseline",
    look,
)
