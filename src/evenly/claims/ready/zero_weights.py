"""Zero weights and symmetry."""

from __future__ import annotations

from typing import Any

import numpy as np

import evenly as ev

from ..data import split
from ..parts import less
from ..pictures import Picture
from ..study import Case, Study
from ..training import mlp, train

FIRST = {"random": None, "zeros": ev.Zeros()}


def measure(case: Case) -> dict[str, Any]:
    """One training on the digits."""
    data = split("digits", case, train=600, test=600)
    net = mlp((32,), 10, first=FIRST[case["weights"]])
    done = train(case, net, data, epochs=20, optimizer=ev.Adam(3e-3))
    assert done.model is not None
    kernel = done.model.weights["dense_1.kernel"]
    apart = {tuple(column) for column in np.round(kernel.T, 6).tolist()}
    return {"loss": done.losses, "accuracy": done.test, "different units": len(apart)}


STUDY = Study(
    name="zero-weights",
    claim="Zero weights never break the symmetry between units.",
    source="course notes",
    factors={"weights": ("random", "zeros")},
    technique=("weights",),
    measure=measure,
    parts=(
        less("different units", {"weights": "zeros"}, than={"weights": "random"}, name="units",
             unit="units", digits=0),
        less("accuracy", {"weights": "zeros"}, than={"weights": "random"}, unit="points",
             factor=100, digits=1, least=0.05, name="loss of accuracy"),
    ),
    pictures=(Picture("Training loss", "loss", over="epoch", by="weights", log="y"),),
    exercises=("initialization",),
    layers=("Dense", "Zeros"),
)
