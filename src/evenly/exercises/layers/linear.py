"""The linear layer by hand, and a small network of two."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...byhand.exact import exact_array
from ...byhand.work import work_out
from ...layers import Dense, ReLU, Sequential
from ...losses import MeanSquaredError
from ...optimizers import SGD
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import positive, sizes_of
from ..friendly import RATES, descending, not_zero, whole

_FORWARD = "Each row times each column of the kernel, plus the bias of that column."
_KERNEL = "The layer's input, transposed, times the gradient on its output."
_BIAS = "Add up each column of the gradient: every example used the same bias."
_NEW = "The old value minus the learning rate times the gradient."


def draw_layer(rng: np.random.Generator, level: int, examples: int, width: int,
               units: int) -> Inputs:
    """Small whole numbers; no input and no unit is without effect."""
    return {
        "x": _full(rng, examples, width), "kernel": _full(rng, width, units),
        "bias": whole(rng, 3, units), "d_y": not_zero(rng, 2, (examples, units)),
        "learning_rate": np.array(Fraction(1, 2), object),
    }


def _full(rng: np.random.Generator, rows: int, columns: int) -> Any:
    """Whole numbers from -3 to 3 with no row and no column of zeros."""
    values = whole(rng, 3, (rows, columns))
    return np.where(values.any(axis=1, keepdims=True) & values.any(axis=0, keepdims=True), values,
                    not_zero(rng, 3, (rows, columns)))


def solve_layer(inputs: Inputs, level: int) -> Solution:
    """Forward; then backward; then the update."""
    n, width, units = sizes_of(inputs, x="n width", kernel="width units", bias="units",
                               d_y="n units")
    rate = positive(inputs, "learning_rate")
    work = work_out(
        Dense(units), inputs["x"], exact=True,
        weights={name: inputs[name] for name in ("kernel", "bias")},
        d_y=inputs["d_y"] if level >= 2 else None,
        optimizer=SGD(float(rate)) if level == 3 else None,
    )
    given = {"x": "The examples, a row each",
             "dense_1.kernel": "The kernel: a row for each input, a column for each unit",
             "dense_1.bias": "The bias: a number for each unit"}
    text = [f"A linear layer with {width} inputs and {units} units works on {n} examples: "
            "y = x kernel + bias."]
    asked = [Ask("dense_1.product", "x times the kernel", "Row by column."),
             Ask("dense_1.y", "The output", "Add to each column its bias.")]
    if level >= 2:
        given["d_y"] = "The gradient of the loss on the output"
        asked += [Ask("dense_1.d_kernel", "The gradient of the kernel", _KERNEL),
                  Ask("dense_1.d_bias", "The gradient of the bias", _BIAS),
                  Ask("dense_1.d_x", "The gradient on the input",
                      "The gradient times the kernel, transposed.")]
    if level == 3:
        text.append(f"Gradient descent has learning rate {rate}.")
        asked += [Ask(f"dense_1.{name}.value", f"The new {name}", _NEW, "update")
                  for name in ("kernel", "bias")]
    return Solution(work, tuple(text), tuple(asked), given, {"layer": "dense_1", "rate": rate})


def draw_net(rng: np.random.Generator, level: int, examples: int, width: int, hidden: int,
             outputs: int) -> Inputs:
    """Linear - ReLU - linear of small whole numbers. No unit is dead in all examples, the ReLU cuts
    something off, and each kernel has a gradient. Errors are multiples of half the batch's size, so
    that gradients are whole, and the learning rate is one whose step lowers the loss."""
    while True:
        x, bias = rng.integers(0, 4, (examples, width)), whole(rng, 2, hidden)
        kernel = whole(rng, 2, (width, hidden))
        before = x @ kernel + bias
        if not ((before > 0).any(axis=0).all() and (before > 0).any(axis=1).all()
                and (before < 0).any()):
            continue
        h, last = np.maximum(before, 0), not_zero(rng, 2, (hidden, outputs))
        # Half of the errors, over the batch's size.
        bias_2, units = whole(rng, 2, outputs), whole(rng, 4, (examples, outputs))
        units *= 1 + examples % 2
        if not (units.any(axis=0).all() and (h.T @ units).any()):
            continue
        d_h = units @ last.T * (before > 0)
        target = h @ last + bias_2 - examples * units // 2
        slopes = (x.T @ d_h, d_h.sum(axis=0), h.T @ units, units.sum(axis=0))
        if not slopes[0].any():
            continue

        def after(rate: float, rows: Any, arrays: Any = (kernel, bias, last, bias_2),
                  slopes: Any = slopes) -> tuple[Any, Any]:
            """Hidden units and outputs after a step with this rate."""
            first, start, second, end = (a - rate * d for a, d in zip(arrays, slopes, strict=True))
            hidden = np.maximum(rows @ first + start, 0)
            return hidden, hidden @ second + end

        def loss(rate: float, x: Any = x, target: Any = target, after: Any = after) -> float:
            return float(np.square(after(rate, x)[1] - target).sum())

        rate = descending(loss, RATES[:4])
        new = rng.integers(1, 4, (1, width))
        # In inference too, with the new weights, something passes the ReLU.
        if rate is not None and after(float(rate), new)[0].any():
            return {
                "x": x, "target": target, "kernel_1": kernel, "bias_1": bias, "kernel_2": last,
                "bias_2": bias_2, "learning_rate": np.array(rate, object), "new": new,
            }


def solve_net(inputs: Inputs, level: int) -> Solution:
    """Forward and loss; then backward; then the update, and inference."""
    n, width, hidden, outputs = sizes_of(
        inputs, x="n width", kernel_1="width hidden", bias_1="hidden", kernel_2="hidden outputs",
        bias_2="outputs", target="n outputs", new="_ width")
    rate = positive(inputs, "learning_rate")
    arrays = {f"dense_{k}.{name}": inputs[f"{name}_{k}"]
              for k in (1, 2) for name in ("kernel", "bias")}
    work = work_out(
        Sequential([Dense(hidden), ReLU(), Dense(outputs)]), inputs["x"],
        exact_array(inputs["target"]), loss=MeanSquaredError(reduction="sum"), weights=arrays,
        exact=True, optimizer=SGD(float(rate)) if level == 3 else None,
        inference=inputs["new"] if level == 3 else None,
    )
    given = {"x": "The examples, a row each", "target": "The targets, a row each"}
    for k in (1, 2):
        given |= {f"dense_{k}.kernel": f"Kernel of linear layer {k}",
                  f"dense_{k}.bias": f"Bias of linear layer {k}"}
    text = [f"A network Linear({width},{hidden}) - ReLU - Linear({hidden},{outputs}) works on {n} "
            "examples.",
            "The loss is the squared error: an example's squares are added up, and the mean is "
            f"taken over the {n} examples."]
    asked = [
        Ask("dense_1.y", "The first linear layer", _FORWARD),
        Ask("relu_1.y", "ReLU", "What is negative becomes 0."),
        Ask("dense_2.y", "The output", _FORWARD),
        Ask("error", "The error", "The output minus the target.", "loss"),
        Ask("loss", "The loss", "Add up each example's squares; then the mean over the examples.",
            "loss"),
    ]
    if level >= 2:
        asked += _NET_BACKWARD
    if level == 3:
        given["x (2)"] = "A new example, seen in inference after the update"
        text.append(f"Gradient descent has learning rate {rate}.")
        asked += [Ask(f"dense_{k}.{name}.value", f"The new {name} {k}", _NEW, "update")
                  for k in (1, 2) for name in ("kernel", "bias")]
        asked += [
            Ask("dense_1.y", "Inference with the new weights: the first linear layer", _FORWARD,
                "inference"),
            Ask("relu_1.y", "Inference: ReLU", "As in training.", "inference"),
            Ask("dense_2.y", "Inference: the output", _FORWARD, "inference"),
        ]
    return Solution(work, tuple(text), tuple(asked), given, {"rate": rate, "n": n})


_NET_BACKWARD = [
    Ask("d_scores", "The gradient of the loss on the output",
        "A square has the factor 2 in its derivative; the mean divides by the number of examples.",
        "backward"),
    Ask("dense_2.d_kernel", "The gradient of kernel 2", _KERNEL),
    Ask("dense_2.d_bias", "The gradient of bias 2", _BIAS),
    Ask("dense_2.d_x", "Backward through linear layer 2",
        "The gradient times the kernel, transposed."),
    Ask("relu_1.d_x", "Backward through the ReLU",
        "The gradient passes where the ReLU's input was positive."),
    Ask("dense_1.d_kernel", "The gradient of kernel 1", _KERNEL),
    Ask("dense_1.d_bias", "The gradient of bias 1", _BIAS),
]

LAYER = Topic(
    "linear", "The linear layer",
    "y = x kernel + bias; d_kernel = x' d_y, d_bias = sum of d_y, d_x = d_y kernel'.",
    ("forward", "and backward", "and the update"),
    (Size("examples", 2, 1, 6), Size("width", 3, 1, 6), Size("units", 2, 1, 6)),
    draw_layer, solve_layer,
    {"x": "(examples, inputs)", "kernel": "(inputs, units)", "bias": "(units,)",
     "d_y": "(examples, units)", "learning_rate": "a number above 0"},
)
NET = Topic(
    "linear-net", "A network of two linear layers",
    "Linear - ReLU - linear and the squared error: forward, backward and a step of gradient "
    "descent.",
    ("forward and loss", "and backward", "and the update, and inference with the new weights"),
    (Size("examples", 2, 2, 4), Size("width", 2, 2, 4), Size("hidden", 3, 2, 5),
     Size("outputs", 2, 1, 3)),
    draw_net, solve_net,
    {"x": "(examples, inputs)", "target": "(examples, outputs)", "kernel_1": "(inputs, hidden)",
     "bias_1": "(hidden,)", "kernel_2": "(hidden, outputs)", "bias_2": "(outputs,)",
     "learning_rate": "a number above 0", "new": "(rows, inputs), seen in inference"},
)

TOPICS = by_name(LAYER, NET)
