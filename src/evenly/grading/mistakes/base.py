"""What a mistake is: a step as it comes out when it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from ...byhand.exact import Exact
from ...byhand.expressions import Apply, Expression, Number, Place, places
from ...byhand.recorder import Step
from ...exercises.base import Exercise
from ..own import Own

Rule = Callable[[Expression], Expression | None]


class NotHere(Exception):
    """A mistake cannot be made at this step: what it would be made with is not there."""


@dataclass(frozen=True)
class Mistake:
    """A known mistake.

    Attributes:
        name: ``"divided by n - 1"``.
        words: what was done, and the rule.
        advice: how it comes out right.
        at: titles of the steps at which it is made, as patterns: ``"*norm_*.variance"``.
        wrong: gives the whole step as it comes out with the mistake, from the learner's own earlier
            numbers; or several such, where it can be made in several ways.
        phase: of the step; "" for any.
    """

    name: str
    words: str
    advice: str
    at: tuple[str, ...]
    wrong: Callable[[Context], Any]
    phase: str = ""

    def applies(self, step: Step) -> bool:
        """Whether it can be made at a step."""
        title = f"{step.layer}.{step.name}" if step.layer else step.name
        return self.phase in ("", step.phase) and any(fnmatchcase(title, at) for at in self.at)

    def versions(self, context: Context) -> list[Any]:
        """The step as it comes out with the mistake, of the step's shape; none where the mistake
        cannot be made."""
        found = []
        try:
            # Wrong numbers may be beyond all bounds.
            with np.errstate(all="ignore"):
                made = self.wrong(context)
                single = isinstance(made, (np.ndarray, Exact))
                for version in [made] if single else made:
                    array = np.asarray(version, object)
                    if array.size == context.step.value.size:
                        found.append(array.reshape(context.step.value.shape))
        except (NotHere, ArithmeticError, ValueError):
            # ValueError is NumPy's for shapes that do not go together: the mistake needs others,
            # a square matrix for instance, and so was not made here.
            pass
        return found


@dataclass(frozen=True)
class Context:
    """What a mistake is computed from.

    Attributes:
        exercise: what was asked.
        own: the calculation with the learner's numbers.
        step: at which the mistake is made.
    """

    exercise: Exercise
    own: Own
    step: Step

    # Arrays --------------------------------------------------------------------------------------

    def find(self, name: str, phase: str = "", layer: str | None = None) -> Step:
        """The step of this name in the same layer: of the same phase if there is one, the last in
        front of this one."""
        layer = self.step.layer if layer is None else layer
        found = [s for s in self.own.work.steps if s.layer == layer and s.name == name
                 and s.number != self.step.number and phase in ("", s.phase)]
        before = [s for s in found if s.number < self.step.number]
        same = [s for s in before if s.phase == self.step.phase]
        for some in (same, before, found):
            if some:
                return some[-1]
        raise NotHere(name)

    def get(self, name: str, phase: str = "", layer: str | None = None) -> Any:
        """The learner's numbers of a step."""
        return self.own.array(self.find(name, phase, layer))

    def has(self, name: str, phase: str = "") -> bool:
        try:
            return bool(self.find(name, phase))
        except NotHere:
            return False

    @property
    def now(self) -> Any:
        """This step without the mistake, from the learner's earlier numbers."""
        return self.own.following(self.step)

    def cells(self, step: Step | None = None) -> list[Expression]:
        """The formulas with numbers of a step, of the branches that the learner's numbers take."""
        step = self.step if step is None else step
        if step is self.own.work.steps[step.number]:
            step = self.own.taken.steps[step.number]
        made = [step.expression(i) for i in range(step.value.size)]
        if step.origin is None:
            raise NotHere(step.title)
        return [cell for cell in made if cell is not None]

    def entering(self) -> Any:
        """The array that enters the layer forward."""
        phase = "inference" if self.step.phase == "inference" else "forward"
        return self.own.array(self._source(phase, ("sum", "padded", "product", "y"), "mask"))

    def d_y(self) -> Any:
        """The gradient that enters the layer backward."""
        return self.own.array(self._source("backward", ()))

    def _source(self, phase: str, names: tuple[str, ...], no: str = "") -> Step:
        """What the layer's steps of a phase are first made of, from outside of it."""
        steps = self.own.work.steps
        own = [s for s in steps if s.layer == self.step.layer and s.phase == phase]
        for step in [s for s in own if s.name in names] + own:
            for cell in self.cells(step):
                for place in places(cell):
                    source = steps[place.step]
                    gradient = source.phase == "backward" or source.name.startswith("d_")
                    if (source.layer != self.step.layer and source.name != no
                            and gradient == (phase == "backward")):
                        return source
        raise NotHere("what enters")

    # Formulas ------------------------------------------------------------------------------------

    def through(self, name: str) -> Context:
        """The same with the formulas written out through an earlier step, if there is one of this
        name: what became of its own numbers does not count then."""
        if not self.has(name):
            return self
        visible = {s.number for s in self.own.work.steps} - {self.find(name).number}
        return replace(self, step=self.own.taken.through(self.step, visible))

    def each(self, change: Callable[[Expression], Expression], step: Step | None = None) -> Any:
        """The step with every number's formula changed."""
        step = self.step if step is None else step
        values = [self.own.evaluated(change(cell)) for cell in self.cells(step)]
        return exact_array_of(values, step.value.shape)

    def changed(self, rule: Rule) -> Any:
        """The step with a rule applied wherever it fits in the formulas.

        Raises:
            NotHere: it fits nowhere.
        """
        found = False

        def noting(expression: Expression) -> Expression | None:
            nonlocal found
            other = rule(expression)
            found = found or other is not None
            return other

        made = self.each(lambda cell: everywhere(cell, noting))
        if not found:
            raise NotHere("no such operation")
        return made

    def put(self, step: Step, value: Callable[[int], Any]) -> Any:
        """The step with other numbers in place of an earlier step's, by their flat indices."""
        def rule(e: Expression) -> Expression | None:
            here = isinstance(e, Number) and e.place is not None and e.place.step == step.number
            return Number(value(e.place.flat)) if here else None  # type: ignore[union-attr]

        return self.changed(rule)

    def moved(self, to: Callable[[Place], Place]) -> Any:
        """The step with numbers taken from other places."""
        def rule(e: Expression) -> Expression | None:
            if not isinstance(e, Number) or e.place is None:
                return None
            other = to(e.place)
            return None if other == e.place else Number(self.own.number(other), other)

        return self.changed(rule)

    def swapped(self, first: str, second: str) -> Any:
        """The step with two earlier ones exchanged."""
        a, b = self.find(first).number, self.find(second).number
        return self.moved(lambda p: Place({a: b, b: a}.get(p.step, p.step), p.flat))

    def setting(self, name: str) -> Any:
        """A number of the exercise that is no step: its setting, or an input of one number."""
        for numbers in (self.exercise.solution.setting, self.exercise.inputs):
            value = numbers.get(name)
            if value is not None and np.size(value) == 1:
                return Exact(np.asarray(value, object).reshape(-1)[0])
        raise NotHere(name)


def exact_array_of(values: Iterable[Any], shape: tuple[int, ...]) -> Any:
    """An object array of numbers, of a shape."""
    values = list(values)
    made = np.empty(len(values), object)
    for i, value in enumerate(values):
        made[i] = value if isinstance(value, Exact) else Exact(value)
    return made.reshape(shape)


def mapped(function: Callable[[Any], Any], array: Any) -> Any:
    """The array with a function applied to each number."""
    return exact_array_of([function(v) for v in array.reshape(-1)], array.shape)


def everywhere(expression: Expression, rule: Rule) -> Expression:
    """The expression with a rule applied to its parts, from the inside out; the rule gives None
    for what it leaves alone."""
    if isinstance(expression, Apply):
        arguments = tuple(everywhere(a, rule) for a in expression.arguments)
        expression = Apply(expression.operation, arguments)
    other = rule(expression)
    return expression if other is None else other


def at(*names: str) -> tuple[str, ...]:
    """Titles of these names, of any layer or none."""
    return tuple(title for name in names for title in (name, f"*.{name}"))


# Rules -----------------------------------------------------------------------------------------


def operation(name: str, change: Callable[..., Expression | None]) -> Rule:
    """A rule for one operation: its arguments changed to something else."""
    def rule(e: Expression) -> Expression | None:
        return change(*e.arguments) if isinstance(e, Apply) and e.operation == name else None

    return rule


def first_alone(name: str) -> Callable[[Context], Any]:
    """The step without an operation: of its arguments the first stands alone."""
    return lambda c: c.changed(operation(name, lambda first, *rest: first))


def turned(c: Context) -> Any:
    """The step with the two sides of a difference exchanged."""
    return c.changed(operation("subtract", lambda a, b: Apply("subtract", (b, a))))


def unsquared(c: Context) -> tuple[Any, Any]:
    """The step with numbers, or their sizes, in place of their squares."""
    return (c.changed(operation("multiply", lambda a, b: a if a == b else None)),
            c.changed(operation("multiply", lambda a, b: Apply("absolute", (a,)) if a == b
                                else None)))


def not_averaged(c: Context) -> Any:
    """The step with sums in place of means."""
    return c.changed(operation("mean", lambda *terms: Apply("add", terms) if len(terms) > 1
                               else None))


def without_root(c: Context) -> Any:
    """The step with what stands under a root."""
    return c.changed(under_root)


def is_constant(e: Expression) -> bool:
    """Whether it is a number of the formula itself, such as a rate."""
    if isinstance(e, Apply):
        return all(map(is_constant, e.arguments))
    return isinstance(e, Number) and e.place is None


def number(value: Any) -> Number:
    """A constant."""
    return Number(value if isinstance(value, Exact) else Exact(value))


def times(*factors: Expression) -> Expression:
    """A product."""
    made = factors[0]
    for factor in factors[1:]:
        made = Apply("multiply", (made, factor))
    return made


def factors(e: Expression) -> list[Expression]:
    """What a product consists of."""
    if isinstance(e, Apply) and e.operation == "multiply":
        return [f for a in e.arguments for f in factors(a)]
    return [e]


def under_root(e: Expression) -> Expression | None:
    return e.arguments[0] if isinstance(e, Apply) and e.operation == "sqrt" else None


def _small(e: Expression) -> bool:
    """Whether it is an epsilon: a constant. Those of exercises need not be small."""
    return isinstance(e, Number) and e.place is None and float(e.value) > 0


def _without_epsilon(*terms: Expression) -> Expression | None:
    left = [t for t in terms if not _small(t)]
    return left[0] if len(left) == 1 and len(terms) == 2 else None


without_epsilon = operation("add", _without_epsilon)


def epsilon_outside(e: Expression) -> Expression | None:
    """sqrt(v + epsilon) as sqrt(v) + epsilon."""
    if not (isinstance(e, Apply) and e.operation == "sqrt"):
        return None
    inner = e.arguments[0]
    if not (isinstance(inner, Apply) and inner.operation == "add"):
        return None
    rest = _without_epsilon(*inner.arguments)
    if rest is None:
        return None
    small = next(t for t in inner.arguments if _small(t))
    return Apply("add", (Apply("sqrt", (rest,)), small))


def epsilon_inside(e: Expression) -> Expression | None:
    """sqrt(v) + epsilon as sqrt(v + epsilon)."""
    if not (isinstance(e, Apply) and e.operation == "add" and len(e.arguments) == 2):
        return None
    rest = _without_epsilon(*e.arguments)
    if not (isinstance(rest, Apply) and rest.operation == "sqrt"):
        return None
    small = next(t for t in e.arguments if _small(t))
    return Apply("sqrt", (Apply("add", (rest.arguments[0], small)),))


def mean_divided_by_less(*terms: Expression) -> Expression | None:
    """A mean divided by n - 1."""
    if len(terms) < 2:
        return None
    return Apply("divide", (Apply("add", terms), number(len(terms) - 1)))
