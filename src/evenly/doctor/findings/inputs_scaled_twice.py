"""Inputs that were scaled once too often."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign, harm
from .inputs import Scale, scale


def is_twice(case: Case, found: Scale) -> bool:
    """Whether all columns are small by the same factor, as a second division leaves them: natural
    small units differ from column to column."""
    data = case.record.data
    assert data is not None
    if found.largest >= case.limit("inputs_small"):
        return False
    # One number: pixels of 0 to 1, or standardized columns, divided by 255 once more.
    pixels = found.reach <= 1.01 / 255 and all(c.smallest >= 0 for c in data.columns)
    return pixels or found.alike < case.limit("scaled_twice_alike")


def look(case: Case) -> Iterator[Sign]:
    if case.normalized_first:
        return
    found = scale(case)
    if found is None or not is_twice(case, found):
        return
    if case.trained and not case.room:
        return
    evidence = Evidence(
        f"All inputs are small by the same factor: their root mean square is {found.largest:.2g} "
        f"at most, and none is beyond {found.reach:.2g}.", found.largest,
        case.limit("inputs_small"), "data")
    yield Sign((evidence, *harm(case)), (cures.scaled_inputs(),), 0.93, None, case.span)


RULE = Rule(
    "inputs_scaled_twice",
    "Inputs that were divided by their range already were divided once more, so all are next to 0. "
    "The network's outputs then hardly depend on them, and learning crawls.",
    "LeCun, Bottou, Orr and Mueller 1998, Efficient BackProp, section 4.3",
    look,
)
