"""Whether batch norm's regularization fades in large batches."""

from __future__ import annotations

from typing import Any

import numpy as np

import evenly as ev

from ..data import split
from ..parts import Block, Part, less
from ..pictures import Picture
from ..study import Case, Study
from ..training import mlp, train

ROWS = 512
# Until the training part is known, at each size of the batch.
EPOCHS = {8: 12, 32: 25, 128: 50, ROWS: 100}
RATES = (3e-3, 5e-3, 1e-2)


def measure(case: Case) -> dict[str, Any]:
    """Trains with each rate; measures are means over the rates, so that they have less noise."""
    data = split(case["data"], case, train=ROWS, test=250, standardize=False)
    data = (data.halved() if case["data"] == "mnist" else data).standardized()
    net = mlp((32, 32), data.classes, norm=ev.BatchNorm() if case["norm"] == "batch" else None)
    done = [train(case, net, data, epochs=EPOCHS[case["batch"]], batch=case["batch"],
                  optimizer=ev.Adam(rate)) for rate in RATES]
    return {"gap": float(np.mean([one.gap for one in done])),
            "accuracy": float(np.mean([one.test for one in done]))}


def narrowing(block: Block, batch: int) -> float:
    """By how much batch norm narrows the gap."""
    none, norm = (block("gap", norm=norm, batch=batch) for norm in ("none", "batch"))
    return float(none - norm)


def narrows(batch: int, counts: bool) -> Part:
    """That the gap is narrower. Half a point is less than one would notice."""
    return less("gap", {"norm": "batch"}, than={"norm": "none"}, at={"batch": batch}, least=0.005,
                words=f"gap with batch norm less without, {batch} rows a batch",
                every=("data",) if counts else (), name=f"gap {batch}", counts=counts, **POINTS)


POINTS: dict[str, Any] = {"unit": "points", "factor": 100, "digits": 1}

STUDY = Study(
    name="large-batches",
    claim="The noise of batches makes batch norm regularize, and this fades as batches grow to "
          "512.",
    source="course notes; Ioffe and Szegedy 2015, section 3.4",
    factors={"norm": ("none", "batch"), "batch": (32, ROWS), "data": ("digits",)},
    long_factors={"batch": tuple(EPOCHS), "data": ("digits", "mnist")},
    technique=("norm",),
    measure=measure,
    # The share of the table that blocks test on, over the rest of it.
    test_ratio=250 / 1547,
    parts=(
        narrows(32, counts=True),
        # A batch of 512 is the whole training part: no noise of batches is left. If that noise
        # regularizes, at least half of the effect goes with it.
        Part("half of how much batch norm narrows the gap at 32 rows a batch, less how much at 512",
             lambda block: narrowing(block, 32) / 2 - narrowing(block, ROWS), "more", name="fades",
             **POINTS),
        narrows(ROWS, counts=False),
    ),
    about="Two hidden layers of 32 ReLUs learn 512 handwritten digits by Adam, with and without "
          "batch norm, until the training part is known, in more passes where batches are larger. "
          "The largest batch is the whole training part, so that nothing is left of its noise. "
          "The gap is the accuracy of the training part less that of 250 test rows, a mean over "
          "three rates. A training that breaks counts as a guess.",
    says={
        verdict: f"{first} Batch norm changes the gap by {{gap 32}} in batches of 32, and by "
                 "{gap 512} where a batch is the whole training part and nothing of it is noise."
        for verdict, first in (("holds", "It is so."), ("fails", "It is not so."),
                               ("cannot tell", "It cannot be told."))
    },
    pictures=(
        Picture("Training accuracy less test accuracy", "gap", over="batch", by="norm",
                panels="data", log="x",
                about="If the noise regularized, the lines would meet to the right."),
        Picture("Test accuracy", "accuracy", over="batch", by="norm", panels="data", log="x"),
    ),
    exercises=("batch-norm",),
    layers=("BatchNorm",),
    seconds=5,
)
