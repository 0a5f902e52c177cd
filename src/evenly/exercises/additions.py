"""What topics add to a calculation: steps of their own, and checks of single inputs."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from ..byhand.exact import Exact, exact_array
from ..byhand.recorder import Step
from ..byhand.traced import Traced, leaf
from ..byhand.work import Work
from ..errors import DataError
from .calculation import single


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


def number(what: str, value: Any, least: Any = None, below: Any = None,
           more_than: Any = None) -> Fraction:
    """A single number within bounds; raises DataError for anything else."""
    fraction = single(what, value).fraction
    if fraction is None:
        raise DataError(f"{what} must be a whole number or a fraction, got "
                        f"{np.asarray(value)[()]!r}")
    if least is not None and fraction < least:
        raise DataError(f"{what} must be at least {least}, got {fraction}")
    if more_than is not None and fraction <= more_than:
        raise DataError(f"{what} must be more than {more_than}, got {fraction}")
    if below is not None and fraction >= below:
        raise DataError(f"{what} must be below {below}, got {fraction}")
    return fraction


def whole_numbers(what: str, values: Any, least: int, most: int) -> Any:
    """Whole numbers within bounds, as integers; raises DataError for others."""
    for value in np.asarray(values).reshape(-1):
        fraction = Exact(value).fraction
        if fraction is None or fraction.denominator != 1 or not least <= fraction <= most:
            raise DataError(f"{what} must be whole numbers from {least} to {most}, got {value}")
    return np.array([int(Exact(v)) for v in np.asarray(values).reshape(-1)],
                    np.int64).reshape(np.shape(values))


def at_least(what: str, values: Any, least: Any, exclusive: bool = False) -> None:
    """Raises DataError unless all numbers are at least so large (or larger)."""
    for value in np.asarray(values).reshape(-1):
        if value < least or (exclusive and value == least):
            word = "more than" if exclusive else "at least"
            raise DataError(f"{what} must be {word} {least}, got {value}")
