"""Mistakes of updates: momentum, RMSprop, Adam, penalties, clipping; and of what surrounds
training: schedules, initialization, mini-batches, scaling of inputs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...exact import Exact
from ...expressions import Apply, Expression, Number, Place
from .base import (
    Context,
    Mistake,
    NotHere,
    epsilon_inside,
    exact_array_of,
    factors,
    is_constant,
    number,
    operation,
    times,
    without_epsilon,
    without_root,
)
from .blends import blended, parts_of


def _at(*names: str) -> tuple[str, ...]:
    """Titles of these names, of any layer or none."""
    return tuple(title for name in names for title in (name, f"*.{name}"))


# Averages and their correction --------------------------------------------------------------------


def _own_weight(c: Context) -> Iterator[Any]:
    """The new value with the other weight: 1 in place of 1 - beta, 1 - beta in place of 1."""
    parts = parts_of(c)
    yield parts.a * parts.x + parts.y
    if all(b == 1 for b in parts.b.reshape(-1)):
        yield parts.a * parts.x + (1 - parts.a) * parts.y


def _swapped_weights(c: Context) -> Any:
    parts = parts_of(c)
    if all(b == 1 for b in parts.b.reshape(-1)):
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


def _uncorrected(c: Context) -> Any:
    return _correction(c)[0]


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
        return c.changed(without_root)
    except NotHere:
        return _first_of(c, ("root", "v_hat"), ("root", "s"))


def _gradient_for_velocity(c: Context) -> Any:
    velocity = c.find("velocity")
    gradient = parts_of(Context(c.exercise, c.own, velocity)).y.reshape(-1)
    used = c.find("corrected") if c.has("corrected") else velocity

    def rule(e: Expression) -> Expression | None:
        here = isinstance(e, Number) and e.place is not None and e.place.step == used.number
        return Number(gradient[e.place.flat]) if here else None  # type: ignore[union-attr]

    return c.changed(rule)


def _uncorrected_step(c: Context) -> Any:
    return _first_of(c, ("m_hat", "m"), ("corrected", "velocity"))


def _decay_reversed(c: Context) -> Any:
    """The shrinking factor 1 - d as 1 + d."""
    def change(a: Expression, b: Expression) -> Expression | None:
        if not is_constant(b):
            return None
        return Apply("multiply", (a, number(2 - Exact(c.own.evaluated(b)))))

    return c.changed(operation("multiply", change))


# Penalties and clipping ---------------------------------------------------------------------------


def _strength_forgotten(c: Context) -> Any:
    def change(e: Expression) -> Expression:
        rest = [f for f in factors(e) if not is_constant(f)]
        if not rest or len(rest) == len(factors(e)):
            raise NotHere("a strength")
        return times(*rest)

    return c.each(change)


def _sign_forgotten(c: Context) -> Any:
    def rule(e: Expression) -> Expression | None:
        return e.arguments[0] if isinstance(e, Apply) and e.operation == "sign" else None

    return c.changed(rule)


def _is_l2(c: Context) -> None:
    if "l2" not in c.step.formula:
        raise NotHere("a squared penalty")


def _l2_times(c: Context, factor: Any) -> Any:
    _is_l2(c)
    return c.now * factor


def _limit(c: Context) -> tuple[Any, Any]:
    """(what a norm is clipped to, the norm); NotHere where nothing is clipped by a norm."""
    for cell in c.cells():
        for part in factors(cell):
            if isinstance(part, Apply) and part.operation == "divide" \
                    and is_constant(part.arguments[0]):
                return c.own.evaluated(part.arguments[0]), c.own.evaluated(part.arguments[1])
    raise NotHere("a limit")


def _unclipped(c: Context) -> Any:
    """The gradient in front of clipping."""
    def gradient(e: Expression) -> Expression:
        rest = [f for f in factors(e) if not (isinstance(f, Apply) and f.operation == "divide")
                and not is_constant(f)]
        if len(rest) != 1:
            raise NotHere("a gradient")
        while isinstance(rest[0], Apply) and rest[0].operation in ("minimum", "maximum"):
            rest = [a for a in rest[0].arguments if not is_constant(a)]
        return rest[0]

    return c.each(gradient)


def _within_limit(c: Context) -> Any:
    """What is within the limit, scaled nevertheless."""
    try:
        _limit(c)
    except NotHere:
        norm = c.get("norm", layer="") if any(s.name == "norm" and s.layer == ""
                                              for s in c.own.work.steps) else c.get("norm")
        return _unclipped(c) * c.setting("max_norm") / norm
    raise NotHere("it is beyond the limit")


def _own_norm(c: Context) -> Any:
    limit, _ = _limit(c)
    g = _unclipped(c)
    norm = np.sqrt(np.asarray((g * g).sum(), object))[()]
    return g * limit / norm if norm > limit else g


def _squared_norm(c: Context) -> Any:
    limit, norm = _limit(c)
    return _unclipped(c) * limit / (norm * norm)


def _each_clipped(c: Context) -> Any:
    limit, _ = _limit(c)
    g = _unclipped(c)
    return exact_array_of([max(min(v, limit), -limit) for v in g.reshape(-1)], g.shape)


def _limit_forgotten(c: Context) -> Any:
    _, norm = _limit(c)
    return _unclipped(c) / norm


def _absolute_sum(c: Context) -> Any:
    def change(e: Expression) -> Expression:
        inner = without_root(e)
        if not (isinstance(inner, Apply) and inner.operation == "add"):
            raise NotHere("a norm")
        return Apply("add", tuple(Apply("absolute", (factors(t)[0],)) for t in inner.arguments))

    return c.each(change)


# Around training ----------------------------------------------------------------------------------


def _shares(c: Context, change: Any) -> Any:
    """c / (fan_in + fan_out), with another divisor."""
    def rule(e: Expression) -> Expression | None:
        if not (isinstance(e, Apply) and e.operation == "divide"):
            return None
        above, below = e.arguments
        if isinstance(below, Apply) and below.operation == "add" and len(below.arguments) == 2:
            made = change(above, *below.arguments)
            return made if made is None or isinstance(made, (Apply, Number)) else None
        return None

    return c.changed(rule)


def _divide(a: Expression, b: Expression) -> Expression:
    return Apply("divide", (a, b))


def _epochs_off(c: Context) -> Iterator[Any]:
    """The rate one epoch earlier or later."""
    epochs = [s for s in c.own.work.steps if s.name in ("epoch", "t", "step", "epochs")
              and s.origin is None]
    for off in (-1, 1):
        for epoch in epochs:
            def later(e: Expression, n: int = epoch.number, by: int = off) -> Expression | None:
                here = isinstance(e, Number) and e.place is not None and e.place.step == n
                return Number(c.own.number(e.place) + by) if here else None  # type: ignore
            yield c.changed(later)
        try:
            yield c.changed(operation("power", lambda a, b, by=off:  # type: ignore[misc]
                                      Apply("power", (a, Apply("add", (b, number(by)))))))
        except NotHere:
            continue
    if c.step.value.size > 1 and c.step.value.ndim == 1:
        now = c.now
        yield np.concatenate([now[:1], now[:-1]])


def _test_statistics(c: Context) -> Iterator[Any]:
    """Test rows on a scale measured on themselves."""
    x = c.each(_leftmost)
    if x.ndim != 2 or len(x) < 2:
        raise NotHere("rows")
    mean = x.sum(axis=0) / len(x)
    variance = ((x - mean) * (x - mean)).sum(axis=0) / len(x)
    yield (x - mean) / np.sqrt(variance)


def _leftmost(e: Expression) -> Expression:
    while isinstance(e, Apply) and e.operation in ("divide", "subtract", "multiply"):
        e = e.arguments[0]
    return e


_AVERAGES = _at("velocity", "m", "v", "s")
_INITIAL = _at("variance", "deviation", "bound", "limit", "xavier_variance", "xavier_deviation",
               "he_variance", "he_deviation")

UPDATES = (
    Mistake("1 - beta missing", "The new value came in whole, or with a weight that it has not "
            "here.", "Look at the rule: an average weights the new value by 1 - beta, a sum by 1.",
            _AVERAGES, _own_weight),
    Mistake("beta swapped", "The old value was weighted by 1 - beta and the new one by beta.",
            "Beta belongs to the old value.", _AVERAGES, _swapped_weights),
    Mistake("square of the gradient forgotten", "The gradient itself was averaged.",
            "Square each number of the gradient.", _at("v", "s"), _square_forgotten),
    Mistake("old average forgotten", "Only the new gradient was taken.",
            "Add beta times the old value.", _AVERAGES, _old_forgotten),
    Mistake("no bias correction", "The average was not divided by 1 - beta^t.",
            "Divide by 1 - beta^t.", _at("m_hat", "v_hat", "corrected"), _uncorrected),
    Mistake("bias correction of another step", "The exponent t is off: steps are counted from 1.",
            "Divide by 1 - beta^t with the number t of this step.",
            _at("m_hat", "v_hat", "corrected"), _correction_off),
    Mistake("bias correction turned round", "It was multiplied by 1 - beta^t, or divided by beta^t.",
            "Divide by 1 - beta^t.", _at("m_hat", "v_hat", "corrected"), _correction_turned),
    Mistake("step uphill", "The step was added: the loss grows.",
            "Subtract the learning rate times the direction.", _at("value"), _ascent, "update"),
    Mistake("learning rate forgotten", "The whole gradient was subtracted.",
            "Multiply it by the learning rate.", _at("value"), lambda c: c.each(_without_rate),
            "update"),
    Mistake("old weights forgotten", "Only the step was computed.",
            "Subtract it from the old weights.", _at("value"),
            lambda c: (lambda s: (s, -s))(c.each(_only_the_step)), "update"),
    Mistake("uncorrected average in the step", "The step was made with the average before its bias "
            "was corrected.", "Use the corrected average.", _at("value"), _uncorrected_step,
            "update"),
    Mistake("m_hat and v_hat swapped", "The averages changed places.",
            "m_hat above, the root of v_hat below.", _at("value"),
            lambda c: c.swapped("m_hat", "v_hat"), "update"),
    Mistake("root forgotten in the step", "The gradient was divided by the mean square.",
            "Divide by its root.", _at("value"), _root_forgotten, "update"),
    Mistake("root not taken", "The square stands here.", "Take the root, number by number.",
            _at("root"), lambda c: c.changed(without_root), "update"),
    Mistake("epsilon under the root", "Epsilon was added before the root was taken.",
            "Add epsilon to the root.", _at("value"), lambda c: c.changed(epsilon_inside), "update"),
    Mistake("epsilon forgotten in the step", "Epsilon is missing in the divisor.",
            "Add epsilon to the root.", _at("value"), lambda c: c.changed(_any_epsilon), "update"),
    Mistake("not divided by the root", "The gradient was not divided by its root mean square.",
            "Divide by the root.", _at("value"),
            lambda c: c.changed(operation("divide", lambda a, b: a)), "update"),
    Mistake("gradient in place of the velocity", "The step was made with the gradient alone.",
            "Subtract the learning rate times the velocity.", _at("value"), _gradient_for_velocity,
            "update"),
    Mistake("weight decay with the wrong sign", "The weights grew instead of shrinking.",
            "Multiply by 1 - rate times weight decay.", _at("decayed"), _decay_reversed),
    Mistake("weight decay forgotten", "The weights were not shrunk.",
            "Multiply by 1 - rate times weight decay.", _at("decayed"),
            lambda c: c.changed(operation("multiply", lambda a, b: a))),
    Mistake("1/2 missing in the penalty", "The penalty was not halved.",
            "It is strength / 2 times the sum of the squares.", _at("penalty"),
            lambda c: _l2_times(c, 2)),
    Mistake("factor 2 in the penalty's gradient", "The gradient was doubled, or halved: the 1/2 of "
            "the penalty and the 2 of the square cancel.", "It is strength times the weight.",
            _at("d_penalty"), lambda c: (_l2_times(c, 2), _l2_times(c, Exact(1) / 2))),
    Mistake("strength of the penalty forgotten", "The penalty was not multiplied by its strength.",
            "Multiply by the strength.", _at("penalty", "d_penalty"), _strength_forgotten),
    Mistake("weights not squared in the penalty", "The weights were added up without squares.",
            "Square each weight first.", _at("penalty"),
            lambda c: (c.changed(operation("multiply", lambda a, b: a if a == b else None)),
                       c.changed(operation("multiply", lambda a, b:
                                           Apply("absolute", (a,)) if a == b else None)))),
    Mistake("absolute value forgotten in the penalty", "The weights were added up with their "
            "signs.", "Add up their absolute values.", _at("penalty"),
            lambda c: c.changed(operation("absolute", lambda a: a))),
    Mistake("weight for its sign", "The gradient of |w| was taken to be w.",
            "It is the sign of w: 1, -1 or 0.", _at("d_penalty"), _sign_forgotten),
    Mistake("penalty's gradient forgotten", "Only the gradient of the loss was taken.",
            "Add the penalty's gradient.", _at("g"),
            lambda c: c.changed(operation("add", lambda *terms: terms[0]))),
    Mistake("penalty's gradient subtracted", "The penalty's gradient was subtracted.",
            "Add it: the step then shrinks the weights.", _at("g"),
            lambda c: c.changed(operation("add", lambda *terms: Apply("subtract", terms[:2])))),
    Mistake("root of the norm forgotten", "The sum of squares was taken for the norm.",
            "Take its root.", _at("norm"), lambda c: c.changed(without_root)),
    Mistake("absolute values for the norm", "The absolute values were added up.",
            "The root of the sum of squares.", _at("norm"), _absolute_sum),
    Mistake("not clipped", "The gradient stayed as it was, though beyond the limit.",
            "Multiply by limit / norm.", _at("clipped"), _unclipped),
    Mistake("scaled though within the limit", "The gradient is within the limit already.",
            "Leave it as it is.", _at("clipped"), _within_limit),
    Mistake("clipped by the squared norm", "It was divided by the squared norm.",
            "Multiply by limit / norm.", _at("clipped"), _squared_norm),
    Mistake("clipped by its own norm", "The norm of this array alone was used.",
            "Use the norm of all gradients together.", _at("clipped"), _own_norm),
    Mistake("each number clipped", "Each number was cut off at the limit.",
            "The whole gradient is multiplied by limit / norm: its direction stays.",
            _at("clipped"), _each_clipped),
    Mistake("limit forgotten in clipping", "The gradient was divided by its norm.",
            "Multiply by limit / norm.", _at("clipped"), _limit_forgotten),
    Mistake("fan_in alone", "Only the inputs were counted.",
            "Xavier counts inputs and outputs: 2 / (fan_in + fan_out).", _INITIAL,
            lambda c: _shares(c, lambda n, a, b: _divide(number(1), a))),
    Mistake("He instead of Xavier", "2 / fan_in was computed.",
            "Xavier counts inputs and outputs: 2 / (fan_in + fan_out).", _INITIAL,
            lambda c: _shares(c, lambda n, a, b: _divide(n, a))),
    Mistake("fan_out alone", "Only the outputs were counted.",
            "Xavier counts inputs and outputs: 2 / (fan_in + fan_out).", _INITIAL,
            lambda c: _shares(c, lambda n, a, b: _divide(n, b))),
    Mistake("variance instead of deviation", "The variance was given.",
            "The deviation is its root.", _at("deviation", "bound", "xavier_deviation",
                                              "he_deviation"),
            lambda c: c.changed(without_root)),
    Mistake("learning rate of another epoch", "The rate is that of the epoch before or after.",
            "Look from which number epochs are counted.",
            _at("rate", "rates", "learning_rate", "learning_rates"), _epochs_off),
    Mistake("scaled by the test set's statistics", "The test rows were scaled by their own mean and "
            "deviation.", "Use mean and deviation of the training set.",
            _at("test_scaled", "scaled_test", "new_x_hat", "test_x_hat"), _test_statistics),
    Mistake("mini-batches rounded down", "The last, smaller mini-batch was not counted.",
            "Round up: the rest is a mini-batch as well.",
            _at("batches", "mini_batches", "steps_per_epoch"), lambda c: c.now - 1),
)


def _any_epsilon(e: Expression) -> Expression | None:
    """sqrt(v) + epsilon, however large the epsilon of an exercise is."""
    if not (isinstance(e, Apply) and e.operation == "add" and len(e.arguments) == 2):
        return None
    left = [a for a in e.arguments if not is_constant(a)]
    return left[0] if len(left) == 1 else without_epsilon(e)
