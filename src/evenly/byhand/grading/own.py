"""A calculation worked out again from a learner's own numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..exact import Exact
from ..expressions import Expression, Place, evaluate, places
from ..recorder import Step
from ..work import Work
from .answers import Answer


@dataclass
class Own:
    """Every step of a work, from the numbers that a learner gave for some of them.

    Arguments:
        work: the calculation with the right numbers.
        answers: what the learner wrote, by number of the step and flat index. What he did not
            write is computed from what he did.
    """

    work: Work
    answers: Mapping[int, Mapping[int, Answer]]
    _known: dict[Place, Any] = field(default_factory=dict, repr=False)

    def number(self, place: Place) -> Any:
        """The learner's number at a place."""
        answer = self.answers.get(place.step, {}).get(place.flat)
        return self.follows(place) if answer is None else answer.value

    def follows(self, place: Place) -> Any:
        """The number that follows at a place from the learner's earlier ones; NaN if none does."""
        if place not in self._known:
            self._known[place] = self._worked_out(place)
        return self._known[place]

    def array(self, step: Step) -> Any:
        """The learner's numbers of a step, of its shape."""
        return self._array(step, self.number)

    def following(self, step: Step) -> Any:
        """The numbers of a step that follow from the learner's earlier ones."""
        return self._array(step, self.follows)

    def slack(self, place: Place) -> float:
        """How far the number that follows may be off because earlier numbers were rounded."""
        step = self.work.steps[place.step]
        expression = step.expression(place.flat)
        if expression is None:
            return 0.0
        total, found = 0.0, dict.fromkeys(places(expression))
        for source in found:
            answer = self.answers.get(source.step, {}).get(source.flat)
            off = answer.half_unit if answer is not None else self.slack(source)
            if off:
                shifted = self._with(expression, source, off)
                change = abs(float(shifted) - float(self.follows(place)))
                total += change if math.isfinite(change) else 0.0
        return total

    def evaluated(self, expression: Expression) -> Any:
        """The value of an expression with the learner's numbers in it."""
        return _value(expression, self.number)

    def _with(self, expression: Expression, source: Place, off: float) -> Any:
        def lookup(place: Place) -> Any:
            return self.number(place) + off if place == source else self.number(place)

        return _value(expression, lookup)

    def _worked_out(self, place: Place) -> Any:
        step = self.work.steps[place.step]
        own = masked(self, step, place.flat)
        if own is not None:
            return own
        expression = step.expression(place.flat)
        return step.number_at(place.flat) if expression is None else self.evaluated(expression)

    def _array(self, step: Step, number: Callable[[Place], Any]) -> Any:
        made = np.empty(step.value.size, object)
        for i in range(made.size):
            value = number(Place(step.number, i))
            made[i] = value if isinstance(value, Exact) else Exact(value)
        return made.reshape(step.value.shape)


def masked(own: Own, step: Step, flat: int) -> Any:
    """The gradient through a ReLU: where it passes depends on the learner's own input, which the
    formula with numbers, made of the right ones, does not know. None for other steps."""
    if step.name != "d_x" or not step.layer.startswith("relu") or step.phase != "backward":
        return None
    forward = next((s for s in own.work.steps if s.layer == step.layer and s.name == "y"
                    and s.phase == "forward" and s.time == step.time), None)
    expression = step.expression(flat)
    if forward is None or expression is None or forward.value.shape != step.value.shape:
        return None
    inner = forward.expression(flat)
    entering = None if inner is None else next(places(inner), None)
    gradient = next(places(expression), None)
    if entering is None or gradient is None:
        return None
    return own.number(gradient) if own.number(entering) > 0 else Exact(0)


def _value(expression: Expression, lookup: Callable[[Place], Any]) -> Any:
    try:
        value = evaluate(expression, lookup)
        return value if isinstance(value, Exact) else Exact(value)
    except (ArithmeticError, ValueError, TypeError):
        # A learner's numbers may lead nowhere: a root below 0, a power beyond all bounds. What
        # comes of them then is no number, and nothing agrees with it.
        return Exact.inexact(math.nan)
