"""Averages of weights by hand: the plain mean, and the exponential one."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...averaging import EMA, SWA
from ...errors import DataError
from ...optimizers import SGD
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import Draft, fits, number, pick, positive, sizes_of, text, timed
from ..friendly import not_zero

# With 1/2, 1/3, ... the weights of few steps are small fractions.
_DECAYS = tuple(Fraction(p, q) for p, q in ((1, 2), (1, 3), (2, 3), (1, 4), (3, 4), (1, 5)))
_RATES = tuple(Fraction(1, q) for q in (1, 2, 4, 5, 10))
_STEP = "average + weight (value - average)"


def _draw(rng: np.random.Generator, level: int, times: int) -> Inputs:
    values = int(rng.integers(-20, 21)) + np.cumsum(not_zero(rng, 12, times))
    return {"values": values, "decay": pick(rng, _DECAYS), "weight": int(rng.integers(-9, 10)),
            "gradients": not_zero(rng, 9, times), "learning_rate": pick(rng, _RATES)}


def _solve(inputs: Inputs, level: int) -> Solution:
    name = "gradients" if level == 3 else "values"
    (times,) = sizes_of(inputs, **{name: "n"})
    if not 2 <= times <= 12:
        raise DataError(f"{name}: expects 2 to 12 of them, got {times}")
    draft = Draft()
    xp = draft.run("update").xp
    if level == 1:
        draft.say("The weights of the last epochs are averaged as training goes on (SWA): the mean "
                  "so far moves a part of the way to each new value, the n-th by 1/n.")
    else:
        decay = positive(inputs, "decay")
        draft.say(f"An exponential moving average of a weight, with a decay of {text(decay)}, is "
                  "taken after every step. It is corrected for its start: the n-th value has the "
                  "weight (1 - decay) / (1 - decay^n), and the average moves so much of the way "
                  "to it.")
    rule: Any = SWA() if level == 1 else fits(lambda: EMA(decay))  # type: ignore[arg-type]
    settings: dict[str, Any] = {} if level == 1 else {"decay": decay.fraction}
    if level == 3:
        rate = positive(inputs, "learning_rate")
        settings["learning_rate"] = rate.fraction
        gradients = draft.given("gradients", inputs["gradients"], "The gradient in each step")
        value: Any = draft.given("weight", np.asarray(number(inputs, "weight"), object),
                                 "The weight before the first step")
        draft.say(f"Each step is one of gradient descent, with a learning rate of {text(rate)}; it "
                  "goes on from the weight, not from the average.")
    else:
        words = "epoch" if level == 1 else "step"
        values = draft.given("values", inputs["values"], f"The weight after each {words}")
    average: Any = xp.zeros(())
    for n in range(1, times + 1):
        run = draft.run("update", layer="w", step=n - 1)
        if level == 3:
            descent = fits(lambda: SGD(rate))  # type: ignore[arg-type]
            value, _ = descent.update(value, gradients[n - 1], (), run)
            draft.ask(Ask(timed("w.value", n), f"The weight after step {n}",
                          "Subtract the learning rate times the gradient."))
        else:
            value = values[n - 1]
        average = rule.take(average, value, xp.asarray(n) if level == 1 else n, run)
        if level > 1 and n > 1:
            draft.ask(Ask(timed("w.weight", n), f"What value {n} weighs",
                          f"{rule.formula}, with n = {n}."))
        draft.ask(Ask(timed("w.average", n), f"The average with value {n}", f"{_STEP}."))
    return draft.solution({"": ("",)}, **settings)


TOPICS = by_name(Topic(
    "weight-averaging", "Averages of weights", "The mean of the weights of several steps takes the "
    f"place of the last: average = {_STEP}.",
    ("the mean of the last epochs", "the exponential moving average", "behind gradient descent"),
    (Size("times", 4, 3, 6),), _draw, _solve,
    {"values": "(times,): the weight after each epoch or step", "decay": "above 0 and below 1, for "
     "levels 2 and 3", "weight": "a number, for level 3", "gradients": "(times,), for level 3",
     "learning_rate": "a number above 0, for level 3"},
))
