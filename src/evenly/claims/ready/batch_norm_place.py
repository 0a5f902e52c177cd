"""Batch norm in front of the activation or behind it."""

from __future__ import annotations

from typing import Any

import evenly as ev

from ..data import split
from ..parts import Part, less, more
from ..pictures import Picture
from ..study import Case, Study
from ..training import mlp, train

ACTIVATIONS = {"ReLU": ev.ReLU(), "tanh": ev.Tanh(), "sigmoid": ev.Sigmoid()}
RATES = (0.1, 0.3, 1.0)
LONG_RATES = (0.03, 0.1, 0.3, 1.0)


def measure(case: Case) -> dict[str, Any]:
    """Trains with each rate; what counts is the one of the best score on a validation part."""
    rows = {"digits": (800, 300), "mnist": (800, 500)}.get(case["data"], (None, None))
    train_rows, test_rows = rows
    data = split(case["data"], case, train_rows, test_rows, standardize=case["data"] != "mnist")
    data = data.halved().standardized() if case["data"] == "mnist" else data
    part = data.validation()
    net = mlp((64,) * 3, data.classes, activation=ACTIVATIONS[case["activation"]],
              norm=ev.BatchNorm(), norm_first=case["place"] == "before")
    found = []
    for rate in LONG_RATES if case.long else RATES:
        done = train(case, net, part, epochs=20 if case.long else 8, optimizer=ev.SGD(rate))
        test = done.model.evaluate(data.x_test, data.y_test).score if done.model else done.test
        found.append((done.test, test, done.losses))
    _, score, losses = max(found)
    return {"score": score, "losses": losses, "last loss": max(losses[-1], 1e-6)}


BEFORE, AFTER = {"place": "before"}, {"place": "after"}
POINTS: dict[str, Any] = {"unit": "points", "factor": 100, "digits": 1}


def better(activation: str) -> Part:
    """That it stands better in front of this activation: by half a point, as between two seeds."""
    return more("score", BEFORE, than=AFTER, at={"activation": activation}, least=0.005,
                every=("data",), name=activation, **POINTS,
                words=f"test accuracy with {activation}, batch norm in front of it less behind it")


def faster(activation: str) -> Part:
    """That the training loss gets lower in front of this activation: told, and not decided by."""
    return less("last loss", BEFORE, than=AFTER, at={"activation": activation}, ratio=True,
                counts=False, words=f"last training loss with {activation}, batch norm in front of "
                                    "it against behind it")


STUDY = Study(
    name="batch-norm-place",
    claim="Batch norm belongs in front of the activation, not behind it.",
    source="in front: Ioffe and Szegedy 2015, section 3.2; behind: Mishkin, Sergievskiy and Matas "
           "2017, on ImageNet with ReLU",
    factors={"place": ("before", "after"), "activation": tuple(ACTIVATIONS), "data": ("digits",)},
    long_factors={"data": ("digits", "mnist")},
    technique=("place",),
    measure=measure,
    test_ratio=1 / 5,
    parts=(*map(better, ACTIVATIONS), *map(faster, ACTIVATIONS)),
    blocks=20,
    long_blocks=40,
    about="Three hidden layers of 64 units, each with batch norm in front of its activation or "
          "behind it, learn 600 handwritten digits by plain descent, 32 rows a step, at the rate "
          "whose accuracy on 200 other rows is best; the score is that of 300 test rows. "
          "Both sides are told: above 0 is for the paper's place, below 0 for the other. A "
          "training that breaks counts as a guess.",
    says={
        verdict: f"{first} In front of the activation instead of behind it the test accuracy "
                 "changes by {ReLU} with ReLU, {tanh} with tanh, {sigmoid} with sigmoid."
        for verdict, first in (
            ("holds", "It belongs in front, of all three activations."),
            ("fails", "Not in front of every activation."),
            ("cannot tell", "It cannot be told for every activation."))
    },
    pictures=(
        Picture("Test accuracy by place", "score", over="activation", by="place", panels="data"),
        Picture("Training loss at each one's best rate", "losses", over="epoch", by="place",
                panels="activation", log="y"),
    ),
    exercises=("batch-norm",),
    layers=("BatchNorm", "ReLU", "Tanh", "Sigmoid"),
    seconds=6,
)
