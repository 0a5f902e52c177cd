"""Dropout: the gap between training and test, the rate, little data and much."""

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

GAP = Study(
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
        "holds": "Dropout 0.5 narrows the gap of the loss ({loss}) and of the score ({score}) on "
        "each of the tables; on average the training score changes by {train}, the test score by "
        "{test}.",
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

TYPICAL, HIGH = (0.2, 0.35, 0.5), (0.65, 0.8)


def mean_over(block: Block, rates: tuple[float, ...]) -> float:
    """The mean test score over some rates."""
    return sum(float(block("test score", rate=rate)) for rate in rates) / len(rates)


RATES = Study(
    name="dropout-rates",
    claim="Good dropout rates are 0.2 to 0.5.",
    source=f"course notes; {PAPER}, section 7.3",
    factors={"data": DATA, "rate": (0.0, *TYPICAL, *HIGH)},
    long_factors={"data": MORE_DATA},
    technique=("rate",),
    measure=measure,
    blocks=6,
    test_ratio=RATIO,
    parts=(
        # Half a point of accuracy is worth a setting.
        Part("test score, mean of 0.2 to 0.5 against none",
             lambda block: mean_over(block, TYPICAL) - mean_over(block, (0.0,)), "more",
             least=0.005, unit="points", factor=100, digits=1, every=("data",), name="none"),
        Part("test score, mean of 0.2 to 0.5 against 0.65 and 0.8",
             lambda block: mean_over(block, TYPICAL) - mean_over(block, HIGH), "more",
             least=0.005, unit="points", factor=100, digits=1, every=("data",), name="high"),
    ),
    about=ABOUT + "The score is accuracy, or R^2 of numbers.",
    says={
        "holds": "On each of the tables rates of 0.2 to 0.5 score better than no dropout ({none}) "
        "and better than higher rates ({high}).",
        "fails": "Rates of 0.2 to 0.5 are not the best: {none} against no dropout, {high} against "
        "higher rates.",
        "cannot tell": "On average rates of 0.2 to 0.5 change the test score by {none} against no "
        "dropout and by {high} against higher rates, but not surely so on each of the tables.",
    },
    pictures=(
        Picture("Test score by rate", "test score", over="rate", panels="data"),
        Picture("Gap between training and test loss", "gap", over="rate", panels="data",
                unit="share of a guess's loss"),
    ),
    exercises=("dropout",),
    layers=("Dropout",),
    in_tour=False,
)


def gain(block: Block, share: float) -> float:
    """What dropout 0.5 adds to the test score where there is so much data."""
    return float(block("test score", share=share, rate=0.5)
                 - block("test score", share=share, rate=0.0))


LITTLE = Study(
    name="dropout-little-data",
    claim="The less data there is, the more dropout helps.",
    source=f"course notes; {PAPER}, section 7.4, find the opposite on the smallest sets",
    factors={"data": DATA, "share": (0.1, 1.0), "rate": (0.0, 0.5)},
    long_factors={"data": (*DATA, "mnist"), "share": (0.1, 0.2, 0.5, 1.0)},
    technique=("rate",),
    measure=measure,
    blocks=6,
    test_ratio=RATIO,
    parts=(
        # A point more of gain is the least that would make anybody choose by the size of the data.
        Part("gain in test score by dropout 0.5, a tenth of the rows against all",
             lambda block: gain(block, 0.1) - gain(block, 1.0), "more", least=0.01,
             unit="points", factor=100, digits=1, every=("data",), name="more"),
        Part("gain in test score, a tenth of the rows", lambda block: gain(block, 0.1), "more",
             unit="points", factor=100, digits=1, counts=False, name="few"),
        Part("gain in test score, all rows", lambda block: gain(block, 1.0), "more",
             unit="points", factor=100, digits=1, counts=False, name="all"),
    ),
    about=ABOUT + "The training part is all of the other rows, or a tenth of them, trained on for "
    "as many steps. The score is accuracy, or R^2 of numbers.",
    says={
        "holds": "On a tenth of the rows dropout 0.5 changes the test score by {few}, on all rows "
        "by {all}: it helps more where data is little.",
        "fails": "On a tenth of the rows dropout 0.5 changes the test score by {few}, on all rows "
        "by {all}: it helps less where data is little.",
        "cannot tell": "On a tenth of the rows dropout 0.5 changes the test score by {few}, on all "
        "rows by {all}; which is more depends on the table, or on chance.",
    },
    pictures=(
        Picture("Test score by share of the rows", "test score", over="share", by="rate",
                panels="data", log="x"),
    ),
    exercises=("dropout",),
    layers=("Dropout",),
    in_tour=False,
)
