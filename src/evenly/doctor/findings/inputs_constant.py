"""Inputs that tell nothing apart."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign, harm


def look(case: Case) -> Iterator[Sign]:
    data = case.record.data
    cure = (cures.advice("Look at the rows that reach the network: print a few of them, and follow "
                         "the loading and the preparation back to where they become equal."),)
    if data is not None and data.columns and data.rows > 1:
        constant = sum(c.deviation == 0 for c in data.columns) / len(data.columns)
        limit = case.limit("constant_share")
        most = constant >= case.limit("constant_most") and case.trained and case.room
        if constant >= limit or most:
            evidence = Evidence(f"{constant:.0%} of the inputs are the same number in every row.",
                                constant, limit, "data")
            yield Sign((evidence, *harm(case)), cure, 0.98, None, case.span)
            return
        if data.equal_rows >= case.limit("constant_rows") and data.contradictions > 0.5:
            evidence = Evidence(f"{data.equal_rows:.0%} of the rows equal another row, and most of "
                                "those have different targets.", data.equal_rows,
                                case.limit("constant_rows"), "data")
            yield Sign((evidence, *harm(case)), cure, 0.95, None, case.span)


RULE = Rule(
    "inputs_constant",
    "The inputs do not vary from row to row, so they say nothing about the targets. The best that "
    "any network can do is a constant answer.",
    "Karpathy 2019, A recipe for training neural networks: the input-independent baseline",
    look,
)
