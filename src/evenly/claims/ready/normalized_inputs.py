"""Normalized inputs and the speed of descent."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

import evenly as ev

from ..data import split
from ..parts import less, more
from ..pictures import Picture
from ..study import Case, Study
from ..training import by_step, guessed, mlp, steps_to

# Of descent, in the tour and in the long form.
STEPS = {False: 80, True: 200}
# Rows to train on, of tables that are larger than it takes.
ROWS = {"digits": 400}
# Two a decade, from where inputs above 1,000 still allow descent.
RATES = tuple(float(f"{10.0**power:.2g}") for power in np.arange(-7, 1.1, 0.5))
# What of a rising loss may be rounding.
RISE = 1e-5
# A quarter of the steps saved is what a user would notice.
SAVED = log(1.25)


def measure(case: Case) -> dict[str, Any]:
    """Descent on all rows at once, at each rate."""
    data = split(case["data"], case, ROWS.get(case["data"]),
                 standardize=case["inputs"] == "normalized")
    count = STEPS[case.long]
    # A linear model has one valley: it may start at zero, where raw and normalized cost the same.
    net = ev.Dense(data.classes, kernel_init=ev.Zeros()) if case["network"] == "linear" else mlp(
        (16,), data.classes)
    guess, guess_loss = guessed(data)
    tried = [by_step(case, net, data, steps=count, rate=rate) for rate in RATES]
    steps = [steps_to(one.losses, guess_loss / 2) for one in tried]
    calm = [rate for one, rate in zip(tried, RATES, strict=True)
            if one.engine and np.all(np.diff(one.losses) <= RISE * np.array(one.losses[:-1]))]
    best = tried[int(np.argmin(steps))]
    return {
        "condition": condition(data.x), "steps": min(steps), "steps by rate": steps,
        "rates": RATES, "largest rate": max(calm, default=RATES[0]),
        "rates that learn": float(np.mean([one <= count for one in steps])),
        "loss": best.losses, "score": best.scored(data.x_test, data.y_test, guess),
    }


def condition(x: Any) -> float:
    """Largest over smallest curvature of a linear layer's squared error: the condition of the
    second moments of the inputs with a 1 for the bias. Directions that no row has do not count."""
    rows = np.column_stack([x, np.ones(len(x))]).astype(np.float64)
    values = np.linalg.eigvalsh(rows.T @ rows / len(rows))
    values = values[values > 1e-14 * values[-1]]
    return float(values[-1] / values[0])


STUDY = Study(
    name="normalized-inputs",
    claim="Normalized inputs make the cost rounder: larger rates converge, and descent needs fewer "
          "steps.",
    source="LeCun, Bottou, Orr and Mueller 1998, Efficient BackProp, section 4.3; course notes "
           "(deeplearning.ai, Improving deep neural networks, week 1)",
    factors={
        "data": ("wine", "cancer"),
        "network": ("linear", "hidden layer"),
        "inputs": ("raw", "normalized"),
    },
    long_factors={"data": ("wine", "cancer", "digits")},
    long_blocks=12,
    technique=("inputs",),
    measure=measure,
    parts=(
        more("condition", {"inputs": "raw"}, than={"inputs": "normalized"}, ratio=True,
             least=log(2), words="condition of the cost, raw against normalized inputs",
             every=("data",), name="condition"),
        less("largest rate", {"inputs": "raw"}, than={"inputs": "normalized"}, ratio=True,
             at={"network": "linear"}, least=log(2), every=("data",), name="rate",
             words="largest rate at which a linear model only descends, raw against normalized"),
        more("steps", {"inputs": "raw"}, than={"inputs": "normalized"}, ratio=True, least=SAVED,
             words="steps until half of a guess's loss, each at its fastest rate",
             every=("data", "network"), digits=1, name="steps"),
        more("rates that learn", {"inputs": "normalized"}, than={"inputs": "raw"}, least=0.03,
             words="share of the rates tried that get there", unit="points", factor=100, digits=0,
             every=("data", "network"), name="learn"),
        more("score", {"inputs": "normalized"}, than={"inputs": "raw"}, unit="points", factor=100,
             digits=1, words="test score after as many steps, each at its fastest rate",
             every=("data",), counts=False),
    ),
    test_ratio=1 / 3,
    about="A linear model (softmax, from zero weights) and a network of one hidden layer of 16 "
          "units descend on all rows at once for 80 steps, 200 in the long form, at 17 rates from "
          "0.0000001 to 10, once on the inputs as they are and once with mean 0 and deviation 1. "
          "Counted are the steps until the loss is half of a guess's, at the rate that is fastest "
          "for each; what never gets there, or breaks, counts as a step more than all. The largest "
          "rate is one of those tried at which no step raises the loss. The condition is that of "
          "the second moments of the inputs with a 1 for the bias.",
    says={
        "holds": "Raw inputs have {condition} the condition of normalized ones, the largest rate "
                 "that only descends is {rate} theirs, and half of a guess's loss takes {steps} "
                 "the steps.",
        "fails": "Raw inputs have {condition} the condition of normalized ones, the largest rate "
                 "is {rate} theirs and the steps are {steps}: not all of it as claimed.",
        "cannot tell": "Raw inputs have {condition} the condition of normalized ones, the largest "
                       "rate is {rate} theirs and the steps are {steps}; not all of the claim is "
                       "sure.",
    },
    pictures=(
        Picture("Training loss at the fastest rate", "loss", over="step", by="inputs",
                panels="data", log="y"),
        Picture("Steps until half of a guess's loss", "steps by rate", over="rate", by="inputs",
                panels="data", places="rates", log="xy",
                about="Where a line lies at the top, that rate does not get there."),
        Picture("Condition of the cost", "condition", over="inputs", by="data", log="y"),
    ),
    exercises=("input-normalization", "gradient-descent", "scaled-descent"),
    layers=("Standardizer", "SGD"),
    seconds=7.0,
)
