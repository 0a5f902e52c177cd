"""What topics add to a calculation: steps of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..byhand.exact import exact_array
from ..byhand.recorder import Step
from ..byhand.traced import Traced, leaf
from ..byhand.work import Work


def with_given(work: Work, title: str, values: Any, names: bool = False) -> Work:
    """The work with one more given step; `names` for an array of a layer, whose rows and columns
    are inputs and units rather than examples."""
    return _added(work, title, "given", "", exact_array(values), None, names)


def with_step(work: Work, title: str, phase: str, formula: str, made: Traced,
              names: bool = False) -> Work:
    """The work with one more step, made of others (:func:`read`)."""
    return _added(work, title, phase, formula, made.value, made.origin, names)


def read(work: Work, title: str, phase: str = "") -> Traced:
    """The numbers of a step, to make others of them."""
    for step in work.steps:
        if step.title == title and phase in ("", step.phase):
            return leaf(step.value, step.number)
    raise KeyError(title)


def _added(work: Work, title: str, phase: str, formula: str, value: Any, origin: Any,
           names: bool) -> Work:
    layer, _, name = title.rpartition(".")
    step = Step(len(work.steps), phase, layer, name, 1, formula, value, origin)
    parts = work.parts | {title} if names else work.parts
    return replace(work, steps=(*work.steps, step), parts=parts)
