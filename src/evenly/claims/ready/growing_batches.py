"""Small batches generalize better, or the batch may grow where the rate would fall: both sides."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

import evenly as ev

from ...engine import NotFiniteError
from ..data import Data, split
from ..parts import less, same
from ..pictures import Picture
from ..study import Case, Study
from ..training import guessed, loss_for, mlp
from ..tuned import best_rate

EPOCHS, SMALL, FACTOR = 24, 16, 4
LARGE, RETUNED = "large", "large, own rate"
# Each way, and the way whose best rate it has.
WAYS = {"small": "small", LARGE: "small", RETUNED: RETUNED, "decay": "decay", "grow": "decay"}


def plan(way: str, rows: int) -> list[tuple[int, float]]:
    """Rows a step and the share of the rate, epoch by epoch. Large is a tenth of the rows, as in
    Keskar et al.; where the rate falls or the batch grows, it does so by 4 at each third."""
    if way in ("small", LARGE, RETUNED):
        return [(SMALL if way == "small" else max(rows // 10, SMALL), 1.0)] * EPOCHS
    powers = [FACTOR ** (3 * epoch // EPOCHS) for epoch in range(EPOCHS)]
    if way == "decay":
        return [(SMALL, 1 / power) for power in powers]
    return [(min(SMALL * power, rows), 1.0) for power in powers]


def trained(case: Case, data: Data, rate: float, way: str) -> dict[str, Any]:
    """A training by a plan, with plain descent, and what it scores."""
    epochs = plan(way, len(data.x))
    program = ev.compile(
        mlp((64,), data.classes), data.x.shape[1], batch=max(batch for batch, _ in epochs),
        optimizer=ev.SGD(rate),
        loss=loss_for(data),
    )
    engine = ev.Engine(program, seed=case.seed, threads=1)
    x, y = engine.rows(data.x), engine.targets(data.y)
    rng = np.random.default_rng([case.seed, 1])
    score, loss = guessed(data)
    losses, found, steps = np.full(EPOCHS, loss), (score, loss, score), 0
    with suppress(NotFiniteError):
        for epoch, (batch, share) in enumerate(epochs):
            count = -(-len(x) // batch)
            rates = np.full(count, rate * share)
            for _ in engine.train(x, y, rng.permutation(len(x)), batch, rates=rates):
                pass
            steps += count
            last = engine.evaluate(data.x_test, data.y_test).loss
            losses[epoch] = min(last, loss) if np.isfinite(last) else loss
        own, other = engine.evaluate(x, y), engine.evaluate(data.x_test, data.y_test)
        if np.isfinite([own.loss, other.loss]).all():
            found = (other.score, min(other.loss, loss), own.score)
    return {"accuracy": found[0], "loss": found[1] / loss, "training accuracy": found[2],
            "test losses": losses / loss, "steps": steps}


def measure(case: Case) -> dict[str, Any]:
    """Scores on the test part, with the rate that is best on a part held out of the training
    part."""
    rows = {"digits": (600, 200), "mnist": (900, 300)}.get(case["data"], (None, None))
    data = split(case["data"], case, *rows)

    def error(one: Case, part: Data, rate: float) -> float:
        found = trained(one, part, rate, WAYS[case["way"]])
        return float(1 - found["accuracy"] + 0.01 * found["loss"])  # the loss between equals

    rate = best_rate(case, data, 0.1, error, seeds=1).best
    # Three trainings, so that the luck of one does not hide the batches.
    cases = [replace(case, seed=(case.seed + 10 + number) % 2**31) for number in range(3)]
    found = [trained(one, data, rate, case["way"]) for one in cases]
    return {name: np.mean([one[name] for one in found], axis=0) for name in found[0]} | {
        "rate": rate}


# A point of accuracy is what a user would change the batch for.
_POINT: dict[str, Any] = {"factor": 100, "digits": 2, "unit": "points"}

STUDY = Study(
    name="batches-generalize",
    claim="Large batches generalize worse than small ones, unless the rate is tuned for them; and "
          "instead of letting the rate fall one may let the batch grow.",
    source="Keskar et al. 2017, against Smith et al. 2018",
    factors={"data": ("digits", "cancer"), "way": tuple(WAYS)},
    long_factors={"data": ("digits", "cancer", "wine")},
    technique=("way",),
    measure=measure,
    parts=(
        less("accuracy", {"way": LARGE}, than={"way": "small"}, least=0.01, every=("data",),
             name="large", words="Keskar et al.: accuracy with large batches, against small ones "
                                 "at the same rate", **_POINT),
        same("accuracy", {"way": RETUNED}, than={"way": "small"}, margin=0.01, name="own",
             words="accuracy with large batches at their own best rate, against small ones",
             **_POINT),
        same("accuracy", {"way": "grow"}, than={"way": "decay"}, margin=0.01, name="grow",
             words="Smith et al.: accuracy with a growing batch, against a falling rate",
             **_POINT),
        less("steps", {"way": "grow"}, than={"way": "decay"}, ratio=True, counts=False,
             name="steps", words="steps with a growing batch, against a falling rate"),
    ),
    test_ratio=1 / 3,
    long_blocks=12,
    about="Real tables, a network with one hidden layer of 64 (ReLU), plain descent for 24 epochs. "
          "Small is 16 rows, large a tenth of the training part; the rate falls, or the batch "
          "grows, by 4 after each third. The rate is the one with the highest accuracy on a "
          "quarter held out of the training part, by steps to both sides, a factor of 1.8 fine; "
          "large batches are tried with the best rate of small ones and with their own, the "
          "growing batch with that of the falling rate. Measured is the accuracy on the test part, "
          "the mean of three trainings. A training that breaks counts as a guess.",
    says={
        "holds": "Large batches are {large} from small ones at the same rate and {own} at their "
                 "own; a growing batch is {grow} from a falling rate, in {steps} of its steps.",
        "fails": "At least one side is wrong here: large batches are {large} from small ones at "
                 "the same rate and {own} at their own; a growing batch is {grow} from a falling "
                 "rate, in {steps} of its steps.",
        "cannot tell": "Not both sides are borne out here: large batches are {large} from small "
                       "ones at the same rate and {own} at their own; a growing batch is {grow} "
                       "from a falling rate, in {steps} of its steps.",
    },
    pictures=(
        Picture("Accuracy on the test part", "accuracy", over="way", panels="data"),
        Picture("Test loss", "test losses", over="epoch", by="way", panels="data", log="y",
                unit="share of a guess's"),
    ),
    exercises=("mini-batches", "step-decay"),
    layers=("SGD", "StepDecay"),
    seconds=8,
)
