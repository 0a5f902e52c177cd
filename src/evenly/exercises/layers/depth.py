"""Gradients through many layers by hand: how they vanish, and how they explode."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from ...byhand.work import Work, work_out
from ...layers import Dense, Layer, Sequential, Sigmoid
from ...optimizers import SGD
from ..additions import read, with_step
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import positive, sizes_of

_VANISHING = (Fraction(1, 2), Fraction(1, 4), Fraction(-1, 2), Fraction(1, 3), Fraction(1))
_EXPLODING = (2, 3, 4, -2, -3)


def draw(rng: np.random.Generator, level: int, depth: int, explodes: bool) -> Inputs:
    """A chain of layers of one unit. With sigmoids each meets 0, where its output is 1/2 and its
    slope 1/4, so that every factor is a fraction."""
    if level == 1:
        factors: Any = _EXPLODING if explodes else _VANISHING[:-1]
        scale = 1
    else:
        factors = (8, 12, 16, -8, -12) if explodes else (1, 2, -1, -2, Fraction(1, 2))
        scale = 2
    while True:
        weights = [Fraction(factors[int(i)]) for i in rng.integers(0, len(factors), depth)]
        if len(set(weights)) > 1:
            break
    x = Fraction(int(rng.choice([-2, -1, 1, 2])))
    if level == 1:
        biases = [Fraction(0)] * depth
        # Whole at the start and for some layers on.
        x = x * (1 if explodes else 24)
    else:
        biases = [-weights[0] * x, *(-w / scale for w in weights[1:])]
    return {
        "x": np.array([[x]], object), "weights": np.array(weights, object),
        "biases": np.array(biases, object),
        "d_y": np.array([[Fraction(int(rng.choice([-2, -1, 1, 2])))]], object),
        "learning_rate": np.array(Fraction(1, 2), object),
    }


def solve(inputs: Inputs, level: int, explodes: bool) -> Solution:
    """Linear layers; then with sigmoids; then the update."""
    (depth,) = sizes_of(inputs, x="1 1", weights="depth", biases="depth", d_y="1 1")
    rate = positive(inputs, "learning_rate")
    layers: list[Layer] = []
    arrays: Inputs = {}
    for k in range(depth):
        layers += [Dense(1)] if level == 1 else [Dense(1), Sigmoid()]
        arrays[f"dense_{k + 1}.kernel"] = inputs["weights"][k:k + 1].reshape(1, 1)
        arrays[f"dense_{k + 1}.bias"] = inputs["biases"][k:k + 1]
    work = work_out(Sequential(layers), inputs["x"], weights=arrays, d_y=inputs["d_y"], exact=True,
                    optimizer=SGD(float(rate)) if level == 3 else None)
    work = _factors(work, depth, level >= 2)
    given = {"x": "The input"}
    for k in range(1, depth + 1):
        given |= {f"dense_{k}.kernel": f"Weight of layer {k}",
                  f"dense_{k}.bias": f"Bias of layer {k}"}
    given["d_y"] = "The gradient of the loss on the output"
    text = [f"A chain of {depth} layers of one unit each: a weight, a bias"
            + ("." if level == 1 else ", and a sigmoid."),
            "Going backward, each layer multiplies the gradient by its factor: "
            + ("its weight." if level == 1 else
               "its weight times the slope of its sigmoid, y (1 - y).")]
    return Solution(work, tuple(text) + ((f"Gradient descent has learning rate {rate}. Compare the "
                                          "first layer's step with the last one's.",)
                                         if level == 3 else ()),
                    tuple(_asked(depth, level)), given,
                    {"depth": depth, "explodes": explodes, "rate": rate})


def _factors(work: Work, depth: int, bent: bool) -> Work:
    """What each layer multiplies the gradient by, and their product."""
    product: Any = None
    for k in range(depth, 0, -1):
        factor: Any = read(work, f"dense_{k}.kernel", "given")
        if bent:
            factor = read(work, f"sigmoid_{k}.slope", "backward") * factor
            formula = "slope weight"
        else:
            factor, formula = factor * 1, "weight"
        work = with_step(work, f"dense_{k}.factor", "backward", formula, factor, names=True)
        own = read(work, f"dense_{k}.factor")
        product = own if product is None else product * own
    return with_step(work, "product", "backward", "product of all factors", product, names=True)


def _asked(depth: int, level: int) -> list[Ask]:
    asked = []
    for k in range(1, depth + 1):
        asked.append(Ask(f"dense_{k}.y", f"Layer {k}", "The weight times what comes in, plus the "
                         "bias."))
        if level >= 2:
            asked.append(Ask(f"sigmoid_{k}.y", f"Sigmoid {k}", "1 / (1 + exp(-z)); exp(0) is 1."))
    for k in range(depth, 0, -1):
        if level >= 2:
            asked.append(Ask(f"sigmoid_{k}.slope", f"Backward: the slope of sigmoid {k}",
                             "y times what is missing to 1."))
        asked.append(Ask(f"dense_{k}.factor", f"By what layer {k} multiplies the gradient",
                         "Its weight." if level == 1 else "Its weight times the slope."))
        asked.append(Ask(f"dense_{k}.d_x", f"The gradient on the input of layer {k}",
                         "The gradient behind the layer times the layer's factor."))
    asked.append(Ask("product", "The product of all factors",
                     "It is also the gradient on the input over the one on the output."))
    if level == 3:
        asked += [Ask(f"dense_{k}.d_kernel", f"The gradient of weight {k}",
                      "What comes into the layer times the gradient on its sum.")
                  for k in range(1, depth + 1)]
        asked += [Ask(f"dense_{k}.kernel.value", f"The new weight {k}",
                      "The old value minus the learning rate times the gradient.", "update")
                  for k in range(1, depth + 1)]
    return asked


def _topic(name: str, title: str, about: str, explodes: bool) -> Topic:
    return Topic(
        name, title, about,
        ("linear layers: the factor of each, and their product", "with sigmoids",
         "and the step of each weight"),
        (Size("depth", 4, 2, 8),),
        partial(draw, explodes=explodes), partial(solve, explodes=explodes),
        {"x": "(1, 1)", "weights": "(depth,)", "biases": "(depth,)", "d_y": "(1, 1)",
         "learning_rate": "a number above 0"},
    )


TOPICS = by_name(
    _topic(
        "vanishing-gradients", "Vanishing gradients",
        "Going backward, each layer multiplies the gradient by weight times slope. Where these "
        "factors are small, their product is tiny, and the first layers hardly learn. A sigmoid's "
        "slope is 1/4 at most.", False),
    _topic(
        "exploding-gradients", "Exploding gradients",
        "Going backward, each layer multiplies the gradient by weight times slope. Where these "
        "factors are above 1 in size, their product grows with the depth, and so do the first "
        "layers' steps.",
        True),
)
