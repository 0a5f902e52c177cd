"""The scale of data and what it does to training, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import DataError
from ...scaling import moments, scaled
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import Draft, count, pick, sizes_of, timed
from ..friendly import not_zero, square_variance
from .parts import one

_DATA = ("example", "feature")

# Min-max scaling ----------------------------------------------------------------------------------


def _draw_range(rng: np.random.Generator, level: int, examples: int, features: int) -> Inputs:
    while True:
        x = rng.integers(-9, 20, (examples, features))
        spread = x.max(axis=0) - x.min(axis=0)
        if set(spread) <= {4, 5, 8, 10, 16, 20, 25}:
            break
    test = x.min(axis=0) + np.array([-1, 2])[:, None] * rng.integers(1, 13, (2, features))
    low = int(rng.integers(-3, 1))
    return {"x": x, "test": test, "low": low, "high": low + int(rng.integers(2, 6))}


def _solve_range(inputs: Inputs, level: int) -> Solution:
    n, _ = sizes_of(inputs, x="n features", test="_ features")
    draft = Draft(n)
    x = draft.given("x", inputs["x"], "The training set: a row for each example", "train")
    run = draft.run("forward", layer="train")
    low = run.note("low", run.xp.min(x, axis=0), "smallest")
    high = run.note("high", run.xp.max(x, axis=0), "largest")
    width = run.note("range", high - low, "largest - smallest")
    if any(v == 0 for v in width.value):
        raise DataError("x: a feature that never varies has range 0, by which nothing is divided")
    first = scaled(x, low, width, run, "(x - smallest) / range")
    draft.say("Each feature is brought to the range from 0 to 1 over the training set: its "
              "smallest number is subtracted, and the result divided by its range.")
    draft.ask(
        Ask("train.low", "The smallest number of each feature", "Of each column."),
        Ask("train.high", "The largest number of each feature", "Of each column."),
        Ask("train.range", "The range of each feature", "The largest minus the smallest."),
        Ask("train.scaled", "The training set, scaled",
            "Subtract the smallest, divide by the range."))
    if level >= 2:
        test = draft.given("x", inputs["test"], "The test set", "test")
        scaled(test, low, width, draft.run("inference", layer="test"), "(x - smallest) / range")
        draft.say("The test set is scaled by the same numbers. Must it lie between 0 and 1?")
        draft.ask(Ask("test.scaled", "The test set, scaled",
                      "The numbers measured on the training set hold for all data."))
    if level == 3:
        bottom = one(draft, inputs, "low", "The lower end of another range")
        top = one(draft, inputs, "high", "Its upper end")
        if float(top) <= float(bottom):
            raise DataError("high must be more than low")
        run = draft.run("forward", layer="other")
        spread = run.note("range", top - bottom, "high - low")
        moved = run.note("scaled", bottom + spread * first, "low + range scaled")
        run.note("back", low + width * (moved - bottom) / spread,
                 "smallest + range (scaled - low) / (high - low)")
        draft.say("Then the training set is brought to another range, and back again.")
        draft.ask(
            Ask("other.range", "The width of the other range", "Its upper end minus its lower."),
            Ask("other.scaled", "The training set, from low to high",
                "What is 0 becomes the lower end, what is 1 the upper."),
            Ask("other.back", "And back to the numbers that it was",
                "Undo each step, the last first."))
    return draft.solution(dict.fromkeys(("train", "test", "other"), _DATA), n=n)


RANGE = Topic(
    "min-max-scaling", "Min-max scaling", "Each feature from 0 to 1 over the training set: "
    "(x - smallest) / (largest - smallest).",
    ("the training set", "and the test set, which may leave the range", "and another range"),
    (Size("examples", 4, 3, 8), Size("features", 2, 1, 4)), _draw_range, _solve_range,
    {"x": "(examples, features): the training set", "test": "(rows, features)",
     "low": "a number", "high": "a number above low"},
)

# Covariate shift ----------------------------------------------------------------------------------


def _draw_shift(rng: np.random.Generator, level: int, examples: int) -> Inputs:
    x = square_variance(rng, examples, 1, 16)[:, 0] + int(rng.integers(-4, 5))
    new = rng.permutation(x) * int(rng.integers(2, 5)) + int(not_zero(rng, 9, 1)[0])
    weight = int(not_zero(rng, 4, 1)[0])
    step = int(rng.integers(1, 5)) * (1 if weight > 0 else -1)
    return {"x": x, "new": new, "weight": weight, "bias": int(rng.integers(-9, 10)),
            "weight_after": weight + step, "bias_after": int(rng.integers(-9, 10))}


def _solve_shift(inputs: Inputs, level: int) -> Solution:
    n, _ = sizes_of(inputs, x="n", new="m")
    draft = Draft(n)
    x = draft.given("x", inputs["x"], "A feature in the training set: a number for each example")
    sets = {"train": x, "new": draft.given("new", inputs["new"], "The feature in the new data")}
    found = {}
    draft.say("Covariate shift: the inputs that a network meets are distributed otherwise than "
              "those it was trained on. Their means and deviations show it; the variance is the "
              "mean of the squared deviations.")
    for name, values in sets.items():
        run = draft.run("forward", layer=name)
        found[name] = moments(values, 0, run)
        draft.ask(*_measured(name, "the training set" if name == "train" else "the new data"))
    run = draft.run("forward")
    run.note("moved", (found["new"][0] - found["train"][0]) / found["train"][1],
             "(new mean - mean) / deviation")
    run.note("wider", found["new"][1] / found["train"][1], "new deviation / deviation")
    draft.ask(Ask("moved", "How far the mean has moved, in deviations of the training set",
                  "The new mean minus the old, divided by the old deviation."),
              Ask("wider", "How many times wider the data have become",
                  "One deviation over the other."))
    if level >= 2:
        pairs = [(one(draft, inputs, "weight", "The first layer's weight before a step"),
                  one(draft, inputs, "bias", "Its bias before the step")),
                 (one(draft, inputs, "weight_after", "The weight after the step"),
                  one(draft, inputs, "bias_after", "The bias after the step"))]
        if any(float(w) == 0 for w, _ in pairs):
            raise DataError("weight, weight_after must not be 0: all outputs would be alike")
        draft.say("The same happens within a network while it learns: the second layer's inputs "
                  "are the first layer's outputs, `w x + b` on the training set, and these shift "
                  "with every step that the first layer makes.")
        for name, (weight, bias), word in zip(("before", "after"), pairs, (
                "before the step", "after the step"), strict=True):
            run = draft.run("forward", layer=name)
            y = run.note("y", weight * x + bias, "w x + b")
            mean, deviation = moments(y, 0, run)
            draft.ask(Ask(f"{name}.y", f"What the second layer gets {word}",
                          "The weight times x, plus the bias."),
                      *_measured(name, f"its inputs {word}"))
            if level == 3:
                scaled(y, mean, deviation, run)
                draft.ask(Ask(f"{name}.scaled", f"These inputs, normalized ({word})",
                              "Subtract their mean, divide by their deviation. Compare before "
                              "and after."))
        if level == 3:
            draft.say("Batch normalization between the layers takes mean and deviation of the "
                      "batch away again (here the whole training set is the batch).")
    else:
        for name in ("weight", "bias", "weight_after", "bias_after"):
            sizes_of(inputs, **{name: ""})
    return draft.solution(
        dict.fromkeys(("", "train", "new", "before", "after"), ("example",)), n=n)


def _measured(name: str, words: str) -> tuple[Ask, ...]:
    return (Ask(f"{name}.mean", f"The mean of {words}", "Add up, divide by how many there are."),
            Ask(f"{name}.variance", f"The variance of {words}",
                "The mean of the squared distances to the mean."),
            Ask(f"{name}.deviation", f"The standard deviation of {words}",
                "The root of the variance."))


SHIFT = Topic(
    "covariate-shift", "Covariate shift, before and during training", "Inputs move away from what "
    "was learned: between data sets, and within a network with each step of the layer in front.",
    ("training set and new data", "and within the network", "and with batch normalization"),
    (Size("examples", 4, 4, 6),), _draw_shift, _solve_shift,
    {"x": "(examples,)", "new": "(rows,)", "weight": "a number other than 0", "bias": "a number",
     "weight_after": "a number other than 0", "bias_after": "a number"},
)

# Why scaled inputs descend faster -----------------------------------------------------------------


def _draw_bowl(rng: np.random.Generator, level: int, steps: int) -> Inputs:
    large = pick(rng, (2, 3, 4, 5))
    scale = np.array([large, 1]) if rng.integers(2) else np.array([1, large])
    return {"x": np.array([[1, 1], [1, -1]]) * scale * int(rng.integers(1, 4)),
            "start": not_zero(rng, 9, 2), "steps": steps}


def _solve_bowl(inputs: Inputs, level: int) -> Solution:
    (n,) = sizes_of(inputs, x="n 2", start="2")
    steps = count(inputs, "steps", 1, 6)
    draft = Draft(n)
    x = draft.given("x", inputs["x"], "Two features: a row for each example")
    start = draft.given("start", inputs["start"], "How far each weight is from the best one")
    draft.given("steps", np.asarray(steps), "Steps of gradient descent")
    draft.say("The features have mean 0 and are not correlated. So the mean of half the squared "
              "errors is a bowl: `(c1 w1^2 + c2 w2^2) / 2`, where w is the distance of a weight "
              "from the best one and c, the curvature, is the mean square of its feature. A "
              "feature of another scale makes the bowl steep in one direction.",
              "Gradient descent takes the learning rate that is right for the steepest direction: "
              "1 divided by the largest curvature.")
    values: Any = x
    curvature: Any = None
    for name in ("raw", "scaled")[: 1 if level == 1 else 2]:
        run = draft.run("forward", layer=name)
        word = "" if name == "raw" else ", with scaled features"
        if name == "scaled":
            values = run.note("x", x / np.sqrt(curvature), "x / sqrt(curvature)")
            draft.ask(Ask("scaled.x", "The features, scaled to mean square 1",
                          "Divide each column by the root of its mean square."))
            draft.say("Then the features are scaled, and the descent begins at the same point.")
        curvature = run.note("curvature", run.xp.mean(values**2, axis=0), "mean of x^2")
        if any(v == 0 for v in curvature.value):
            raise DataError("x: a feature of zeros has no curvature")
        rate = run.note("rate", 1 / run.xp.max(curvature), "1 / max(c)")
        run.note("factor", 1 - rate * curvature, "1 - rate c")
        draft.ask(
            Ask(f"{name}.curvature", f"The curvature in each direction{word}",
                "The mean of each column's squares."),
            Ask(f"{name}.rate", f"The learning rate{word}", "1 divided by the larger one."),
            Ask(f"{name}.factor", f"By what a step multiplies each weight's distance{word}",
                "w - rate c w is (1 - rate c) times w."))
        at: Any = start
        update = draft.run("update", layer=name)
        for t in range(steps if name == "raw" else 1):
            gradient = update.note("gradient", curvature * at, "c w")
            at = update.note("w", at - rate * gradient, "w - rate gradient")
            draft.ask(Ask(timed(f"{name}.gradient", t + 1), f"Step {t + 1}: the gradient{word}",
                          "Each curvature times its weight.", "update"),
                      Ask(timed(f"{name}.w", t + 1), f"Step {t + 1}: the weights{word}",
                          "Subtract the learning rate times the gradient.", "update"))
        if level == 3:
            costs = draft.run("forward", layer=name)
            for title, own in (("before", start), ("behind", at)):
                costs.note(title, run.xp.sum(curvature * own**2) / 2, "(c1 w1^2 + c2 w2^2) / 2")
                where = "before" if title == "before" else "after the last step"
                draft.ask(Ask(f"{name}.{title}", f"The cost {where}{word}",
                              "Half of each curvature times its weight squared."))
            costs.note("condition", run.xp.max(curvature) / run.xp.min(curvature),
                       "max(c) / min(c)")
            draft.ask(Ask(f"{name}.condition", f"How many times steeper one direction is{word}",
                          "One curvature over the other. At 1 the bowl is round."))
    return draft.solution(dict.fromkeys(("", "raw", "scaled"), _DATA), n=n)


BOWL = Topic(
    "scaled-descent", "Why scaled inputs descend faster", "A bowl of two weights: the learning "
    "rate fits the steep direction, and the flat one crawls by 1 - c / largest c a step.",
    ("unscaled features", "and scaled ones", "and the costs"),
    (Size("steps", 3, 1, 5),), _draw_bowl, _solve_bowl,
    {"x": "(examples, 2)", "start": "(2,): the distance from the best weights",
     "steps": "a whole number from 1 to 6"},
)

TOPICS = by_name(RANGE, SHIFT, BOWL)
