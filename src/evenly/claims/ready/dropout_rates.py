"""Dropout's rate, and dropout on little data and on much."""

from __future__ import annotations

from ..parts import Block, Part
from ..pictures import Picture
from ..study import Study
from .dropout_gap import ABOUT, DATA, MORE_DATA, PAPER, RATIO, measure

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
)
