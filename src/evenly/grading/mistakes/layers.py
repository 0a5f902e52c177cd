"""Mistakes of linear layers, activations, gates and dropout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...byhand.exact import Exact
from ...byhand.expressions import Apply, Expression, places
from ..answers import Answer
from .base import Context, Mistake, NotHere, exact_array_of, is_constant, mapped

_ONE, _ZERO = Exact(1), Exact(0)


def _sigmoid(x: Any) -> Any:
    return mapped(lambda v: 1 / (1 + (-v).exp()), x)


def _tanh(x: Any) -> Any:
    return mapped(lambda v: v.tanh(), x)


def _where(mask: Any, a: Any, b: Any) -> Any:
    """a where the mask is above 0, else b."""
    a, b = np.broadcast_to(a, mask.shape), np.broadcast_to(b, mask.shape)
    rows = zip(mask.reshape(-1), a.reshape(-1), b.reshape(-1), strict=True)
    return exact_array_of([x if m > 0 else y for m, x, y in rows], mask.shape)


def _forward_x(c: Context) -> Any:
    return c.entering().reshape(c.step.value.shape)


def _kernel(c: Context) -> Any:
    return c.get("kernel")


# Dropout -----------------------------------------------------------------------------------------


def _keep(c: Context) -> Any:
    """The share that is kept: 1 over the largest number of the mask."""
    mask = _mask(c)
    largest = max(mask.reshape(-1))
    if largest <= 1:
        raise NotHere("a mask that scales")
    return 1 / Exact(largest)


def _mask(c: Context) -> Any:
    return c.step.value if _is_mask(c) else c.find("mask", "forward").value


def _is_mask(c: Context) -> bool:
    """Whether the step is the mask, or a row of it on a diagonal."""
    return c.step.name == "mask" or c.step.name.startswith("matrix")


def _on_mask(c: Context, change: Any) -> Any:
    """The step with another number in place of each of the mask."""
    mask, keep = _mask(c), _keep(c)
    made = mapped(lambda m: change(m, keep), mask)
    if _is_mask(c):
        return made
    entering = c.d_y() if c.step.phase == "backward" else c.entering()
    return entering.reshape(mask.shape) * made


def _below_keep(c: Context) -> Any:
    """The mask of those whose random number is below the probability to be kept."""
    numbers, keep = c.get("numbers"), _keep_or_one(c)
    mask = _mask(c)
    if mask.size != numbers.size:
        # One row of it, on a diagonal.
        row = int(c.step.name.rpartition("_")[2]) - 1
        numbers = numbers[row]
        kept = np.where(numbers.astype(float) < float(1 - _rate(c)), 1, 0)
        made = np.zeros(mask.shape, object) * Exact(0)
        for i, one in enumerate(kept):
            made[i, i] = Exact(int(one)) * keep
        return made
    below = exact_array_of([keep if float(n) < float(1 - _rate(c)) else _ZERO
                            for n in numbers.reshape(-1)], mask.shape)
    if _is_mask(c):
        return below
    entering = c.d_y() if c.step.phase == "backward" else c.entering()
    return entering.reshape(mask.shape) * below


def _keep_or_one(c: Context) -> Any:
    """What a kept number is multiplied by: 1 in classic dropout."""
    mask = c.find("mask", "forward").value if c.step.name != "mask" else c.step.value
    return Exact(max(mask.reshape(-1)))


def _rate(c: Context) -> Any:
    """The rate: of the layer by its number, among those of the exercise."""
    rates = np.asarray(c.exercise.inputs.get("rates", ()), object).reshape(-1)
    number = c.step.layer.rpartition("_")[2]
    if not number.isdecimal() or not 1 <= int(number) <= rates.size:
        raise NotHere("a rate")
    return Exact(rates[int(number) - 1])


def _only_scaled(c: Context) -> Iterator[Any]:
    """The step with values scaled in inference: its own, or those that enter it from a dropout."""
    steps = c.own.work.steps
    masks = [s.value for s in steps if s.name == "mask" and s.phase == "forward"
             and s.layer.startswith("dropout")]
    scales = dict.fromkeys(Exact(max(mask.reshape(-1))) for mask in masks)
    entering = {p.step for cell in c.cells() for p in places(cell)
                if steps[p.step].phase == "inference" and steps[p.step].layer != c.step.layer}
    for scale in scales:
        if scale <= 1:
            continue
        for factor in (1 / scale, scale):
            yield c.now * factor
            for number in entering:
                numbers = c.own.array(steps[number]).reshape(-1)
                yield c.put(steps[number], lambda flat: numbers[flat] * factor)  # noqa: B023


def _old_weights(c: Context) -> Any:
    """Inference with the weights as they were before the update."""
    steps = c.own.work.steps
    given = {f"{s.layer}.{s.name}": s for s in steps if s.origin is None}
    old = {s.number: {i: Answer(v) for i, v in enumerate(given[s.layer].value.reshape(-1))}
           for s in steps if s.phase == "update" and s.name == "value" and s.layer in given}
    if not old or c.step.phase != "inference":
        raise NotHere("an update")
    # What comes of them between is not the learner's.
    before = {n: a for n, a in c.own.answers.items() if steps[n].phase != "inference"}
    return (c.own.with_answers({**before, **old}).following(c.step),
            c.own.with_answers({**c.own.answers, **old}).following(c.step))


def _dropout_at_test(c: Context) -> Any:
    """What dropout passes on in inference."""
    steps = [s for s in c.own.work.steps if s.name == "mask" and s.phase == "forward"
             and s.layer.startswith("dropout")]
    if not steps:
        raise NotHere("dropout")
    mask = steps[-1].value
    largest = Exact(max(mask.reshape(-1)))
    return largest, mask


def _scaled_at_test(c: Context) -> Iterator[Any]:
    scale, mask = _dropout_at_test(c)
    if scale <= 1:
        return
    now = c.now
    yield now / scale
    yield now * scale
    yield now * (1 - 1 / scale)
    if mask.shape == now.shape:
        yield now * mask


def _classic_at_test(c: Context) -> Iterator[Any]:
    scale, _ = _dropout_at_test(c)
    if scale > 1:
        return
    x = _forward_x(c)
    yield x
    keep = next(float(n) / float(v) for n, v in zip(c.now.reshape(-1), x.reshape(-1), strict=True)
                if v != 0)
    yield x / Exact(keep)


def _classic_rate(c: Context) -> Any:
    scale, _ = _dropout_at_test(c)
    if scale > 1:
        raise NotHere("classic dropout")
    return _forward_x(c) - c.now


def _gate_input(c: Context) -> Any:
    """What stands within a gate's sigmoid or tanh."""
    def inside(e: Expression) -> Expression:
        found = _inner(e)
        if found is None:
            raise NotHere("a gate")
        return found

    return c.each(inside)


def _inner(e: Expression) -> Expression | None:
    """x within sigmoid(x), however it was computed, or within tanh(x)."""
    if not isinstance(e, Apply):
        return None
    if e.operation in ("tanh", "absolute"):
        return e.arguments[0]
    for argument in e.arguments:
        found = _inner(argument)
        if found is not None:
            return found
    return None


def _half_slopes(c: Context) -> Any:
    y = c.get("y", "forward")
    return y, 1 - y


def _slope(c: Context) -> Any:
    """The slope of a leaky ReLU below 0."""
    for step in [c.step, c.find("y", "forward")] if c.step.name != "y" else [c.step]:
        for cell in c.cells(step):
            if isinstance(cell, Apply) and cell.operation == "multiply":
                for argument in cell.arguments:
                    if is_constant(argument):
                        return c.own.evaluated(argument)
    raise NotHere("a slope")


_WEIGHTED = ("dense_*", "conv*", "depthwise*")
_DROPOUT = ("dropout_*.mask", "dropout_*.matrix_*", "dropout_*.y", "dropout_*.d_x")
_Y = tuple(f"{name}.y" for name in _WEIGHTED)

LAYERS = (
    Mistake("bias forgotten", "The bias was not added.", "Add the bias to every row.",
            _Y, lambda c: c.get("product")),
    Mistake("bias subtracted", "The bias was subtracted.", "Add the bias.", _Y,
            lambda c: c.get("product") - c.get("bias")),
    Mistake("kernel transposed", "The kernel was multiplied by its columns and rows exchanged.",
            "Each number is a row of x times a column of the kernel.",
            ("dense_*.product", "dense_*.y"),
            lambda c: c.entering() @ _kernel(c).T + (c.get("bias") if c.step.name == "y" else 0)),
    Mistake("elementwise product", "The numbers were multiplied place by place.",
            "A matrix product: each row times each column, added up.",
            ("dense_*.product", "dense_*.y"),
            lambda c: c.entering() * _kernel(c) + (c.get("bias") if c.step.name == "y" else 0)),
    Mistake("gradient of the kernel transposed", "Rows and columns of the gradient are exchanged.",
            "The inputs, transposed, times the gradient: x' d_y.", ("dense_*.d_kernel",),
            lambda c: c.d_y().T @ c.entering()),
    Mistake("x not transposed in d_kernel", "The inputs were multiplied without being transposed.",
            "The inputs, transposed, times the gradient: x' d_y.", ("dense_*.d_kernel",),
            lambda c: c.entering() @ c.d_y()),
    Mistake("mean instead of sum in a weight's gradient", "The gradient was divided by the batch "
            "once more, or averaged over it.", "Add up over the batch: the gradient that comes in "
            "is divided already.",
            tuple(f"{name}.{d}" for name in _WEIGHTED for d in ("d_kernel", "d_bias")),
            lambda c: c.now / len(c.d_y())),
    Mistake("d_bias over the wrong axis", "Each row was added up, instead of each column.",
            "Add up the gradient over the examples.", ("dense_*.d_bias",),
            lambda c: c.d_y().sum(axis=1)),
    Mistake("kernel not transposed backward", "The gradient was multiplied by the kernel as it is.",
            "Going back: d_y times the kernel, transposed.", ("dense_*.d_x",),
            lambda c: c.d_y() @ _kernel(c)),
    # Activations
    Mistake("ReLU not applied", "Negative numbers were left as they are.",
            "What is negative becomes 0.", ("relu_*.y",), _forward_x),
    Mistake("absolute value for ReLU", "Negative numbers lost their sign.",
            "What is negative becomes 0.", ("relu_*.y",), lambda c: abs(_forward_x(c))),
    Mistake("ReLU turned round", "The negative numbers were kept and the positive ones set to 0.",
            "Keep what is positive.", ("relu_*.y",),
            lambda c: _where(_forward_x(c), _ZERO, _forward_x(c))),
    Mistake("ReLU mask forgotten", "The gradient passed everywhere.",
            "It passes only where the input was positive.", ("relu_*.d_x",), lambda c: c.d_y()),
    Mistake("ReLU mask of the gradient", "The gradient's own negative numbers were set to 0.",
            "Where it passes is decided by the sign of the input, not of the gradient.",
            ("relu_*.d_x", "leaky_relu_*.d_x"), lambda c: _where(c.d_y(), c.d_y(), _ZERO)),
    Mistake("ReLU mask turned round", "The gradient passed where the input was negative.",
            "It passes where the input was positive.", ("relu_*.d_x",),
            lambda c: _where(_forward_x(c), _ZERO, c.d_y())),
    Mistake("multiplied by the output of ReLU", "The gradient was multiplied by the output.",
            "Multiply by 1 where the input was positive, else by 0.", ("relu_*.d_x",),
            lambda c: c.d_y() * _where(_forward_x(c), _forward_x(c), _ZERO)),
    Mistake("leaky slope on the positive side", "Positive inputs were multiplied by the slope.",
            "The slope belongs below 0.", ("leaky_relu_*.y", "leaky_relu_*.d_x"),
            lambda c: (lambda v: _where(_forward_x(c), v * _slope(c), v))(
                _forward_x(c) if c.step.name == "y" else c.d_y())),
    Mistake("leaky slope forgotten", "Below 0 the result is 0, as with the plain ReLU, or passes "
            "unchanged.", "Below 0, multiply by the slope.", ("leaky_relu_*.y", "leaky_relu_*.d_x"),
            lambda c: (lambda v: (_where(_forward_x(c), v, _ZERO), v))(
                _forward_x(c) if c.step.name == "y" else c.d_y())),
    Mistake("sign in the sigmoid", "1 / (1 + exp(x)) was computed.",
            "The exponent is -x: 1 / (1 + exp(-x)).", ("sigmoid_*.y",),
            lambda c: _sigmoid(-_forward_x(c))),
    Mistake("tanh for sigmoid", "The tanh was taken.", "The sigmoid is 1 / (1 + exp(-x)).",
            ("sigmoid_*.y", "lstm_*.i", "lstm_*.f", "lstm_*.o", "gru_*.r", "gru_*.z"),
            lambda c: _tanh(_gate_input(c))),
    Mistake("sigmoid for tanh", "The sigmoid was taken.", "The tanh lies between -1 and 1.",
            ("tanh_*.y", "lstm_*.g", "lstm_*.tanh_c", "gru_*.n"),
            lambda c: _sigmoid(_gate_input(c))),
    Mistake("sigmoid's slope incomplete", "The gradient was multiplied by y, or by 1 - y, or by x "
            "(1 - x).", "The slope of the sigmoid is y (1 - y), with its output y.",
            ("sigmoid_*.d_x", "sigmoid_*.slope"), lambda c: _half_slopes(c)
            if c.step.name == "slope" else (lambda d, y, x: (d * y, d * (1 - y), d * x * (1 - x)))(
                c.d_y(), c.get("y", "forward"), _forward_x(c))),
    Mistake("tanh's slope incomplete", "The gradient was multiplied by 1 - y, by y^2, or by 1 - "
            "x^2.", "The slope of tanh is 1 - y^2, with its output y.", ("tanh_*.d_x",),
            lambda c: (lambda d, y, x: (d * (1 - y), d * y * y, d * (1 - x * x)))(
                c.d_y(), c.get("y", "forward"), _forward_x(c))),
    Mistake("slope of the activation forgotten", "The gradient passed unchanged.",
            "Multiply it by the slope of the activation.",
            ("sigmoid_*.d_x", "tanh_*.d_x", "softmax_*.d_x", "elu_*.d_x"), lambda c: c.d_y()),
    # Dropout
    Mistake("1/keep missing", "What was kept was not divided by the probability to be kept.",
            "Divide by 1 - rate, so that the expectation stays.",
            _DROPOUT,
            lambda c: _on_mask(c, lambda m, k: _ONE if m > 0 else _ZERO)),
    Mistake("keep and drop probability swapped", "It was divided by the rate, the share that is "
            "dropped.", "Divide by 1 - rate, the share that is kept.",
            _DROPOUT,
            lambda c: _on_mask(c, lambda m, k: 1 / (1 - k) if m > 0 else _ZERO)),
    Mistake("kept what is dropped", "The mask was read the other way round.",
            "1 means kept, 0 dropped.", _DROPOUT,
            lambda c: _on_mask(c, lambda m, k: _ZERO if m > 0 else 1 / k)),
    Mistake("kept what is below keep", "A number was kept where its random number is below the "
            "probability to be kept, as some courses do.", "Here it is kept where the random "
            "number is at least the rate.", _DROPOUT, _below_keep),
    Mistake("multiplied by keep", "What was kept was multiplied by the probability to be kept.",
            "Divide by it.", _DROPOUT,
            lambda c: _on_mask(c, lambda m, k: k if m > 0 else _ZERO)),
    Mistake("dropout not applied", "Nothing was dropped.", "Multiply by the mask.",
            ("dropout_*.y",), _forward_x, "forward"),
    Mistake("mask not applied backward", "The gradient passed everywhere.",
            "Multiply the gradient by the same mask as in forward.", ("dropout_*.d_x",),
            lambda c: c.d_y()),
    Mistake("dropout at test time", "In inference the values were scaled or dropped.",
            "Inverted dropout leaves them unchanged in inference.",
            ("dropout_*.y", "dropout_*.inference", "*.product", "dense_*.y"), _scaled_at_test,
            "inference"),
    Mistake("scaled at inference", "In inference the values were multiplied, or divided, by the "
            "probability to be kept.", "Inverted dropout has divided in training: in inference "
            "the values stay as they are.", ("dropout_*.y", "dense_*.y", "dense_*.product",
                                             "relu_*.y", "dropout_*.inference"),
            _only_scaled, "inference"),
    Mistake("old weights at inference", "The weights from before the update were used.",
            "Inference comes after the update: use the new kernel and the new bias.",
            ("dense_*.product", "dense_*.y", "relu_*.y", "dropout_*.y", "*norm_*.y",
             "*norm_*.x_hat"), _old_weights, "inference"),
    Mistake("not scaled at test time", "In inference the values were not multiplied by the "
            "probability to be kept.", "Classic dropout multiplies by 1 - rate in inference.",
            ("dropout_*.y",), _classic_at_test, "inference"),
    Mistake("scaled by the rate at test time", "The values were multiplied by the rate.",
            "Multiply by 1 - rate, the share that is kept.", ("dropout_*.y",), _classic_rate,
            "inference"),
)
