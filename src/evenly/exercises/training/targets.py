"""Targets that are made softer: mixed examples, examples with cut columns, and smoothed labels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...augmentation import CutMix, mixed
from ...byhand.exact import Exact
from ...errors import DataError
from ...losses import MeanSquaredError
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import Draft, at_least, count, pick, share, sizes_of, text, within
from ..friendly import not_zero


def _one_hot(rng: np.random.Generator, examples: int, classes: int) -> Any:
    """Rows with a single 1, of two classes at least where there are several examples."""
    while True:
        target = rng.integers(0, classes, examples)
        if examples == 1 or len(set(target.tolist())) > 1:
            return np.eye(classes, dtype=np.int64)[target]


# Mixup --------------------------------------------------------------------------------------------


def _draw_mixup(rng: np.random.Generator, level: int, examples: int, features: int) -> Inputs:
    mix = pick(rng, [Fraction(n, d) for n, d in ((3, 4), (2, 3), (3, 5), (4, 5), (7, 10), (9, 10))])
    unit = mix.denominator if mix.denominator < 10 else 1
    classes = 3
    return {"x": unit * not_zero(rng, 9, (examples, features)),
            "y": _one_hot(rng, examples, classes), "mix": mix,
            "shift": int(rng.integers(0, examples - 1)),
            "y_hat": np.array([Fraction(int(v), 10) for v in
                               rng.integers(0, 11, examples * classes)],
                              object).reshape(examples, classes)}


def _squared(draft: Draft, inputs: Inputs, target: Any, n: int) -> None:
    """The squared error to the mixed targets, and its gradient."""
    y_hat = draft.given("y_hat", inputs["y_hat"], "What the network predicts for the mixed "
                        "examples")
    own = draft.recorder.declared(MeanSquaredError(reduction="sum"))
    _, saved = own.forward(y_hat, target, draft.run("loss"))
    own.backward(saved, draft.run("backward"))
    draft.say(f"The loss is the squared error to the mixed targets: the squares are added up "
              f"over an example's classes, and the mean is taken over the {n} examples.")
    draft.ask(
        Ask("error", "The errors", "The prediction minus the mixed target.", "loss"),
        Ask("losses", "The loss of each example", "Square its row and add up.", "loss"),
        Ask("loss", "The loss of the batch", "The mean over the examples.", "loss"),
        Ask("d_scores", "The gradient of the loss on the predictions",
            "A square has the factor 2 in its derivative; then divide by the number of "
            "examples.", "backward"))


def _solve_mixup(inputs: Inputs, level: int) -> Solution:
    n, *_ = sizes_of(inputs, x="n features", y="n classes", y_hat="n classes")
    if n < 2:
        raise DataError("x: a row is mixed with another: give two examples or more")
    mix = within("mix", inputs["mix"], more_than=0, below=1)
    shift = count(inputs, "shift", 0, n - 2)
    draft = Draft(n)
    made: dict[str, Any] = {}
    for name, words in (("x", "The examples, a row each"),
                        ("y", "Their classes, as rows with a single 1"))[: 1 + (level > 1)]:
        rows = draft.given(name, inputs[name], words)
        made[name] = mixed(rows, draft.run("forward", layer=name, mix=Exact(mix), shift=shift))
    partners = ", ".join(f"example {i + 1} with example {(i + 1 + shift) % n + 1}"
                         for i in range(n))
    draft.say(f"Mixup trains on means of two examples: mix x_i + (1 - mix) x_j, here with mix = "
              f"{text(mix)}. Here {partners} goes along: the first one has the share mix.")
    draft.ask(Ask("x.mixed", "The mixed examples", "mix times the row, and 1 - mix times its "
                  "partner's row."))
    if level > 1:
        draft.say("The targets are mixed likewise, with the same mix and the same partners.")
        draft.ask(Ask("y.mixed", "The mixed targets", "Each row still adds up to 1."))
    if level == 3:
        _squared(draft, inputs, made["y"], n)
    return draft.solution({"x": ("example", "feature"), "y": ("example", "class"),
                           **dict.fromkeys(("y_hat", "error", "d_scores"), ("example", "class"))},
                          mix=mix)


MIXUP = Topic(
    "mixup", "Mixup", "Training on means of two examples and of their targets: "
    "mix x_i + (1 - mix) x_j, mix y_i + (1 - mix) y_j.",
    ("mixed examples", "and mixed targets", "and the squared error and its gradient"),
    (Size("examples", 3, 2, 5), Size("features", 3, 1, 5)), _draw_mixup, _solve_mixup,
    {"x": "(examples, features)", "y": "(examples, classes): a row with a single 1 each",
     "mix": "above 0 and below 1: the share of the first of two",
     "shift": "a whole number from 0 on: example i is mixed with example i + 1 + shift, counted "
     "round", "y_hat": "(examples, classes): predictions, for level 3"},
)


# CutMix -------------------------------------------------------------------------------------------


def _draw_cutmix(rng: np.random.Generator, level: int, examples: int, features: int) -> Inputs:
    drawn = _draw_mixup(rng, level, examples, features)
    del drawn["mix"]
    coprime = [a for a in range(1, features) if np.gcd(a, features) == 1]
    return {**drawn, "x": not_zero(rng, 20, (examples, features)), "a": pick(rng, coprime),
            "b": int(rng.integers(0, features)), "cut": int(rng.integers(1, features // 2 + 1))}


def _solve_cutmix(inputs: Inputs, level: int) -> Solution:
    n, features, _ = sizes_of(inputs, x="n features", y="n classes", y_hat="n classes")
    if n < 2:
        raise DataError("x: a row gets columns of another: give two examples or more")
    shift = count(inputs, "shift", 0, n - 2)
    cut = count(inputs, "cut", 1, features)
    a, b = count(inputs, "a", 1, max(features - 1, 1)), count(inputs, "b", 0, features - 1)
    if np.gcd(a, features) > 1:
        raise DataError(f"a must have no divisor in common with the {features} features, got {a}")
    draft = Draft(n)
    partners = ", ".join(f"example {(i + 1 + shift) % n + 1} go into example {i + 1}"
                         for i in range(n))
    product = "c" if a == 1 else f"{a} c"
    draft.say(f"CutMix trains on rows of which some columns are another example's. Of the "
              f"{features} columns {cut} {'is' if cut == 1 else 'are'} cut, in all rows alike: "
              f"where the column's place, ({product} + {b}) mod {features} for column c, counted "
              f"from 0, is below {cut}. There the numbers of {partners}.")
    x = draft.given("x", inputs["x"], "The examples, a row each")
    c = draft.given("c", np.arange(features), "The columns, counted from 0")
    run = draft.run("forward", layer="x", shift=shift, cut=cut, place=a % features * features + b)
    rounds = np.array([(a * i + b) // features for i in range(features)])
    run.note("place", a * c + b - features * rounds, f"a c + b - {features} rounds")
    CutMix().inputs(x, run)
    draft.ask(Ask("x.place", "The place of each column", "The remainder of a division."),
              Ask("x.cut", "The examples that are trained on", "In the columns that are cut, the "
                  "other example's numbers; in the others its own."))
    mix = 1 - Fraction(cut, features)
    if level > 1:
        y = draft.given("y", inputs["y"], "Their classes, as rows with a single 1")
        target = mixed(y, draft.run("forward", layer="y", mix=Exact(mix), shift=shift))
        draft.say("The targets are mixed: mix y_i + (1 - mix) y_j, where mix is the share of the "
                  "columns that stayed, and j the example that the columns come from.")
        draft.ask(Ask("y.mixed", "The mixed targets", "Each row still adds up to 1."))
    if level == 3:
        _squared(draft, inputs, target, n)
    return draft.solution({"x": ("example", "feature"), "y": ("example", "class"),
                           "c": ("feature",), "place": ("feature",),
                           **dict.fromkeys(("y_hat", "error", "d_scores"), ("example", "class"))},
                          mix=mix)


CUTMIX = Topic(
    "cutmix", "CutMix", "Training on rows of which some columns are another example's; the target "
    "is mix y_i + (1 - mix) y_j, with the share of columns that stayed as mix.",
    ("cut examples", "and mixed targets", "and the squared error and its gradient"),
    (Size("examples", 3, 2, 5), Size("features", 5, 3, 7)), _draw_cutmix, _solve_cutmix,
    {"x": "(examples, features)", "y": "(examples, classes): a row with a single 1 each",
     "cut": "how many columns are cut, at least 1",
     "a": "a whole number without a divisor in common with the features",
     "b": "a whole number from 0 on, below the features",
     "shift": "a whole number from 0 on: example i gets columns of example i + 1 + shift, counted "
     "round", "y_hat": "(examples, classes): predictions, for level 3"},
)


# Label smoothing ----------------------------------------------------------------------------------


def _draw_smoothing(rng: np.random.Generator, level: int, examples: int, classes: int) -> Inputs:
    y = _one_hot(rng, examples, classes)
    # Probabilities of two digits, of which none is 0.
    y_hat = []
    for _ in range(examples):
        cuts = np.sort(rng.choice(19, classes - 1, replace=False)) + 1
        y_hat.append(np.diff(np.concatenate([[0], cuts, [20]])))
    # Each class gains hundredths, or halves of them.
    smoothing = Fraction(classes * int(rng.integers(1, 120 // classes + 1)), 200)
    return {"y": y, "smoothing": smoothing,
            "y_hat": np.array([Fraction(int(v), 20) for row in y_hat for v in row],
                              object).reshape(examples, classes)}


def _solve_smoothing(inputs: Inputs, level: int) -> Solution:
    n, k = sizes_of(inputs, y="n k", y_hat="n k")
    if k < 2:
        raise DataError(f"y must have two classes or more, got {k}")
    rows = np.asarray(inputs["y"], object)
    if any(v not in (0, 1) for v in rows.reshape(-1)) or any(sum(row) != 1 for row in rows):
        raise DataError("y must be rows with a single 1 and zeros beside it")
    e = share(inputs, "smoothing")
    draft = Draft(n)
    y = draft.given("y", inputs["y"], "The right classes, as rows with a single 1")
    run = draft.run("loss")
    smoothed = run.note("smoothed", (1 - e) * y + e / k, "(1 - e) y + e / classes")
    draft.say(f"Labels of {k} classes are smoothed with e = {text(e)}: y becomes (1 - e) y + "
              f"e / {k}.")
    draft.ask(Ask("smoothed", "The smoothed targets", "The right class loses e, then every class "
                  "gains a share of it.", "loss"))
    if level > 1:
        at_least("y_hat", inputs["y_hat"], 0, exclusive=True)
        y_hat = draft.given("y_hat", inputs["y_hat"], "The probabilities that softmax gives")
        back = draft.run("backward")
        back.note("d_plain", (y_hat - y) / n, "(y_hat - y) / examples")
        back.note("d_scores", (y_hat - smoothed) / n, "(y_hat - smoothed) / examples")
        draft.say("The gradient of the cross-entropy on the scores is the probabilities minus the "
                  "targets, divided by the number of examples. Look at where the two gradients "
                  "have other signs.")
        draft.ask(
            Ask("d_plain", "The gradient on the scores without smoothing", "Each row adds up to "
                "0.", "backward"),
            Ask("d_scores", "The gradient on the scores with smoothing", "Subtract the smoothed "
                "targets instead.", "backward"))
    if level == 3:
        if not e:
            raise DataError("smoothing must be more than 0 at level 3: without it no scores are "
                            "best")
        losses = run.note("losses", -run.xp.sum(smoothed * run.xp.log(y_hat), axis=1),
                          "-sum of smoothed log(y_hat)")
        run.note("loss", run.xp.mean(losses), "mean of losses")
        given = draft.given("smoothing", np.asarray(e, object), "The smoothing e")
        right = run.note("right", 1 - given + given / k, "1 - e + e / classes")
        wrong = run.note("wrong", given / k, "e / classes")
        run.note("gap", run.xp.log(right / wrong), "log(right / wrong)")
        draft.say("The loss of an example is -sum of y log(y_hat) over its smoothed targets, with "
                  "the natural logarithm; that of the batch is the mean. The gradient is zero once "
                  "the probabilities are the smoothed targets: then the right class's score is "
                  "larger than the others by log(right / wrong), a finite number. Use a calculator "
                  "and give four digits behind the point.")
        draft.ask(
            Ask("losses", "The loss of each example", "The logarithms of the probabilities, times "
                "the smoothed targets; the sign turned.", "loss"),
            Ask("loss", "The loss of the batch", "The mean over the examples.", "loss"),
            Ask("right", "The best probability of the right class", "Where is the gradient zero?",
                "loss"),
            Ask("wrong", "That of each other class", "They share e with the right one.", "loss"),
            Ask("gap", "By how much the right class's score is then larger", "Softmax: a ratio of "
                "probabilities is exp of a difference of scores.", "loss"))
    return draft.solution({"": ("example", "class"), "losses": ("example",)}, classes=k,
                          decimals=level == 3)


SMOOTHING = Topic(
    "label-smoothing", "Label smoothing",
    "Targets of 0 and 1 become (1 - e) y + e / classes: the loss asks for finite scores.",
    ("the smoothed targets", "and the gradient, with and without",
     "and the loss, and the scores that it asks for"),
    (Size("examples", 3, 1, 5), Size("classes", 4, 2, 6)), _draw_smoothing, _solve_smoothing,
    {"y": "(examples, classes): a row with a single 1 each",
     "smoothing": "from 0 to below 1", "y_hat": "(examples, classes): above 0, from level 2 on"},
)

TOPICS = by_name(MIXUP, CUTMIX, SMOOTHING)
