"""Averages of weights by hand: the plain mean, the exponential one, and slow weights; and
snapshots, whose answers are averaged."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...averaging import EMA, SWA, Lookahead, Snapshots
from ...byhand.exact import Exact
from ...errors import DataError
from ...optimizers import SGD, Momentum
from ...schedules import CosineDecay
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import (
    Draft,
    count,
    fits,
    number,
    pick,
    positive,
    share,
    sizes_of,
    text,
    timed,
    whole_numbers,
    within,
)
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


_AVERAGES = Topic(
    "weight-averaging", "Averages of weights", "The mean of the weights of several steps takes the "
    f"place of the last: average = {_STEP}.",
    ("the mean of the last epochs", "the exponential moving average", "behind gradient descent"),
    (Size("times", 4, 3, 6),), _draw, _solve,
    {"values": "(times,): the weight after each epoch or step", "decay": "above 0 and below 1, for "
     "levels 2 and 3", "weight": "a number, for level 3", "gradients": "(times,), for level 3",
     "learning_rate": "a number above 0, for level 3"},
)


# Slow weights -------------------------------------------------------------------------------------


def _draw_lookahead(rng: np.random.Generator, level: int, times: int) -> Inputs:
    halves = tuple(Fraction(p, q) for p, q in ((1, 2), (1, 4), (3, 4)))
    shares = halves if level == 3 else (*_DECAYS, Fraction(2, 5), Fraction(3, 5))
    return {"weight": int(rng.integers(-9, 10)), "every": 2 if times < 6 else 3,
            "share": pick(rng, shares), "beta": Fraction(1, 2),
            "moves": not_zero(rng, 12, times), "gradients": not_zero(rng, 9, times),
            "learning_rate": pick(rng, _RATES)}


def _solve_lookahead(inputs: Inputs, level: int) -> Solution:
    name = "gradients" if level > 1 else "moves"
    (times,) = sizes_of(inputs, **{name: "n"})
    if not 2 <= times <= 12:
        raise DataError(f"{name}: expects 2 to 12 of them, got {times}")
    every = count(inputs, "every", 1, times)
    part = Exact(within("share", inputs["share"], more_than=0))
    slowly = fits(lambda: Lookahead(every, part))  # type: ignore[arg-type]
    draft = Draft()
    settings: dict[str, Any] = {"share": part.fraction, "every": every}
    value: Any = draft.given("weight", np.asarray(number(inputs, "weight"), object),
                             "The weight before the first step: the slow one and the fast one")
    draft.say(f"The optimizer moves the fast weight. After every {every} steps the slow weight "
              f"goes {text(part)} of the way to it (Lookahead), and from there the fast one goes "
              "on.")
    if level == 1:
        given = draft.given(name, inputs[name], "What the optimizer adds to the fast weight in "
                            "each step")
    else:
        given = draft.given(name, inputs[name], "The gradient in each step")
        rate = positive(inputs, "learning_rate")
        settings["learning_rate"] = rate.fraction
        rule: Any = fits(lambda: SGD(rate))  # type: ignore[arg-type]
        words = f"The optimizer is gradient descent with a learning rate of {text(rate)}"
        if level == 3:
            beta = share(inputs, "beta")
            settings["beta"] = beta.fraction
            rule = fits(lambda: Momentum(rate, beta))  # type: ignore[arg-type]
            words += (f", with momentum: velocity = beta velocity + g, with beta = {text(beta)}, "
                      "from 0 on. The velocity goes on where the weight is put back")
        draft.say(f"{words}.")
    slow, state = value, (draft.recorder.xp.zeros(()),) if level == 3 else ()
    for n in range(1, times + 1):
        run = draft.run("update", layer="w", step=n - 1)
        if level == 1:
            value = run.note("value", value + given[n - 1], "value + move")
        else:
            value, state = rule.update(value, given[n - 1], state, run)
        if level == 3:
            draft.ask(Ask(timed("w.velocity", n), f"The velocity in step {n}",
                          "beta times the one before, and the gradient."))
        draft.ask(Ask(timed("w.value", n), f"The fast weight after step {n}", "Does it go on from "
                      "where the last step ended, or from the slow weight?"))
        if n % every == 0:
            value = slow = slowly.take(slow, value, n, run)
            draft.ask(Ask(timed("w.average", n // every), f"The slow weight after step {n}",
                          f"{_STEP}: the average is the slow weight, the value the fast one."))
    return draft.solution({"": ("",)}, **settings)


_LOOKAHEAD = Topic(
    "lookahead", "Slow weights (Lookahead)", "Every few steps the slow weight goes a share of the "
    "way to the fast one: slow = slow + share (fast - slow); from there the optimizer goes on.",
    ("behind any optimizer", "behind gradient descent", "behind momentum, which goes on"),
    (Size("times", 4, 3, 6),), _draw_lookahead, _solve_lookahead,
    {"weight": "a number", "every": "a whole number of steps", "share": "above 0 and at most 1",
     "moves": "(times,), for level 1: what each step adds", "gradients": "(times,), for levels 2 "
     "and 3", "learning_rate": "a number above 0, for levels 2 and 3", "beta": "from 0 to below 1, "
     "for level 3"},
)


# Snapshots ----------------------------------------------------------------------------------------


def _draw_snapshots(rng: np.random.Generator, level: int, cycles: int) -> Inputs:
    while True:
        answers = np.array([np.diff([0, *np.sort(rng.choice(19, 2, replace=False)) + 1, 20])
                            for _ in range(cycles)])
        best = np.sort(np.vstack([answers, answers.sum(axis=0)]), axis=1)
        if (best[:, -1] > best[:, -2]).all():
            break
    # At these sixths of a cycle the cosine is a fraction.
    sixth, places = int(rng.integers(1, 11)), rng.choice([0, 2, 3, 4], cycles)
    epochs = 6 * sixth * cycles if level == 3 else cycles * int(rng.integers(3, 20)) + 1
    return {"answers": np.array([Fraction(int(v), 20) for v in answers.reshape(-1)],
                                object).reshape(answers.shape),
            "epochs": epochs, "t": sixth * (6 * np.arange(cycles) + places),
            "learning_rate": pick(rng, [Fraction(n, unit) for unit in (10, 100)
                                        for n in range(1, 10)])}


def _solve_snapshots(inputs: Inputs, level: int) -> Solution:
    cycles, _ = sizes_of(inputs, answers="cycles classes")
    rule = fits(lambda: Snapshots(cycles))
    draft = Draft()
    draft.say(f"One training has {cycles} cycles: in each the learning rate falls to 0 and then "
              "starts anew. The weights at the end of a cycle are a snapshot. The model is all of "
              "them: its answer is the mean of theirs.")
    answers = draft.given("answers", inputs["answers"], "The probabilities that each snapshot, a "
                          "row each, gives the classes of an example")
    run = draft.run("inference")
    run.note("mean", run.xp.mean(answers, axis=0), "mean of answers")
    draft.ask(Ask("mean", "The ensemble's probabilities", "The mean over the snapshots; it adds up "
                  "to 1 again.", "inference"))
    settings: dict[str, Any] = {"cycles": cycles}
    if level > 1:
        length = count(inputs, "epochs", cycles, 10**6)
        epochs = draft.given("epochs", np.asarray(length, object), "The epochs of the training")
        update, exact = draft.run("update"), epochs / cycles
        update.note("part", exact, "epochs / cycles")
        ends = [exact * k + (end - exact * k).value for k, end in enumerate(rule.ends(length), 1)]
        update.note("ends", update.xp.stack(ends), "k part, rounded")
        draft.say("The epochs are cut into cycles that are as equal as they can be: cycle k ends "
                  "with epoch k epochs / cycles, rounded to the nearest whole number (a half "
                  "upwards). Epochs are counted from 1 here.")
        draft.ask(Ask("ends", "With which epoch does each cycle end?", "Do not round before you "
                      "have multiplied.", "update"))
    if level == 3:
        rate = positive(inputs, "learning_rate")
        settings["learning_rate"] = rate.fraction
        (n,) = sizes_of(inputs, t="n")
        times = whole_numbers("t", inputs["t"], 0, length - 1)
        spans = [rule.span(int(t) + 1, length) for t in times]
        t = draft.given("t", inputs["t"], "How many epochs have gone by, at some times")
        gone = update.note("gone", update.xp.stack([t[i] - spans[i][0] for i in range(n)]),
                           "epochs since the cycle began")
        cosine = CosineDecay()
        factors = [cosine.factors(gone[i], last - first) for i, (first, last) in enumerate(spans)]
        factor = update.note("factor", update.xp.stack(factors), "(1 + cos(pi gone / length)) / 2")
        update.note("rate", rate * factor, "learning_rate factor")
        draft.say(f"Within a cycle of some length the learning rate, {text(rate)} at its start, is "
                  "multiplied by (1 + cos(pi gone / length)) / 2, where so many epochs of the "
                  "cycle have gone by.")
        draft.ask(
            Ask("gone", "How many epochs of its cycle have gone by, at each time", "Subtract those "
                "of the cycles before.", "update"),
            Ask("factor", "The factor of the learning rate", "cos(0) = 1, cos(pi/3) = 1/2, "
                "cos(pi/2) = 0, cos(2 pi/3) = -1/2.", "update"),
            Ask("rate", "The learning rate", "The factor times the rate.", "update"))
    return draft.solution({"answers": ("snapshot", "class"), "mean": ("class",),
                           "ends": ("cycle",), "": ("",)}, **settings)


_SNAPSHOTS = Topic(
    "snapshots", "Snapshot ensembles", "One training of several cycles gives several networks, "
    "whose answers are averaged: mean of answers.",
    ("the mean of their answers", "and where the cycles end", "and the learning rate in them"),
    (Size("cycles", 3, 2, 5),), _draw_snapshots, _solve_snapshots,
    {"answers": "(cycles, classes): the probabilities that each snapshot gives",
     "epochs": "a whole number, for levels 2 and 3", "t": "(times,): epochs that have gone by, "
     "from 0 on, for level 3", "learning_rate": "a number above 0, for level 3"},
)

TOPICS = by_name(_AVERAGES, _LOOKAHEAD, _SNAPSHOTS)
