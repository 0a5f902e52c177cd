"""Weight normalization by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ...byhand.work import work_out
from ...errors import DataError
from ...layers import Dense, WeightNorm
from ...optimizers import SGD
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import pick, positive, sizes_of
from ..friendly import SLANTING, not_zero, whole


def draw(rng: np.random.Generator, level: int, examples: int, width: int, units: int) -> Inputs:
    """Directions of whole length, and gains that are once or twice as long: the kernel is whole."""
    vectors = SLANTING[width]
    direction = np.stack([rng.permutation(pick(rng, vectors)) * rng.choice([-1, 1], width)
                          for _ in range(units)], axis=1)
    length = np.sqrt((direction * direction).sum(axis=0)).round().astype(np.int64)
    return {
        "x": not_zero(rng, 3, (examples, width)), "direction": direction,
        "gain": length * rng.choice([-1, 1, 2], units), "bias": whole(rng, 3, units),
        "d_y": not_zero(rng, 2, (examples, units)),
        "learning_rate": np.array(Fraction(1, 2), object),
    }


def solve(inputs: Inputs, level: int) -> Solution:
    """Forward; then the gradients; then the update."""
    n, width, units = sizes_of(inputs, x="n width", direction="width units", gain="units",
                               bias="units", d_y="n units")
    rate = positive(inputs, "learning_rate")
    if any(not any(v != 0 for v in column) for column in np.asarray(inputs["direction"]).T):
        raise DataError("direction: a column of zeros has no direction")
    work = work_out(
        WeightNorm(Dense(units)), inputs["x"], exact=True,
        weights={name: inputs[name] for name in ("direction", "gain", "bias")},
        d_y=inputs["d_y"] if level >= 2 else None,
        optimizer=SGD(float(rate)) if level == 3 else None,
    )
    name = "weight_norm_1"
    given = {"x": "The examples, a row each",
             f"{name}.direction": "The directions: a column for each unit",
             f"{name}.gain": "The gains: the length of each unit's weights (a sign may turn them)",
             f"{name}.bias": "The bias"}
    text = [f"A linear layer with {width} inputs and {units} units works on {n} examples. Its "
            "kernel is made of a direction and a gain for each unit: kernel = gain direction / "
            "length of the direction."]
    asked = [
        Ask(f"{name}.length", "The length of each direction",
            "The root of the sum of squares of each column."),
        Ask(f"{name}.unit", "The directions, of length 1", "Divide each column by its length."),
        Ask(f"{name}.kernel", "The kernel", "Each column times its gain."),
        Ask(f"{name}.y", "The output", "Each row of x times the kernel, plus the bias."),
    ]
    if level >= 2:
        given["d_y"] = "The gradient of the loss on the output"
        asked += [
            Ask(f"{name}.d_kernel", "The gradient of the kernel", "x, transposed, times it."),
            Ask(f"{name}.d_bias", "The gradient of the bias", "Add up each column."),
            Ask(f"{name}.d_gain", "The gradient of the gains",
                "The kernel's gradient times the direction of length 1; add up each column."),
            Ask(f"{name}.d_direction", "The gradient of the directions",
                "From the kernel's gradient take away its part along the direction; then gain over "
                "length."),
        ]
    if level == 3:
        text.append(f"Gradient descent has learning rate {rate}.")
        asked += [Ask(f"{name}.{array}.value", f"The new {array}",
                      "The old value minus the learning rate times the gradient.", "update")
                  for array in ("direction", "gain", "bias")]
    return Solution(work, tuple(text), tuple(asked), given, {"layer": name, "rate": rate})


TOPICS = by_name(Topic(
    "weight-norm", "Weight normalization",
    "The kernel as a direction and a length for each unit: "
    "kernel = gain direction / ||direction||.",
    ("forward", "and the gradients", "and the update"),
    (Size("examples", 2, 1, 4), Size("width", 2, 2, 4), Size("units", 2, 1, 4)),
    draw, solve,
    {"x": "(examples, inputs)", "direction": "(inputs, units)", "gain": "(units,)",
     "bias": "(units,)", "d_y": "(examples, units)", "learning_rate": "a number above 0"},
))
