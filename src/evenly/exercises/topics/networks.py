"""Two networks looked at closely, by hand: batch normalization's backward, and equal weights."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import DataError
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import Draft, count, sizes_of, whole_numbers
from ..friendly import descending, not_zero, square_variance, unimodular, whole
from .parts import one

_DATA = ("example", "feature")

# Batch normalization, backward step by step -------------------------------------------------------


def _draw_backward(rng: np.random.Generator, level: int, examples: int, features: int) -> Inputs:
    x = square_variance(rng, examples, features, 16 if examples < 6 else 10)
    x += rng.integers(-4, 5, features)
    kernel, inverse = unimodular(rng, features)
    return {"x": x @ inverse, "kernel": kernel, "gamma": rng.choice([-2, -1, 2, 3], features),
            "beta": whole(rng, 3, features), "d_y": not_zero(rng, 4, (examples, features))}


def _solve_backward(inputs: Inputs, level: int) -> Solution:
    n, _, _ = sizes_of(inputs, x="n width", kernel="width features", gamma="features",
                       beta="features", d_y="n features")
    draft = Draft(n)
    rows = draft.given("x", inputs["x"], "The inputs: a row for each example")
    kernel = draft.given("kernel", inputs["kernel"], "Kernel of the linear layer")
    gamma = draft.given("gamma", inputs["gamma"], "The scale (gamma) of each feature", "norm")
    d_y = draft.given("d_y", inputs["d_y"], "The gradient of the loss on the output", "norm")
    beta = draft.given("beta", inputs["beta"], "The shift (beta) of each feature", "norm") \
        if level >= 2 else None
    run = draft.run("forward", layer="norm")
    x = run.note("x", rows @ kernel, "inputs kernel")
    mean = run.note("mean", run.xp.mean(x, axis=0), "mean of x")
    centred = run.note("centred", x - mean, "x - mean")
    variance = run.note("variance", run.xp.mean(centred**2, axis=0), "mean of centred^2")
    if any(v == 0 for v in variance.value):
        raise DataError("x: a feature has variance 0 over the batch, which has no inverse: let "
                        "its numbers differ")
    deviation = run.note("deviation", np.sqrt(variance), "sqrt(variance)")
    x_hat = run.note("x_hat", centred / deviation, "centred / deviation")
    draft.say(
        "A linear layer without bias, then batch normalization with epsilon 0. Mean and variance "
        f"are taken over the {n} examples, and x is in them too: so its gradient comes on three "
        "ways, straight through `x_hat`, through the variance, and through the mean.")
    draft.ask(
        Ask("norm.x", "The linear layer", "Each row times the kernel."),
        Ask("norm.mean", "The mean of each feature", "Of each column."),
        Ask("norm.centred", "x minus its mean", "Column by column."),
        Ask("norm.variance", "The variance of each feature", f"Divide by {n}, not by {n - 1}."),
        Ask("norm.deviation", "The standard deviation", "The root of the variance."),
        Ask("norm.x_hat", "The normalized numbers", "Divide by the deviation."))
    if beta is not None:
        run.note("y", gamma * x_hat + beta, "gamma x_hat + beta")
        draft.ask(Ask("norm.y", "The output", "Times the scale, plus the shift."))
    back = draft.run("backward", layer="norm")
    d_x_hat = back.note("d_x_hat", d_y * gamma, "d_y gamma")
    share = back.note("share", back.xp.sum(d_x_hat * centred, axis=0), "sum of d_x_hat centred")
    d_variance = back.note("d_variance", share * Fraction(-1, 2) / deviation**3,
                           "-share / (2 deviation^3)")
    d_mean = back.note(
        "d_mean", -back.xp.sum(d_x_hat, axis=0) / deviation
        + d_variance * back.xp.mean(-2 * centred, axis=0),
        "-(sum of d_x_hat) / deviation + d_variance (mean of (-2 centred))")
    straight = back.note("straight", d_x_hat / deviation, "d_x_hat / deviation")
    d_x = back.note("d_x", straight + d_variance * 2 * centred / n + d_mean / n,
                    "straight + d_variance 2 centred / n + d_mean / n")
    draft.ask(
        Ask("norm.d_x_hat", "Backward: the gradient on the normalized numbers",
            "The gradient times the scale."),
        Ask("norm.share", "Its products with x minus mean, added up for each feature",
            "Multiply number by number, then add up each column."),
        Ask("norm.d_variance", "The gradient on the variance",
            "x_hat = centred variance^(-1/2): its derivative has the factor -1/2 and the power "
            "-3/2, which is the deviation to the power of -3."),
        Ask("norm.d_mean", "The gradient on the mean",
            "Through x_hat it is minus the sum, divided by the deviation. What does the variance "
            "add? The centred numbers add up to 0."),
        Ask("norm.straight", "The gradient on x that comes straight through",
            "Divide by the deviation."),
        Ask("norm.d_x", "The gradient on x, by all three ways",
            "The variance's derivative in x is 2 centred / n, the mean's 1 / n."))
    if level >= 2:
        back.note("d_gamma", back.xp.sum(d_y * x_hat, axis=0), "sum of d_y x_hat")
        back.note("d_beta", back.xp.sum(d_y, axis=0), "sum of d_y")
        inner = back.note("inner", back.xp.mean(d_x_hat * x_hat, axis=0), "mean of d_x_hat x_hat")
        middle = back.note("middle", back.xp.mean(d_x_hat, axis=0), "mean of d_x_hat")
        back.note("compact", (d_x_hat - middle - x_hat * inner) / deviation,
                  "(d_x_hat - middle - x_hat inner) / deviation")
        draft.say("The same in compact form: `d_x = (d_x_hat - mean of d_x_hat - x_hat (mean of "
                  "d_x_hat x_hat)) / deviation`.")
        draft.ask(
            Ask("norm.d_gamma", "The gradient of the scale",
                "Times the normalized numbers, then add up each column."),
            Ask("norm.d_beta", "The gradient of the shift", "Add up each column."),
            Ask("norm.middle", "The mean of the gradient on the normalized numbers",
                "Of each column."),
            Ask("norm.inner", "The mean of its products with the normalized numbers",
                "Of each column."),
            Ask("norm.compact", "The gradient on x, in compact form",
                "Compare it with the one by three ways."))
    if level == 3:
        linear = draft.run("backward", layer="dense")
        linear.note("d_kernel", rows.T @ d_x, "inputs' d_x")
        linear.note("d_x", d_x @ kernel.T, "d_x kernel'")
        linear.note("d_bias", linear.xp.sum(d_x, axis=0), "sum of d_x")
        draft.ask(
            Ask("dense.d_kernel", "The gradient of the kernel",
                "The inputs, transposed, times it."),
            Ask("dense.d_x", "The gradient on the inputs", "Times the kernel, transposed."),
            Ask("dense.d_bias", "The gradient that a bias of the linear layer would have",
                "Add up each column. Why does the mean make it what it is?"))
    axes = {"norm": _DATA, "dense": ("in", "unit"), "dense.d_x": ("example", "in")}
    return draft.solution(axes, layer="norm", n=n)


BACKWARD = Topic(
    "batch-norm-backward", "Batch normalization backward, step by step", "The gradient on x comes "
    "straight, through the variance and through the mean: d_x = d_x_hat / deviation + d_variance "
    "2 (x - mean) / n + d_mean / n.",
    ("variance and mean as steps of their own", "and the compact form", "and the layer in front"),
    (Size("examples", 4, 4, 6), Size("features", 2, 1, 3)), _draw_backward, _solve_backward,
    {"x": "(examples, inputs)", "kernel": "(inputs, features)", "gamma": "(features,)",
     "beta": "(features,)", "d_y": "(examples, features)"},
)

# Equal weights: a logistic regression -------------------------------------------------------------


def _draw_equal(rng: np.random.Generator, level: int, examples: int, hidden: int) -> Inputs:
    while True:
        x = not_zero(rng, 4, (examples, 2))
        target = rng.integers(0, 2, examples)
        kernel, last = (not_zero(rng, 2, 2), int(rng.choice([-1, 1]))) if level > 1 else (
            np.zeros(2, int), 0)
        error = _sigmoid(hidden * last * (x @ kernel)) - target
        if abs(x @ kernel).max() * hidden > 6 or not 0 < target.sum() < examples:
            continue

        def loss(rate: float, x: Any = x, target: Any = target, kernel: Any = kernel,
                 last: Any = last, error: Any = error / examples) -> float:
            first = kernel - rate * last * (x.T @ error)
            second = last - rate * (x @ kernel) @ error
            z = hidden * second * (x @ first) - rate * error.sum()
            return float((np.logaddexp(0, z) - z * target).mean())

        rate = descending(loss) if level > 1 else Fraction(1, 2)
        if rate is not None:
            return {"x": x, "target": target, "kernel": kernel, "last": last, "hidden": hidden,
                    "learning_rate": rate}


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def _solve_equal(inputs: Inputs, level: int) -> Solution:
    n, _ = sizes_of(inputs, x="n width", target="n", kernel="width")
    whole_numbers("target", inputs["target"], 0, 1)
    units = count(inputs, "hidden", 1, 1000)
    draft = Draft(n)
    x = draft.given("x", inputs["x"], "The examples, a row each")
    target = draft.given("target", inputs["target"], "The classes, 0 or 1")
    kernel = draft.given("kernel", inputs["kernel"], "The weights of every hidden unit")
    last = one(draft, inputs, "last", "The output unit's weight of every hidden unit")
    hidden = one(draft, inputs, "hidden", "Hidden units")
    start = "All its weights are zero." if not np.any(inputs["kernel"] != 0) else \
        "All its hidden units have the same weights."
    draft.say(
        f"A network of {units} linear hidden units and one output unit with a sigmoid, no biases "
        f"but the last, which is 0. {start} Beside it stands a logistic regression: one unit with "
        "a sigmoid. The loss is the mean cross-entropy, whose gradient on a score is (y - target) "
        "/ n.", "Use a calculator, and give four digits behind the point.")
    run = draft.run("forward", layer="net")
    h = run.note("h", x @ kernel, "x kernel")
    z = run.note("z", hidden * last * h, "hidden last h")
    y = run.note("y", 1 / (1 + np.exp(-z)), "1 / (1 + exp(-z))")
    draft.ask(
        Ask("net.h", "A hidden unit's output for each example (all units have the same)",
            "Each row times the weights."),
        Ask("net.z", "The network's scores", "The hidden units' outputs times their weight, added "
            "up."),
        Ask("net.y", "Its outputs", "1 / (1 + exp(-z)); exp(0) is 1."))
    own = draft.run("forward", layer="regression")
    weights = own.note("weights", hidden * last * kernel, "hidden last kernel")
    own.note("z", x @ weights, "x weights")
    draft.ask(
        Ask("regression.weights", "The weights of the logistic regression with the same scores",
            "Take the hidden units together: each adds last times its weights."),
        Ask("regression.z", "Its scores", "Compare them with the network's."))
    back = draft.run("backward", layer="net")
    error = back.note("d_z", (y - target) / n, "(y - target) / n")
    d_last = back.note("d_last", back.xp.sum(error * h), "sum of d_z h")
    d_kernel = back.note("d_kernel", x.T @ error * last, "x' d_z last")
    d_bias = back.note("d_bias", back.xp.sum(error), "sum of d_z")
    also = draft.run("backward", layer="regression")
    also.note("d_weights", x.T @ error, "x' d_z")
    draft.ask(
        Ask("net.d_z", "The gradient on the scores", "Output minus class, over n."),
        Ask("net.d_last", "The gradient of each hidden unit's weight to the output",
            "Every unit has the same outputs."),
        Ask("net.d_kernel", "The gradient of every hidden unit's weights",
            "Back through last, then x, transposed, times it."),
        Ask("net.d_bias", "The gradient of the last bias", "Add up."),
        Ask("regression.d_weights", "The gradient of the logistic regression's weights",
            "x, transposed, times the gradient on the scores."))
    rate = one(draft if level >= 2 else Draft(), inputs, "learning_rate", "The learning rate",
               more_than=0)
    update = draft.run("update", layer="net")
    if level >= 2:
        first = update.note("kernel", kernel - rate * d_kernel, "kernel - rate d_kernel")
        second = update.note("last", last - rate * d_last, "last - rate d_last")
        bias = update.note("bias", -rate * d_bias, "0 - rate d_bias")
        draft.ask(
            Ask("net.kernel", "Every hidden unit's weights after a step", "They stay equal.",
                "update"),
            Ask("net.last", "The weight to the output after it", "Likewise.", "update"),
            Ask("net.bias", "The last bias after it", "It was 0.", "update"))
    if level == 3:
        again = draft.run("inference", layer="regression")
        now = again.note("weights", hidden * second * first, "hidden last kernel")
        again.note("z", x @ now + bias, "x weights + bias")
        draft.ask(
            Ask("regression.weights", "The logistic regression that the network is now",
                "As before, with the new weights.", "inference"),
            Ask("regression.z", "The scores after the step, by it",
                "x times these weights, plus the bias.", "inference"))
    axes = {"x": ("example", "input"), "target": ("example",), "kernel": ("input",),
            "net": ("example",), "regression": ("example",)}
    axes |= dict.fromkeys(("net.d_kernel", "net.kernel", "regression.weights",
                           "regression.d_weights"), ("input",))
    return draft.solution(axes, n=n)


EQUAL = Topic(
    "equal-weights", "Equal weights: a logistic regression", "A network whose hidden units start "
    "equal (at zero, say) is a logistic regression, and a step leaves it one.",
    ("from zero", "from equal weights, and a step", "and what it is after the step"),
    (Size("examples", 3, 2, 5), Size("hidden", 2, 2, 4)), _draw_equal, _solve_equal,
    {"x": "(examples, inputs)", "target": "(examples,): 0 or 1", "kernel": "(inputs,)",
     "last": "a number", "hidden": "a whole number", "learning_rate": "a number above 0"},
)

TOPICS = by_name(BACKWARD, EQUAL)
