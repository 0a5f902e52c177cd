"""Weighted sums of an old value and a new one: running averages, momentum, Adam's moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...byhand.exact import Exact
from ...byhand.expressions import Apply, Expression
from .base import Context, NotHere, exact_array_of, factors, is_constant, number, times


@dataclass(frozen=True)
class Blend:
    """The parts of ``a x + b y``, number by number."""

    a: Any
    x: Any
    b: Any
    y: Any
    # What y is a product of.
    y_factors: tuple[tuple[Any, ...], ...]


def parts_of(c: Context) -> Blend:
    """The parts of a step that blends.

    Raises:
        NotHere: it is made in another way.
    """
    rows = [_parts(c, cell) for cell in c.cells()]
    shape = c.step.value.shape
    a, x, b, y = (exact_array_of([row[i] for row in rows], shape) for i in range(4))
    return Blend(a, x, b, y, tuple(row[4] for row in rows))


def blended(c: Context, *, swapped: bool = False) -> Any:
    """The blend, or with its weights exchanged."""
    parts = parts_of(c)
    if swapped:
        return parts.b * parts.x + parts.a * parts.y
    return parts.a * parts.x + parts.b * parts.y


def _weight(c: Context, e: Expression) -> Any:
    """The constant factor of a product."""
    for factor in factors(e):
        if is_constant(factor):
            return c.own.evaluated(factor)
    raise NotHere("a weight")


def _parts(c: Context, e: Expression) -> tuple[Any, ...]:
    if isinstance(e, Apply) and e.operation == "multiply":
        # The first step of an average, whose old value, 0, is not written.
        e = Apply("add", (times(number(1 - _weight(c, e)), number(0)), e))
    if not (isinstance(e, Apply) and e.operation == "add" and len(e.arguments) == 2):
        raise NotHere("a blend")
    made: list[Any] = []
    last: tuple[Any, ...] = ()
    for term in e.arguments:
        constants = [f for f in factors(term) if is_constant(f)]
        rest = [f for f in factors(term) if not is_constant(f)]
        if not rest:
            # At the start the old value is a plain 0.
            constants, rest = constants[:1], constants[1:]
        if not rest:
            raise NotHere("a blend")
        # The first constant is the weight; others (n / (n - 1)) belong to the value.
        weight = c.own.evaluated(constants[0]) if constants else Exact(1)
        value = c.own.evaluated(times(*rest, *constants[1:]))
        made += [weight, value]
        last = tuple(c.own.evaluated(f) for f in rest)
    return (*made, last)
