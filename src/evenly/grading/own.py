"""A calculation worked out again from a learner's own numbers.

A formula with numbers is that of a branch: of the positive side of a ReLU, of the window's largest
number. A learner's numbers may take another. So where some are wrong, the whole is solved once more
with them in place, and it is these formulas that his later numbers are compared with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..byhand.exact import Exact
from ..byhand.expressions import Apply, Expression, Number, Place, evaluate, places
from ..byhand.recorder import Step, going_on_from
from ..byhand.work import Work
from ..errors import EvenlyError
from .answers import Answer, agrees

# Phase, layer, name and time of a step.
Key = tuple[str, str, str, int]


@dataclass
class Own:
    """Every step of a work, from the numbers that a learner gave for some of them.

    Arguments:
        work: the calculation with the right numbers.
        answers: what the learner wrote, by number of the step and flat index. What he did not
            write is computed from what he did.
        solve: works it all out once more; None where no number decides between branches.
        window: how wide the windows of max pooling are.
    """

    work: Work
    answers: Mapping[int, Mapping[int, Answer]]
    solve: Callable[[], Work] | None = None
    window: int = 0
    _known: dict[Place, Any] = field(default_factory=dict, repr=False)
    _slack: dict[Place, float] = field(default_factory=dict, repr=False)

    def with_answers(self, answers: Mapping[int, Mapping[int, Answer]]) -> Own:
        """The same calculation with other answers."""
        return Own(self.work, answers, self.solve, self.window)

    @cached_property
    def taken(self) -> Work:
        """The calculation with the branches that the learner's numbers take."""
        wrong: dict[Key, dict[int, Any]] = {}
        for number, answers in self.answers.items():
            step = self.work.steps[number]
            own = {flat: answer.value for flat, answer in answers.items()
                   if not agrees(answer, step.number_at(flat))}
            if own:
                wrong[step.phase, step.layer, step.name, step.time] = own
                if self.window and step.layer.startswith("max_pool2d") and step.name == "y":
                    wrong |= _winners(self.work, step, own, self.window)
        if self.solve is None or not wrong:
            return self.work
        try:
            with going_on_from(wrong):
                again = self.solve()
        except (EvenlyError, ArithmeticError, ValueError):
            # Numbers that lead nowhere: a root below 0, a division by 0.
            return self.work
        return again if _titles(again) == _titles(self.work) else self.work

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
        expression = self.taken.steps[place.step].expression(place.flat)
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
        step = self.taken.steps[place.step]
        expression = step.expression(place.flat)
        if expression is None:
            return self.work.steps[place.step].number_at(place.flat)
        return self.evaluated(with_logistic(expression))

    def _array(self, step: Step, number: Callable[[Place], Any]) -> Any:
        made = np.empty(step.value.size, object)
        for i in range(made.size):
            value = number(Place(step.number, i))
            made[i] = value if isinstance(value, Exact) else Exact(value)
        return made.reshape(step.value.shape)


def alike(a: Expression, b: Expression | None) -> bool:
    """Whether two formulas are the same one, of the same places, whatever numbers stand there."""
    if isinstance(a, Apply):
        return isinstance(b, Apply) and a.operation == b.operation \
            and len(a.arguments) == len(b.arguments) \
            and all(map(alike, a.arguments, b.arguments))
    if isinstance(a, Number) and a.place is not None:
        return isinstance(b, Number) and a.place == b.place
    return a == b


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


def _titles(work: Work) -> list[tuple[str, str, int, tuple[int, ...]]]:
    return [(s.phase, s.title, s.time, s.value.shape) for s in work.steps]


def _winners(work: Work, y: Step, own: Mapping[int, Any], width: int) -> dict[Key, dict[int, Any]]:
    """Where in their windows a learner's numbers of max pooling stand, as the step that says so:
    the gradient goes there. Those that stand nowhere in them stay as they are.

    Arguments:
        work: the right calculation.
        y: the step of the largest numbers.
        own: the learner's wrong ones, by flat index.
        width: of a window, in columns and in rows.
    """
    place = next((s for s in work.steps if (s.phase, s.layer, s.time) == (y.phase, y.layer, y.time)
                  and s.name == "place"), None)
    if place is None:
        return {}
    found: dict[int, Any] = {}
    for flat, value in own.items():
        winner = next(places(y.expression(flat) or _ONE), None)
        if winner is None:
            continue
        x = work.steps[winner.step].value
        batch, *at, channel = np.unravel_index(winner.flat, x.shape)
        row, column = np.array(at) - divmod(int(float(place.number_at(flat))), width)
        window = x[batch, row : row + width, column : column + width, channel].reshape(-1)
        tap = next((i for i, number in enumerate(window) if number == value), None)
        if tap is not None:
            found[flat] = tap
    return {(place.phase, place.layer, place.name, place.time): found}


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
