"""Dropout and the gap between training and test."""

from __future__ import annotations

import math
from typing import Any

import evenly as ev

from ..data import split
from ..parts import Block, Part, less, more
from ..pictures import Picture
from ..study import Case, Study
from ..training import epochs_for, log_gap, loss_gap, mlp, train

STEPS, WIDTHS = 800, (64, 64)
PAPER = "Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014"
DATA = ("digits", "cancer", "diabetes")
MORE_DATA = (*DATA, "wine", "mnist")
# Three quarters train, a quarter is tested on: the parts of the blocks overlap.
RATIO = 1 / 3


def measure(case: Case) -> dict[str, Any]:
    """One training with dropout behind each hidden layer."""
    big = case["data"] == "mnist"
    whole = split(case["data"], case, *((2000, 1000) if big else ()))
    data = whole.fewer(float(case.levels.get("share", 1.0)))
    net = mlp(WIDTHS, whole.classes, dropout=case["rate"])
    done = train(case, net, data, epochs=epochs_for(STEPS, data), optimizer=ev.Adam(2e-3))
    return {
        "gap": loss_gap(done, data), "log gap": log_gap(done, data), "score gap": done.gap,
        "test score": done.test, "training score": done.train,
        "log test loss": math.log(max(done.test_loss, 1e-6)), "training loss": done.losses[-1],
    }


def compared(measure: str, rate: float, **settings: Any) -> Part:
    """Dropout against none, as the difference of logarithms, told as a ratio."""
    def effect(block: Block) -> float:
        return float(block(measure, rate=rate) - block(measure, rate=0.0))

    return Part(effect=effect, ratio=True, **settings)


ABOUT = (
    "Two hidden layers of 64 ReLU units, dropout behind each, 800 steps of Adam at 0.002 with "
    "batches of 32, on three tables, a quarter of the rows held out. All is scored in inference "
    "mode. "
)

STUDY = Study(
    name="dropout-gap",
    claim="Dropout narrows the gap between training and test.",
    source=f"{PAPER}, section 1; course notes",
    factors={"data": DATA, "rate": (0.0, 0.2, 0.5)},
    long_factors={"data": MORE_DATA, "rate": (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8)},
    technique=("rate",),
    measure=measure,
    test_ratio=RATIO,
    parts=(
        # A tenth of the gap, or half a point of score, is the least that anybody would see.
        compared("log gap", 0.5, words="gap in loss, dropout 0.5 against none", expects="less",
                 least=math.log(1 / 0.9), every=("data",), name="loss"),
        less("score gap", {"rate": 0.5}, than={"rate": 0.0}, unit="points", factor=100, digits=1,
             least=0.005, every=("data",), words="gap in accuracy (R^2 of numbers), dropout 0.5 "
             "against none", name="score"),
        compared("log gap", 0.2, words="gap in loss, dropout 0.2 against none", expects="less",
                 counts=False, name="mild"),
        less("training score", {"rate": 0.5}, than={"rate": 0.0}, unit="points", factor=100,
             digits=1, counts=False, name="train",
             words="training score, dropout 0.5 against none"),
        more("test score", {"rate": 0.5}, than={"rate": 0.0}, unit="points", factor=100,
             digits=1, counts=False, words="test score, dropout 0.5 against none", name="test"),
    ),
    about=ABOUT + "The gap is test less training: of the loss, as a share of what a guess loses "
    "(under 2 % counts as 2 %); of accuracy, or R^2.",
    says={
        "holds": "Dropout 0.5 narrows the gap on each of the tables: on average that of the loss "
        "is {loss}, that of the score {score}; the training score changes by {train}, the test "
        "score by {test}.",
        "fails": "Dropout 0.5 does not narrow the gap: of the loss it is {loss}, of the score "
        "{score}.",
        "cannot tell": "On average over the tables dropout 0.5 makes the gap {loss} of the loss "
        "and {score} of the score, but not surely so on each of them; dropout 0.2 makes it {mild}.",
    },
    pictures=(
        Picture("Gap between training and test loss", "gap", over="data", by="rate",
                unit="share of a guess's loss"),
        Picture("Training score", "training score", over="data", by="rate"),
        Picture("Test score", "test score", over="data", by="rate"),
    ),
    exercises=("dropout", "dropout-classic"),
    layers=("Dropout",),
)
