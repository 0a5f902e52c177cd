"""Mistakes of normalization: means, variances, running averages, scale and shift, and backward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...byhand.exact import Exact
from ...byhand.expressions import Apply, Number, Place
from .base import (
    Context,
    Mistake,
    NotHere,
    epsilon_outside,
    first_alone,
    mean_divided_by_less,
    not_averaged,
    operation,
    turned,
    under_root,
    without_epsilon,
    without_root,
)
from .blends import blended, parts_of

_N = "*norm_*."


def _x(c: Context) -> Any:
    """What is normalized, in the shape in which it is."""
    for name in ("centred", "x_hat"):
        found = [s for s in c.own.work.steps if s.layer == c.step.layer and s.name == name
                 and s.phase == "forward"]
        if found:
            step = found[0]
            return c.each(lambda e: e.arguments[0] if isinstance(e, Apply) else e, step)
    raise NotHere("x")


def _axes(c: Context, x: Any) -> Iterator[tuple[int, ...]]:
    """Other axes than those that statistics are taken over."""
    name = "mean_square" if c.has("mean_square") or c.step.name == "mean_square" else "mean"
    statistic = c.step if c.step.name == name else c.find(name)
    right = tuple(a for a, n in enumerate(statistic.value.shape) if n == 1 and x.shape[a] > 1)
    other = tuple(a for a in range(x.ndim) if a not in right and x.shape[a] > 1)
    everything = tuple(range(x.ndim))
    for axes in dict.fromkeys((other, (0,), (x.ndim - 1,), everything)):
        if axes and axes != right:
            yield axes


def _over_axes(c: Context) -> Iterator[Any]:
    """The statistic, or what is made of it, over other axes."""
    x = _x(c)
    for axes in _axes(c, x):
        total = np.asarray(x.sum(axis=axes, keepdims=True), object)
        n = x.size // total.size
        mean = total / n
        centred = x - mean
        variance = np.asarray((centred * centred).sum(axis=axes, keepdims=True), object) / n
        square = np.asarray((x * x).sum(axis=axes, keepdims=True), object) / n
        made = {"sum": total, "mean": mean, "centred": centred, "variance": variance,
                "mean_square": square}
        if c.step.name in made:
            yield made[c.step.name]
        elif c.step.name in ("deviation", "root"):
            yield _rooted(c, variance if c.step.name == "deviation" else square)
        elif c.has("root"):
            yield x / _rooted(c, square, "root")
        else:
            yield centred / _rooted(c, variance, "deviation")


def _rooted(c: Context, square: Any, name: str = "") -> Any:
    """Its root, with the epsilon of the layer."""
    step = c.find(name) if name else c.step
    cell = c.cells(step)[0]
    inner = cell.arguments[0] if isinstance(cell, Apply) and cell.operation == "sqrt" else cell
    terms = inner.arguments if isinstance(inner, Apply) and inner.operation == "add" else ()
    epsilon = next((t.value for t in terms if isinstance(t, Number) and t.place is None), Exact(0))
    return np.sqrt(square + epsilon)


def _mean(c: Context, x: Any) -> Any:
    """The mean of x over the axes over which the step's statistic is taken."""
    axes = tuple(a for a, n in enumerate(c.step.value.shape) if n == 1)
    total = np.asarray(x.sum(axis=axes, keepdims=True), object)
    return total / (x.size // c.step.value.size)


def _divided_by_width(c: Context) -> Any:
    x, total = _x(c), c.get("sum")
    width = total.size if total.size > 1 else x.shape[-1]
    return total / width


def _own_test_statistics(c: Context) -> Iterator[Any]:
    """The statistics of the batch at hand, and those of the last training batch."""
    x = c.entering()
    if c.has("mean", "forward") and c.has("deviation", "forward"):
        yield (x - c.get("mean", "forward")) / c.get("deviation", "forward")
    if len(x) > 1:
        mean = x.sum(axis=0) / len(x)
        yield (x - mean) / np.sqrt(((x - mean) * (x - mean)).sum(axis=0) / len(x))


def _old_running(c: Context) -> Any:
    if not c.has("running_mean", "forward"):
        raise NotHere("no update")
    old = {c.find(name, "forward").number: c.find(name, "given").number
           for name in ("running_mean", "running_variance")}
    return c.moved(lambda p: Place(old.get(p.step, p.step), p.flat))


def _running_in_training(c: Context) -> Any:
    x, mean = _x(c), c.get("running_mean", "given")
    if c.step.name == "centred":
        return x - mean
    return (x - mean) / _rooted(c, c.get("running_variance", "given"), "deviation")


def _blended_with(c: Context, name: str) -> Any:
    """The running average with a step's numbers as the new ones."""
    keep = parts_of(c)
    return keep.a * keep.x + keep.b * c.get(name).reshape(-1)


def _x_hat(c: Context) -> Any:
    return c.get("x_hat").reshape(c.step.value.shape)


def _summed(c: Context, array: Any) -> Any:
    """Summed over the rows and positions, like gamma."""
    last = array.reshape(-1, c.step.value.size)
    return last.sum(axis=0)


def _d(c: Context) -> Any:
    d_y = c.d_y()
    return d_y, c.get("x_hat").reshape(d_y.shape)


def _x_hat_turned(c: Context) -> Any:
    """x_hat with its sign reversed: itself, or its part of the gradient."""
    if c.step.name == "x_hat":
        return -c.now
    d_x_hat, x_hat = c.get("d_x_hat"), c.get("x_hat", "forward")
    made = d_x_hat.reshape(x_hat.shape) + x_hat * c.get("mean_d_x_hat")
    if c.has("mean_d"):
        made = made - c.get("mean_d")
    return made / (c.get("root") if c.has("root") else c.get("deviation"))


def _backward_x(c: Context, mean: bool = True, slope: bool = True, divide: bool = True) -> Any:
    d_x_hat, x_hat = c.get("d_x_hat"), c.get("x_hat", "forward")
    d_x_hat = d_x_hat.reshape(x_hat.shape)
    made = d_x_hat
    if mean:
        made = made - c.get("mean_d")
    if slope:
        made = made - x_hat * c.get("mean_d_x_hat")
    scale = c.get("root") if c.has("root") else c.get("deviation")
    return made / scale if divide else made


STATISTICS = (
    Mistake("divided by n - 1", "The sum of squares was divided by n - 1; the variance of a batch "
            "is divided by n.", "Divide by the number of values, n.",
            (_N + "variance", "train.variance"),
            lambda c: c.changed(operation("mean", mean_divided_by_less))),
    Mistake("squares not averaged", "The squared deviations were added up but not divided by n.",
            "Divide the sum of squares by n.",
            (_N + "variance", _N + "mean_square", "train.variance"),
            not_averaged),
    Mistake("forgot to square", "The deviations were averaged without being squared first.",
            "Square each deviation, then take the mean.", (_N + "variance", _N + "mean_square"),
            lambda c: (c.changed(operation("multiply", lambda a, b: a)),
                       c.changed(operation("multiply", lambda a, b: Apply("absolute", (a,)))))),
    Mistake("mean not subtracted before squaring", "The raw values were squared: that is the mean "
            "square, not the variance.", "Subtract the mean first, then square.",
            (_N + "variance",),
            lambda c: _mean(c, _x(c) * _x(c))),
    Mistake("squared after averaging", "The mean was squared; the mean of the squares is asked "
            "for.", "Square each value first, then take the mean.",
            (_N + "variance", _N + "mean_square"),
            lambda c: _mean(c, _x(c)) * _mean(c, _x(c))),
    Mistake("variance in place of its root", "What was written is the square of this number; the "
            "deviation was squared, or the variance repeated.",
            "The standard deviation is the root of the variance.",
            (_N + "deviation", _N + "root", "train.deviation"),
            lambda c: (without_root(c), c.changed(lambda e: under_root(e)
                       and without_epsilon(under_root(e) or e)))),
    Mistake("forgot epsilon", "Epsilon is missing under the root.",
            "Add epsilon to the variance, then take the root.", (_N + "deviation", _N + "root"),
            lambda c: c.changed(without_epsilon)),
    Mistake("epsilon outside the root", "Epsilon was added to the root; it belongs under it.",
            "Add epsilon to the variance, then take the root.", (_N + "deviation", _N + "root"),
            lambda c: c.changed(epsilon_outside)),
    Mistake("sum not divided", "The sum was taken for the mean.",
            "Divide the sum by the number of values.", (_N + "mean", "train.mean"),
            lambda c: c.get("sum") if c.has("sum") else not_averaged(c)),
    Mistake("divided by the wrong count", "The sum was divided by the number of the wrong axis, or "
            "by one less than the number of values.",
            "Divide by the number of values that were added up.", (_N + "mean",),
            lambda c: (_divided_by_width(c),
                       c.get("sum") / (_x(c).size // c.step.value.size - 1))),
    Mistake("axis mixed up", "The statistics were taken over the wrong axis: batch normalization "
            "works on each column (feature) over all rows, layer normalization on each row "
            "(example) over its columns.", "Look along which axis this layer takes its mean.",
            tuple(_N + name for name in ("sum", "mean", "centred", "variance", "deviation", "x_hat",
                                         "mean_square", "root")), _over_axes, "forward"),
    Mistake("mean not subtracted", "The mean was not subtracted.",
            "Subtract the mean, then divide by the deviation.", (_N + "centred", _N + "x_hat"),
            lambda c: _x(c) if c.step.name == "centred" else _x(c) / c.get("deviation"), "forward"),
    Mistake("mean minus x", "The values were subtracted from the mean: all signs are reversed.",
            "Take x minus the mean.", (_N + "centred",), turned),
    Mistake("divided by the variance", "The values were divided by the variance, not by its root.",
            "Divide by the standard deviation.", (_N + "x_hat",),
            lambda c: without_root(c) if c.step.phase == "inference" else
            c.get("centred") / c.get("variance")),
    Mistake("not divided by the deviation", "The values have mean 0 but were not divided by the "
            "deviation.", "Divide by the standard deviation.", (_N + "x_hat",),
            first_alone("divide")),
    Mistake("multiplied by the deviation", "The values were multiplied by the deviation.",
            "Divide by the standard deviation.", (_N + "x_hat",),
            lambda c: c.changed(operation("divide", lambda a, b: Apply("multiply", (a, b))))),
    Mistake("gamma and beta swapped", "Scaled by beta and shifted by gamma.",
            "Multiply by gamma, then add beta.", (_N + "y",),
            lambda c: _x_hat(c) * c.get("beta") + c.get("gamma")),
    Mistake("beta forgotten", "The shift beta was not added.", "Add beta after scaling by gamma.",
            (_N + "y",), lambda c: _x_hat(c) * c.get("gamma")),
    Mistake("gamma forgotten", "The values were not scaled by gamma.",
            "Multiply by gamma, then add beta.", (_N + "y", _N + "scaled"),
            lambda c: _x_hat(c) + c.get("beta") if c.has("beta") and c.step.name == "y"
            else _x_hat(c)),
    Mistake("shifted before scaling", "Beta was added before gamma was multiplied by.",
            "Multiply by gamma first, then add beta.", (_N + "y",),
            lambda c: (_x_hat(c) + c.get("beta")) * c.get("gamma")),
    Mistake("scaled what was not normalized", "Gamma and beta were applied to the input, not to "
            "the normalized values.", "Use the normalized values x_hat.",
            (_N + "y", _N + "scaled"),
            lambda c: c.entering().reshape(c.step.value.shape) * c.get("gamma")
            + (c.get("beta") if c.step.name == "y" else 0)),
    Mistake("batch statistics at test time", "In inference the statistics of a batch were used.",
            "Use the running mean and the running variance.", (_N + "x_hat",),
            _own_test_statistics, "inference"),
    Mistake("old running averages at test time", "In inference the running averages from before "
            "this batch were used.", "Use the running averages after the update.",
            (_N + "x_hat",), _old_running, "inference"),
    Mistake("running averages in training", "In training the running averages were used.",
            "In training, use the statistics of the batch.", (_N + "centred", _N + "x_hat"),
            _running_in_training, "forward"),
    Mistake("decay swapped", "The old average was multiplied by 1 - decay, and the new value by "
            "decay.", "Multiply the old average by decay and the batch's value by 1 - decay.",
            ("*.running_mean", "*.running_variance"), lambda c: blended(c, swapped=True)),
    Mistake("n instead of n - 1 in the running variance", "The running variance took in the "
            "variance divided by n.", "It takes in the unbiased variance: times n / (n - 1).",
            ("*.running_variance",), lambda c: _blended_with(c, "variance")),
    Mistake("running average not updated", "The running average stayed as it was.",
            "Blend the old average with the batch's value.", ("*.running_mean",
                                                              "*.running_variance"),
            lambda c: parts_of(c).x),
    Mistake("old running average forgotten", "The batch's value replaced the running average, or "
            "was added without the old one.", "Blend: decay times the old, 1 - decay times the "
            "new.", ("*.running_mean", "*.running_variance"),
            lambda c: (parts_of(c).y, parts_of(c).b * parts_of(c).y)),
    Mistake("deviation in the running variance", "The running variance took in the deviation.",
            "It takes in the variance.", ("*.running_variance",),
            lambda c: _blended_with(c, "deviation")),
    Mistake("x_hat missing in d_gamma", "The gradient of gamma was summed without the normalized "
            "values.", "Multiply the gradient by x_hat, then add up.", (_N + "d_gamma",),
            lambda c: _summed(c, c.d_y())),
    Mistake("mean instead of sum in the gradient", "The gradient of a parameter was averaged over "
            "the batch.", "Add up over the batch; the loss has its mean already.",
            (_N + "d_gamma", _N + "d_beta"),
            lambda c: c.now / (c.d_y().size // c.now.size)),
    Mistake("x in place of x_hat in d_gamma", "The gradient of gamma was computed with the input.",
            "Multiply the gradient by the normalized values.", (_N + "d_gamma",),
            lambda c: _summed(c, c.d_y() * _x(c).reshape(c.d_y().shape))),
    Mistake("x_hat in d_beta", "The gradient of beta was multiplied by the normalized values.",
            "Beta was added: its gradient is the sum of the gradients.", (_N + "d_beta",),
            lambda c: _summed(c, _d(c)[0] * _d(c)[1])),
    Mistake("gamma forgotten backward", "The gradient was not multiplied by gamma.",
            "Going back through the scale, multiply by gamma.", (_N + "d_x_hat",),
            lambda c: c.d_y()),
    Mistake("statistics taken for constants", "The gradient was only divided by the deviation, as "
            "if mean and variance did not depend on x.",
            "Subtract the mean gradient, and x_hat times the mean of gradient times x_hat.",
            (_N + "d_x",), lambda c: _backward_x(c, mean=False, slope=False), "backward"),
    Mistake("the mean's part of the gradient forgotten", "The mean gradient was not subtracted.",
            "Subtract the mean of the gradient too.", (_N + "d_x",),
            lambda c: _backward_x(c, mean=False), "backward"),
    Mistake("the variance's part of the gradient forgotten", "The part of the gradient that goes "
            "through the variance is missing.", "Subtract x_hat times the mean of gradient times "
            "x_hat.", (_N + "d_x",), lambda c: _backward_x(c, slope=False), "backward"),
    Mistake("gradient not divided by the deviation", "The gradient was not divided by the "
            "deviation.", "Divide by the deviation at the end.", (_N + "d_x",),
            lambda c: _backward_x(c, divide=False, mean=c.has("mean_d")), "backward"),
    Mistake("sign of x_hat reversed", "The normalized values, or their part of the gradient, have "
            "the wrong sign.", "x_hat is x minus the mean, divided by the deviation; its part of "
            "the gradient is subtracted.", (_N + "x_hat", _N + "d_x"), _x_hat_turned),
)
