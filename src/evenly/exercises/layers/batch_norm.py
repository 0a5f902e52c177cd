"""Batch normalization by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np

from ...byhand.exact import exact_array
from ...byhand.work import Work, work_out
from ...layers import BatchNorm, Dense, ReLU, Sequential
from ..additions import with_given
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import at_least, check_varies, sizes_of
from ..friendly import not_zero, square_variance, unimodular, whole


def draw(rng: np.random.Generator, level: int, examples: int, features: int) -> Inputs:
    """A batch and a linear layer for which, after the ReLU, each feature has a whole mean and a
    square variance: the outputs are chosen first, and the inputs computed from them."""
    n = examples
    after = square_variance(rng, n, features, 16 if n < 6 else 10)
    # What the ReLU cuts off: each feature has one such example at least.
    cut = np.where(after == 0, -rng.integers(0, 4, after.shape), after)
    first = after.argmin(axis=0)
    cut[first, np.arange(features)] = -rng.integers(1, 4, features)
    kernel, inverse = unimodular(rng, features)
    bias = whole(rng, 2, features)
    # The running variance becomes a square, so that inference too has a whole deviation.
    unbiased = [Fraction(int(v)) * Fraction(n, n - 1) for v in after.var(axis=0).round()]
    roots = [isqrt(int(u / 2)) + 1 for u in unbiased]
    return {
        "x": (cut - bias) @ inverse, "kernel": kernel, "bias": bias,
        "gamma": rng.choice([-2, -1, 2, 3], features), "beta": whole(rng, 3, features),
        "running_mean": 2 * rng.integers(0, 3, features),
        "running_variance": np.array([2 * r * r - u for r, u in zip(roots, unbiased, strict=True)]),
        "new": (rng.integers(1, 6, features) - bias)[None] @ inverse,
        "d_y": not_zero(rng, 3, (n, features)),
    }


def solve(inputs: Inputs, level: int) -> Solution:
    """Linear layer, ReLU, batch normalization; then inference, then backward."""
    n, _, features = sizes_of(
        inputs, x="n width", kernel="width features", bias="features", gamma="features",
        beta="features", running_mean="features", running_variance="features", new="_ width",
        d_y="n features")
    at_least("running_variance", inputs["running_variance"], 0)
    net = Sequential([Dense(features), ReLU(), BatchNorm(epsilon=0.0, decay=0.5)])
    arrays = {"dense_1.kernel": inputs["kernel"], "dense_1.bias": inputs["bias"]}
    arrays |= {f"batch_norm_1.{name}": inputs[name]
               for name in ("gamma", "beta", "running_mean", "running_variance")}
    work = work_out(net, inputs["x"], weights=arrays, exact=True,
                    inference=inputs["new"] if level >= 2 else None,
                    d_y=inputs["d_y"] if level == 3 else None)
    check_varies(work, "batch_norm_1.deviation", "behind the ReLU")
    work = replace(with_given(work, _MATRIX, _matrix(work)), axes={_MATRIX: ("feature", "column")})
    given = {"x": "A mini-batch: a row for each example", "dense_1.kernel": "Kernel of the linear "
             "layer", "dense_1.bias": "Its bias", _MATRIX: "The scale-and-shift matrix: its "
             "diagonal (gamma) and its last column (beta) are trained"}
    asked: tuple[Ask, ...] = _FORWARD
    if level >= 2:
        given |= {"batch_norm_1.running_mean": "Running mean so far",
                  "batch_norm_1.running_variance": "Running variance so far",
                  "x (2)": "A new example, seen in inference"}
        asked += _RUNNING
    if level == 3:
        given["d_y"] = "Gradient of the loss on the output of the mini-batch"
        asked += _BACKWARD
    text: tuple[str, ...] = (
        "A linear layer, a ReLU and batch normalization work on a mini-batch of "
        f"{n} examples. Statistics are taken over the batch, for each feature by itself; "
        "the variance is the mean of the squared deviations (divided by n), and epsilon is 0.",
        "Scale and shift are a matrix whose diagonal (`gamma`) and last column (`beta`) are "
        "trained: it multiplies each normalized example with a 1 written below it.",
    )
    if level >= 2:
        text += ("The running averages have decay 1/2; the running variance takes in the unbiased "
                 "variance, divided by n - 1. In inference they stand in for the batch's.",)
    return Solution(work, text, asked, given, {"layer": "batch_norm_1", "n": n})


_MATRIX = "batch_norm_1.scale_and_shift"


def _matrix(work: Work) -> Any:
    """Scale and shift as one matrix: gamma on its diagonal, beta as its last column."""
    gamma, beta = work["batch_norm_1.gamma"].value, work["batch_norm_1.beta"].value
    matrix = exact_array(np.eye(len(gamma), len(gamma) + 1))
    for i, (scale, shift) in enumerate(zip(gamma, beta, strict=True)):
        matrix[i, i], matrix[i, -1] = scale, shift
    return matrix


_FORWARD = (
    Ask("dense_1.y", "The linear layer", "Each row of x times the kernel, plus the bias."),
    Ask("relu_1.y", "ReLU", "What is negative becomes 0."),
    Ask("batch_norm_1.sum", "The sum of each feature over the batch", "Add up each column."),
    Ask("batch_norm_1.mean", "The mean of each feature", "Divide by the number of examples."),
    Ask("batch_norm_1.centred", "Shift to mean 0", "Subtract from each column its mean."),
    Ask("batch_norm_1.variance", "The variance of each feature",
        "The mean of the squares of what the last step gave: divide by n, not by n - 1."),
    Ask("batch_norm_1.deviation", "The standard deviation of each feature",
        "The root of the variance."),
    Ask("batch_norm_1.x_hat", "Scale to variance 1",
        "Divide each column by its standard deviation."),
    Ask("batch_norm_1.y", "Scale and shift",
        "Each feature times its place on the diagonal, plus its place in the last column."),
)
_RUNNING = (
    Ask("batch_norm_1.running_mean", "The running mean after this batch",
        "Half of the old one, half of the batch's."),
    Ask("batch_norm_1.running_variance", "The running variance after this batch",
        "Half of the old one, half of the batch's, which here is divided by n - 1."),
    Ask("relu_1.y", "Inference: the linear layer and ReLU for the new example",
        "As in training.", "inference"),
    Ask("batch_norm_1.x_hat", "Inference: normalize by the running averages",
        "Subtract the running mean, divide by the root of the running variance.", "inference"),
    Ask("batch_norm_1.y", "Inference: scale and shift", "As in training.", "inference"),
)
_BACKWARD = (
    Ask("batch_norm_1.d_beta", "Backward: the gradient of the shift", "Add up each column."),
    Ask("batch_norm_1.d_gamma", "The gradient of the scale",
        "Multiply the gradient by the normalized values, then add up each column."),
    Ask("batch_norm_1.d_x_hat", "The gradient on the normalized values",
        "The gradient times the scale."),
    Ask("batch_norm_1.d_x", "The gradient on the input of batch normalization",
        "Subtract the column's mean gradient, and the normalized value times the mean of gradient "
        "times normalized value; divide by the standard deviation."),
    Ask("relu_1.d_x", "Through the ReLU", "The gradient passes where the input was positive."),
    Ask("dense_1.d_kernel", "The gradient of the kernel", "The inputs, transposed, times it."),
    Ask("dense_1.d_bias", "The gradient of the bias", "Add up each column."),
)

TOPICS = by_name(Topic(
    "batch-norm", "Batch normalization",
    "Each feature to mean 0 and variance 1 over the mini-batch, then scaled and shifted: "
    "y = gamma (x - mean) / sqrt(variance + epsilon) + beta.",
    ("forward", "and the running averages, and inference",
     "and backward, to the kernel's gradient"),
    (Size("examples", 4, 4, 8), Size("features", 3, 1, 6)),
    draw, solve,
    {"x": "(examples, inputs)", "kernel": "(inputs, features)", "bias": "(features,)",
     "gamma": "(features,): the diagonal", "beta": "(features,): the last column",
     "running_mean": "(features,)", "running_variance": "(features,)",
     "new": "(rows, inputs), seen in inference", "d_y": "(examples, features)"},
))
