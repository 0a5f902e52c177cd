"""A training that ended while it still gained."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign, harm


def look(case: Case) -> Iterator[Sign]:
    cure = (cures.more_epochs(3), cures.rate_times(3, case.rate))
    share = case.falls
    if share is None:
        if case.few_steps:
            few = Evidence(f"The training has {case.steps} steps in all.", float(case.steps),
                           case.limit("few_steps"), "epochs.loss")
            cure = (cures.more_epochs(10), cures.more_epochs(30))
            yield Sign((few, *harm(case)), cure, 0.85, None, case.span, True)
        elif case.barely_moved:
            travel = case.travel or 0.0
            told = Evidence(
                f"All {case.steps} steps together changed no kernel by more than {travel:.2g} of "
                "its size.", travel, case.limit("travel"), "probes.update_ratio")
            cure = (cures.more_epochs(10), cures.rate_times(3, case.rate))
            yield Sign((told, *harm(case)), cure, 0.85, None, case.span)
        return
    held = all(epoch.validation_loss is not None for epoch in case.epochs)
    evidence = Evidence(
        f"In the last quarter of the epochs the loss still fell by {share:.0%} of what is left "
        "of it.", share, case.limit("falling"),
        "epochs.validation_loss" if held else "epochs.loss")
    yield Sign((evidence,), cure, 0.88, None,
               (int(0.75 * (case.steps - 1)), case.steps - 1) if case.steps else None)


RULE = Rule(
    "undertrained",
    "The training ended while the loss was still falling at a steady pace. What the network would "
    "have learned in the epochs to come is missing.",
    "Godbole et al. 2023, Deep learning tuning playbook: deciding how long to train",
    look,
)
