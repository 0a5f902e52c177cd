"""Chains of linear layers a little above and below the identity."""

from __future__ import annotations

from dataclasses import replace
from math import log
from typing import Any

import numpy as np

import evenly as ev

from ..data import split
from ..parts import Part, less, more
from ..pictures import Picture
from ..study import Case, Study
from ..training import by_step, engine_of, guessed, spreads

# By decades: a chain that shrinks may want a large rate, one that grows a small one.
RATES = (0.0001, 0.001, 0.01, 0.1, 1.0)
STEPS = 100
DEEP = 50
# 1.1 and 0.9 to the power of 50 are 117 and 0.005: a tenfold change is well on the way.
TENFOLD = log(10.0)


def measure(case: Case) -> dict[str, Any]:
    """The spread by layer before training, and the best of some trainings."""
    data = split(case["data"], case)
    width = data.x.shape[1]
    first = ev.Identity(case["weights"])
    net = ev.Sequential([*[ev.Dense(width, kernel_init=first) for _ in range(case["depth"])],
                         ev.Dense(data.classes)])
    rows = min(64, len(data.x))
    engine = engine_of(net, data, rows, case.seed)
    outputs, gradients = (np.array(values[: case["depth"]])
                          for values in spreads(engine, data.x[:rows], data.y[:rows]))
    cut = len(data.x) * 4 // 5
    part = replace(data, x=data.x[:cut], y=data.y[:cut])
    tried = [by_step(case, net, part, steps=STEPS, rate=rate, batch=32) for rate in RATES]
    guess, guess_loss = guessed(part)
    held = data.x[cut:], data.y[cut:]
    best = tried[int(np.argmax([one.scored(*held, guess) for one in tried]))]
    return {
        "activations": outputs, "gradients": gradients,
        "growth": outputs[-1] / outputs[0], "gradient growth": gradients[0] / gradients[-1],
        "score": best.scored(data.x_test, data.y_test, guess), "loss": best.losses,
        "rates that learn": float(np.mean([np.mean(one.losses[-10:]) < guess_loss / 2
                                           for one in tried])),
    }


def grows(measure: str, weights: float, words: str, name: str) -> Part:
    """A chain above or below the identity, against the identity."""
    compared = more if weights > 1 else less
    return compared(measure, {"weights": weights}, than={"weights": 1.0}, at={"depth": DEEP},
                    ratio=True, least=TENFOLD, every=("data",), name=name,
                    words=f"{words}, {weights:g} times the identity against the identity")


def learns(measure: str, weights: float, words: str, name: str = "") -> Part:
    """Whether it trains all the same: shown, and no part of the claim."""
    return less(measure, {"weights": weights}, than={"weights": 1.0}, at={"depth": DEEP},
                unit="points", factor=100, digits=1, every=("data",), counts=False, name=name,
                words=f"{words}, {weights:g} times the identity against the identity")


STUDY = Study(
    name="deep-chain",
    claim="Weights a little above the identity make a deep chain of layers explode, weights a "
          "little below make it vanish: both with the power of its depth.",
    source="course notes (deeplearning.ai, Improving deep neural networks, week 1, vanishing and "
           "exploding gradients)",
    factors={
        "data": ("wine",),
        "depth": (2, DEEP),
        "weights": (1.0, 1.1, 0.9),
    },
    long_factors={"data": ("wine", "cancer"), "depth": (2, 5, 10, 20, DEEP),
                  "weights": (1.0, 1.1, 0.9, 1.5, 0.5)},
    long_blocks=10,
    technique=("weights",),
    measure=measure,
    parts=(
        grows("growth", 1.1, "activations, last of 50 layers over first", "up"),
        grows("growth", 0.9, "activations, last of 50 layers over first", "down"),
        grows("gradient growth", 1.1, "gradients, first of 50 layers over last", "back up"),
        grows("gradient growth", 0.9, "gradients, first of 50 layers over last", "back down"),
        learns("score", 1.1, "test score of 50 layers at the best rate", "above"),
        learns("score", 0.9, "test score of 50 layers at the best rate", "below"),
        learns("rates that learn", 1.1, "share of the rates that 50 layers learn at"),
        learns("rates that learn", 0.9, "share of the rates that 50 layers learn at"),
    ),
    test_ratio=1 / 3,
    about="Chains of 2 and of 50 linear layers, each as wide as the inputs, start at the identity "
          "and at 1.1 and 0.9 times it; 1.5, 0.5 and depths between in the long form. A softmax "
          "layer with He's weights ends the chain. Before training the root mean squares of each "
          "layer's outputs and of the gradient on them are taken on 64 rows. Then each chain is "
          "trained, 100 steps of plain descent in batches of 32 at five rates from 0.0001 to 1; "
          "the best on a validation part is scored on the test part. A training that breaks "
          "counts as a guess. Whether it trains is shown, and no part of the claim.",
    says={
        "holds": "Through 50 layers activations become {up} and {down} those of the identity, "
                 "gradients {back up} and {back down}; at the best rate the test score changes by "
                 "{above} and {below}.",
        "fails": "Through 50 layers activations become {up} and {down} those of the identity, "
                 "gradients {back up} and {back down}: not as claimed.",
        "cannot tell": "Through 50 layers activations become {up} and {down} those of the "
                       "identity, gradients {back up} and {back down}; that is not sure.",
    },
    pictures=(
        Picture("Activations by layer before training", "activations", over="layer", by="weights",
                panels="data", at={"depth": DEEP}, log="y",
                about="A straight line on this scale is a power of the depth."),
        Picture("Gradients by layer before training", "gradients", over="layer", by="weights",
                panels="data", at={"depth": DEEP}, log="y"),
        Picture("Training loss of 50 layers at the best rate", "loss", over="step", by="weights",
                panels="data", at={"depth": DEEP}),
    ),
    exercises=("exploding-gradients", "vanishing-gradients", "matrix-chains"),
    layers=("Dense", "Identity"),
    seconds=4.0,
)
