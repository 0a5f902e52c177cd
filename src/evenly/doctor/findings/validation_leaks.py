"""Validation rows that the network was trained on."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign


def look(case: Case) -> Iterator[Sign]:
    shared, data = case.record.shared_rows, case.record.data
    if shared is None or shared < case.limit("leak"):
        return
    equal = data.equal_rows if data is not None else 0.0
    if shared < case.limit("leak_above_equal") * equal and not _is_copied(case):
        return
    evidence = Evidence(f"{shared:.0%} of the validation rows have the inputs of a training row"
                        f"; within the training rows {equal:.0%} have an equal.", shared,
                        case.limit("leak"), "data")
    yield Sign((evidence,), (cures.advice(
        "Split before rows are copied, and keep all copies of a row, and all rows of one person, "
        "patient or document, in one part."),), 0.93, None, case.span)


def _is_copied(case: Case) -> bool:
    """Whether equal rows are copies rather than rows of few values: their targets agree, and
    columns have many values."""
    data = case.record.data
    if data is None or not data.columns:
        return False
    many = sum(c.distinct > 20 for c in data.columns) / len(data.columns)
    return data.contradictions < 0.01 and many > 0.5


RULE = Rule(
    "validation_leaks",
    "Rows that are to judge the network were among those that it learned from. Its validation "
    "score then says how well it remembers, not how well it will do.",
    "Kaufman, Rosset, Perlich and Stitelman 2012, Leakage in data mining",
    look,
)
