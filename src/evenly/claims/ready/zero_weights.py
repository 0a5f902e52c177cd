"""Zero weights and symmetry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import evenly as ev

from ..data import Data, split
from ..parts import Block, Part, less, more, same
from ..pictures import Picture
from ..study import Case, Study
from ..training import train

UNITS = 32
ACTIVATIONS = {"relu": ev.ReLU(), "tanh": ev.Tanh(), "sigmoid": ev.Sigmoid()}
# PyTorch's first biases of a layer of 32 to 64 inputs lie within about this.
BIASES = ev.Uniform(-0.15, 0.15)
# Of a large table not all: training and test part.
ROWS = {"mnist": (1500, 500)}
# A point of accuracy is what a user would not notice between two networks.
NOTICED = 0.01


def measure(case: Case) -> dict[str, Any]:
    """One training of a network of one hidden layer, or of none."""
    start = case["start"]
    own: dict[str, Any] = {}
    if start == "zero weights":
        own = {"kernel_init": ev.Zeros()}
    elif start == "random biases":
        own = {"bias_init": BIASES}
    data = data_of(case)
    layers: list[Any] = [ev.Dense(data.classes, **own)]
    if start != "no hidden layer":
        layers = [ev.Dense(UNITS, **own), ACTIVATIONS[case["activation"]], *layers]
    done = train(case, ev.Sequential(layers), data, epochs=25, optimizer=ev.Adam(3e-3))
    twins = 0.0
    if done.model is not None and start != "no hidden layer":
        twins = share_of_twins(done.model.weights["dense_1.kernel"])
    return {"score": done.test, "loss": done.losses, "twins": twins}


def data_of(case: Case) -> Data:
    """The data; of "odd digits" the question is whether the digit is odd."""
    if case["data"] != "odd digits":
        return split(case["data"], case, *ROWS.get(case["data"], ()))
    data = split("digits", case)
    return replace(data, y=data.y % 2, y_test=data.y_test % 2)


def share_of_twins(kernel: Any) -> float:
    """Units whose incoming weights are, to the bit, those of another unit."""
    kinds, counts = np.unique(np.asarray(kernel).T, axis=0, return_counts=True)
    del kinds
    return float(counts[counts > 1].sum() / counts.sum())


def over_linear(block: Block) -> float:
    """What zero weights are better by than no hidden layer, less a point that nobody sees."""
    zeros, linear = (block("score", start=s) for s in ("zero weights", "no hidden layer"))
    return float(zeros - linear) - NOTICED


STUDY = Study(
    name="zero-weights",
    claim="Zero weights never break the symmetry between units: the network is no better than "
          "logistic regression. Zero biases are fine.",
    source="course notes (deeplearning.ai, Improving deep neural networks, week 1); "
           "Goodfellow, Bengio and Courville 2016, Deep learning, section 8.4",
    factors={
        "data": ("odd digits", "digits"),
        "activation": ("relu", "tanh", "sigmoid"),
        "start": ("random weights", "random biases", "zero weights", "no hidden layer"),
    },
    long_factors={"data": ("odd digits", "digits", "mnist")},
    technique=("start",),
    measure=measure,
    parts=(
        more("twins", {"start": "zero weights"}, than={"start": "random weights"}, least=0.99,
             words="units that still equal another after training, zero against random weights",
             unit="% of the units", factor=100, digits=0, name="twins",
             every=("data", "activation")),
        Part("test score of zero weights, against no hidden layer and a point more", over_linear,
             "less", unit="points", factor=100, digits=1, every=("data",)),
        less("score", {"start": "zero weights"}, than={"start": "random weights"}, least=NOTICED,
             words="test score of zero weights, against random ones", unit="points", factor=100,
             digits=1, every=("data",), name="loss"),
        same("score", {"start": "random weights"}, than={"start": "random biases"},
             margin=NOTICED, unit="points", factor=100, digits=1, name="biases",
             words="test score of zero biases, against random ones (weights random)"),
        less("score", {"start": "zero weights"}, than={"start": "no hidden layer"},
             at={"activation": "sigmoid"}, unit="points",
             words="zero weights with sigmoid, against no hidden layer",
             factor=100, digits=1, every=("data",), counts=False),
        more("score", {"start": "random weights"}, than={"start": "no hidden layer"},
             words="what a hidden layer is worth here: random weights, against none",
             unit="points", factor=100, digits=1, counts=False),
    ),
    test_ratio=1 / 3,
    about="A network of one hidden layer of 32 units learns to read digits, or to tell odd ones "
          "from even ones, which no linear model does well; Adam with rate 0.003, batches of 32, "
          "25 epochs. It starts with random weights and zero biases, with random biases too, or "
          "with zeros; beside it a network without hidden layer, which is logistic regression. "
          "Measured are the score on a quarter of the rows that was held out, and the units whose "
          "weights are, to the bit, another unit's.",
    says={
        "holds": "Against random weights, zeros leave {twins} with an equal twin and change "
                 "the test score by {loss}, to no better than logistic regression's; zero biases "
                 "change it by {biases}.",
        "fails": "Zero weights or zero biases did otherwise than claimed: {twins} with a twin, "
                 "{loss} from random weights, {biases} by zero biases.",
        "cannot tell": "Zero weights change the score by {loss}, zero biases by {biases}; not all "
                       "of the claim is sure.",
    },
    pictures=(
        Picture("Test score by what training starts from", "score", over="start", by="activation",
                panels="data", about="Behind ReLU and tanh nothing but the last bias ever moves; "
                "sigmoid starts at 0.5, so that one unit, many times over, learns."),
        Picture("Training loss with sigmoid", "loss", over="epoch", by="start", panels="data",
                at={"activation": "sigmoid"}, log="y"),
    ),
    exercises=("zero-initialization", "equal-weights"),
    layers=("Dense", "Zeros"),
    seconds=6.0,
)
