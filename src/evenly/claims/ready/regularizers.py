"""L1, max-norm, early stopping, mixup and label smoothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import evenly as ev

from ..data import Array, Data, split
from ..parts import Block, Part
from ..pictures import Picture
from ..study import Case, Study
from ..training import LEAST_GAP, Trained, epochs_for, guessed, mlp, train

# Each at a usual setting. Max-norm's usual limits, 3 and 4, are never reached in small networks.
KINDS: dict[str, Callable[[Data], dict[str, Any]]] = {
    "none": lambda data: {},
    "L1": lambda data: {"penalty": ev.L1(0.001)},
    "max-norm": lambda data: {"constraint": ev.MaxNorm(1.0)},
    "early stopping": lambda data: {
        "early_stopping": ev.EarlyStopping(5), "validation": (data.x_test, data.y_test)},
    "mixup": lambda data: {"augment": ev.Mixup(0.2)},
    "label smoothing": lambda data: (
        {"loss": ev.SoftmaxCrossEntropy(label_smoothing=0.1)} if data.classes > 1 else {}),
}


def plain_loss(done: Trained, x: Array, y: Array, classes: int) -> float:
    """The loss of the true targets, whatever loss the network was trained with."""
    assert done.model is not None
    scores = done.model.predict(x).astype(np.float64)
    if classes == 1:
        return float(np.mean((scores[:, 0] - y) ** 2))
    scores -= scores.max(1, keepdims=True)
    told = np.take_along_axis(scores, y[:, None], 1)[:, 0]
    return float(np.mean(np.log(np.exp(scores).sum(1)) - told))


def measure(case: Case) -> dict[str, Any]:
    """One training with one regularizer."""
    big = case["data"] == "mnist"
    data = split(case["data"], case, *((2000, 1000) if big else ()))
    epochs = epochs_for(500, data)
    part = data.validation(0.2)
    settings = KINDS[case["kind"]](part)
    if "early_stopping" in settings:
        # It gives a fifth of the training part away, to watch.
        data = replace(data, x=part.x, y=part.y)
    done = train(case, mlp((64, 64), data.classes), data, epochs=epochs,
                 optimizer=ev.Adam(2e-3), **settings)
    own = plain_loss(done, data.x, data.y, data.classes)
    other = plain_loss(done, data.x_test, data.y_test, data.classes)
    gap = (other - own) / guessed(data)[1]
    return {"gap": gap, "log gap": math.log(max(gap, LEAST_GAP)), "test score": done.test,
            "log test loss": math.log(max(other, 1e-6))}


def narrower(kind: str) -> Part:
    """The gap with it, against none. A tenth of the gap is the least that anybody would see."""
    def effect(block: Block) -> float:
        return float(block("log gap", kind=kind) - block("log gap", kind="none"))

    return Part(f"gap in loss, {kind} against none", effect, "less", least=math.log(1 / 0.9),
                ratio=True, every=("data",), name=kind.replace("-", "").replace(" ", "_"))


def better(kind: str) -> Part:
    """The test score with it, against none."""
    def effect(block: Block) -> float:
        return float(block("test score", kind=kind) - block("test score", kind="none"))

    return Part(f"test score, {kind} against none", effect, "more", unit="points", factor=100,
                digits=1, counts=False)


NAMES = tuple(name for name in KINDS if name != "none")
FOUND = ("L1 makes the gap of the loss {L1}, max-norm {maxnorm}, early stopping {early_stopping}, "
         "mixup {mixup}, label smoothing {label_smoothing}")

STUDY = Study(
    name="other-regularizers",
    claim="L1, max-norm, early stopping, mixup and label smoothing narrow the gap between training "
    "and test.",
    source="course notes; Prechelt 1998; Zhang, Cisse, Dauphin and Lopez-Paz 2018",
    factors={"data": ("digits", "cancer", "wine"), "kind": tuple(KINDS)},
    long_factors={"data": ("digits", "cancer", "wine", "mnist")},
    technique=("kind",),
    measure=measure,
    test_ratio=1 / 3,
    parts=(*map(narrower, NAMES), *map(better, NAMES)),
    about="Two hidden layers of 64 ReLU units, 500 steps of Adam at 0.002 with batches of 32, a "
    "quarter of the rows held out. Each kind at one usual strength: L1 0.001, max-norm 1, early "
    "stopping after 5 epochs without progress on a fifth of the training part, mixup 0.2, label "
    "smoothing 0.1. The gap is test less training loss, both of the true labels, as a share of "
    "what a guess loses (under 2 % counts as 2 %).",
    says={
        "holds": FOUND + ": narrower on each of the tables.",
        "fails": FOUND + ": not all of them narrow it.",
        "cannot tell": FOUND + ": not all of them surely narrow it on each of the tables.",
    },
    pictures=(
        Picture("Gap between training and test loss", "gap", over="kind", by="data",
                unit="share of a guess's loss"),
        Picture("Test score", "test score", over="kind", by="data"),
    ),
    exercises=("l1", "max-norm", "early-stopping", "mixup", "label-smoothing",
               "softmax-cross-entropy"),
    layers=("L1", "MaxNorm", "EarlyStopping", "Mixup", "SoftmaxCrossEntropy"),
)
