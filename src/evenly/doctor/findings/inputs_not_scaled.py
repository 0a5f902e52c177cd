"""Inputs far from size 1, or of very different sizes."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign, harm
from .inputs import Scale, far_out, scale


def look(case: Case) -> Iterator[Sign]:
    if case.normalized_first:
        return
    far = far_out(case) if case.about_to_begin else None
    if far is not None:
        distance, column = far
        yield Sign((Evidence(
            f"Column {column} has a value {distance:.3g} quartile ranges from its median.",
            distance, case.limit("inputs_far_out"), "data"),), (cures.advice(
                "Look at such rows. RobustScaler scales by the quartiles, which they do not move."),
            ), 0.8)
        return
    found = scale(case)
    if found is None:
        return
    evidence = _evidence(case, found)
    if not evidence or _is_twice(case, found):
        return
    if case.trained:
        if not (case.room if _is_grave(case, found) else case.ails):
            return
        evidence += harm(case)
    elif not _is_grave(case, found):
        return
    yield Sign(evidence, (cures.scaled_inputs(), cures.normalize()),
               0.97 if case.trained else 0.9, None, case.span)


def _is_twice(case: Case, found: Scale) -> bool:
    from .inputs_scaled_twice import is_twice

    return is_twice(case, found)


def _is_grave(case: Case, found: Scale) -> bool:
    return (found.largest > case.limit("inputs_large_before")
            or found.largest < case.limit("inputs_small") / 2
            or found.offset > 3 * case.limit("inputs_offset"))


def _evidence(case: Case, found: Scale) -> tuple[Evidence, ...]:
    seen = []
    large, small = case.limit("inputs_large"), case.limit("inputs_small")
    if found.largest > large:
        seen.append(Evidence(f"The larger inputs have a root mean square of {found.largest:.3g}; "
                             "initial weights are drawn for 1.", found.largest, large, "data"))
    elif found.largest < small:
        seen.append(Evidence(f"The inputs have a root mean square of {found.largest:.2g} at most; "
                             "initial weights are drawn for 1.", found.largest, small, "data"))
    if found.unequal > case.limit("inputs_unequal"):
        seen.append(Evidence(f"The larger inputs vary {found.unequal:.3g} times as much as the "
                             "typical one.", found.unequal, case.limit("inputs_unequal"), "data"))
    if found.offset > case.limit("inputs_offset"):
        seen.append(Evidence(f"Inputs lie {found.offset:.3g} deviations from 0, so what they have "
                             "in common outweighs what tells them apart.", found.offset,
                             case.limit("inputs_offset"), "data"))
    return tuple(seen)


RULE = Rule(
    "inputs_not_scaled",
    "Inputs far from mean 0 and deviation 1 make the loss steep along some weights and flat along "
    "others. One learning rate then cannot suit both: steps are too long here, too short there, "
    "and units saturate or die at once.",
    "LeCun, Bottou, Orr and Mueller 1998, Efficient BackProp, section 4.3",
    look,
)
