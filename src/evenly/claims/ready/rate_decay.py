"""A learning rate that falls, against one that stays."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

import evenly as ev

from ..data import Data, split
from ..parts import Part, less
from ..pictures import Picture
from ..study import Case, Study
from ..training import Trained, guessed, mlp, train
from ..tuned import best_rate

EPOCHS, LAST = 20, 8
# Exponential decay ends at a hundredth, 1/t decay at a fifth, cosine decay at nothing.
SCHEDULES = {
    "constant": None,
    "exponential": ev.ExponentialDecay(0.01 ** (1 / EPOCHS)),
    "inverse time": ev.InverseTimeDecay(4 / EPOCHS),
    "cosine": ev.CosineDecay(),
}


def trained(case: Case, data: Data, rate: float) -> Trained:
    """One training with the schedule, from this rate on."""
    return train(case, mlp((32,), data.classes), data, epochs=EPOCHS, batch=16, curve=True,
                 optimizer=ev.SGD(rate), schedule=SCHEDULES[case["schedule"]])


def wandering(losses: Any) -> float:
    """How far the loss jumps from epoch to epoch in the end, as a share of itself: root mean square
    of what is left of the last epochs without their straight line. Never less than a millionth."""
    last = np.log(np.array(losses[-LAST:]))
    line = np.polynomial.Polynomial.fit(np.arange(LAST), last, 1)
    return max(float(np.sqrt(np.mean((last - line(np.arange(LAST))) ** 2))), 1e-6)


def measure(case: Case) -> dict[str, Any]:
    """Loss and accuracy at the rate that is best with the schedule, and how calm the end is."""
    rows = {"digits": (400, 130), "mnist": (900, 300)}.get(case["data"], (None, None))
    data = split(case["data"], case, *rows)
    guess = guessed(data)[1]
    rate = best_rate(case, data, 0.05,
                     lambda one, part, rate: trained(one, part, rate).test_loss,
                     seeds=2 if case.long else 1).best
    # Two trainings, so that the luck of one does not hide what the schedule does.
    done = [trained(one, data, rate)
            for one in (case, replace(case, seed=(case.seed + 10) % 2**31))]
    return {
        "test loss by epoch": np.mean([one.test_losses for one in done], axis=0) / guess,
        "test loss": np.mean([one.test_loss for one in done]) / guess,
        "training loss": np.mean([one.train_loss for one in done]) / guess,
        "score": np.mean([one.test for one in done]),
        "wandering": np.exp(np.mean([np.log(wandering(one.test_losses)) for one in done])),
        "rate": rate,
    }


def _part(measure: str, schedule: str, words: str, **settings: Any) -> Part:
    return less(measure, {"schedule": schedule}, than={"schedule": "constant"}, ratio=True,
                every=("data",), words=f"{words}: {schedule} decay against a constant rate",
                **settings)


FALLING = tuple(name for name in SCHEDULES if name != "constant")
_FACTORS: dict[str, tuple[str, ...]] = {
    "data": ("diabetes", "cancer"), "schedule": tuple(SCHEDULES)}
_LONG = {"data": ("diabetes", "cancer", "digits")}
_ABOUT = (
    "Real tables, a network with one hidden layer of 32 (ReLU), plain descent on mini-batches of "
    "16 for twenty epochs. The rate stays, or falls exponentially to a hundredth, as 1 / (1 + 0.2 "
    "epoch), or along a cosine to nothing. Each has its own best first rate: the one with the "
    "smallest loss on a quarter held out of the training part, by steps to both sides, a factor of "
    "1.8 fine. Wandering is how far the test loss of the last eight epochs lies off a straight "
    "line, as a share of itself; loss and accuracy (R^2 for numbers) are those of the test part "
    "after the last epoch, the mean of two trainings. A training that breaks counts as a guess."
)
_PICTURES = (
    Picture("Test loss, each from its own best rate", "test loss by epoch", over="epoch",
            by="schedule", panels="data", log="y", unit="share of a guess's"),
    Picture("The best first rate", "rate", over="schedule", by="data", log="y",
            about="A rate that falls may begin higher."),
)
_EXERCISES = ("exponential-decay", "inverse-time-decay", "cosine", "step-decay")
_LAYERS = ("ExponentialDecay", "InverseTimeDecay", "CosineDecay", "SGD")

STUDY = Study(
    name="rate-decay",
    claim="With a constant learning rate descent wanders about the minimum; with one that falls it "
          "settles.",
    source="course notes; Robbins and Monro 1951",
    factors=_FACTORS,
    long_factors=_LONG,
    technique=("schedule",),
    measure=measure,
    # Half the wandering is what can be seen in a curve.
    parts=(
        *(_part("wandering", name, "wandering in the end", name=name.split()[0],
                least=math.log(2)) for name in FALLING),
        *(_part("test loss", name, "test loss", counts=False, name=f"loss_{name.split()[0]}")
          for name in FALLING),
    ),
    test_ratio=1 / 3,
    long_blocks=12,
    about=_ABOUT,
    says={
        "holds": "The loss in the end wanders {exponential} with exponential, {inverse} with 1/t "
                 "and {cosine} with cosine decay; the test loss itself is {loss_exponential}, "
                 "{loss_inverse} and {loss_cosine}.",
        "fails": "Not every decay makes the end calmer: the loss wanders {exponential} with "
                 "exponential, {inverse} with 1/t and {cosine} with cosine decay.",
        "cannot tell": "Not every decay surely makes the end calmer by half: the loss wanders "
                       "{exponential} with exponential, {inverse} with 1/t and {cosine} with "
                       "cosine decay.",
    },
    pictures=_PICTURES, exercises=_EXERCISES, layers=_LAYERS,
    seconds=7,
)

BETTER = Study(
    name="rate-decay-better",
    claim="A learning rate that falls ends at a lower test loss than the best constant one.",
    source="course notes",
    factors=_FACTORS,
    long_factors=_LONG,
    technique=("schedule",),
    measure=measure,
    # Two per cent of the loss is less than another split of the table changes.
    parts=tuple(_part("test loss", name, "test loss", name=name.split()[0], least=0.02)
                for name in FALLING),
    test_ratio=1 / 3,
    long_blocks=12,
    about=_ABOUT,
    says={
        "holds": "Against the best constant rate the test loss is {exponential} with exponential, "
                 "{inverse} with 1/t and {cosine} with cosine decay.",
        "fails": "Against the best constant rate the test loss is {exponential} with exponential, "
                 "{inverse} with 1/t and {cosine} with cosine decay: not all are better.",
        "cannot tell": "Against the best constant rate the test loss is {exponential} with "
                       "exponential, {inverse} with 1/t and {cosine} with cosine decay: not all "
                       "are surely better.",
    },
    pictures=_PICTURES, exercises=_EXERCISES, layers=_LAYERS,
    seconds=7,
)
