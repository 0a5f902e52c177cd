"""L2: smaller weights, a narrower gap."""

from __future__ import annotations

import math
from typing import Any

import evenly as ev

from ..data import split
from ..parts import Block, Part, less, more
from ..pictures import Picture
from ..study import Case, Study
from ..training import epochs_for, kernel_size, log_gap, loss_gap, mlp, train


def measure(case: Case) -> dict[str, Any]:
    """One training with a penalty."""
    big = case["data"] == "mnist"
    data = split(case["data"], case, *((2000, 1000) if big else ()))
    penalty = ev.L2(case["l2"]) if case["l2"] else None
    done = train(case, mlp((64, 64), data.classes), data, epochs=epochs_for(800, data),
                 optimizer=ev.Adam(2e-3), penalty=penalty)
    size = kernel_size(done)
    return {
        "size": size, "log size": math.log(max(size, 1e-6)), "gap": loss_gap(done, data),
        "log gap": log_gap(done, data), "score gap": done.gap, "test score": done.test,
        "training score": done.train,
    }


def compared(measure: str, words: str, least: float, name: str) -> Part:
    """L2 against none, as the difference of logarithms, told as a ratio."""
    def effect(block: Block) -> float:
        return float(block(measure, l2=0.01) - block(measure, l2=0.0))

    return Part(words, effect, "less", least=least, ratio=True, every=("data",), name=name)


STUDY = Study(
    name="l2-gap",
    claim="L2 makes the weights smaller and the gap between training and test narrower.",
    source="Krogh and Hertz 1992; course notes",
    factors={"data": ("digits", "cancer", "diabetes"), "l2": (0.0, 0.001, 0.01)},
    long_factors={"data": ("digits", "cancer", "diabetes", "wine", "mnist"),
                  "l2": (0.0, 0.0001, 0.001, 0.01, 0.1)},
    technique=("l2",),
    measure=measure,
    test_ratio=1 / 3,
    parts=(
        # A tenth less, of weights and of gaps, or half a point, is the least worth a setting.
        compared("log size", "size of the weights, L2 0.01 against none", math.log(1 / 0.9),
                 "size"),
        compared("log gap", "gap in loss, L2 0.01 against none", math.log(1 / 0.9), "loss"),
        less("score gap", {"l2": 0.01}, than={"l2": 0.0}, least=0.005, unit="points", factor=100,
             digits=1, every=("data",), name="score",
             words="gap in accuracy (R^2 of numbers), L2 0.01 against none"),
        more("test score", {"l2": 0.01}, than={"l2": 0.0}, unit="points", factor=100, digits=1,
             counts=False, words="test score, L2 0.01 against none", name="test"),
    ),
    about="Two hidden layers of 64 ReLU units, 800 steps of Adam at 0.002 with batches of 32, on "
    "three tables, a quarter of the rows held out; 0.01 / 2 times the sum of the squared weights "
    "is added to the mean loss. The size is the root mean square of all kernels. The gap is test "
    "less training: of the loss without penalty, as a share of what a guess loses (under 2 % "
    "counts as 2 %); of accuracy, or R^2.",
    says={
        "holds": "L2 of 0.01 makes weights smaller and gaps narrower on each of the tables: on "
        "average the weights are {size}, the gap of the loss {loss}, that of the score {score}; "
        "the test score changes by {test}.",
        "fails": "L2 of 0.01 makes the weights {size}, the gap of the loss {loss} and of the score "
        "{score}: not all of it as claimed.",
        "cannot tell": "On average over the tables L2 of 0.01 makes the weights {size}, the gap of "
        "the loss {loss} and of the score {score}, but not all of it surely so on each of them.",
    },
    pictures=(
        Picture("Gap between training and test loss", "gap", over="data", by="l2",
                unit="share of a guess's loss"),
        Picture("Size of the weights", "size", over="data", by="l2", log="y",
                unit="root mean square"),
        Picture("Test score", "test score", over="data", by="l2"),
    ),
    exercises=("l2", "weight-decay", "l2-conventions"),
    layers=("L2",),
)
