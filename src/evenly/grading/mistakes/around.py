"""Mistakes around training: initialization, schedules, mini-batches, scaling of inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...byhand.exact import Exact
from ...byhand.expressions import Apply, Expression, Number
from .base import Context, Mistake, NotHere, Rule, at, factors, number, operation, without_root


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


def _one_fan(c: Context, gain: Any, *names: str) -> Any:
    """c / fan_in with what stands under these names below, and perhaps another number above."""
    first, *others = (c.get(name, layer="") for name in names)
    below = np.asarray(sum(others, first), object)

    def change(e: Expression) -> Expression:
        if not (isinstance(e, Apply) and e.operation == "divide"
                and isinstance(e.arguments[1], Number)):
            raise NotHere("one fan")
        above = e.arguments[0] if gain is None else number(gain)
        return Apply("divide", (above, number(below.reshape(-1)[0])))

    return c.each(change)


def _fan_out(c: Context) -> Any:
    try:
        return _shares(c, lambda n, a, b: _divide(n, b))
    except NotHere:
        return _one_fan(c, None, "fan_out")


def _rounded_down(c: Context) -> Any:
    for cell in c.cells():
        if isinstance(cell, Apply) and cell.operation == "ceil":
            quotient = float(c.own.evaluated(cell.arguments[0]))
            if quotient == int(quotient):
                raise NotHere("a rest")
    return c.now - 1


def _epochs_off(c: Context) -> Iterator[Any]:
    """The rate one epoch earlier or later."""
    epochs = {s.number for s in c.own.work.steps if s.origin is None
              and s.name in ("epoch", "epochs", "t", "step")}
    for off in (-1, 1):
        for rule in (_later(c, epochs, off), _power(off)):
            try:
                yield c.changed(rule)
            except NotHere:
                continue
    if c.step.value.size > 1 and c.step.value.ndim == 1:
        now = c.now
        yield np.concatenate([now[:1], now[:-1]])


def _later(c: Context, epochs: set[int], off: int) -> Rule:
    def rule(e: Expression) -> Expression | None:
        if isinstance(e, Number) and e.place is not None and e.place.step in epochs:
            return Number(c.own.number(e.place) + off)
        return None

    return rule


def _power(off: int) -> Rule:
    return operation("power", lambda a, b: Apply("power", (a, Apply("add", (b, number(off))))))


def _test_statistics(c: Context) -> Iterator[Any]:
    """Test rows on a scale measured on themselves."""
    x = c.each(_leftmost)
    if x.ndim != 2 or len(x) < 2:
        raise NotHere("rows")
    mean = x.sum(axis=0) / len(x)
    variance = ((x - mean) * (x - mean)).sum(axis=0) / len(x)
    deviation = np.sqrt(variance)
    deviation[deviation == 0] = Exact(1)
    yield (x - mean) / deviation


def _leftmost(e: Expression) -> Expression:
    while isinstance(e, Apply) and e.operation in ("divide", "subtract", "multiply"):
        e = e.arguments[0]
    return e


_INITIAL = at("variance", "deviation", "bound", "limit", "xavier_variance", "xavier_deviation",
               "he_variance", "he_deviation")


AROUND = (
    Mistake("fan_in alone", "Only the inputs were counted.",
            "Xavier counts inputs and outputs: 2 / (fan_in + fan_out).", _INITIAL,
            lambda c: _shares(c, lambda n, a, b: _divide(number(1), a))),
    Mistake("He instead of Xavier", "2 / fan_in was computed.",
            "Xavier counts inputs and outputs: 2 / (fan_in + fan_out).", _INITIAL,
            lambda c: _shares(c, lambda n, a, b: _divide(n, a))),
    Mistake("fan_out alone", "Only the outputs were counted.",
            "Xavier counts inputs and outputs: 2 / (fan_in + fan_out); He inputs: 2 / "
            "fan_in.", _INITIAL, _fan_out),
    Mistake("Xavier instead of He", "Inputs and outputs were counted.",
            "He counts the inputs: 2 / fan_in.", _INITIAL,
            lambda c: _one_fan(c, None, "fan_in", "fan_out")),
    Mistake("1 in place of 2 above the fan", "1 / fan_in was computed, which does not make up for "
            "what the ReLU cuts off.", "He has 2 / fan_in.", _INITIAL,
            lambda c: _one_fan(c, 1, "fan_in")),
    Mistake("variance instead of deviation", "The variance was given.",
            "The deviation is its root.", at("deviation", "bound", "xavier_deviation",
                                              "he_deviation"),
            without_root),
    Mistake("learning rate of another epoch", "The rate is that of the epoch before or after.",
            "Look from which number epochs are counted.",
            at("rate", "rates", "learning_rate", "learning_rates", "factor"), _epochs_off),
    Mistake("scaled by the test set's statistics", "The test rows were scaled by their own mean "
            "and deviation.", "Use mean and deviation of the training set.",
            at("test_scaled", "test.scaled"), _test_statistics),
    Mistake("mini-batches rounded down", "The last, smaller mini-batch was not counted.",
            "Round up: the rest is a mini-batch as well.",
            at("batches", "steps"), _rounded_down),
    Mistake("last mini-batch taken for a full one", "The last mini-batch was counted like the "
            "others.", "It has what is left: rows - (steps - 1) batch.", at("last"),
            lambda c: c.get("batch")),
    Mistake("weight alone for the factor", "The slope of the activation was left out.",
            "Each layer multiplies the gradient by its weight and by the slope.",
            ("dense_*.factor",), lambda c: (c.changed(operation("multiply", lambda a, b: b)),
                                            c.changed(operation("multiply", lambda a, b: a)))),
    Mistake("factors added, not multiplied", "The factors of the layers were added up.",
            "Multiply them: that is why gradients vanish or explode.", ("product",),
            lambda c: c.each(lambda e: Apply("add", tuple(factors(e))))),

)
