"""Dropout's scaling: the mean input of the next layer in training and at test time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import evenly as ev

from ..data import Array, split
from ..parts import Part
from ..pictures import Picture
from ..study import Case, Study
from ..training import epochs_for, train

UNITS, ROWS, MASKS = 10, 128, 200


def network(classes: int, rate: float, scaling: str) -> Any:
    """Ten hidden units, dropout, and the next layer."""
    return ev.Sequential([
        ev.Dense(UNITS), ev.ReLU(), ev.Dropout(rate, classic=scaling != "inverted"),
        ev.Dense(classes, bias=False),
    ])


def inputs(model: Any, x: Array, scaling: str, masks: int) -> tuple[Array, Array]:
    """What the next layer adds up, of each row: under each of many masks as in training, (masks,
    rows, units); and at test time, (rows, units). Without scaling the test leaves out the factor
    that classic dropout has there."""
    program = ev.compile(model.net, x.shape[1:], batch=len(x), loss=model.loss,
                         optimizer=ev.SGD(0.1))
    engine = ev.Engine(program, seed=model.engine.seed, threads=1, weights=model.weights)
    targets = np.zeros(len(x), np.int64)
    if not model.loss.targets_are_classes:
        targets = np.zeros((len(x), *program.output_shape), np.float32)
    rows = engine.rows(x)
    found = []
    for mask in range(masks):
        engine.steps = mask
        engine.run("gradient", rows, engine.targets(targets))
        found.append(engine.buffer("dense_2.y")[: len(x)].astype(np.float64))
    at_test = engine.predict(x).astype(np.float64)
    keep = 1 - model.net.layers[2].rate
    return np.array(found), at_test / keep if scaling == "none" else at_test


def measure(case: Case) -> dict[str, Any]:
    """Trains, then holds the next layer's inputs of training and test against each other."""
    data = split(case["data"], case)
    net = network(data.classes, case["rate"], case["scaling"])
    done = train(case, net, data, epochs=epochs_for(400, data), optimizer=ev.Adam(1e-2))
    assert done.model is not None
    masked, at_test = inputs(done.model, data.x_test[:ROWS], case["scaling"], MASKS)
    mean = masked.mean(0)
    # The slope of the means in training on the inputs at test: 1 where they are the same.
    slope = float((mean * at_test).sum() / (at_test**2).sum())
    spread = float(np.sqrt(((masked - mean) ** 2).mean() / (at_test**2).mean()))
    # What a ReLU behind would pass on is no mean of inputs: it need not be the same.
    behind = np.maximum(masked, 0).mean() / max(np.maximum(at_test, 0).mean(), 1e-6)
    return {"slope": slope, "log slope": math.log(max(slope, 1e-3)), "spread": spread,
            "log spread": math.log(max(spread, 1e-3)), "log behind": math.log(max(behind, 1e-3)),
            "test score": done.test}


def logarithm(measure: str, words: str, expects: Any, *, scaling: str = "inverted",
              **settings: Any) -> Part:
    """A part whose measure is a logarithm at one scaling, told as a ratio."""
    return Part(words, lambda block: float(block(measure, scaling=scaling)), expects, ratio=True,
                **settings)


STUDY = Study(
    name="dropout-scaling",
    claim="With classic and with inverted scaling the mean input of the next layer is the same in "
    "training and at test.",
    source="course notes (ten units, p = 0.5); Srivastava, Hinton, Krizhevsky, Sutskever and "
    "Salakhutdinov 2014, sections 4 and 10",
    factors={"data": ("digits", "cancer", "diabetes"),
             "scaling": ("inverted", "classic", "none"), "rate": (0.5,)},
    long_factors={"data": ("digits", "cancer", "diabetes", "wine"), "rate": (0.2, 0.5, 0.8)},
    technique=("scaling",),
    measure=measure,
    parts=(
        # 200 masks tell the mean to about a hundredth; 3 % is far from the 50 % at stake.
        logarithm("log slope", "mean input in training over that at test, inverted scaling",
                  "same", margin=math.log(1.03), digits=3, name="inverted"),
        logarithm("log slope", "mean input in training over that at test, classic scaling",
                  "same", margin=math.log(1.03), digits=3, name="classic", scaling="classic"),
        logarithm("log slope", "the same without any scaling", "less", least=math.log(1.2),
                  every=("data",), digits=3, name="none", scaling="none"),
        logarithm("log spread", "deviation by single masks over the size of the input", "less",
                  counts=False, name="spread"),
        logarithm("log behind", "mean of what a ReLU behind passes on, training over test", "more",
                  counts=False, name="behind"),
    ),
    about="Ten hidden ReLU units, dropout 0.5, and the next layer, trained for 400 steps of Adam "
    "on three tables. Then 128 rows that were not trained on pass under 200 masks, and once in "
    "inference mode. The means over the masks are laid against the inputs at test, unit by unit: "
    "their slope is 1 where they agree. Without any scaling, masks in training meet the plain "
    "network at test.",
    says={
        "holds": "In training the mean input is that at test {inverted} with inverted scaling, "
        "{classic} with classic scaling, and {none} without any; a single mask moves it by its own "
        "size {spread}, and what a ReLU behind passes on is {behind}.",
        "fails": "In training the mean input is that at test {inverted} with inverted scaling, "
        "{classic} with classic scaling, and {none} without any.",
        "cannot tell": "In training the mean input is that at test {inverted} with inverted "
        "scaling, {classic} with classic scaling, and {none} without any: that does not tell them "
        "apart for sure.",
    },
    pictures=(
        Picture("Mean input of the next layer in training, over that at test", "slope",
                over="scaling", by="data"),
        Picture("How far single masks move the input", "spread", over="scaling", by="data",
                unit="of its size"),
    ),
    exercises=("dropout", "dropout-classic", "dropout-expectation"),
    layers=("Dropout",),
)
