"""Batch norm: faster, with larger rates, from bad first weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import evenly as ev

from ..data import split
from ..parts import Block, Part, less, more
from ..pictures import Picture
from ..stepwise import Inputs, places_of, train_steps
from ..study import Case, Study
from ..training import mlp

FIRST = {"Xavier": None, "tiny": ev.Normal(0.03), "huge": ev.Normal(1.0)}
RATES = (0.1, 1.0, 10.0)
LONG_RATES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
# A mean loss of 1 over ten steps, of the 2.3 of a guess; half of the images told rightly.
LEARNED, WORKS = 1.0, 0.5


def measure(case: Case) -> dict[str, Any]:
    """The network of Ioffe and Szegedy on images of MNIST, trained with each rate."""
    data = split("mnist", case, train=2500, test=500, standardize=False).halved().standardized()
    part = data.validation(0.2)
    norm = ev.BatchNorm() if case["norm"] == "batch" else None
    net = mlp((100,) * 3, 10, activation=ev.Sigmoid(), norm=norm, first=FIRST[case["first"]])
    steps, rates = (500, LONG_RATES) if case.long else (120, RATES)
    looks = range(0, steps + 1, steps // 20)
    inputs = Inputs(net, places_of(net, ev.Sigmoid)[-1:], data.x.shape[1], 200)
    seen: list[Any] = []  # by the first unit of the last hidden layer
    found = {}
    for rate in rates:
        done = train_steps(
            case, net, part, steps=steps, batch=50, optimizer=ev.SGD(rate),
            look=lambda engine: seen.append(inputs(engine, data.x[:200])[0][:, 0]),
            at=looks if rate == 1.0 else (),
        )
        found[rate] = done, done.score(part.x_test, part.y_test), done.score(
            data.x_test, data.y_test)
    best, _, accuracy = max(found.values(), key=lambda one: one[1])
    seen += [seen[-1]] * (len(looks) - len(seen))
    low, median, high = np.percentile(seen, (15, 50, 85), axis=1)
    return {
        "accuracy": accuracy, "steps": best.steps_to(LEARNED), "losses": best.losses,
        "largest rate": max((rate for rate in rates if found[rate][2] >= WORKS),
                            default=rates[0] / 10),
        "accuracy by rate": [found[rate][2] for rate in rates], "rates": rates,
        "15th percentile": low, "median": median, "85th percentile": high, "looks": list(looks),
    }


def harm(block: Block, norm: str, *firsts: str) -> float:
    """What the worst of these first weights costs in accuracy, against Xavier's."""
    worst = min(block("accuracy", norm=norm, first=first) for first in firsts)
    return float(block("accuracy", norm=norm, first="Xavier") - worst)


def forgiven(words: str, name: str, *firsts: str, counts: bool = True) -> Part:
    """That bad first weights cost less with batch norm."""
    return Part(words, lambda block: harm(block, "batch", *firsts) - harm(block, "none", *firsts),
                "less", unit="points", factor=100, digits=1, least=0.02, name=name, counts=counts)


BATCH, NONE, XAVIER = {"norm": "batch"}, {"norm": "none"}, {"first": "Xavier"}

STUDY = Study(
    name="batch-norm-faster",
    claim="Batch norm trains faster, bears larger learning rates and forgives bad first weights.",
    source="Ioffe and Szegedy 2015, sections 1, 3.3 and 4.1",
    factors={"norm": ("none", "batch"), "first": tuple(FIRST)},
    technique=("norm",),
    measure=measure,
    test_ratio=1 / 9,
    # A fifth of the steps, another rate of the grid, two points: less would hardly be noticed.
    parts=(
        less("steps", BATCH, than=NONE, at=XAVIER, ratio=True, least=math.log(1.25), name="steps",
             words=f"steps to a loss of {LEARNED:g}, with batch norm against without"),
        more("largest rate", BATCH, than=NONE, at=XAVIER, ratio=True, least=math.log(2), digits=1,
             name="rate", words="largest rate that learns, with batch norm against without"),
        forgiven("accuracy lost by the worst first weights, with batch norm less without",
                 "worst", "tiny", "huge"),
        forgiven("the same of tiny first weights alone", "tiny", "tiny", counts=False),
        forgiven("the same of huge first weights alone", "huge", "huge", counts=False),
        more("accuracy", BATCH, than=NONE, at=XAVIER, unit="points", factor=100, digits=1,
             name="accuracy", counts=False,
             words="test accuracy at the end, with batch norm less without"),
    ),
    about="Three hidden layers of 100 sigmoids, as in the paper, learn 2,000 MNIST images (2 x 2 "
          "pixels to one) by plain descent, 50 images a step. First weights are "
          "Xavier's, tiny (deviation 0.03) or huge (1). Every network is trained with each rate "
          "of a grid; 500 images more choose the rate that counts, 500 others are the test. "
          "A rate learns if half of the test images are told rightly. A training that breaks "
          "counts as a guess, one that does not get there as one step more than it had.",
    says={
        verdict: f"{first} With batch norm the loss is down in {{steps}} the steps, and rates "
                 "{rate} as large still learn. What bad first weights cost in accuracy changes "
                 "by {worst}: tiny ones by {tiny}, huge ones by {huge}."
        for verdict, first in (("holds", "It is so."), ("fails", "Not all of it is so."),
                               ("cannot tell", "Not all of it can be told."))
    },
    pictures=(
        Picture("Test accuracy by learning rate", "accuracy by rate", over="learning rate",
                places="rates", by="norm", panels="first", log="x",
                about="Batch norm learns over a wider range of rates, whatever the first weights."),
        Picture("What a sigmoid gets: median, 15th and 85th percentile", "median",
                over="step", places="looks", band=("15th percentile", "85th percentile"),
                panels="norm", at=XAVIER,
                about="As in figure 1 of the paper: a unit of the last hidden layer, a rate of 1."),
        Picture("Training loss at each one's best rate", "losses", over="step", by="norm",
                panels="first"),
    ),
    exercises=("batch-norm",),
    layers=("BatchNorm", "Sigmoid", "Dense"),
    seconds=5,
)
