"""What batch norm goes by at test time."""

from __future__ import annotations

from typing import Any

import numpy as np

import evenly as ev

from ..data import split
from ..parts import Part, less, same
from ..pictures import Picture
from ..stepwise import Inputs, places_of
from ..study import Case, Study
from ..training import mlp, train

SIZES = (1, 2, 4, 8, 16, 32, 64)


def by_own(model: Any, x: Any, rows: int) -> Any:
    """Outputs where each batch of so many rows is normalized by its own statistics; what is left
    at the end is left out."""
    # A single row is its own mean, as two equal rows are, which training mode takes.
    again = 2 if rows == 1 else 1
    program = ev.compile(model.net, x.shape[1], batch=rows * again)
    engine = ev.Engine(program, weights=model.weights, threads=1)
    parts = (x[first : first + rows] for first in range(0, len(x) - rows + 1, rows))
    return np.concatenate([
        engine.forward(np.repeat(part, again, axis=0))[:rows].copy() for part in parts
    ])


def by_whole(model: Any, x_train: Any, x: Any) -> Any:
    """Outputs where the statistics of the whole training part stand in for the averages."""
    weights = dict(model.weights)
    places = places_of(model.net, ev.BatchNorm)
    inputs = Inputs(model.net, places, x.shape[1], len(x_train))(model.engine, x_train)
    for number, numbers in enumerate(inputs, 1):
        weights[f"batch_norm_{number}.running_mean"] = numbers.mean(axis=0)
        weights[f"batch_norm_{number}.running_variance"] = numbers.var(axis=0, ddof=1)
    program = ev.compile(model.net, x.shape[1], batch=2)
    return ev.Engine(program, weights=weights, threads=1).predict(x)


def score(outputs: Any, y: Any) -> float:
    """Accuracy; for numbers R^2, or the 0 of a guess where it is below."""
    y = y[: len(outputs)]
    if y.dtype.kind in "iu":
        return float(np.mean(outputs.argmax(axis=1) == y))
    return max(0.0, float(1 - np.mean((outputs.reshape(-1) - y) ** 2) / np.var(y)))


def measure(case: Case) -> dict[str, Any]:
    """Trains, and tests with batches of several sizes, mixed and sorted by their targets."""
    rows = {"digits": (900, 320), "mnist": (900, 512)}.get(case["data"], (None, None))
    data = split(case["data"], case, *rows)
    net = mlp((64, 64), data.classes, norm=ev.BatchNorm(decay=case["decay"]))
    done = train(case, net, data, epochs=6, optimizer=ev.Adam(3e-3))
    model, x, y = done.model, data.x_test, data.y_test
    sizes = [size for size in SIZES if size <= len(x)]
    by_rows, in_order = [done.test] * len(sizes), done.test
    if model is not None and case["statistics"] == "own":
        order = np.argsort(y, kind="stable")
        in_order = score(by_own(model, x[order], 16), y[order])
        by_rows = [score(by_own(model, x, size), y) for size in sizes]
    elif model is not None and case["statistics"] == "whole":
        in_order = score(by_whole(model, data.x, x), y)
        by_rows = [in_order] * len(sizes)
    named = dict(zip(sizes, by_rows, strict=True))
    return {"score": by_rows[-1], "one": named[1], "four": named[4], "sorted": in_order,
            "by rows": by_rows, "rows": sizes}


AVERAGES, OWN = {"statistics": "averages", "decay": 0.9}, {"statistics": "own", "decay": 0.9}
POINTS: dict[str, Any] = {"unit": "points", "factor": 100, "digits": 1}
# A point is what one notices.
LEAST: dict[str, Any] = {"least": 0.01, **POINTS}


def lagging(decay: float, name: str, counts: bool) -> Part:
    """That averages of another decay than 0.9 are worse."""
    return less("score", {"decay": decay}, than={"decay": 0.9}, at={"statistics": "averages"},
                words=f"test accuracy by averages of decay {decay:g}, less 0.9", name=name,
                counts=counts, **LEAST)


STUDY = Study(
    name="batch-norm-test-time",
    claim="At test time batch norm needs weighted averages from training, that do not lag, and "
          "not the statistics of the batch at hand.",
    source="Ioffe and Szegedy 2015, section 3.1 and algorithm 2; course notes",
    factors={"statistics": ("averages", "own", "whole"), "decay": (0.9, 0.0, 0.99, 0.999),
             "data": ("digits",)},
    long_factors={"data": ("digits", "mnist")},
    leaves_out=lambda levels: levels["statistics"] != "averages" and levels["decay"] != 0.9,
    technique=("statistics", "decay"),
    measure=measure,
    test_ratio=320 / 1477,
    blocks=20,
    parts=(
        less("one", OWN, than=AVERAGES, name="one", **LEAST,
             words="test accuracy one example at a time, by its own statistics less averages"),
        less("four", OWN, than=AVERAGES, name="four", **LEAST,
             words="test accuracy four at a time, by their own statistics less averages"),
        less("sorted", OWN, than=AVERAGES, name="sorted", **LEAST,
             words="test accuracy of sorted batches of 16, by their own statistics less averages"),
        same("score", AVERAGES, than={"statistics": "whole", "decay": 0.9}, margin=0.01,
             words="test accuracy by averages less statistics of the whole training part",
             name="whole", **POINTS),
        lagging(0.999, "lag", counts=True), lagging(0.99, "some lag", counts=False),
        lagging(0.0, "last", counts=False),
        same("score", OWN, than=AVERAGES, margin=0.01, name="many", counts=False, **POINTS,
             words="test accuracy 64 at a time, by their own statistics less averages"),
    ),
    about="Two hidden layers of 64 ReLUs with batch norm learn 900 handwritten digits by Adam, 32 "
          "rows a step, for some 170 steps; the averages have a decay of 0, 0.9, 0.99 or 0.999. "
          "The same network is tested on the rest three ways: by the averages, by each test "
          "batch's own statistics (mixed batches of 1 to 64 rows, and 16 rows sorted by their "
          "class), and by the statistics of the whole training part. A training that breaks "
          "counts as a guess.",
    says={
        verdict: f"{first} By a batch's own statistics instead of averages the accuracy changes by "
                 "{one} one example at a time, {four} four at a time, {sorted} in sorted batches "
                 "and {many} 64 at a time; averages are {whole} off those of the whole training "
                 "part, and with a decay of 0.999 they change the accuracy by {lag}."
        for verdict, first in (("holds", "It is so."), ("fails", "Not all of it is so."),
                               ("cannot tell", "Not all of it can be told."))
    },
    pictures=(
        Picture("Test accuracy by rows of a test batch", "by rows", over="rows of a test batch",
                places="rows", by="statistics", panels="data", at={"decay": 0.9}, log="x",
                about="By its own statistics a single example is told by nothing but a guess."),
        Picture("Test accuracy by the decay of the averages", "score", over="decay",
                panels="data", at={"statistics": "averages"},
                about="After 170 steps averages of decay 0.999 still remember how they began."),
    ),
    exercises=("batch-norm",),
    layers=("BatchNorm",),
    seconds=4,
)
