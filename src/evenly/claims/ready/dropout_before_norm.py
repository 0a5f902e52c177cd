"""Dropout in front of batch normalization."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import evenly as ev

from ..data import Array, split
from ..parts import Part, less
from ..pictures import Picture
from ..study import Case, Study
from ..training import Trained, epochs_for, train

HIDDEN = (64, 64, 64)


def network(classes: int, place: str, rate: float) -> Any:
    """Three hidden layers of Dense, BatchNorm, ReLU. Dropout is in front of the next layer and its
    norm ("before"), or only behind the last of them ("behind")."""
    layers: list[Any] = []
    for number, width in enumerate(HIDDEN, start=1):
        layers += [ev.Dense(width, bias=False), ev.BatchNorm(), ev.ReLU()]
        is_last = number == len(HIDDEN)
        if (place == "before" and not is_last) or (place == "behind" and is_last):
            layers.append(ev.Dropout(rate))
    return ev.Sequential([*layers, ev.Dense(classes)])


def pass_by_hand(weights: Any, x: Array, own: bool) -> tuple[list[Array], list[Array], Array]:
    """Inference as the definition has it: each norm's inputs' means and variances on `x`, and the
    scores. With `own` these stand in for the running averages."""
    h, means, variances = x.astype(np.float64), [], []
    for number in range(1, len(HIDDEN) + 1):
        z = h @ weights[f"dense_{number}.kernel"]
        means.append(z.mean(0))
        variances.append(z.var(0))
        norm = f"batch_norm_{number}"
        mean = means[-1] if own else weights[f"{norm}.running_mean"]
        variance = variances[-1] if own else weights[f"{norm}.running_variance"]
        z_hat = (z - mean) / np.sqrt(variance + 1e-5)
        h = np.maximum(z_hat * weights[f"{norm}.gamma"] + weights[f"{norm}.beta"], 0)
    return means, variances, h @ weights["dense_4.kernel"] + weights["dense_4.bias"]


def shifts(done: Trained, x: Array) -> list[float]:
    """Of each norm: the mean over its units of the logarithm of the variance that it kept from
    training over the one that its inputs have in inference, on the training part itself."""
    assert done.model is not None
    weights = done.model.weights
    _, variances, _ = pass_by_hand(weights, x, own=False)
    return [
        float(np.log((weights[f"batch_norm_{number}.running_variance"] + 1e-5)
                     / (variance + 1e-5)).mean())
        for number, variance in enumerate(variances, start=1)
    ]


def measure(case: Case) -> dict[str, Any]:
    """One training; then its kept variances, and its score with statistics taken anew."""
    data = split(case["data"], case)
    net = network(data.classes, case["place"], case["rate"])
    done = train(case, net, data, epochs=epochs_for(500, data), optimizer=ev.Adam(2e-3))
    assert done.model is not None
    logs = shifts(done, data.x)
    means, variances, _ = pass_by_hand(done.model.weights, data.x, own=True)
    for number, (mean, variance) in enumerate(zip(means, variances, strict=True), start=1):
        done.model.weights[f"batch_norm_{number}.running_mean"][...] = mean
        done.model.weights[f"batch_norm_{number}.running_variance"][...] = variance
    anew = done.model.evaluate(data.x_test, data.y_test)
    return {
        "shift": np.exp(logs), "log shift": float(np.mean(logs[1:])),
        "test score": done.test, "test score anew": anew.score,
        "log test loss": math.log(max(done.test_loss, 1e-6)),
        "log test loss anew": math.log(max(anew.loss, 1e-6)),
    }


STUDY = Study(
    name="dropout-before-norm",
    claim="Dropout in front of batch normalization shifts its variances, and the network is worse "
    "for it.",
    source="Li, Chen, Hu and Yang 2019, \"Understanding the disharmony between dropout and batch "
    "normalization by variance shift\"",
    factors={"data": ("digits", "cancer", "wine"), "place": ("behind", "before"), "rate": (0.5,)},
    long_factors={"data": ("digits", "cancer", "wine", "diabetes"),
                  "place": ("behind", "before", "none"), "rate": (0.2, 0.5)},
    technique=("place",),
    measure=measure,
    test_ratio=1 / 3,
    parts=(
        # A tenth of a variance is 5 % of a deviation. Half a point of accuracy is worth another
        # place, 5 % of the loss another pass over the data.
        Part("variance kept from training over that at test, dropout before against behind",
             lambda block: float(block("log shift", place="before")
                                 - block("log shift", place="behind")),
             "more", least=math.log(1.1), ratio=True, every=("data",), name="shift"),
        less("test score", {"place": "before"}, than={"place": "behind"}, least=0.005,
             unit="points", factor=100, digits=1, every=("data",), name="score",
             words="test score, dropout before the norms against behind all of them"),
        Part("test loss as it is over that with statistics taken anew without dropout",
             lambda block: float(block("log test loss", place="before")
                                 - block("log test loss anew", place="before")),
             "more", least=math.log(1.05), ratio=True, every=("data",), name="anew"),
        Part("test score with statistics taken anew, dropout before",
             lambda block: float(block("test score anew", place="before")
                                 - block("test score", place="before")),
             "more", unit="points", factor=100, digits=1, counts=False, name="cure"),
    ),
    about="Three hidden layers of 64 units, each Dense, BatchNorm, ReLU; dropout 0.5 between them, "
    "in front of the next norm, or once behind the last. 500 steps of Adam at 0.002 with batches "
    "of 32. The variance that the second and third norm keep from training is laid over the one "
    "that their inputs have in inference, on the training part itself. Then the statistics are "
    "taken anew from the training part without dropout, and the network is tested again.",
    says={
        "holds": "With dropout in front, norms keep variances {shift} of what they meet at test; "
        "that makes the test loss {anew}, and the test score changes by {score} against dropout "
        "behind all norms, for the worse on each table.",
        "fails": "With dropout in front, norms keep variances {shift} of what they meet at test; "
        "the test loss is {anew} for it, and the test score changes by {score} against dropout "
        "behind all norms: not all of it for the worse.",
        "cannot tell": "With dropout in front, norms keep variances {shift} of what they meet at "
        "test; the test loss is {anew} for it, but against dropout behind all norms the test score "
        "changes by {score}: not all of it surely for the worse on each table.",
    },
    pictures=(
        Picture("Variance kept from training over that at test", "shift", over="norm", by="place",
                panels="data", log="y", about="1 where training and test agree."),
        Picture("Test score", "test score", over="data", by="place"),
    ),
    exercises=("batch-norm", "running-averages", "dropout"),
    layers=("BatchNorm", "Dropout"),
)
