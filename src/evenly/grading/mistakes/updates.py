"""Mistakes of updates: momentum, RMSprop, Adam."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ...byhand.exact import Exact
from ...byhand.expressions import Apply, Expression, Place
from .base import (
    Context,
    Mistake,
    NotHere,
    at,
    epsilon_inside,
    exact_array_of,
    factors,
    first_alone,
    is_constant,
    number,
    operation,
    times,
    without_epsilon,
    without_root,
)
from .blends import Blend, blended, parts_of

# Averages and their correction --------------------------------------------------------------------


def _weightless(c: Context) -> Any:
    """The new value whole, in an average."""
    parts = parts_of(c)
    if _is_sum(parts):
        raise NotHere("an average")
    return parts.a * parts.x + parts.y


def _averaged(c: Context) -> Any:
    """The new value weighted by 1 - beta, in a sum."""
    parts = parts_of(c)
    if not _is_sum(parts):
        raise NotHere("a sum")
    return parts.a * parts.x + (1 - parts.a) * parts.y


def _is_sum(parts: Blend) -> bool:
    return all(b == 1 for b in parts.b.reshape(-1))


def _corrected_kept(c: Context) -> Any:
    """The average going on from the corrected one before it."""
    hats = {"m": "m_hat", "v": "v_hat", "velocity": "corrected"}
    steps, hat = c.own.work.steps, hats[c.step.name]
    after = {s.number: next((h.number for h in steps[s.number :] if h.layer == s.layer
                             and h.name == hat), s.number)
             for s in steps if s.layer == c.step.layer and s.name == c.step.name
             and s.origin is not None}
    made = c.moved(lambda p: Place(after.get(p.step, p.step), p.flat))
    if all(n >= c.step.number for n in after.values()):
        raise NotHere("an average before it")
    return made


def _uncorrected(c: Context) -> Iterator[Any]:
    """The step, or its root, with averages whose bias was not corrected."""
    own = c.through("root") if c.step.name != "root" else c
    plain = {own.find(hat).number: own.find(name).number
             for hat, name in (("m_hat", "m"), ("v_hat", "v")) if own.has(hat) and own.has(name)}
    if not plain:
        raise NotHere("averages that are corrected")
    yield own.moved(lambda p: Place(plain.get(p.step, p.step), p.flat))
    for hat, name in plain.items():
        try:
            yield own.moved(lambda p: Place(name if p.step == hat else p.step, p.flat))  # noqa: B023
        except NotHere:
            continue


def _swapped_weights(c: Context) -> Any:
    parts = parts_of(c)
    if _is_sum(parts):
        return (1 - parts.a) * parts.x + parts.a * parts.y
    return blended(c, swapped=True)


def _square_forgotten(c: Context) -> Any:
    parts = parts_of(c)
    if any(len(own) != 2 for own in parts.y_factors):
        raise NotHere("a square")
    once = exact_array_of([own[0] for own in parts.y_factors], c.step.value.shape)
    return parts.a * parts.x + parts.b * once


def _old_forgotten(c: Context) -> Iterator[Any]:
    parts = parts_of(c)
    yield parts.b * parts.y
    yield parts.y


def _correction(c: Context) -> tuple[Any, Any, float]:
    """(what is corrected, 1 - beta^t, beta)."""
    cell = c.cells()[0]
    if not (isinstance(cell, Apply) and cell.operation == "divide"
            and is_constant(cell.arguments[1])):
        raise NotHere("a correction")
    before = c.each(lambda e: e.arguments[0] if isinstance(e, Apply) else e)
    name = {"m_hat": "m", "v_hat": "v", "corrected": "velocity"}[c.step.name]
    blend = parts_of(Context(c.exercise, c.own, c.find(name)))
    return before, c.own.evaluated(cell.arguments[1]), blend.a.reshape(-1)[0]


def _correction_off(c: Context) -> Iterator[Any]:
    before, divisor, beta = _correction(c)
    t = round(math.log(1 - float(divisor)) / math.log(float(beta)))
    for other in (t - 1, t + 1, 1):
        if other >= 1 and other != t:
            yield before / (1 - beta**other)
    if t > 1:
        yield before / (1 - beta * t)


def _correction_turned(c: Context) -> Iterator[Any]:
    before, divisor, _ = _correction(c)
    yield before * divisor
    yield before / (1 - divisor)


# The step itself ----------------------------------------------------------------------------------


def _ascent(c: Context) -> Any:
    return c.each(lambda e: Apply("add", e.arguments) if isinstance(e, Apply)
                  and e.operation == "subtract" else e)


def _without_rate(e: Expression) -> Expression:
    """value - D without the constant factor of D."""
    if not (isinstance(e, Apply) and e.operation == "subtract"):
        raise NotHere("a step")
    value, by = e.arguments
    divided = by.arguments[1] if isinstance(by, Apply) and by.operation == "divide" else None
    product = by.arguments[0] if isinstance(by, Apply) and divided is not None else by
    rest = [f for f in factors(product) if not is_constant(f)]
    if not rest or len(rest) == len(factors(product)):
        raise NotHere("a rate")
    made = times(*rest)
    return Apply("subtract", (value, made if divided is None else Apply("divide", (made, divided))))


def _only_the_step(e: Expression) -> Expression:
    if not (isinstance(e, Apply) and e.operation == "subtract"):
        raise NotHere("a step")
    return e.arguments[1]


def _replaced(c: Context, name: str, by: str) -> Any:
    """The step with the numbers of another step in place of one."""
    first, second = c.find(name).number, c.find(by).number
    return c.moved(lambda p: Place(second, p.flat) if p.step == first else p)


def _first_of(c: Context, *pairs: tuple[str, str]) -> Any:
    for name, by in pairs:
        if c.has(name) and c.has(by):
            return _replaced(c, name, by)
    raise NotHere("such a step")


def _root_forgotten(c: Context) -> Any:
    try:
        return without_root(c)
    except NotHere:
        return _first_of(c, ("root", "v_hat"), ("root", "s"))


def _gradient_for_velocity(c: Context) -> Any:
    velocity = c.find("velocity")
    gradient = parts_of(Context(c.exercise, c.own, velocity)).y.reshape(-1)
    used = c.find("corrected") if c.has("corrected") else velocity
    return c.put(used, lambda flat: gradient[flat])


def _decay_reversed(c: Context) -> Any:
    """The shrinking factor 1 - d as 1 + d."""
    def change(a: Expression, b: Expression) -> Expression | None:
        if not is_constant(b):
            return None
        return Apply("multiply", (a, number(2 - Exact(c.own.evaluated(b)))))

    return c.changed(operation("multiply", change))


_AVERAGES, _CORRECTED = at("velocity", "m", "v", "s"), at("m_hat", "v_hat", "corrected")

UPDATES = (
    Mistake("1 - beta missing", "The new value came in whole.",
            "This is an average: it weights the new value by 1 - beta.", _AVERAGES, _weightless),
    Mistake("average in place of a sum", "The new gradient was multiplied by 1 - beta.",
            "Here the velocity is a sum: the new gradient comes in whole.", _AVERAGES, _averaged),
    Mistake("corrected average kept", "The average went on from the one whose bias had been "
            "corrected: m_hat in place of m.", "Only the step uses the corrected average; the "
            "average itself goes on from the old one as it was.", at("m", "v", "velocity"),
            _corrected_kept),
    Mistake("bias not corrected", "The averages were used before their bias was corrected.",
            "Divide m by 1 - beta_1^t and v by 1 - beta_2^t first.", at("value", "root"),
            _uncorrected, "update"),
    Mistake("beta swapped", "The old value was weighted by 1 - beta and the new one by beta.",
            "Beta belongs to the old value.", _AVERAGES, _swapped_weights),
    Mistake("square of the gradient forgotten", "The gradient itself was averaged.",
            "Square each number of the gradient.", at("v", "s"), _square_forgotten),
    Mistake("old average forgotten", "Only the new gradient was taken.",
            "Add beta times the old value.", _AVERAGES, _old_forgotten),
    Mistake("no bias correction", "The average was not divided by 1 - beta^t.",
            "Divide by 1 - beta^t.", _CORRECTED, lambda c: _correction(c)[0]),
    Mistake("bias correction of another step", "The exponent t is off: steps are counted from 1.",
            "Divide by 1 - beta^t with the number t of this step.",
            _CORRECTED, _correction_off),
    Mistake("bias correction turned round", "It was multiplied by 1 - beta^t, or divided by "
            "beta^t.", "Divide by 1 - beta^t.", _CORRECTED, _correction_turned),
    Mistake("step uphill", "The step was added: the loss grows.",
            "Subtract the learning rate times the direction.", at("value"), _ascent, "update"),
    Mistake("learning rate forgotten", "The whole gradient was subtracted.",
            "Multiply it by the learning rate.", at("value"), lambda c: c.each(_without_rate),
            "update"),
    Mistake("old weights forgotten", "Only the step was computed.",
            "Subtract it from the old weights.", at("value"),
            lambda c: (lambda s: (s, -s))(c.each(_only_the_step)), "update"),
    Mistake("uncorrected average in the step", "The step was made with the average before its bias "
            "was corrected.", "Use the corrected average.", at("value"),
            lambda c: _first_of(c, ("m_hat", "m"), ("corrected", "velocity")), "update"),
    Mistake("m_hat and v_hat swapped", "The averages changed places.",
            "m_hat above, the root of v_hat below.", at("value"),
            lambda c: c.through("root").swapped("m_hat", "v_hat"), "update"),
    Mistake("root forgotten in the step", "The gradient was divided by the mean square.",
            "Divide by its root.", at("value"), _root_forgotten, "update"),
    Mistake("root not taken", "The square stands here.", "Take the root, number by number.",
            at("root"), without_root, "update"),
    Mistake("epsilon under the root", "Epsilon was added before the root was taken.",
            "Add epsilon to the root.", at("value"),
            lambda c: c.through("root").changed(epsilon_inside), "update"),
    Mistake("epsilon forgotten in the step", "Epsilon is missing in the divisor.",
            "Add epsilon to the root.", at("value"), lambda c: c.changed(without_epsilon),
            "update"),
    Mistake("not divided by the root", "The gradient was not divided by its root mean square.",
            "Divide by the root.", at("value"), first_alone("divide"), "update"),
    Mistake("gradient in place of the velocity", "The step was made with the gradient alone.",
            "Subtract the learning rate times the velocity.", at("value"), _gradient_for_velocity,
            "update"),
    Mistake("weight decay with the wrong sign", "The weights grew instead of shrinking.",
            "Multiply by 1 - rate times weight decay.", at("decayed"), _decay_reversed),
    Mistake("weight decay forgotten", "The weights were not shrunk.",
            "Multiply by 1 - rate times weight decay.", at("decayed"), first_alone("multiply")),
)
