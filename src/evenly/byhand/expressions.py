"""What one number was computed from: a tree of operations on numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from .exact import Exact


class Place(NamedTuple):
    """Where a number stands: the step's number, and the flat index in its array."""

    step: int
    flat: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number: of an earlier step or of what was given, or a constant of the formula.

    Attributes:
        value: an :class:`Exact` or a float.
        place: where it stands; None for a constant.
    """

    value: Any
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Apply:
    """An operation on expressions.

    Attributes:
        operation: a name in :data:`OPERATIONS`, or of another function.
        arguments: of the operation; any number for ``add``, ``mean``, ``maximum``, ``minimum``.
    """

    operation: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Opaque:
    """A number whose making is not shown: by a function that is not arithmetic."""

    value: Any
    function: str


Expression = Number | Apply | Opaque


def _sum(*values: Any) -> Any:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def _mean(*values: Any) -> Any:
    return _sum(*values) / len(values)


def _of_float(name: str) -> Callable[[Any], Any]:
    """A function that exact numbers have as a method and floats in ``math``."""

    def apply(value: Any) -> Any:
        value = value if isinstance(value, Exact) else Exact.inexact(float(value))
        return getattr(value, name)()

    return apply


OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": _sum,
    "mean": _mean,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: Exact(a) / Exact(b),
    "power": lambda a, b: Exact(a) ** Exact(b),
    "negative": lambda a: -a,
    "absolute": abs,
    "ceil": lambda a: Exact(math.ceil(float(a))),
    "floor": lambda a: Exact(math.floor(float(a))),
    "sign": lambda a: Exact((a > 0) - (a < 0)),
    "maximum": lambda *values: max(values),
    "minimum": lambda *values: min(values),
    **{name: _of_float(name) for name in ("sqrt", "exp", "expm1", "log", "log1p", "tanh", "erfc",
                                          "cos", "sin")},
}


def add(terms: tuple[Expression, ...]) -> Expression:
    """A sum, flat, without the zeros that a formula begins with."""
    flat: list[Expression] = []
    for term in terms:
        if isinstance(term, Apply) and term.operation == "add":
            flat += term.arguments
        elif not (isinstance(term, Number) and term.place is None and term.value == 0):
            flat.append(term)
    if not flat:
        return Number(Exact(0))
    return flat[0] if len(flat) == 1 else Apply("add", tuple(flat))


def evaluate(expression: Expression, lookup: Callable[[Place], Any] | None = None) -> Any:
    """The value of an expression.

    Arguments:
        expression: the tree.
        lookup: gives the number at a place; by default the one that the expression carries. So an
            expression can be worked out again from other numbers.

    Returns:
        An :class:`Exact` or a float.
    """
    if isinstance(expression, Number):
        if lookup is None or expression.place is None:
            return expression.value
        return lookup(expression.place)
    if isinstance(expression, Opaque):
        return expression.value
    operation = OPERATIONS.get(expression.operation)
    if operation is None:
        return Exact.inexact(math.nan)
    return operation(*(evaluate(argument, lookup) for argument in expression.arguments))


def expand(expression: Expression, inner: Callable[[Place], Expression | None]) -> Expression:
    """The expression with numbers replaced by what they were computed from.

    Arguments:
        expression: the tree.
        inner: gives for a place the expression that takes its number's place, or None.
    """
    if isinstance(expression, Number) and expression.place is not None:
        found = inner(expression.place)
        return expression if found is None else expand(found, inner)
    if not isinstance(expression, Apply):
        return expression
    arguments = tuple(expand(argument, inner) for argument in expression.arguments)
    return add(arguments) if expression.operation == "add" else Apply(expression.operation,
                                                                      arguments)


def places(expression: Expression) -> Iterator[Place]:
    """The places of all numbers that an expression uses, in order."""
    if isinstance(expression, Number):
        if expression.place is not None:
            yield expression.place
    elif isinstance(expression, Apply):
        for argument in expression.arguments:
            yield from places(argument)
