"""Mistakes of losses: softmax, cross-entropy, squared errors, and their gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...byhand.exact import Exact
from ...byhand.expressions import Apply, Expression, Number
from .base import (
    Context,
    Mistake,
    NotHere,
    first_alone,
    is_constant,
    mapped,
    not_averaged,
    operation,
    turned,
    unsquared,
)


def _logs(array: Any) -> Any:
    return mapped(Exact.log, array)


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


def _over_columns(c: Context) -> Iterator[Any]:
    """The powers over the sums of their columns, as they are and with each column's own."""
    powers = c.get("powers")
    yield powers / powers.sum(axis=0)
    whole = mapped(Exact.exp, _scores(c))
    yield whole / whole.sum(axis=0)


def _column_sums(c: Context) -> Iterator[Any]:
    powers = c.get("powers")
    yield powers.sum(axis=0)
    yield mapped(Exact.exp, _scores(c)).sum(axis=0)


def _from_one(c: Context) -> Iterator[Any]:
    """Targets, or what is made of them, with classes counted from 1: the column before. The first
    class then stands in none, or in the last."""
    if c.step.name == "y":
        now = c.now
        if now.ndim != 2:
            raise NotHere("a row for each target")
        moved = np.roll(now, -1, axis=1)
        yield moved
        nowhere = moved.copy()
        nowhere[:, -1] = Exact(0)
        yield nowhere
        return
    y_hat, y = _classes(c)
    y = np.roll(y, -1, axis=1)
    yield -(_logs(y_hat) * y).sum(axis=1)
    y[:, -1] = Exact(0)
    yield -(_logs(y_hat) * y).sum(axis=1)


def _over_elements(c: Context) -> Iterator[Any]:
    """The loss over all elements where it is one over examples, and the other way round."""
    error = c.get("error")
    outputs = error.size // len(error)
    if outputs == 1:
        raise NotHere("several outputs")
    yield c.now / outputs
    yield c.now * outputs


def _other_class(c: Context) -> Iterator[Any]:
    """The loss of another class: the next one (counted from 1 instead of 0), and so on."""
    y_hat, y = _classes(c)
    for step in range(1, y.shape[1]):
        yield -(_logs(y_hat) * np.roll(y, step, axis=1)).sum(axis=1)


def _without_log(c: Context) -> Iterator[Any]:
    y_hat, y = _classes(c)
    right = (y_hat * y).sum(axis=1)
    yield right
    yield -right
    yield 1 - right


def _other_log(c: Context) -> Iterator[Any]:
    for base in (10, 2):
        yield c.now / Exact.inexact(math.log(base))


def _binary(c: Context, loss: Callable[[Any, Any], Any]) -> Any:
    """A loss of probabilities p and targets t, number by number or as each example's mean."""
    p = c.get("p")
    losses = loss(p, c.get("target", layer="").reshape(p.shape))
    if c.step.name == "elements":
        return losses
    return np.asarray(losses.sum(axis=1), object) / losses.shape[1]


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


_SOFTMAX = ("softmax_*.y", "y_hat", "*.y_hat")

LOSSES = (
    Mistake("softmax without normalizing", "The powers of e were not divided by their sum.",
            "Divide by the sum of the powers of the same row.", _SOFTMAX,
            lambda c: c.get("powers")),
    Mistake("softmax over the wrong axis", "The powers were divided by the sums of the columns.",
            "Each row (example) adds up to 1.", _SOFTMAX,
            _over_columns),
    Mistake("sums of the columns", "The powers of each column were added up.",
            "Add up each row (example).", ("softmax_*.total", "total", "*.total"), _column_sums),
    Mistake("softmax without the exponential", "The scores themselves were divided by their sum.",
            "Take exp of each score first.", _SOFTMAX,
            lambda c: (lambda s: s / s.sum(axis=-1, keepdims=True))(_scores(c))),
    Mistake("maximum not subtracted", "The powers are those of the scores themselves; the result "
            "is the same, but large scores overflow.", "Subtract the largest score of the row.",
            ("softmax_*.powers", "powers"),
            lambda c: mapped(Exact.exp, _scores(c))),
    Mistake("cross-entropy of the wrong class", "The probability of another class than that of "
            "the target was taken.", "Take the probability of the class that the target names, "
            "counted from 0.", ("losses",), _other_class),
    Mistake("classes counted from 1", "The 1 stands, or was looked for, one column too far left.",
            "Classes are counted from 0: target 0 is the first column.", ("y", "losses"),
            _from_one),
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
            lambda c: -_logs(_classes(c)[0]).sum(axis=1)),
    Mistake("binary cross-entropy: second half forgotten", "Only -t log(p) was taken: targets 0 "
            "have no loss.", "The loss is -t log(p) - (1 - t) log(1 - p).", ("losses", "elements"),
            lambda c: _binary(c, lambda p, t: -(t * _logs(p)))),
    Mistake("binary cross-entropy: targets swapped", "p and 1 - p were exchanged.",
            "The loss is -t log(p) - (1 - t) log(1 - p).", ("losses", "elements"),
            lambda c: _binary(c, lambda p, t: -((1 - t) * _logs(p) + t * _logs(1 - p)))),
    Mistake("error with its sign reversed", "The prediction was subtracted from the target.",
            "The error is the prediction minus the target.", ("error",), turned),
    Mistake("error not squared", "The errors were not squared.", "Square each error.",
            ("elements", "losses", "loss"), unsquared),
    Mistake("halved squares", "The squares were halved; some books do, this loss does not.",
            "The loss is the mean of the squares.", ("elements",), lambda c: c.now / 2),
    Mistake("loss added up, not averaged", "The losses of the examples were added up.",
            "Divide by the number of examples.", ("loss",), not_averaged),
    Mistake("loss over another count", "The loss was divided by all numbers where it is one for "
            "each example, or the other way round.", "Look whether the outputs of an example are "
            "added up or averaged, and then the examples.", ("losses", "loss"), _over_elements),
    Mistake("factor 2 missing", "The slope of a square is twice the error.",
            "Multiply the error by 2.", ("d_scores",),
            lambda c: c.changed(operation("multiply", _without_two))),
    Mistake("gradient not divided by the batch", "The loss is a mean: its gradient has the factor "
            "1/n.", "Divide by the number of examples (of elements, for the squared error).",
            ("d_scores",), lambda c: c.now / _constant_factor(c)),
    Mistake("gradient divided by the batch twice", "The gradient was divided once more.",
            "Divide by the number of examples once.", ("d_scores",),
            lambda c: c.now * _constant_factor(c)),
    Mistake("target not subtracted", "The gradient is that of the prediction alone.",
            "The gradient is prediction minus target.", ("d_scores", "error"),
            first_alone("subtract")),
    Mistake("sign of the gradient reversed", "The gradient has the wrong sign.",
            "Follow the signs back to the loss: a gradient says how the loss grows.",
            ("d_scores", "*.d_*"), lambda c: -c.now, "backward"),
    Mistake("target minus prediction", "The prediction was subtracted from the target.",
            "The gradient of the loss is prediction minus target.", ("d_scores",), lambda c: -c.now,
            "backward"),
)
