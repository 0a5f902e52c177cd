"""Losses and their gradients by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from ...byhand.exact import exact_array
from ...byhand.recorder import Recorder
from ...byhand.work import Work
from ...errors import DataError
from ...layers.base import Run
from ...losses import (
    BinaryCrossEntropy,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SoftmaxCrossEntropy,
)
from ..additions import with_given
from ..base import Ask, Inputs, Size, Solution, Topic, by_name, expect_shape
from ..calculation import at_least, positive, share, sizes_of, whole_numbers, within
from ..friendly import whole

_CALCULATOR = "Use a calculator, and give four digits behind the point."
_WEIGHTS = ("Each example has a weight w: the loss is the sum of w times its loss, divided by the "
            "sum of {sum}.")
# The convention that does not divide by the number of examples.
SUMMED = "summed"
_LOSS = Ask("loss", "The loss of the batch", "The mean over the examples.", "loss")
_WEIGHED = (
    Ask("factors", "The share of each example",
        "Its weight divided by the sum that the text names.", "loss"),
    Ask("loss", "The loss of the batch", "Each example's loss times its share, added up.", "loss"),
)


class SummedSquaredError(MeanSquaredError):
    """The squared error of a batch, for sheets alone: added up over the examples, each times its
    weight where there are weights."""

    def forward(self, scores: Any, target: Any, run: Run) -> tuple[Any, Any]:
        each, _, saved = self.each(scores, target, run)
        weighed = each if run.weights is None else each * run.weights
        words = "sum of losses" if run.weights is None else "sum of losses w"
        return run.note("loss", run.xp.sum(weighed), words), saved

    def backward(self, saved: Any, run: Run) -> Any:
        slope = self.slope(saved, run)
        words = "2 (y - target)" if saved[1] == 1 else "2 (y - target) / outputs"
        if run.weights is not None:
            slope, words = slope * run.weights[:, None], f"w {words}"
        return run.note("d_scores", slope, words)


def _work(loss: Loss, scores: Any, target: Any, weights: Any) -> Work:
    """The loss and its gradient, on scores that are given."""
    recorder = Recorder(exact=True)
    own = recorder.declared(loss)
    s = recorder.given("scores", scores)
    y: Any = recorder.given("target", target)
    if weights is not None:
        weights = recorder.given("weights", weights).value
    if loss.targets_are_classes:
        y = np.array([int(v) for v in np.asarray(target).reshape(-1)], np.int64)
    _, saved = own.forward(s, y, recorder.run("loss", weights=weights))
    own.backward(saved, recorder.run("backward", weights=weights))
    return Work(tuple(recorder.steps), len(scores))


def _unequal(rng: np.random.Generator, examples: int) -> Any:
    """Weights of examples, not all alike where there are several."""
    while True:
        weights = rng.integers(1, 6, examples)
        if examples == 1 or len(set(weights.tolist())) > 1:
            return weights


def _weights(inputs: Inputs, n: int, level: int) -> Any:
    if level < 3:
        return None
    expect_shape("weights", inputs["weights"], n)
    at_least("weights", inputs["weights"], 0)
    if not any(v > 0 for v in np.asarray(inputs["weights"]).reshape(-1)):
        raise DataError("weights must not all be 0")
    return exact_array(inputs["weights"])


# Errors -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Kind:
    """A loss of errors.

    Attributes:
        loss: its class.
        each: (words, hint) of the loss of each number.
        slope: the hint to the gradient.
        formula: in the text.
    """

    loss: type[Loss]
    each: tuple[str, str]
    slope: str
    formula: str
    has_delta: bool = False


def draw_errors(rng: np.random.Generator, level: int, examples: int, outputs: int,
                kind: _Kind, convention: str = "") -> Inputs:
    """Whole outputs and targets whose errors are small; of Huber's some on either side of delta."""
    while True:
        error = whole(rng, 4, (examples, outputs))
        large = abs(error) > 2
        if (error > 0).any() and (error < 0).any() and large.any() and not large.all():
            break
    target = whole(rng, 5, error.shape)
    drawn: Inputs = {"y": target + error, "target": target,
                     "weights": _unequal(rng, examples)}
    return drawn | ({"delta": np.array(2)} if kind.has_delta else {})


def solve_errors(inputs: Inputs, level: int, kind: _Kind, convention: str = "") -> Solution:
    """Summed over the outputs; then their mean; then with weights."""
    n, outputs = sizes_of(inputs, y="n outputs", target="n outputs")
    reduction = "sum" if level == 1 else "mean"
    settings: dict[str, Any] = {"reduction": reduction}
    text = [f"The network's output y for {n} examples is compared with its targets. "
            f"{kind.formula}"]
    if kind.has_delta:
        delta = positive(inputs, "delta")
        settings["delta"] = float(delta)
        text.append(f"Here delta is {delta}.")
    weights = _weights(inputs, n, level)
    loss = SummedSquaredError if convention == SUMMED else kind.loss
    work = _work(loss(**settings), inputs["y"], inputs["target"], weights)
    given = {"scores": "The output y, a row for each example", "target": "The targets"}
    count = ("added up" if level == 1 else f"the mean is taken over its {outputs} outputs")
    text.append(f"In each example, these are {count}." if level == 1 else
                f"In each example, {count}.")
    asked = [
        Ask("error", "The errors", "The output minus the target.", "loss"),
        Ask("elements", *kind.each, "loss"),
        Ask("losses", "The loss of each example",
            "Add up its row." if level == 1 else "The mean of its row.", "loss"),
    ]
    divided = "how many examples there are" if level == 1 else \
        "how many numbers there are in all"
    if level == 3:
        given["weights"] = "The weight of each example"
        text.append(_WEIGHTS.format(sum="all w"))
        asked += _WEIGHED
        divided = "how many outputs there are; times the example's share"
    elif convention != SUMMED:
        text.append(f"The loss of the batch is the mean over its {n} examples.")
        asked.append(_LOSS)
    hint = f"{kind.slope} Then divide by {divided}."
    if convention == SUMMED:
        weighed = ", each times its weight" if level == 3 else ""
        text[-1:] = text[-1:] if level < 3 else ["Each example has a weight w."]
        text.append(f"The loss of the batch is the sum over its {n} examples{weighed}.")
        asked = [*asked[:3], Ask("loss", "The loss of the batch",
                                 f"Add up the examples{weighed}.", "loss")]
        hint = kind.slope + (" Then divide by how many outputs there are." * (level > 1)) + (
            " Times the example's weight." * (level == 3))
    asked.append(Ask("d_scores", "The gradient of the loss on the output", hint, "backward"))
    return Solution(work, tuple(text), tuple(asked), given,
                    {"loss": kind.loss.__name__, "reduction": reduction})


def _errors(name: str, title: str, about: str, kind: _Kind,
            conventions: Mapping[str, str] = MappingProxyType({})) -> Topic:
    fields = {"y": "(examples, outputs)", "target": "(examples, outputs)",
              "weights": "(examples,): 0 or more, used at level 3"}
    if kind.has_delta:
        fields["delta"] = "a number above 0"
    return Topic(
        name, title, about,
        ("loss and gradient, summed over the outputs", "the mean over the outputs",
         "and weights of the examples"),
        (Size("examples", 2, 2, 6), Size("outputs", 3, 2, 6)),
        partial(draw_errors, kind=kind), partial(solve_errors, kind=kind), fields, conventions)


SQUARED = _errors(
    "squared-error", "The squared error and its gradient",
    "The square of y - target; its gradient has the factor 2: 2 (y - target).",
    _Kind(MeanSquaredError, ("The squares", "Each error times itself."),
          "A square has the factor 2 in its derivative.",
          "The loss of each number is the square of its error."),
    {"mean": "the loss of the batch is the mean over its examples, and so the gradient is divided "
     "by their number",
     SUMMED: "the losses of the examples are added up, and so the gradient is not "
     "divided by their number: 2 (y - target) where the outputs are added up too"})
ABSOLUTE = _errors(
    "absolute-error", "The absolute error and its gradient",
    "The size of y - target; its gradient is the sign of the error.",
    _Kind(MeanAbsoluteError, ("The sizes of the errors", "Without their signs."),
          "The sign of the error: 1, -1, or 0 where there is none.",
          "The loss of each number is the size of its error."))
HUBER = _errors(
    "huber", "The Huber loss and its gradient",
    "Squares for small errors, sizes for large ones; the gradient is the error cut off at +-delta.",
    _Kind(Huber, ("The loss of each number",
                  "Look first whether the error's size is above delta."),
          "The error, cut off at delta and at -delta.",
          "The loss of each number with error e is e^2 / 2 where |e| is at most delta, else "
          "delta (|e| - delta / 2).", True))


# Classification -----------------------------------------------------------------------------------


def draw_classes(rng: np.random.Generator, level: int, examples: int, classes: int) -> Inputs:
    """Small whole scores. Where there are two examples, one is right and one is wrong."""
    while True:
        scores = rng.integers(-1, 3, (examples, classes))
        target = rng.integers(0, classes, examples)
        right = scores.argmax(axis=1) == target
        best = (scores == scores.max(axis=1, keepdims=True)).sum(axis=1) == 1
        if best.all() and (examples == 1 or (right.any() and not right.all())):
            return {
                "scores": scores, "target": target,
                "smoothing": np.array(Fraction(classes, 10 * (1 + classes % 2)), object),
                "class_weights": rng.permutation(np.arange(classes) % 2 + 1),
                "weights": _unequal(rng, examples),
            }


def solve_classes(inputs: Inputs, level: int) -> Solution:
    """Loss and gradient y_hat - y; then with smoothed labels; then with weights."""
    n, k = sizes_of(inputs, scores="n k", target="n")
    if k < 2:
        raise DataError(f"scores must have two classes or more, got {k}")
    target = whole_numbers("target: class numbers", inputs["target"], 0, k - 1)
    settings: dict[str, Any] = {}
    given = {"scores": "The scores s: a row for each example, a column for each class",
             "target": "The right class of each example, counted from 0"}
    text = [f"A network gives {n} examples scores for {k} classes. Softmax makes probabilities "
            "y_hat of them: y_hat = exp(s) / sum of exp(s). The largest score of a row is "
            "subtracted from it first; that changes nothing.",
            "The loss of an example is -sum of y log(y_hat), with the natural logarithm; y is 1 "
            "for the right class and 0 for the others.", _CALCULATOR]
    asked = [
        Ask("y", "The targets as rows with a single 1", "The 1 stands in the right class's column.",
            "loss"),
        Ask("powers", "exp of the scores, the row's largest subtracted", "exp(0) is 1.", "loss"),
        Ask("total", "The sum of each row", "Add up the powers.", "loss"),
        Ask("y_hat", "The probabilities", "Divide each row by its sum. It then adds up to 1.",
            "loss"),
    ]
    if level >= 2:
        smoothing = share(inputs, "smoothing")
        settings["label_smoothing"] = float(smoothing)
        text.append(f"Labels are smoothed with e = {smoothing}: y becomes (1 - e) y + e / {k}.")
        if smoothing:
            asked.append(Ask("smoothed", "The smoothed targets",
                             "The right class loses e, then every class gains a share of it.",
                             "loss"))
    if level == 3:
        expect_shape("class_weights", inputs["class_weights"], k)
        at_least("class_weights", inputs["class_weights"], 0, exclusive=True)
        settings["class_weights"] = tuple(float(v) for v in inputs["class_weights"])
        given["class_weights"] = "The weight v of each class"
        given["weights"] = "The weight w of each example"
        text += ["Each class has a weight v: the loss of an example is -sum of v y log(y_hat).",
                 _WEIGHTS.format(sum="w times the v of the example's right class")]
        asked.append(Ask("weighted", "The targets times the class weights",
                         "Each column times its class's weight.", "loss"))
    weights = _weights(inputs, n, level)
    work = _classes_work(settings, inputs, target, weights, level)
    asked.append(Ask("losses", "The loss of each example",
                     "The logarithms of the probabilities, times the targets; the sign turned.",
                     "loss"))
    asked += [*_WEIGHED] if level == 3 else [_LOSS]
    if level < 3:
        text.append(f"The loss of the batch is the mean over its {n} examples.")
    asked.append(Ask(
        "d_scores", "The gradient of the loss on the scores: y_hat - y, as each example counts",
        "The probabilities minus the targets; then divide by the number of examples."
        if level < 3 else "Times each row's sum of v y the probabilities; minus v y; then times "
        "the example's share.", "backward"))
    return Solution(work, tuple(text), tuple(asked), given, {"classes": k, **settings})


def _classes_work(settings: dict[str, Any], inputs: Inputs, target: Any, weights: Any,
                  level: int) -> Work:
    work = _work(SoftmaxCrossEntropy(**settings), inputs["scores"], target, weights)
    if level < 3:
        return work
    return with_given(work, "class_weights", inputs["class_weights"])


CLASSES = Topic(
    "softmax-cross-entropy", "Softmax, cross-entropy and the gradient y_hat - y",
    "Scores become probabilities y_hat, the loss is -log of the right one's, and the gradient on "
    "the scores is y_hat - y, divided by the batch.",
    ("loss and gradient", "with smoothed labels", "and weights of classes and of examples"),
    (Size("examples", 2, 1, 6), Size("classes", 3, 2, 6)),
    draw_classes, solve_classes,
    {"scores": "(examples, classes)", "target": "(examples,): class numbers from 0",
     "smoothing": "from 0 to below 1, used from level 2 on",
     "class_weights": "(classes,): above 0, used at level 3",
     "weights": "(examples,): 0 or more, used at level 3"},
)


def draw_binary(rng: np.random.Generator, level: int, examples: int, outputs: int) -> Inputs:
    """Small whole scores, and targets of both kinds."""
    while True:
        scores, target = whole(rng, 2, (examples, outputs)), rng.integers(0, 2, (examples, outputs))
        wrong = (scores > 0) != (target > 0)
        if target.any() and not target.all() and wrong.any() and not wrong.all():
            return {
                "scores": scores, "target": target,
                "smoothing": np.array(Fraction(1, 5), object),
                "class_weights": rng.permutation([1, 3]),
                "weights": _unequal(rng, examples),
            }


def solve_binary(inputs: Inputs, level: int) -> Solution:
    """Loss and gradient p - t; then with smoothed labels; then with weights."""
    n, outputs = sizes_of(inputs, scores="n outputs", target="n outputs")
    for value in np.asarray(inputs["target"]).reshape(-1):
        within("target: each", value, least=0, below=Fraction(10**9 + 1, 10**9))
    settings: dict[str, Any] = {}
    given = {"scores": "The scores s, a row for each example", "target": "The targets t: 1 is yes"}
    text = ["The probability of yes is p = 1 / (1 + exp(-s)). The loss of each number is "
            "-t log(p) - (1 - t) log(1 - p), with the natural logarithm: the same as "
            "max(s, 0) - s t + log(1 + exp(-|s|)).",
            f"In each example the mean is taken over its {outputs} outputs.", _CALCULATOR]
    asked = [Ask("p", "The probabilities p", "exp(-1) is 0.3679; p at -s is 1 - p at s.", "loss")]
    if level >= 2:
        smoothing = share(inputs, "smoothing")
        settings["label_smoothing"] = float(smoothing)
        text.append(f"Labels are smoothed with e = {smoothing}: t becomes t (1 - e) + e / 2.")
        if smoothing:
            asked.append(Ask("smoothed", "The smoothed targets",
                             "Yes loses half of e, no gains half of it.", "loss"))
    if level == 3:
        expect_shape("class_weights", inputs["class_weights"], 2)
        at_least("class_weights", inputs["class_weights"], 0, exclusive=True)
        settings["class_weights"] = tuple(float(v) for v in inputs["class_weights"])
        given["class_weights"] = "The weights of no and of yes, v0 and v1"
        given["weights"] = "The weight w of each example"
        text += ["A number with target t (before smoothing) counts v0 (1 - t) + v1 t times.",
                 _WEIGHTS.format(sum="w times the mean of the example's v")]
        asked.append(Ask("class_factors", "How often each number counts",
                         "v1 where the target is yes, v0 where it is no.", "loss"))
    weights = _weights(inputs, n, level)
    work = _work(BinaryCrossEntropy(**settings), inputs["scores"], inputs["target"], weights)
    if level == 3:
        work = with_given(work, "class_weights", inputs["class_weights"])
    asked += [
        Ask("elements", "The loss of each number", "For t = 1 it is -log(p), for t = 0 -log(1 - p);"
            " between them, the share of each.", "loss"),
        Ask("losses", "The loss of each example", "The mean of its row" +
            (", each number as often as it counts." if level == 3 else "."), "loss"),
    ]
    asked += [*_WEIGHED] if level == 3 else [_LOSS]
    if level < 3:
        text.append(f"The loss of the batch is the mean over its {n} examples.")
    asked.append(Ask(
        "d_scores", "The gradient of the loss on the scores",
        "p minus the target; then divide by how many numbers there are in all."
        if level < 3 else "p minus the target, as often as it counts, divided by the number of "
        "outputs; then times the example's share.", "backward"))
    return Solution(work, tuple(text), tuple(asked), given, settings)


BINARY = Topic(
    "binary-cross-entropy", "Binary cross-entropy and the gradient p - t",
    "Scores become probabilities p of yes, the loss is -log of what was right, and the gradient on "
    "the scores is p - t, divided by the number of elements.",
    ("loss and gradient", "with smoothed labels", "and weights of classes and of examples"),
    (Size("examples", 3, 2, 6), Size("outputs", 2, 1, 4)),
    draw_binary, solve_binary,
    {"scores": "(examples, outputs)", "target": "(examples, outputs): from 0 to 1",
     "smoothing": "from 0 to below 1, used from level 2 on",
     "class_weights": "(2,): of no and of yes, above 0, used at level 3",
     "weights": "(examples,): 0 or more, used at level 3"},
)

TOPICS = by_name(CLASSES, BINARY, SQUARED, ABSOLUTE, HUBER)
