"""Rows of a batch that influence each other."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign


def look(case: Case) -> Iterator[Sign]:
    checks = case.record.checks
    if checks is None or checks.coupling is None or checks.coupling <= case.limit("coupled"):
        return
    evidence = Evidence(f"In inference a row's scores change with another row's inputs: by "
                        f"{checks.coupling:.2g} of what its own do.", checks.coupling,
                        case.limit("coupled"), "checks")
    yield Sign((evidence,), (cures.advice(
        "Look for a reshape, a transposition or a sum over the wrong axis: the first axis is the "
        "rows', and nothing but batch normalization in training may look across it."),), 0.97, None,
        case.span)


RULE = Rule(
    "rows_coupled",
    "What the network answers to a row depends on the rows beside it, as after a reshape that "
    "mixes axes. It then learns from its neighbours, who will be others when it is used.",
    "Karpathy 2019, A recipe for training neural networks: use backprop to chart dependencies",
    look,
)
