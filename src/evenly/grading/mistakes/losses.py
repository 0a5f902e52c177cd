"""Mistakes of losses: softmax, cross-entropy, squared errors, and their gradients."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...byhand.exact import Exact
from ...byhand.expressions import Apply, Expression, Number
from .base import (
    Context,
    Mistake,
    NotHere,
    exact_array_of,
    is_constant,
    mean_not_divided,
    operation,
)


def _logs(array: Any) -> Any:
    return exact_array_of([v.log() for v in array.reshape(-1)], array.shape)


def _scores(c: Context) -> Any:
    """What enters a softmax: the numbers in front of the maximum's subtraction."""
    first = c.find("shifted") if c.has("shifted") else \
        c.step if c.step.name == "powers" else c.find("powers")

    def score(e: Expression) -> Expression:
        while isinstance(e, Apply) and e.operation in ("exp", "subtract"):
            e = e.arguments[0]
        if isinstance(e, Apply):
            raise NotHere("scores")
        return e

    return c.each(score, first)


def _classes(c: Context) -> tuple[Any, Any]:
    """(probabilities, one-hot targets), a row for each example."""
    y_hat, y = c.get("y_hat"), c.get("y")
    if y_hat.shape != y.shape or y_hat.ndim != 2:
        raise NotHere("classes")
    return y_hat, y


def _of_target(c: Context, array: Any) -> Any:
    _, y = _classes(c)
    return (array * y).sum(axis=1)


def _other_class(c: Context) -> Iterator[Any]:
    """The loss of another class: the next one (counted from 1 instead of 0), and so on."""
    y_hat, y = _classes(c)
    for step in range(1, y.shape[1]):
        yield -(_logs(y_hat) * np.roll(y, step, axis=1)).sum(axis=1)


def _without_log(c: Context) -> Iterator[Any]:
    right = _of_target(c, _classes(c)[0])
    yield right
    yield -right
    yield 1 - right


def _other_log(c: Context) -> Iterator[Any]:
    for base in (10, 2):
        yield c.now / Exact.inexact(math.log(base))


def _all_classes(c: Context) -> Iterator[Any]:
    y_hat, _ = _classes(c)
    yield -_logs(y_hat).sum(axis=1)


def _binary(c: Context) -> tuple[Any, Any]:
    p = c.get("p")
    return p, c.get("target", layer="").reshape(p.shape)


def _binary_losses(c: Context, losses: Any) -> Any:
    if c.step.name == "elements":
        return losses
    return np.asarray(losses.sum(axis=1), object) / losses.shape[1]


def _half_forgotten(c: Context) -> Any:
    p, t = _binary(c)
    return _binary_losses(c, -(t * _logs(p)))


def _targets_swapped(c: Context) -> Any:
    p, t = _binary(c)
    return _binary_losses(c, -((1 - t) * _logs(p) + t * _logs(1 - p)))


def _two(e: Expression) -> bool:
    return isinstance(e, Number) and e.place is None and bool(e.value == 2)


def _without_two(a: Expression, b: Expression) -> Expression | None:
    return b if _two(a) else a if _two(b) else None


def _constant_factor(c: Context) -> Any:
    """What a gradient of the loss is divided by: the last constant of the product."""
    cell = c.cells()[0]
    if isinstance(cell, Apply) and cell.operation == "multiply" and is_constant(cell.arguments[-1]):
        return c.own.evaluated(cell.arguments[-1])
    raise NotHere("a mean")


def _not_divided(c: Context) -> Any:
    return c.now / _constant_factor(c)


def _divided_twice(c: Context) -> Any:
    return c.now * _constant_factor(c)


def _target_not_subtracted(c: Context) -> Any:
    """The prediction for the difference of prediction and target."""
    return c.changed(operation("subtract", lambda a, b: a))


_SOFTMAX = ("softmax_*.y", "y_hat", "*.y_hat")

LOSSES = (
    Mistake("softmax without normalizing", "The powers of e were not divided by their sum.",
            "Divide by the sum of the powers of the same row.", _SOFTMAX,
            lambda c: c.get("powers")),
    Mistake("softmax over the wrong axis", "The powers were divided by the sums of the columns.",
            "Each row (example) adds up to 1.", _SOFTMAX,
            lambda c: (lambda p: p / p.sum(axis=0))(c.get("powers"))),
    Mistake("softmax without the exponential", "The scores themselves were divided by their sum.",
            "Take exp of each score first.", _SOFTMAX,
            lambda c: (lambda s: s / s.sum(axis=-1, keepdims=True))(_scores(c))),
    Mistake("maximum not subtracted", "The powers are those of the scores themselves; the result "
            "is the same, but large scores overflow.", "Subtract the largest score of the row.",
            ("softmax_*.powers", "powers"),
            lambda c: exact_array_of([v.exp() for v in _scores(c).reshape(-1)],
                                     c.step.value.shape)),
    Mistake("cross-entropy of the wrong class", "The probability of another class than that of "
            "the target was taken.", "Take the probability of the class that the target names, "
            "counted from 0.", ("losses",), _other_class),
    Mistake("minus sign of the logarithm missing", "The logarithm of a probability is negative, "
            "the loss is not.", "The loss is -log(y_hat) of the right class.",
            ("losses", "elements"),
            lambda c: -c.now if c.has("y_hat") or c.has("p") else ()),
    Mistake("logarithm missing", "The probability itself was taken for the loss.",
            "The loss is -log(y_hat) of the right class.", ("losses",), _without_log),
    Mistake("another logarithm", "The logarithm to base 10 or 2 was taken.",
            "Take the natural logarithm, ln.", ("losses", "elements"),
            lambda c: _other_log(c) if c.has("y_hat") or c.has("p") else ()),
    Mistake("all classes in the loss", "The logarithms of all classes were added up.",
            "Only the class of the target counts: the others are multiplied by 0.", ("losses",),
            _all_classes),
    Mistake("binary cross-entropy: second half forgotten", "Only -t log(p) was taken: targets 0 "
            "have no loss.", "The loss is -t log(p) - (1 - t) log(1 - p).", ("losses", "elements"),
            _half_forgotten),
    Mistake("binary cross-entropy: targets swapped", "p and 1 - p were exchanged.",
            "The loss is -t log(p) - (1 - t) log(1 - p).", ("losses", "elements"),
            _targets_swapped),
    Mistake("error with its sign reversed", "The prediction was subtracted from the target.",
            "The error is the prediction minus the target.", ("error",),
            lambda c: c.changed(operation("subtract", lambda a, b: Apply("subtract", (b, a))))),
    Mistake("error not squared", "The errors were not squared.", "Square each error.",
            ("elements", "losses", "loss"),
            lambda c: (c.changed(operation("multiply", lambda a, b: a if a == b else None)),
                       c.changed(operation("multiply", lambda a, b:
                                           Apply("absolute", (a,)) if a == b else None)))),
    Mistake("halved squares", "The squares were halved; some books do, this loss does not.",
            "The loss is the mean of the squares.", ("elements",), lambda c: c.now / 2),
    Mistake("loss added up, not averaged", "The losses of the examples were added up.",
            "Divide by the number of examples.", ("loss",),
            lambda c: c.changed(operation("mean", mean_not_divided))),
    Mistake("factor 2 missing", "The slope of a square is twice the error.",
            "Multiply the error by 2.", ("d_scores",),
            lambda c: c.changed(operation("multiply", _without_two))),
    Mistake("gradient not divided by the batch", "The loss is a mean: its gradient has the factor "
            "1/n.", "Divide by the number of examples (of elements, for the squared error).",
            ("d_scores",), _not_divided),
    Mistake("gradient divided by the batch twice", "The gradient was divided once more.",
            "Divide by the number of examples once.", ("d_scores",), _divided_twice),
    Mistake("target not subtracted", "The gradient is that of the prediction alone.",
            "The gradient is prediction minus target.", ("d_scores", "error"),
            _target_not_subtracted),
    Mistake("sign of the gradient reversed", "The gradient has the wrong sign: target minus "
            "prediction, for instance.", "The gradient of the loss is prediction minus target.",
            ("d_scores", "*.d_*"), lambda c: -c.now, "backward"),
)
