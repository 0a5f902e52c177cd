"""Dropout by hand: the inverted one, and the classic one."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from math import ceil
from typing import Any

import numpy as np

from ...byhand.exact import Exact, exact_array
from ...byhand.traced import traced
from ...byhand.work import Work, work_out
from ...layers import Dense, Dropout, ReLU, Sequential
from ...losses import MeanSquaredError
from ...optimizers import SGD
from ..additions import read, with_given, with_step
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import positive, shares, sizes_of
from ..friendly import RATES, descending, not_zero, whole
from ..training.losses import SUMMED, SummedSquaredError

_RATES = (Fraction(1, 2), Fraction(1, 3))
# The convention that names the probability of keeping.
_KEEP = "keep"
_INPUTS, _OUTPUTS, _TRIES, _LARGEST = 2, 2, 20, 4


def draw(rng: np.random.Generator, level: int, examples: int, first: int, second: int,
         classic: bool, convention: str = "") -> Inputs:
    """A network whose numbers stay whole through dropout and backward, and a learning rate whose
    step lowers the loss.

    Inverted dropout multiplies by 2 and by 3/2. The second biases are even, so the numbers that
    3/2 meets are even; errors are multiples of the batch, so the gradient is even. The new weights
    are decimals of two digits at most. Classic dropout multiplies by 1.
    """
    while True:
        try:
            drawn = _draw(rng, examples, first, second, classic, convention == SUMMED)
            if convention == _KEEP:
                _mirror(drawn)
            return drawn
        except _Again:
            continue


def _mirror(drawn: Inputs) -> None:
    """The same masks for one who keeps where a number is below the keep probability."""
    for k, rate in enumerate(_RATES, 1):
        name = f"numbers_{k}"
        other = np.array([Fraction(99, 100) - v for v in drawn[name].reshape(-1)],
                         object).reshape(drawn[name].shape)
        if ((other < 1 - rate) != (drawn[name] >= rate)).any():
            raise _Again
        drawn[name] = other
    drawn["rates"] = 1 - drawn["rates"]


class _Again(Exception):
    """Numbers that come out well were not found soon: others may lead there."""


def _draw(rng: np.random.Generator, n: int, first: int, second: int, classic: bool,
          summed: bool) -> Inputs:
    x = rng.integers(1, 4, (n, _INPUTS))
    layers = [_layer(rng, x, first, 1)]
    numbers, kept = _numbers(rng, layers[0][2], _RATES[0])
    h_1 = layers[0][2] * kept * (1 if classic else 2)
    layers.append(_layer(rng, h_1, second, 2))
    other, kept_2 = _numbers(rng, layers[1][2], _RATES[1])
    h_2 = layers[1][2] * kept_2 if classic else layers[1][2] * kept_2 * 3 // 2
    for _ in range(_TRIES):
        end = _end(rng, x, layers, (h_1, h_2), (kept, kept_2), classic, summed)
        if end is not None:
            return {
                "x": x, "kernel_1": layers[0][0], "bias_1": layers[0][1],
                "kernel_2": layers[1][0], "bias_2": layers[1][1],
                "rates": np.array(_RATES, object), "numbers_1": numbers, "numbers_2": other,
                **end,
            }
    raise _Again


def _end(rng: np.random.Generator, x: Any, layers: Any, hidden: Any, kept: Any,
         classic: bool, summed: bool) -> Inputs | None:
    """The last layer, targets and a new example; None if they do not teach much."""
    n, second = hidden[1].shape
    kernel, bias = not_zero(rng, 1, (second, _OUTPUTS)), whole(rng, 2, _OUTPUTS)
    y = hidden[1] @ kernel + bias
    # Errors in units of n.
    units = rng.choice([-2, -1, 1, 2], (n, _OUTPUTS))
    # Backward by plain matrices, to see that something is left to learn, and how large it is.
    d_h_2 = 2 * units @ kernel.T
    d_2 = d_h_2 * kept[1] * (layers[1][2] > 0) * (1 if classic else 3) // (1 if classic else 2)
    d_1 = d_2 @ layers[1][0].T * kept[0] * (layers[0][2] > 0) * (1 if classic else 2)
    kernels = (x.T @ d_1, hidden[0].T @ d_2, hidden[1].T @ (2 * units))
    if not all(g.any() for g in kernels) or abs(y).max() > 40:
        return None
    slopes = list(zip(kernels, (d_1.sum(axis=0), d_2.sum(axis=0), 2 * units.sum(axis=0)),
                      strict=True))
    if summed:
        slopes = [(n * d_w, n * d_b) for d_w, d_b in slopes]
    arrays = [(layers[0][0], layers[0][1]), (layers[1][0], layers[1][1]), (kernel, bias)]
    masks = [kept[0] * (1 if classic else 2), kept[1] * (1 if classic else 1.5)]
    scales = [float(1 - p) if classic else 1.0 for p in _RATES]

    def after(rate: float, rows: Any, factors: Any) -> list[Any]:
        """What leaves each layer, with these factors, after a step with this rate."""
        left, passed = [], rows
        for k, ((w, b), (d_w, d_b)) in enumerate(zip(arrays, slopes, strict=True)):
            passed = passed @ (w - rate * d_w) + b - rate * d_b
            passed = passed if k == 2 else np.maximum(passed, 0) * factors[k]
            left.append(passed)
        return left

    target = y - n * units
    rate = descending(lambda rate: float(np.square(after(rate, x, masks)[-1] - target).sum()),
                      RATES if summed else RATES[:4])
    new = rng.integers(1, 4, (1, _INPUTS))
    # In inference too, with the new weights, something passes each ReLU: more than a rounding.
    if rate is None or not all((h > 1e-9).any() for h in after(float(rate), new, scales)[:2]):
        return None
    return {"kernel_3": kernel, "bias_3": bias, "target": target, "new": new,
            "learning_rate": np.array(rate, object)}


def _layer(rng: np.random.Generator, x: Any, units: int, step: int) -> tuple[Any, Any, Any]:
    """(kernel, bias, ReLU of x kernel + bias), in which no unit is dead in all examples, no
    example in all units, and something is negative; biases are multiples of `step`."""
    many = 16 * units
    kernel, bias = whole(rng, 1, (x.shape[1], many)), step * whole(rng, 1, many)
    z = x @ kernel + bias
    fit = np.flatnonzero((z > 0).any(axis=0) & (z.max(axis=0) <= _LARGEST))
    for start in range(0, len(fit) - units + 1, units):
        own = fit[start:start + units]
        if (z[:, own] > 0).any(axis=1).all() and (z[:, own] < 0).any():
            return kernel[:, own], bias[own], np.maximum(z[:, own], 0)
    raise _Again


def _numbers(rng: np.random.Generator, y: Any, rate: Fraction) -> tuple[Any, Any]:
    """Random numbers of two digits, and what they keep: of each unit a number that is not 0, of
    each example too; and they drop one at least."""
    least = ceil(100 * rate)
    for _ in range(_TRIES):
        hundredths = rng.integers(0, 100, y.shape)
        kept = hundredths >= least
        # A unit that no example keeps is kept by one in which it is not 0.
        for unit in np.flatnonzero(~(kept & (y > 0)).any(axis=0)):
            example = int(rng.choice(np.flatnonzero(y[:, unit] > 0)))
            hundredths[example, unit] = rng.integers(least, 100)
        kept = hundredths >= least
        if (kept & (y > 0)).any(axis=1).all() and (~kept & (y > 0)).any():
            flat = [Fraction(int(h), 100) for h in hundredths.reshape(-1)]
            return np.array(flat, object).reshape(y.shape), kept
    raise _Again


def solve(inputs: Inputs, level: int, classic: bool, convention: str = "") -> Solution:
    """Linear, ReLU, dropout, twice; a linear layer; then backward and update; then inference."""
    n, *sizes = sizes_of(
        inputs, x="n width", kernel_1="width first", bias_1="first", kernel_2="first second",
        bias_2="second", kernel_3="second outputs", bias_3="outputs", target="n outputs",
        rates="2", new="_ width", numbers_1="n first", numbers_2="n second")
    rate, keeps = positive(inputs, "learning_rate"), convention == _KEEP
    rates = shares("rates: each", 1 - np.asarray(inputs["rates"], object) if keeps
                   else inputs["rates"])
    kept: dict[str, Any] = {}
    for k in (1, 2):
        drawn = shares(f"numbers_{k}: each", inputs[f"numbers_{k}"])
        passes = [v < 1 - rates[k - 1] if keeps else v >= rates[k - 1] for v in drawn]
        kept[f"dropout_{k}"] = np.array(passes).reshape(n, sizes[k])
    net = Sequential([
        Dense(sizes[1]), ReLU(), Dropout(float(rates[0]), classic=classic),
        Dense(sizes[2]), ReLU(), Dropout(float(rates[1]), classic=classic), Dense(sizes[3]),
    ])
    arrays = {f"dense_{k}.{name}": inputs[f"{name}_{k}"]
              for k in (1, 2, 3) for name in ("kernel", "bias")}
    target = exact_array(inputs["target"])
    loss = (SummedSquaredError if convention == SUMMED else MeanSquaredError)(reduction="sum")
    learning: dict[str, Any] = {} if level == 1 else {
        "y": target, "loss": loss, "optimizer": SGD(float(rate))}
    work = work_out(net, inputs["x"], weights=arrays, exact=True, kept=kept,
                    inference=inputs["new"] if level == 3 else None, **learning)
    for k in (1, 2):
        work = with_given(work, f"dropout_{k}.numbers", _decimals(inputs[f"numbers_{k}"]))
        work = _matrices(work, f"dropout_{k}")
        if level == 3:
            work = _inference_matrix(work, f"dropout_{k}", sizes[k], rates[k - 1], classic)
    asked = [*_forward(1, n, rates[0], classic, keeps),
             *_forward(2, n, rates[1], classic, keeps),
             Ask("dense_3.y", "The third linear layer: the output Y", _LINEAR)]
    text = [_text(n, sizes), _numbers_text(rates, classic, keeps)]
    given = {"x": "The examples, a row each: X1, X2, ..."}
    for k in (1, 2, 3):
        given |= {f"dense_{k}.kernel": f"Kernel of linear layer {k}",
                  f"dense_{k}.bias": f"Its bias (linear layer {k})"}
    for k in (1, 2):
        given[f"dropout_{k}.numbers"] = f"Random numbers of dropout {k}, a row for each example"
    if level >= 2:
        given["target"] = "The targets Y', a row for each example"
        text.append(_loss_text(n, rate, convention == SUMMED))
        asked += [*(_LOSS if convention != SUMMED else _TOTAL), *_backward(), *_update()]
    if level == 3:
        given["x (2)"] = "Unseen data"
        text.append(_inference_text(classic, keeps))
        asked += _inference(classic)
    return Solution(work, tuple(text), tuple(asked), given,
                    {"layers": ("dropout_1", "dropout_2"), "rates": tuple(rates), "n": n,
                     "classic": classic})


def _decimals(values: Any) -> Any:
    """Random numbers, to be written with a point."""
    shown = [Exact.inexact(float(v)) for v in np.asarray(values).reshape(-1)]
    return np.array(shown, object).reshape(np.shape(values))


def _matrices(work: Work, layer: str) -> Work:
    """Each example's row of the mask, as a diagonal matrix."""
    mask = read(work, f"{layer}.mask")
    n, width = mask.shape
    for example in range(n):
        matrix = traced(exact_array(np.zeros((width, width))))
        matrix[np.arange(width), np.arange(width)] = mask[example]
        work = with_step(work, f"{layer}.matrix_{example + 1}", "forward",
                         "the mask's row on the diagonal", matrix, names=True)
    return work


def _inference_matrix(work: Work, layer: str, width: int, rate: Fraction, classic: bool) -> Work:
    """What takes the place of each example's dropout matrix in inference."""
    identity = traced(exact_array(np.eye(width)))
    made = identity * traced(exact_array(1 - rate)) if classic else identity * 1
    return with_step(work, f"{layer}.matrix", "inference",
                     "(1 - p) identity" if classic else "identity", made, names=True)


_LINEAR = "Each row times the kernel, plus the bias."


def _forward(k: int, n: int, rate: Fraction, classic: bool, keeps: bool) -> list[Ask]:
    word = ("first", "second")[k - 1]
    factor = "1" if classic else "1 / keep" if keeps else "1 / (1 - p)"
    named = f"keep = {1 - rate}" if keeps else f"p = {rate}"
    return [
        Ask(f"dense_{k}.y", f"The {word} linear layer", _LINEAR),
        Ask(f"relu_{k}.y", "ReLU", "What is negative becomes 0."),
        Ask(f"dropout_{k}.mask", f"What dropout {k} multiplies each number by: 0 or {factor}, with "
            f"{named}", "Compare each random number with keep. Below it it keeps." if keeps else
            "Compare each random number with p. At p or above it keeps."),
        *(Ask(f"dropout_{k}.matrix_{i}", f"The dropout matrix of X{i} as a diagonal matrix",
              "The mask's row of this example stands on the diagonal; all else is 0.")
          for i in range(1, n + 1)),
        Ask(f"dropout_{k}.y", f"Dropout {k}", "Each row times its example's dropout matrix."),
    ]


_LOSS = (
    Ask("error", "The error Y - Y'", "The output minus the target.", "loss"),
    Ask("loss", "The loss", "Add up each example's squares, then take the mean over the examples.",
        "loss"),
    Ask("d_scores", "The gradient of the loss on the output",
        "A square has the factor 2 in its derivative; the mean divides by the number of examples.",
        "backward"),
)


_TOTAL = (
    _LOSS[0],
    Ask("loss", "The loss", "Add up each example's squares, then the examples.", "loss"),
    Ask("d_scores", "The gradient of the loss on the output",
        "A square has the factor 2 in its derivative. Nothing is divided.", "backward"),
)


def _backward() -> list[Ask]:
    asked = []
    for k in (3, 2, 1):
        asked += [
            Ask(f"dense_{k}.d_kernel", f"The gradient of kernel {k}",
                "The layer's input, transposed, times the gradient on its output."),
            Ask(f"dense_{k}.d_bias", f"The gradient of bias {k}", "Add up each column."),
        ]
        if k > 1:
            asked += [
                Ask(f"dense_{k}.d_x", f"Backward through linear layer {k}",
                    "The gradient times the kernel, transposed."),
                Ask(f"dropout_{k - 1}.d_x", f"Backward through dropout {k - 1}",
                    "The same dropout matrices as forward."),
                Ask(f"relu_{k - 1}.d_x", "Backward through the ReLU",
                    "The gradient passes where the ReLU's input was positive."),
            ]
    return asked


def _update() -> list[Ask]:
    return [Ask(f"dense_{k}.{name}.value", f"The new {name} {k}",
                "The old value minus the learning rate times the gradient.", "update")
            for k in (1, 2, 3) for name in ("kernel", "bias")]


def _inference(classic: bool) -> list[Ask]:
    asked = []
    for k in (1, 2):
        word = ("first", "second")[k - 1]
        asked += [Ask(f"dense_{k}.y", f"Inference: the {word} linear layer, with its new weights",
                      _LINEAR, "inference"),
                  Ask(f"relu_{k}.y", "Inference: ReLU", "As in training.", "inference"),
                  Ask(f"dropout_{k}.matrix", f"Inference: the matrix in the place of dropout {k}'s",
                      "Nothing is dropped, so no number of the diagonal is 0. "
                      + ("By what is every number scaled?" if classic else
                         "What leaves every number as it is?"), "inference")]
        if classic:
            asked.append(Ask(f"dropout_{k}.y", f"Inference: dropout {k}",
                             "Nothing is dropped; each number is scaled by the keep probability.",
                             "inference"))
    return [*asked, Ask("dense_3.y", "Inference: the output", _LINEAR, "inference")]


def _text(n: int, sizes: list[int]) -> str:
    a, b, c, d = sizes
    return (f"A training set of {n} examples goes through Linear({a},{b}) - ReLU - dropout 1 - "
            f"Linear({b},{c}) - ReLU - dropout 2 - Linear({c},{d}).")


def _numbers_text(rates: list[Fraction], classic: bool, keeps: bool) -> str:
    if keeps:
        return (f"Dropout 1 keeps with probability keep = {1 - rates[0]}, dropout 2 with keep = "
                f"{1 - rates[1]}. For each number a random number from 0 to 1 is drawn: it is kept "
                "where that is less than keep, and dropped where it is keep or more. " + (
                    "This is classic dropout: what is kept stays as it is. " if classic else
                    "What is kept is divided by keep. ") + "For each example the dropout matrix is "
                f"diagonal, with 0 and {'1' if classic else '1 / keep'} on its diagonal.")
    start = (f"Dropout 1 drops with probability p = {rates[0]}, dropout 2 with p = {rates[1]}. For "
             "each number a random number from 0 to 1 is drawn: it is kept where that is p or "
             "more, and dropped where it is less. ")
    if classic:
        return start + ("This is classic dropout: what is kept stays as it is. For each example "
                        "the dropout matrix is diagonal, with 0 and 1 on its diagonal.")
    return start + ("What is kept is divided by the keep probability 1 - p. For each example the "
                    "dropout matrix is diagonal, with 0 and 1 / (1 - p) on its diagonal.")


def _loss_text(n: int, rate: Exact, summed: bool) -> str:
    if summed:
        return (f"The loss is the squared error: the squares of Y - Y' are added up over the "
                f"outputs and over the {n} examples. So the gradient on the output is 2 (Y - Y'). "
                f"Gradient descent has learning rate {rate}.")
    return ("The loss is the squared error: the squares of Y - Y' are added up over an example's "
            f"outputs, and the mean is taken over the {n} examples. So the gradient on the output "
            f"is 2 (Y - Y') / {n}: 2 (Y - Y') for each example, divided by the number of examples. "
            f"Gradient descent has learning rate {rate}.")


def _inference_text(classic: bool, keeps: bool) -> str:
    if classic and keeps:
        return ("Inference, on unseen data, uses the new weights. Nothing is dropped: the dropout "
                "matrices are the identity times keep.")
    if classic:
        return ("Inference, on unseen data, uses the new weights. Nothing is dropped: the dropout "
                "matrices are the identity times the keep probability 1 - p.")
    return ("Inference, on unseen data, uses the new weights. Nothing is dropped and nothing is "
            "scaled: the dropout matrices are identity matrices.")


def _topic(name: str, title: str, about: str, classic: bool) -> Topic:
    return Topic(
        name, title, about,
        ("forward, with the dropout matrices", "and the squared error, backward, and the update",
         "and inference on unseen data with the new weights"),
        (Size("examples", 2, 2, 4), Size("first", 4, 2, 6), Size("second", 3, 2, 5)),
        partial(draw, classic=classic), partial(solve, classic=classic),
        {"x": "(examples, inputs)", "target": "(examples, outputs)",
         "kernel_1": "(inputs, first)", "bias_1": "(first,)",
         "kernel_2": "(first, second)", "bias_2": "(second,)",
         "kernel_3": "(second, outputs)", "bias_3": "(outputs,)",
         "rates": "(2,): the fractions dropped, each at least 0 and below 1",
         "numbers_1": "(examples, first): from 0 to below 1; kept where they are the rate or more",
         "numbers_2": "(examples, second): likewise",
         "learning_rate": "a number above 0", "new": "(rows, inputs), seen in inference"},
        {"drop": "p is the share that is dropped; kept where the random number is p or more",
         _KEEP: "keep is the share that is kept, also in an input file; kept where the random "
         "number is less than keep",
         SUMMED: "p is the share that is dropped; the loss is added up over the examples, so that "
         "the gradient on the output is 2 (Y - Y')"},
    )


TOPICS = by_name(
    _topic(
        "dropout", "Dropout and the gradient of the squared error",
        "Dropout as a diagonal matrix for each example: 0 where a number is dropped, 1 / (1 - p) "
        "where it is kept. Backward goes through the same matrices; inference has identity "
        "matrices.", False),
    _topic(
        "dropout-classic", "Classic dropout",
        "Dropout that keeps numbers as they are, and in inference multiplies by the keep "
        "probability 1 - p instead.", True),
)
