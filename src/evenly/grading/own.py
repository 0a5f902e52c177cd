"""A calculation worked out again from a learner's own numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..byhand.exact import Exact
from ..byhand.expressions import Apply, Expression, Number, Place, evaluate, places
from ..byhand.recorder import Step
from ..byhand.work import Work
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
    _slack: dict[Place, float] = field(default_factory=dict, repr=False)

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
        if place in self._slack:
            return self._slack[place]
        self._slack[place] = self._off(place) if self._rounded else 0.0
        return self._slack[place]

    @cached_property
    def _rounded(self) -> bool:
        """Whether any number was rounded."""
        return any(a.half_unit for own in self.answers.values() for a in own.values())

    def _off(self, place: Place) -> float:
        expression = self.work.steps[place.step].expression(place.flat)
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
        own = conditional(self, step, place.flat)
        if own is not None:
            return own
        expression = step.expression(place.flat)
        if expression is None:
            return step.number_at(place.flat)
        return self.evaluated(with_logistic(expression))

    def _array(self, step: Step, number: Callable[[Place], Any]) -> Any:
        made = np.empty(step.value.size, object)
        for i in range(made.size):
            value = number(Place(step.number, i))
            made[i] = value if isinstance(value, Exact) else Exact(value)
        return made.reshape(step.value.shape)


def conditional(own: Own, step: Step, flat: int) -> Any:
    """A number that depends on the sign of another: of a ReLU or leaky ReLU, forward or backward.
    The formula with numbers is that of the right number's sign, a learner's may differ. None for
    other steps."""
    if step.name not in ("y", "d_x") or not step.layer.startswith(("relu", "leaky_relu")):
        return None
    forward = next((s for s in own.work.steps if s.layer == step.layer and s.name == "y"
                    and (s.phase == step.phase if step.name == "y" else s.phase == "forward")
                    and s.time == step.time), None)
    expression = step.expression(flat)
    if forward is None or expression is None or forward.value.shape != step.value.shape:
        return None
    inner = forward.expression(flat)
    entering = None if inner is None else next(places(inner), None)
    changed = next(places(expression), None)
    if entering is None or changed is None:
        return None
    value = own.number(changed)
    if own.number(entering) > 0:
        return value
    slope = _slope(forward) if step.layer.startswith("leaky") else Exact(0)
    return None if slope is None else value * slope


def _slope(step: Step) -> Any:
    """The slope below 0 of a leaky ReLU; None if no number is below 0, and so none tells."""
    for flat in range(step.value.size):
        expression = step.expression(flat)
        if isinstance(expression, Apply) and expression.operation == "multiply":
            for argument in expression.arguments:
                if isinstance(argument, Number) and argument.place is None:
                    return argument.value
    return None


def with_logistic(expression: Expression) -> Expression:
    """The expression with 1 / (1 + exp(-x)) for the sigmoid: which of two forms it was computed by
    depends on the sign of x, and a learner's x may have the other."""
    if not isinstance(expression, Apply):
        return expression
    arguments = tuple(with_logistic(a) for a in expression.arguments)
    expression = Apply(expression.operation, arguments)
    if expression.operation == "divide":
        above, below = arguments
        power = next((a for a in below.arguments if _folded(a) is not None), None) \
            if isinstance(below, Apply) and below.operation == "add" else None
        x = None if power is None else _folded(power)
        if x is not None and (_folded(above) is not None or _is_one(above)):
            return Apply("divide", (_ONE, Apply("add", (_ONE, Apply("exp", (
                Apply("negative", (x,)),))))))
    return expression


_ONE = Number(Exact(1))


def _is_one(e: Expression) -> bool:
    return isinstance(e, Number) and e.place is None and bool(e.value == 1)


def _folded(e: Expression) -> Expression | None:
    """x of exp(-|x|); None for something else."""
    for operation in ("exp", "negative", "absolute"):
        if not isinstance(e, Apply) or e.operation != operation:
            return None
        e = e.arguments[0]
    return e


def _value(expression: Expression, lookup: Callable[[Place], Any]) -> Any:
    try:
        value = evaluate(expression, lookup)
        return value if isinstance(value, Exact) else Exact(value)
    except (ArithmeticError, ValueError, TypeError):
        # A learner's numbers may lead nowhere: a root below 0, a power beyond all bounds. What
        # comes of them then is no number, and nothing agrees with it.
        return Exact.inexact(math.nan)
