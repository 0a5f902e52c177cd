"""Adam with decoupled weight decay against Adam with L2."""

from __future__ import annotations

import math
from typing import Any

import evenly as ev

from ..data import Data, split
from ..parts import Part, more, same
from ..pictures import Picture
from ..study import Case, Study
from ..training import Trained, epochs_for, log_gap, mlp, train

# Few: near what was best for one of the tables in pilots. Many: from nothing to too much.
STRENGTHS = {
    "l2": ((0.002, 0.01, 0.05), (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)),
    "decoupled": ((0.3, 1.5, 5.0), (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)),
    "none": ((0.0,), (0.0,)),
}
RATES = ((2e-3,), (5e-4, 2e-3))


def trained(case: Case, data: Data, strength: float, rate: float) -> Trained:
    """One training with a strength of the case's kind of decay."""
    decay = case["decay"]
    penalty = ev.L2(strength) if decay == "l2" else None
    rule = ev.AdamW(rate, weight_decay=strength) if decay == "decoupled" else ev.Adam(rate)
    return train(case, mlp((64, 64), data.classes), data, epochs=epochs_for(400, data),
                 optimizer=rule, penalty=penalty)


def measure(case: Case) -> dict[str, Any]:
    """Tunes on a validation part, trains on the whole training part, and tests."""
    big = case["data"] == "mnist"
    data = split(case["data"], case, *((2000, 1000) if big else ()))
    part = data.validation()
    tried = [(trained(case, part, strength, rate).test_loss, strength, rate)
             for strength in STRENGTHS[case["decay"]][case.long] for rate in RATES[case.long]]
    _, strength, rate = min(tried)
    done = trained(case, data, strength, rate)
    return {"test score": done.test, "log test loss": math.log(max(done.test_loss, 1e-6)),
            "log gap": log_gap(done, data), "strength": strength, "rate": rate}


STUDY = Study(
    name="decoupled-decay",
    claim="With Adam, decoupled weight decay is better than L2 in the cost.",
    source="Loshchilov and Hutter 2019, \"Decoupled weight decay regularization\", section 4",
    factors={"data": ("digits", "cancer", "diabetes"), "decay": ("l2", "decoupled")},
    long_factors={"data": ("digits", "cancer", "diabetes", "wine", "mnist"),
                  "decay": ("l2", "decoupled", "none")},
    technique=("decay",),
    measure=measure,
    long_blocks=20,
    test_ratio=1 / 3,
    parts=(
        # Half a point of score, 2 % of loss: less is not worth another optimizer.
        more("test score", {"decay": "decoupled"}, than={"decay": "l2"}, least=0.005,
             unit="points", factor=100, digits=1, every=("data",), name="score",
             words="test score (accuracy, R^2 of numbers), decoupled against L2"),
        Part("test loss, decoupled against L2",
             lambda block: float(block("log test loss", decay="decoupled")
                                 - block("log test loss", decay="l2")),
             "less", least=0.02, ratio=True, every=("data",), name="loss"),
        same("test score", {"decay": "decoupled"}, than={"decay": "l2"}, margin=0.01,
             unit="points", factor=100, digits=1, counts=False,
             words="test score, whether the difference is within a point"),
    ),
    about="Two hidden layers of 64 ReLU units, 400 steps of Adam with batches of 32. Each kind of "
    "decay has its own strength (in the long form its own learning rate, too), chosen by the loss "
    "on a quarter of the training part; then it is trained on the whole of that part and tested.",
    says={
        "holds": "At its own best strength decoupled decay changes the test score by {score} and "
        "the test loss {loss} against L2, for the better on each table.",
        "fails": "At its own best strength decoupled decay changes the test score by {score} and "
        "the test loss {loss} against L2: it is not better.",
        "cannot tell": "At its own best strength decoupled decay changes the test score by {score} "
        "and the test loss {loss} against L2: not surely better on each table.",
    },
    pictures=(
        Picture("Test score at the best strength", "test score", over="data", by="decay"),
        Picture("The strength that was chosen", "strength", over="data", by="decay"),
    ),
    exercises=("weight-decay", "adamw"),
    layers=("AdamW", "L2"),
)
