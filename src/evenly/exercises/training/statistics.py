"""Statistics of the data by hand: input normalization, and running averages."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np

from ...byhand.exact import Exact
from ...errors import DataError
from ...layers import BatchNorm
from ...optimizers import Momentum
from ...scaling import moments, scaled, spread
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import Draft, share, sizes_of, text, timed
from ..friendly import square_variance

_DATA = ("example", "feature")

# Input normalization ------------------------------------------------------------------------------


def _draw_inputs(rng: np.random.Generator, level: int, examples: int, features: int) -> Inputs:
    columns = square_variance(rng, examples, features, 16 if examples < 6 else 10)
    columns += rng.integers(-3, 4, features)
    rng.shuffle(columns)
    deviations = np.sqrt(columns.var(axis=0)).round().astype(np.int64)
    means = columns.mean(axis=0).round().astype(np.int64)
    shift = rng.integers(-3, 4, (2, features))
    shift[0, 0] = shift[0, 0] or 2
    test = means + deviations * shift
    if level == 3:
        # A feature that never varies, and is another in the test.
        constant = int(rng.integers(1, 9))
        columns = np.column_stack([columns, np.full(examples, constant)])
        test = np.column_stack([test, constant + rng.integers(1, 4, 2)])
    return {"x": columns, "test": test}


def _solve_inputs(inputs: Inputs, level: int) -> Solution:
    n, _, rows = sizes_of(inputs, x="n features", test="rows features")
    draft = Draft(n)
    x = draft.given("x", inputs["x"], "The training set: a row for each example", "train")
    run = draft.run("forward", layer="train")
    mean, deviation = moments(x, 0, run)
    scaled(x, mean, deviation, run)
    draft.say(
        "Each feature is brought to mean 0 and standard deviation 1 over the training set: its "
        "mean is subtracted, and the result divided by its standard deviation. The variance is "
        "the mean of the squared deviations.")
    draft.ask(
        Ask("train.mean", "The mean of each feature", "Of each column of the training set."),
        Ask("train.variance", "The variance of each feature",
            f"The mean of the squared deviations: divide by {n}, not by {n - 1}."),
        Ask("train.deviation", "The standard deviation of each feature",
            "The root of the variance." + (" What if that is 0?" if level == 3 else "")),
        Ask("train.scaled", "The training set, normalized",
            "Subtract the mean, divide by the standard deviation."),
    )
    if level >= 2:
        test = draft.given("x", inputs["test"], "The test set", "test")
        scaled(test, mean, deviation, draft.run("inference", layer="test"))
        draft.say("The test set is normalized too. Where do its mean and deviation come from?")
        draft.ask(Ask("test.scaled", "The test set, normalized",
                      "The numbers measured on the training set hold for all data."))
    if level == 3:
        own, width = moments(test, 0, draft.run("inference", layer="wrong"))
        scaled(test, own, width, draft.run("inference", layer="wrong"))
        draft.say("A feature that never varies in the training set has no scale: its deviation "
                  "counts as 1. (Nothing can be learned about it, so the Standardizer of this "
                  "library goes further and makes it 0 in the test set too. Here it stays as the "
                  "formula has it.)",
                  "Last, the mistake: what becomes of the test set if it is normalized by its own "
                  "mean and deviation. Two examples then always end up at -1 and 1, or both at 0: "
                  "where they lie is lost." if rows == 2 else
                  "Last, the mistake: what becomes of the test set if it is normalized by its own "
                  "mean and deviation.")
        draft.ask(
            Ask("wrong.mean", "The mistake: the test set's own mean", "Of each of its columns."),
            Ask("wrong.deviation", "The mistake: its own deviation", "As for the training set."),
            Ask("wrong.scaled", "The mistake: what becomes of the test set",
                "Compare it with the right one."),
        )
    return draft.solution(dict.fromkeys(("train", "test", "wrong"), _DATA), n=n)


INPUT_NORMALIZATION = Topic(
    "input-normalization", "Input normalization", "Each feature to mean 0 and deviation 1, "
    "measured on the training set alone: (x - mean) / deviation.",
    ("the training set", "and the test set", "and a constant feature, and the usual mistake"),
    (Size("examples", 4, 4, 8), Size("features", 2, 1, 4)), _draw_inputs, _solve_inputs,
    {"x": "(examples, features): the training set", "test": "(rows, features)"},
)


# Robust scaling -----------------------------------------------------------------------------------

_QUARTILES = (0.25, 0.75)


def _draw_robust(rng: np.random.Generator, level: int, examples: int, features: int) -> Inputs:
    # Quarters of the way from one number to the next are whole.
    unit = {0: 1, 2: 2}.get((examples - 1) % 4, 4)
    columns: list[Any] = []
    while len(columns) < features:
        column = unit * rng.choice(19, examples, replace=False) - unit * int(rng.integers(0, 10))
        low, high = np.quantile(column, _QUARTILES)
        if high - low in (2, 4, 5, 8, 10, 20, 40):
            columns.append(column)
    x = np.stack(columns, axis=1)
    middle = np.median(x, axis=0).astype(np.int64)
    test = middle + unit * rng.integers(1, 10, (2, features)) * rng.choice([-1, 1], (2, features))
    far = 100 * unit * rng.integers(1, 10, features) * rng.choice([-1, 1], features)
    return {"x": x, "test": test, "far": far}


def _solve_robust(inputs: Inputs, level: int) -> Solution:
    n, _ = sizes_of(inputs, x="n features", test="_ features", far="features")
    draft, formula = Draft(n), "(x - median) / range"
    x = draft.given("x", inputs["x"], "The training set: a row for each example", "train")
    run = draft.run("forward", layer="train")
    median, width = spread(x, _QUARTILES, 0, run)
    scaled(x, median, width, run, formula)
    draft.say(
        "From each feature its median over the training set is subtracted, and the result is "
        "divided by the range between its quartiles.",
        f"The sorted numbers stand at the places 0 to {n - 1}. The lower quartile is at a quarter "
        f"of {n - 1}, the median at half of it, the upper quartile at three quarters; between two "
        "places it is interpolated along a straight line. A range of 0 counts as 1.")
    draft.ask(
        Ask("train.median", "The median of each feature",
            "Sort each column. What stands in the middle, or between the two middle ones?"),
        Ask("train.lower", "The lower quartile of each feature",
            f"Place {text(Fraction(n - 1, 4))} of the sorted column, counted from 0."),
        Ask("train.upper", "The upper quartile of each feature",
            f"Place {text(Fraction(3 * (n - 1), 4))} of the sorted column, counted from 0."),
        Ask("train.range", "The range between the quartiles", "The upper minus the lower."),
        Ask("train.scaled", "The training set, scaled",
            "Subtract the median, divide by the range."),
    )
    if level >= 2:
        test = draft.given("x", inputs["test"], "The test set", "test")
        scaled(test, median, width, draft.run("inference", layer="test"), formula)
        draft.say("The test set is scaled too. Where do its median and range come from?")
        draft.ask(Ask("test.scaled", "The test set, scaled",
                      "The numbers measured on the training set hold for all data."))
    if level == 3:
        values = np.vstack([np.asarray(inputs["x"], object)[:-1],
                            np.asarray(inputs["far"], object)[None]])
        outlying = draft.given("x", values, "The training set again, its last example far out",
                               "outlier")
        run = draft.run("forward", layer="outlier")
        spread(outlying, _QUARTILES, 0, run)
        moments(outlying, 0, run)
        moments(x, 0, draft.run("forward", layer="train"))
        draft.say("Last, an example is far out: how far do the median and the range move, and how "
                  "far the mean?")
        draft.ask(
            Ask("outlier.median", "The median with the example that is far out",
                "Sort again: the largest or smallest may be as large as it likes."),
            Ask("outlier.range", "The range with it", "Upper quartile minus lower quartile."),
            Ask("train.mean", "The mean without it", "Of each column of the training set."),
            Ask("outlier.mean", "The mean with it", "Compare it with the median."),
        )
    return draft.solution(dict.fromkeys(("train", "test", "outlier"), _DATA), n=n)


ROBUST_SCALING = Topic(
    "robust-scaling", "Robust scaling", "Each feature by its median and the range between its "
    "quartiles, measured on the training set alone: (x - median) / range.",
    ("the training set", "and the test set", "and an example that is far out"),
    (Size("examples", 5, 4, 9), Size("features", 2, 1, 4)), _draw_robust, _solve_robust,
    {"x": "(examples, features): the training set", "test": "(rows, features)",
     "far": "(features,): what the last example becomes, for level 3"},
)


# Running averages ---------------------------------------------------------------------------------


def _batch(rng: np.random.Generator, n: int) -> Any:
    """n whole numbers of whole mean and whole variance over n - 1, not all alike."""
    while True:
        values = rng.integers(0, 10, (256, n))
        total = values.sum(axis=1)
        spread = (values * values).sum(axis=1) * n - total * total
        good = (total % n == 0) & (spread > 0) & (spread % (n * (n - 1)) == 0)
        if good.any():
            return values[good.argmax()]


def _draw_running(rng: np.random.Generator, level: int, batches: int, examples: int,
                  features: int) -> Inputs:
    x = np.array([[_batch(rng, examples) for _ in range(features)] for _ in range(batches)])
    unbiased = x.var(axis=2, ddof=1).round().astype(np.int64)  # (batches, features)
    gathered = [sum(2**t * int(u) for t, u in enumerate(column)) for column in unbiased.T]
    # The running variance ends at a square: 2^T root^2 = start + sum of 2^t variance_t.
    scale = 2**batches
    roots = [isqrt(g // scale) + 1 + int(rng.integers(0, 2)) for g in gathered]
    means = x.mean(axis=2).round().astype(np.int64)
    summed = [sum(2**t * int(m) for t, m in enumerate(column)) for column in means.T]
    # Likewise the running mean ends whole.
    starts = [(-s) % scale + scale * int(rng.integers(0, 2)) for s in summed]
    ends = np.array([(a + s) // scale for a, s in zip(starts, summed, strict=True)])
    new = ends + np.array(roots) * rng.choice([-2, -1, 1, 2, 3], features)
    return {"batches": x.transpose(0, 2, 1), "decay": Fraction(1, 2),
            "running_mean": np.array(starts),
            "running_variance": np.array([scale * r * r - g
                                          for r, g in zip(roots, gathered, strict=True)]),
            "new": new[None]}


def _solve_running(inputs: Inputs, level: int) -> Solution:
    batches, n, features = sizes_of(
        inputs, batches="batches n features", running_mean="features",
        running_variance="features", new="_ features")
    if batches > 6 or n < 2:
        raise DataError(f"batches: at most 6, of 2 examples or more, got {batches} of {n}")
    if any(v < 0 for v in np.asarray(inputs["running_variance"], object)):
        raise DataError("running_variance must not be negative")
    decay, draft = share(inputs, "decay"), Draft(n)
    layer = BatchNorm(epsilon=0.0, decay=decay, scale=False, center=False)  # type: ignore[arg-type]
    name = "batch_norm_1"
    running: dict[str, Any] = {
        kind: draft.given(f"{kind} so far", inputs[kind], f"The {kind.replace('_', ' ')} so far",
                          name)
        for kind in ("running_mean", "running_variance")
    }
    average = Momentum(1, beta=decay, average=True, bias_correction=True)  # type: ignore[arg-type]
    velocity: Any = np.zeros(features, object)
    corrected: list[Ask] = []
    exactly = draft.recorder.declared(layer)
    for t in range(batches):
        x = draft.given(f"batch {t + 1}", inputs["batches"][t],
                        f"Mini-batch {t + 1}: a row for each example", "data")
        run = draft.run("forward", layer=name)
        _, saved = exactly.forward(x, running, run)
        running = {kind: run.updates[f"{name}.{kind}"] for kind in running}
        time = timed("", t + 1)
        draft.ask(
            Ask(f"{name}.mean{time}", f"Mini-batch {t + 1}: the mean of each feature",
                "Of each column."),
            Ask(f"{name}.variance{time}", f"Mini-batch {t + 1}: the variance of each feature",
                f"The mean of the squared deviations: divide by {n}."),
            Ask(f"{name}.running_mean{time}", f"The running mean after mini-batch {t + 1}",
                "The decay times the old one, the rest times the batch's."),
            Ask(f"{name}.running_variance{time}", f"The running variance after mini-batch {t + 1}",
                f"Likewise, with the batch's variance times {n}/{n - 1}."),
        )
        if level == 3:
            apart = draft.run("forward", layer="average", step=t)
            _, (velocity,) = average.update(velocity, saved.mean.reshape(-1), (velocity,), apart)
            corrected += [
                Ask(f"average.velocity{time}", f"From 0: the average after mini-batch {t + 1}",
                    "The decay times the old average, the rest times the batch's mean. At first "
                    "it is 0."),
                Ask(f"average.corrected{time}", "And with its bias corrected",
                    "Divide by 1 - decay to the power of the number of batches so far."),
            ]
    draft.say(
        f"Batch normalization keeps running averages: `running = decay running + (1 - decay) "
        f"batch` with decay {text(decay)}. The mean and the variance of a mini-batch are taken "
        "over its examples; the running variance takes in the unbiased variance, which is n / (n "
        f"- 1) = {text(Exact(n) / (n - 1))} times the batch's.")
    if level >= 2:
        new = draft.given("new", inputs["new"], "New examples, seen at test time", "data")
        exactly.forward(new, running, draft.run("inference", False, layer=name))
        draft.ask(Ask(f"{name}.x_hat", "At test time: the new examples, normalized",
                      "Which mean and which variance stand in for a batch's? Epsilon is 0.",
                      "inference"))
        draft.say("At test time the running averages stand in for those of a batch; epsilon is 0.")
    if level == 3:
        draft.say("Last, an average of the batches' means that begins at 0: too small at first, it "
                  "is divided by `1 - decay^t` after t batches.")
    draft.ask(*corrected)
    axes = {name: ("feature",), "average": ("feature",), "data": _DATA}
    return draft.solution(axes, layer=name, n=n, decay=decay.fraction)


RUNNING_AVERAGES = Topic(
    "running-averages", "Running averages", "Exponentially weighted averages over mini-batches, "
    "used at test time: running = decay running + (1 - decay) batch.",
    ("mean and variance over several batches", "and at test time", "and with bias correction"),
    (Size("batches", 2, 1, 3), Size("examples", 3, 2, 5), Size("features", 2, 1, 3)),
    _draw_running, _solve_running,
    {"batches": "(batches, examples, features)", "decay": "at least 0 and below 1",
     "running_mean": "(features,)", "running_variance": "(features,)",
     "new": "(rows, features), seen at test time, for levels 2 and 3"},
)

TOPICS = by_name(INPUT_NORMALIZATION, ROBUST_SCALING, RUNNING_AVERAGES)
