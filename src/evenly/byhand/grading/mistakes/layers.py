"""Mistakes of layers: linear, activations, dropout, convolution, pooling, recurrent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...exact import Exact
from ...expressions import Apply, Expression, Number, Place, places
from .base import (
    Context,
    Mistake,
    NotHere,
    exact_array_of,
    is_constant,
    mean_not_divided,
    operation,
)

_ONE, _ZERO = Exact(1), Exact(0)


def _map(function: Any, array: Any) -> Any:
    return exact_array_of([function(v) for v in array.reshape(-1)], array.shape)


def _sigmoid(x: Any) -> Any:
    return _map(lambda v: 1 / (1 + (-v).exp()), x)


def _tanh(x: Any) -> Any:
    return _map(lambda v: v.tanh(), x)


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
    made = _map(lambda m: change(m, keep), mask)
    if _is_mask(c):
        return made
    entering = c.d_y() if c.step.phase == "backward" else c.entering()
    return entering.reshape(mask.shape) * made


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


# Convolution and pooling -------------------------------------------------------------------------


def _flipped(c: Context) -> Any:
    kernel = c.find("kernel")
    shape = kernel.value.shape
    spatial = tuple(range(len(shape) - 2))
    ids = np.flip(np.arange(kernel.value.size).reshape(shape), spatial).reshape(-1)
    return c.moved(lambda p: Place(p.step, int(ids[p.flat])) if p.step == kernel.number else p)


def _convolved(x: Any, kernel: Any, shape: tuple[int, ...]) -> Any:
    """A correlation with stride 1 and no padding, in the first places of an array of `shape`; NaN
    where it has none."""
    rank = kernel.ndim - 2
    places_ = [n - k + 1 for n, k in zip(x.shape[1:-1], kernel.shape[:rank], strict=True)]
    made = np.full(shape, Exact.inexact(float("nan")), object)
    for at in np.ndindex(*(min(a, b) for a, b in zip(places_, shape[1:-1], strict=True))):
        total: Any = 0
        for tap in np.ndindex(*kernel.shape[:rank]):
            here = tuple(a + t for a, t in zip(at, tap, strict=True))
            total = total + x[(slice(None), *here)] @ kernel[tap]
        made[(slice(None), *at)] = total
    return made


def _conv_alone(c: Context, source: str) -> Any:
    x = c.get("padded") if source == "padded" else c.entering()
    made = _convolved(x, _kernel(c), c.step.value.shape)
    return made + c.get("bias") if c.step.name == "y" and c.has("bias") else made


def _stride_ignored(c: Context) -> Any:
    return _conv_alone(c, "padded")


def _padding_forgotten(c: Context) -> Any:
    if c.get("padded").shape == c.entering().shape:
        raise NotHere("padding")
    return _conv_alone(c, "x")


def _edges_repeated(c: Context) -> Any:
    padded, x, kernel = c.find("padded"), c.entering(), c.find("kernel")
    grown = [(a - b) for a, b in zip(padded.value.shape, x.shape, strict=True)]
    if not any(grown):
        raise NotHere("padding")
    widths = [(g // 2, g - g // 2) for g in grown]
    edge = np.pad(np.arange(x.size).reshape(x.shape), widths, mode="edge").reshape(-1)
    values = x.reshape(-1)

    def rule(e: Expression) -> Expression | None:
        if isinstance(e, Number) and e.place is not None and e.place.step == padded.number:
            return Number(values[edge[e.place.flat]])
        return None

    assert kernel is not None
    return c.changed(rule)


def _windows(c: Context) -> tuple[Any, tuple[int, ...], list[tuple[int, ...]]]:
    """(what enters a pooling layer, its windows' sides): windows side by side."""
    x, y = c.entering(), c.find("y", "forward") if c.step.name != "y" else c.step
    outside = y.value.shape[1:-1]
    inside = x.shape[1:-1]
    if len(outside) != len(inside) or any(i % o for i, o in zip(inside, outside, strict=True)):
        raise NotHere("windows side by side")
    sides = tuple(i // o for i, o in zip(inside, outside, strict=True))
    return x, sides, list(np.ndindex(*outside))


def _slices(at: tuple[int, ...], sides: tuple[int, ...]) -> Any:
    return (slice(None), *(slice(a * s, (a + 1) * s) for a, s in zip(at, sides, strict=True)))


def _averaged(c: Context) -> Any:
    x, sides, all_places = _windows(c)
    made = np.empty(c.step.value.shape, object)
    axes = tuple(range(1, x.ndim - 1))
    for at in all_places:
        window = x[_slices(at, sides)]
        made[(slice(None), *at)] = window.sum(axis=axes) / int(np.prod(sides))
    return made


def _spread(c: Context) -> Iterator[Any]:
    """The gradient of max pooling given to every place of its window, divided or not."""
    x, sides, all_places = _windows(c)
    d_y = c.d_y()
    made = np.empty(x.shape, object)
    for at in all_places:
        window = _slices(at, sides)
        share = d_y[(slice(None), *at)].reshape(len(x), *([1] * len(sides)), x.shape[-1])
        made[window] = np.broadcast_to(share, made[window].shape)
    yield made / int(np.prod(sides))
    yield made


def _largest(c: Context) -> Any:
    def biggest(*terms: Expression) -> Expression:
        return Apply("maximum", terms)

    if c.step.name == "total":
        return c.changed(operation("add", biggest))
    total = c.find("total")
    cells = c.each(lambda e: Apply("maximum", e.arguments) if isinstance(e, Apply) else e, total)
    return cells.reshape(c.step.value.shape)


# Recurrent ---------------------------------------------------------------------------------------


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


def _recurrent_forgotten(c: Context) -> Any:
    kernel = c.find("recurrent_kernel").number

    def without(*terms: Expression) -> Expression | None:
        left = [t for t in terms if not any(p.step == kernel for p in places(t))]
        if not left or len(left) == len(terms):
            return None
        return Apply("add", tuple(left)) if len(left) > 1 else left[0]

    return c.changed(operation("add", without))


def _term(c: Context, index: int, *, first_factor: bool | None = None) -> Any:
    """One term of a sum of two; or its first or second factor alone beside the other term."""
    def change(e: Expression) -> Expression:
        if not (isinstance(e, Apply) and e.operation == "add" and len(e.arguments) == 2):
            raise NotHere("a sum of two")
        term = e.arguments[index]
        if first_factor is None:
            return term
        if not isinstance(term, Apply):
            raise NotHere("a product")
        factor = term.arguments[0 if first_factor else 1]
        return Apply("add", tuple(factor if i == index else a for i, a in enumerate(e.arguments)))

    return c.each(change)


def _z_swapped(c: Context) -> Any:
    """(1 - z) n + z h as z n + (1 - z) h."""
    def change(e: Expression) -> Expression:
        if not (isinstance(e, Apply) and e.operation == "add" and len(e.arguments) == 2):
            raise NotHere("a blend")
        a, b = e.arguments
        if not (isinstance(a, Apply) and isinstance(b, Apply)):
            raise NotHere("a blend")
        return Apply("add", (Apply("multiply", (b.arguments[0], a.arguments[1])),
                             Apply("multiply", (a.arguments[0], b.arguments[1]))))

    return c.each(change)


def _reset_forgotten(c: Context) -> Any:
    r = c.find("r").number

    def rule(e: Expression) -> Expression | None:
        same = isinstance(e, Number) and e.place is not None and e.place.step == r
        return Number(_ONE) if same else None

    return c.changed(rule)


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
    Mistake("leaky slope on the positive side", "The slope was applied where the input is positive.",
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
            ("sigmoid_*.d_x",), lambda c: (lambda d, y, x: (d * y, d * (1 - y), d * x * (1 - x)))(
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
            ("dropout_*.y", "dropout_*.inference", "*.product"), _scaled_at_test, "inference"),
    Mistake("not scaled at test time", "In inference the values were not multiplied by the "
            "probability to be kept.", "Classic dropout multiplies by 1 - rate in inference.",
            ("dropout_*.y",), _classic_at_test, "inference"),
    Mistake("scaled by the rate at test time", "The values were multiplied by the rate.",
            "Multiply by 1 - rate, the share that is kept.", ("dropout_*.y",), _classic_rate,
            "inference"),
    # Convolution, pooling
    Mistake("kernel flipped", "The kernel was turned round: that is the convolution of "
            "mathematics.", "Networks lay the kernel on as it is.", ("conv*.product", "conv*.y"),
            lambda c: _flipped(c)),
    Mistake("stride ignored", "The window moved on by 1.", "Move it on by the stride.",
            ("conv*.product", "conv*.y"), _stride_ignored),
    Mistake("padding forgotten", "The windows began within the input: there are zeros around it.",
            "Put the zeros around the input first.", ("conv*.product", "conv*.y"),
            _padding_forgotten),
    Mistake("padded with the edge", "The edge was repeated.", "Padding is zeros.",
            ("conv*.product", "conv*.y"), _edges_repeated),
    Mistake("average instead of maximum", "The window was averaged.",
            "Max pooling takes the largest number.", ("max_pool*.y",), _averaged),
    Mistake("maximum instead of average", "The largest number was taken.",
            "Average pooling takes the mean of the window.",
            ("average_pool*.total", "average_pool*.y"), _largest),
    Mistake("window not divided", "The numbers of the window were added up but not divided.",
            "Divide by how many they are.", ("average_pool*.y", "global_average_pool*.y"),
            lambda c: c.get("total") if c.has("total") else
            c.changed(operation("mean", mean_not_divided))),
    Mistake("gradient of max pooling spread", "The gradient was given to the whole window.",
            "Only the place that was the largest gets it, whole.", ("max_pool*.d_x",), _spread),
    Mistake("gradient of average pooling not divided", "Each place got the whole gradient.",
            "Each place gets the gradient divided by the size of the window.",
            ("average_pool*.share", "average_pool*.d_x"),
            lambda c: c.changed(operation("divide", lambda a, b: a)) if c.step.name == "share"
            else next(v for i, v in enumerate(_spread(c)) if i == 1)),
    # Recurrent
    Mistake("recurrent part forgotten", "The state before was not taken in.",
            "Add the state times the recurrent kernel.", ("rnn_*.a", "simple_rnn_*.a", "lstm_*.a"),
            _recurrent_forgotten),
    Mistake("activation forgotten", "The sum was passed on as the state.",
            "Apply the activation to it.", ("rnn_*.h", "simple_rnn_*.h"), lambda c: c.get("a")),
    Mistake("forget and input gate swapped", "The cell was multiplied by the input gate and the "
            "candidate by the forget gate.", "c = f c + i g.", ("lstm_*.c",),
            lambda c: c.swapped("f", "i")),
    Mistake("old cell forgotten", "The cell before was not taken in.", "c = f c + i g.",
            ("lstm_*.c",), lambda c: (_term(c, 1), _term(c, 1) + 0)),
    Mistake("gate forgotten", "The candidate, or the cell before, came in whole.",
            "Multiply the cell by the forget gate and the candidate by the input gate.",
            ("lstm_*.c",), lambda c: (_term(c, 1, first_factor=False),
                                      _term(c, 0, first_factor=False))),
    Mistake("tanh of the cell forgotten", "The output gate was multiplied by the cell itself.",
            "h = o tanh(c).", ("lstm_*.h",), lambda c: c.get("o") * c.get("c")),
    Mistake("output gate forgotten", "The tanh of the cell was passed on whole.", "h = o tanh(c).",
            ("lstm_*.h",), lambda c: _tanh(c.get("c"))),
    Mistake("z and 1 - z swapped", "The old state was weighted by 1 - z and the candidate by z.",
            "h = (1 - z) n + z h.", ("gru_*.h",), _z_swapped),
    Mistake("reset gate forgotten", "The candidate took in the state without the reset gate.",
            "Multiply the state's part by r.", ("gru_*.n", "gru_*.inner"), _reset_forgotten),
)
