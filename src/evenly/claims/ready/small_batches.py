"""Batch norm in small batches, beside layer and group norm."""

from __future__ import annotations

from typing import Any

import numpy as np

import evenly as ev

from ..data import split
from ..parts import Block, Part, same
from ..pictures import Picture
from ..study import Case, Study
from ..training import mlp, train

NORMS = {"none": None, "batch": ev.BatchNorm(), "layer": ev.LayerNorm(), "group": ev.GroupNorm(4)}
# Until the training part is known: that takes smaller batches fewer passes.
EPOCHS = {2: 8, 4: 8, 8: 10, 16: 16, 32: 25, 64: 40}
RATES = (3e-3, 1e-2)
LONG_RATES = (1e-3, 3e-3, 1e-2, 3e-2)


def measure(case: Case) -> dict[str, Any]:
    """Trains with each rate; what counts is the one of the best loss on a validation part."""
    data = split(case["data"], case, train=800, test=250, standardize=False)
    data = (data.halved() if case["data"] == "mnist" else data).standardized()
    part = data.validation()
    net = mlp((32, 32), data.classes, norm=NORMS[case["norm"]])
    found = []
    for rate in LONG_RATES if case.long else RATES:
        done = train(case, net, part, epochs=EPOCHS[case["batch"]], batch=case["batch"],
                     optimizer=ev.Adam(rate))
        test = done.model.evaluate(data.x_test, data.y_test).score if done.model else done.test
        found.append((done.test_loss, test, done.losses[-1]))
    _, accuracy, loss = min(found)
    return {"accuracy": accuracy, "last loss": loss}


def costlier(*batches: int, counts: bool = False) -> Part:
    """That small batches cost more with batch norm than without. A point is what one notices."""
    def cost(block: Block, norm: str) -> float:
        lost = [block("accuracy", norm=norm, batch=32) - block("accuracy", norm=norm, batch=batch)
                for batch in batches]
        return float(np.mean(lost))

    named = ", ".join(map(str, batches))
    return Part(f"accuracy lost in batches of {named} instead of 32, with batch norm less without",
                lambda block: cost(block, "batch") - cost(block, "none"), "more", least=0.01,
                every=("data",) if counts else (), name=f"cost {named}", counts=counts, **POINTS)


def unmoved(norm: str) -> Part:
    """That another norm does not care: by three points, a tenth of what batch norm can lose."""
    return same("accuracy", {"batch": 2}, than={"batch": 32}, at={"norm": norm}, margin=0.03,
                words=f"test accuracy with {norm} norm, 2 rows a batch less 32", name=norm,
                **POINTS)


POINTS: dict[str, Any] = {"unit": "points", "factor": 100, "digits": 1}

STUDY = Study(
    name="small-batches",
    claim="Batch norm gets worse as batches shrink to 8, 4 and 2; layer and group norm do not "
          "care.",
    source="Wu and He 2018, section 1 and figure 1; Ba, Kiros and Hinton 2016, section 1",
    factors={"norm": tuple(NORMS), "batch": (2, 4, 8, 32), "data": ("digits",)},
    long_factors={"batch": tuple(EPOCHS), "data": ("digits", "mnist")},
    technique=("norm",),
    measure=measure,
    # The share of the table that blocks test on, over the rest of it.
    test_ratio=250 / 1547,
    parts=(
        costlier(2, 4, 8, counts=True), unmoved("layer"), unmoved("group"),
        costlier(2), costlier(4), costlier(8),
    ),
    about="Two hidden layers of 32 ReLUs learn 600 handwritten digits by Adam, with batch norm, "
          "layer norm, group norm of 4 groups, or none, in batches of 2 rows to 32, until the "
          "training part is known without a norm. Accuracy is that of 250 test rows, at the rate "
          "whose loss on 200 other rows is least. A training that breaks counts as a guess.",
    says={
        verdict: f"{first} Batches of 8 instead of 32 cost {{cost 8}} of accuracy more with batch "
                 "norm than without, of 4 {cost 4}, of 2 {cost 2}. In batches of 2, layer norm is "
                 "off by {layer} and group norm by {group}."
        for verdict, first in (("holds", "It is so."), ("fails", "Not all of it is so."),
                               ("cannot tell", "Not all of it can be told."))
    },
    pictures=(
        Picture("Test accuracy by rows of a batch", "accuracy", over="batch", by="norm",
                panels="data", log="x", about="Batch norm alone needs some rows in a batch."),
    ),
    exercises=("batch-norm", "layer-norm", "group-norm", "batch-statistics"),
    layers=("BatchNorm", "LayerNorm", "GroupNorm"),
    seconds=5,
)
