"""Orthogonal first weights by hand, and LSUV, which scales them by the data."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import DataError
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import Draft, pick, positive, root, sizes_of, text
from ..friendly import not_zero

# Orthogonal matrices of whole numbers, whose columns all have the length in front.
_TURNS: tuple[tuple[int, tuple[tuple[int, ...], ...]], ...] = (
    (5, ((3, -4), (4, 3))), (13, ((5, -12), (12, 5))), (17, ((8, -15), (15, 8))),
    (25, ((7, -24), (24, 7))))
_TURNS_3 = ((3, ((1, 2, 2), (2, 1, -2), (2, -2, 1))), (7, ((2, 3, 6), (3, -6, 2), (6, 2, -3))),
            (9, ((1, 8, 4), (8, 1, -4), (4, -4, 7))))


def _turned(rng: np.random.Generator, options: Any) -> tuple[int, Any]:
    """(length, such a matrix), in one of its orders, with one of its signs."""
    length, rows = pick(rng, options)
    matrix = np.array(rows)
    n = len(matrix)
    matrix = matrix[rng.permutation(n)][:, rng.permutation(n)]
    return length, matrix * rng.choice([-1, 1], n) * rng.choice([-1, 1], (n, 1))


# Orthogonal weights -------------------------------------------------------------------------------


def _draw(rng: np.random.Generator, level: int) -> Inputs:
    length, matrix = _turned(rng, _TURNS_3 if level == 3 else _TURNS[:2])
    n = len(matrix)
    above = np.triu(not_zero(rng, 3, (n, n)), 1) + np.diag(rng.integers(1, 4, n))
    return {"numbers": matrix @ above, "gain": pick(rng, (Fraction(2), Fraction(3), Fraction(1, 2),
                                                          Fraction(5))),
            "x": length * not_zero(rng, 4, n)}


def _solve(inputs: Inputs, level: int) -> Solution:
    rows, columns = sizes_of(inputs, numbers="rows columns", x="rows")
    if not 2 <= columns <= rows <= 6:
        raise DataError("numbers must have 2 to 6 rows, and 2 columns to as many as rows, got "
                        f"{rows} by {columns}")
    draft = Draft()
    numbers = draft.given("numbers", inputs["numbers"], "The random numbers, a column for each "
                          "unit")
    run = draft.run("forward")
    xp, made = run.xp, list[Any]()
    for k in range(columns):
        own, left = numbers[:, k], numbers[:, k]
        for before, column in enumerate(made):
            share = run.note(f"share_{before + 1}_{k + 1}", xp.sum(column * own),
                             f"sum of column_{before + 1} numbers")
            left = left - share * column
            draft.ask(Ask(f"share_{before + 1}_{k + 1}", f"Column {k + 1} along unit column "
                          f"{before + 1}", "Multiply place by place, add up."))
        if k:
            left = run.note(f"left_{k + 1}", left, "numbers - share column")
            draft.ask(Ask(f"left_{k + 1}", f"What is left of column {k + 1}", "Subtract what lies "
                          "along the unit columns before it: that is at right angles to them."))
        length = run.note(f"length_{k + 1}", xp.sqrt(xp.sum(left * left)), "sqrt(sum of squares)")
        if float(length) < 1e-12:
            raise DataError(f"numbers: column {k + 1} is made of those before it: nothing is left "
                            "of it; let it differ")
        made.append(run.note(f"column_{k + 1}", left / length, "left / length"))
        draft.ask(Ask(f"length_{k + 1}", f"Its length (column {k + 1})", "The root of the sum of "
                      "its squares."),
                  Ask(f"column_{k + 1}", f"Unit column {k + 1}", "Divide by the length."))
    draft.say("Orthogonal weights: the columns of a kernel of random numbers are put at right "
              "angles to each other and to length 1, one after the other. From each column what "
              "lies along the earlier unit columns is subtracted; what is left is divided by its "
              "length.")
    kernel = xp.stack(made, axis=1)
    if level > 1:
        gain = positive(inputs, "gain")
        own = draft.given("gain", np.asarray(gain, object), "The gain")
        weights = run.note("weights", own * kernel, "gain columns")
        run.note("products", weights.T @ weights, "weights^T weights")
        x = draft.given("x", inputs["x"], "An input")
        y = run.note("y", x @ weights, "x weights")
        run.note("before", xp.sum(x * x), "sum of squares")
        run.note("after", xp.sum(y * y), "sum of squares")
        draft.say(f"The weights are the unit columns times the gain, {text(gain)}. An input of as "
                  "many numbers as there are units becomes longer by the gain alone: its squares "
                  "add up to gain^2 times as much.")
        draft.ask(
            Ask("weights", "The first weights", "Times the gain."),
            Ask("products", "The weights, transposed, times the weights", "Which product of two "
                "different columns is not 0?"),
            Ask("y", "The output for the input x", "x times the weights."),
            Ask("before", "The sum of squares of x", "Number by number."),
            Ask("after", "The sum of squares of the output", "Compare: by which factor?"))
    return draft.solution({"": ("in", "unit"), "x": ("in",), "y": ("unit",),
                           **{step.title: ("in",) for step in draft.recorder.steps
                              if step.value.ndim == 1 and step.name != "y"}})


ORTHOGONAL = Topic(
    "orthogonal", "Orthogonal weights",
    "Columns at right angles and of length 1 (Gram-Schmidt), times a gain: what goes in keeps its "
    "length.", ("two columns", "and the gain, and an input that keeps its length",
                "three columns"), (), _draw, _solve,
    {"numbers": "(inputs, units): random numbers, at least as many inputs as units",
     "gain": "a number above 0, from level 2 on", "x": "(inputs,), from level 2 on"},
)


# LSUV ---------------------------------------------------------------------------------------------


def _draw_lsuv(rng: np.random.Generator, level: int, examples: int) -> Inputs:
    """Outputs whose variance is the square of a fraction, layer by layer."""
    length, first = _turned(rng, _TURNS[:1])
    other, second = _turned(rng, _TURNS[:1])
    while True:
        z = length * rng.integers(-6, 7, (examples, 2))
        sigma = _deviation(z)
        if sigma is None or sigma in (0, 1):
            continue
        h = z if level == 2 else np.maximum(z, 0)
        # The second layer's variance, before what the first was divided by.
        behind = _deviation(h @ second)
        if level == 1 or (behind is not None and behind != 0
                          and (behind / other / sigma).denominator < 20
                          and behind / other != sigma):
            break
    return {"x": z @ first.T // length,
            "kernel_1": np.array([[Fraction(int(v), length) for v in row] for row in first],
                                 object),
            "kernel_2": np.array([[Fraction(int(v), other) for v in row] for row in second],
                                 object)}


def _deviation(values: Any) -> Fraction | None:
    """The deviation over all numbers, where it is a fraction."""
    flat = values.reshape(-1)
    n = len(flat)
    return root(Fraction(int(n * (flat * flat).sum() - flat.sum() ** 2), n * n))


def _solve_lsuv(inputs: Inputs, level: int) -> Solution:
    n, *_ = sizes_of(inputs, x="n width", kernel_1="width hidden", kernel_2="hidden units")
    draft = Draft(n)
    value: Any = draft.given("x", inputs["x"], "The data, a row for each example")
    draft.say("LSUV starts from orthonormal kernels and goes through the network layer by layer: "
              "each kernel is divided by the standard deviation of the layer's own output on the "
              "data, over all its numbers, so that this output has variance 1. Only then does the "
              "next layer see it.")
    between = "" if level == 1 else (" Between the layers stands a ReLU." if level == 3 else
                                     " The second layer follows the first at once.")
    draft.say(f"{'One linear layer' if level == 1 else 'Two linear layers'} without bias."
              f"{between}")
    for k in (1, 2)[: 1 + (level > 1)]:
        layer = f"dense_{k}"
        kernel = draft.given(f"kernel_{k}", inputs[f"kernel_{k}"],
                             f"The orthonormal kernel of layer {k}")
        run = draft.run("forward", layer=layer)
        xp = run.xp
        y = run.note("y", value @ kernel, "x kernel")
        mean = run.note("mean", xp.mean(y), "mean of all numbers")
        variance = run.note("variance", xp.mean((y - mean) * (y - mean)), "mean((y - mean)^2)")
        if float(variance) <= 0:
            raise DataError(f"x: the output of layer {k} is the same number everywhere: no factor "
                            "gives it a variance; let it differ")
        deviation = run.note("deviation", xp.sqrt(variance), "sqrt(variance)")
        scaled = run.note("scaled", kernel / deviation, "kernel / deviation")
        value = run.note("output", value @ scaled, "x scaled")
        draft.ask(
            Ask(f"{layer}.y", f"Layer {k}: its output with the orthonormal kernel", "Each row "
                "times the kernel."),
            Ask(f"{layer}.mean", f"The mean of its numbers (layer {k})", "Over all of them: "
                "examples and units."),
            Ask(f"{layer}.variance", f"Their variance (layer {k})", "The mean of the squared "
                "distances from the mean."),
            Ask(f"{layer}.deviation", f"The standard deviation (layer {k})", "The root."),
            Ask(f"{layer}.scaled", f"The scaled kernel {k}", "Divide each weight by the "
                "deviation."),
            Ask(f"{layer}.output", f"The output with the scaled kernel (layer {k})", "The same "
                "as the output divided by the deviation: its variance is 1."))
        if level == 3 and k == 1:
            value = draft.run("forward", layer="relu_1").note("y", xp.maximum(value, 0),
                                                              "max(x, 0)")
            draft.ask(Ask("relu_1.y", "The ReLU", "What is negative becomes 0."))
    kernels = ("kernel_1", "kernel_2", "dense_1.scaled", "dense_2.scaled")
    return draft.solution(dict.fromkeys(kernels, ("in", "unit")))


LSUV = Topic(
    "lsuv", "LSUV: first weights by the data",
    "Orthonormal kernels, then layer by layer kernel / deviation of the layer's output on the "
    "data: every layer starts with variance 1.",
    ("one layer", "two layers", "and a ReLU between them"), (Size("examples", 3, 2, 4),),
    _draw_lsuv, _solve_lsuv,
    {"x": "(examples, inputs)", "kernel_1": "(inputs, hidden): orthonormal columns",
     "kernel_2": "(hidden, units), from level 2 on"},
)

TOPICS = by_name(ORTHOGONAL, LSUV)
