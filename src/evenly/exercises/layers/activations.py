"""Every activation by hand: one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from ...byhand.work import work_out
from ...layers import (
    ELU,
    GELU,
    SELU,
    Dense,
    HardSigmoid,
    HardSwish,
    Layer,
    LeakyReLU,
    Mish,
    PReLU,
    ReLU,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from ..base import Ask, Inputs, Size, Solution, Topic
from ..calculation import number, sizes_of, within
from ..friendly import not_zero, unimodular, whole

Words = tuple[str, str, str]


@dataclass(frozen=True)
class _Kind:
    """One of the activations.

    Attributes:
        make: the layer, from the inputs.
        formula: in the text.
        forward, backward: (step, words, hint) of each step that is asked for.
        values: numbers that the activation meets.
        extras: inputs that it needs beside x, with the drawn number.
        bounds: more than what these must be; None: any number.
        decimals: whether results are decimals.
        note: another sentence.
    """

    make: Callable[[Inputs], Layer]
    formula: str
    forward: tuple[Words, ...]
    backward: tuple[Words, ...]
    values: tuple[int, ...] = (-2, -1, 0, 1, 2)
    extras: dict[str, Fraction] = field(default_factory=dict)
    bounds: dict[str, Any] = field(default_factory=dict)
    decimals: bool = True
    note: str = ""


def draw(rng: np.random.Generator, level: int, examples: int, features: int,
         kind: _Kind) -> Inputs:
    """Small whole numbers before the activation, some of each sign. At level 3 they are outputs of
    a linear layer, whose inputs are computed from them."""
    values = np.array(kind.values)
    while True:
        before = rng.choice(values, (examples, features))
        if (before > 0).any() and (before < 0).any() and len(np.unique(before)) >= min(
                3, before.size) and (before != before[:, :1]).any(axis=1).all():
            break
    kernel, inverse = unimodular(rng, features)
    bias = whole(rng, 2, features)
    drawn: Inputs = {
        "x": (before - bias) @ inverse if level == 3 else before,
        "kernel": kernel, "bias": bias, "d_y": not_zero(rng, 3, (examples, features)),
    }
    for name, value in kind.extras.items():
        drawn[name] = np.array(value, object)
    if "slopes" in drawn:
        drawn["slopes"] = np.array([Fraction(1, int(q)) for q in rng.choice([2, 4, 5, 10],
                                                                            features)], object)
    return drawn


def solve(inputs: Inputs, level: int, kind: _Kind) -> Solution:
    """The activation; then backward; then with a linear layer in front."""
    axes = {"x": "n features"} if level < 3 else {"x": "n width", "kernel": "width features",
                                                  "bias": "features"}
    axes |= {"d_y": "n features"} if level >= 2 else {}
    axes |= {"slopes": "features"} if "slopes" in kind.extras else {}
    features = sizes_of(inputs, **axes)[-1]
    for name in kind.extras:
        if name != "slopes":
            within(name, inputs[name], more_than=kind.bounds.get(name))
    layer = kind.make(inputs)
    arrays: Inputs = {}
    if "slopes" in kind.extras:
        arrays["prelu_1.slope"] = inputs["slopes"]
    layers: list[Layer] = [layer]
    if level == 3:
        layers = [Dense(features), layer]
        arrays |= {"dense_1.kernel": inputs["kernel"], "dense_1.bias": inputs["bias"]}
    work = work_out(Sequential(layers), inputs["x"], weights=arrays, exact=True,
                    d_y=inputs["d_y"] if level >= 2 else None)
    name = f"{layer.type_name}_1"
    given = {"x": "The examples, a row each"}
    front = ""
    asked: list[Ask] = []
    if level == 3:
        given |= {"dense_1.kernel": "Kernel of the linear layer", "dense_1.bias": "Its bias"}
        front = "A linear layer comes first. "
        asked.append(Ask("dense_1.y", "The linear layer",
                         "Each row of x times the kernel, plus the bias."))
    if "slopes" in kind.extras:
        given["prelu_1.slope"] = "The trained slopes, one for each feature"
    text = [f"{front}The activation works on each number x by itself: {kind.formula}."
            if kind.make is not _softmax else f"{front}{kind.formula}."]
    for extra in kind.extras:
        if extra != "slopes":
            text.append(f"Here {extra} is {number(inputs, extra)}.")
    if kind.note:
        text.append(kind.note)
    if kind.decimals:
        text.append("Use a calculator, and give four digits behind the point.")
    asked += [Ask(f"{name}.{step}", words, hint, "forward") for step, words, hint in kind.forward]
    if level >= 2:
        given["d_y"] = "The gradient of the loss on the output"
        asked += [Ask(f"{name}.{step}", words, hint, "backward")
                  for step, words, hint in kind.backward]
    if level == 3:
        asked += [
            Ask("dense_1.d_kernel", "The gradient of the kernel", "x, transposed, times it."),
            Ask("dense_1.d_bias", "The gradient of the bias", "Add up each column."),
            Ask("dense_1.d_x", "The gradient on the input of the linear layer",
                "The gradient times the kernel, transposed."),
        ]
    return Solution(work, tuple(text), tuple(asked), given,
                    {"layer": name, "decimals": kind.decimals})


def _float(inputs: Inputs, name: str) -> float:
    return float(number(inputs, name))


def _softmax(inputs: Inputs) -> Layer:
    return Softmax()


_SIGNS = tuple(n for n in range(-9, 10) if n)
_SLOPE = ("slope", "The slope of the activation at each number")
_THROUGH = ("d_x", "The gradient on the activation's input",
            "The gradient times the slope, number by number.")

_KINDS: dict[str, tuple[str, str, _Kind]] = {
    "relu": ("ReLU", "What is negative becomes 0; the rest stays.", _Kind(
        lambda inputs: ReLU(), "y = max(x, 0)",
        (("y", "ReLU", "What is negative becomes 0."),),
        (("d_x", "The gradient on the activation's input",
          "The gradient passes where x was positive."),), _SIGNS, decimals=False)),
    "leaky-relu": ("Leaky ReLU", "What is negative is made small, not 0.", _Kind(
        lambda inputs: LeakyReLU(_float(inputs, "slope")),
        "y = x where x > 0, else y = slope x",
        (("y", "Leaky ReLU", "Positive numbers stay, others are multiplied by the slope."),),
        (("d_x", "The gradient on the activation's input",
          "It passes whole where x was positive, else times the slope."),),
        _SIGNS, {"slope": Fraction(1, 10)}, {"slope": 0}, False)),
    "prelu": ("PReLU", "A leaky ReLU whose slopes are trained, one for each feature.", _Kind(
        lambda inputs: PReLU(), "y = x where x > 0, else y = slope x, with its feature's slope",
        (("y", "PReLU", "Positive numbers stay, others are multiplied by their column's slope."),),
        (("share", "What each number adds to the gradient of its slope",
          "0 where x was positive; else how y changes with the slope, times the gradient."),
         ("d_slope", "The gradient of the slopes", "Add up each column."),
         ("d_x", "The gradient on the activation's input",
          "It passes whole where x was positive, else times its column's slope.")),
        _SIGNS, {"slopes": Fraction(1, 4)}, {}, False)),
    "elu": ("ELU", "Below 0 the curve bends towards -alpha.", _Kind(
        lambda inputs: ELU(_float(inputs, "alpha")),
        "y = x where x > 0, else y = alpha (exp(x) - 1)",
        (("y", "ELU", "exp(-1) is 0.3679, exp(-2) is 0.1353."),),
        ((*_SLOPE, "1 where x is positive, else alpha exp(x)."), _THROUGH),
        (-3, -2, -1, 1, 2, 3, 4), {"alpha": Fraction(1)}, {"alpha": 0})),
    "selu": ("SELU", "An ELU scaled such that mean 0 and variance 1 stay as they are.", _Kind(
        lambda inputs: SELU(),
        "y = scale x where x > 0, else y = scale alpha (exp(x) - 1), with alpha = 1.6733 and "
        "scale = 1.0507",
        (("elu", "The inner part, without the scale", "x, or alpha (exp(x) - 1) below 0."),
         ("y", "SELU", "Times the scale.")),
        ((*_SLOPE, "scale where x is positive, else scale alpha exp(x)."), _THROUGH),
        (-3, -2, -1, 1, 2, 3, 4))),
    "gelu": ("GELU", "x times the probability that a standard normal number is smaller.", _Kind(
        lambda inputs: GELU(), "y = x cdf(x), where cdf(x) is the probability that a standard "
        "normal number is below x",
        (("gate", "The gate cdf(x)",
          "A table of the normal distribution has it; cdf(-x) = 1 - cdf(x)."),
         ("y", "GELU", "x times its gate.")),
        (("d_gate", "The slope of the gate", "The normal density at x."),
         (*_SLOPE, "The product rule: the gate, plus x times the gate's slope."), _THROUGH),
        note="cdf(0) = 0.5, cdf(1) = 0.8413, cdf(2) = 0.9772. The slope of cdf is the density "
             "exp(-x^2 / 2) / sqrt(2 pi).")),
    "gelu-tanh": ("GELU, tanh form", "GELU with tanh in place of the normal probability.", _Kind(
        lambda inputs: GELU(approximate=True),
        "y = x (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3)",
        (("u", "u", "sqrt(2 / pi) is 0.7979."),
         ("gate", "The gate (1 + tanh(u)) / 2", "The same as 1 / (1 + exp(-2 u))."),
         ("y", "GELU", "x times its gate.")),
        (("d_u", "The slope of u", "sqrt(2 / pi) (1 + 3 * 0.044715 x^2)."),
         ("d_gate", "The slope of the gate", "2 gate (1 - gate) times the slope of u."),
         (*_SLOPE, "The product rule: the gate, plus x times the gate's slope."), _THROUGH))),
    "silu": ("SiLU (swish)", "x times its sigmoid.", _Kind(
        lambda inputs: SiLU(), "y = x s with s = 1 / (1 + exp(-x))",
        (("s", "The sigmoid s", "exp(-1) is 0.3679; s at -x is 1 - s at x."),
         ("y", "SiLU", "x times s.")),
        ((*_SLOPE, "The product rule: s, plus x times the slope s (1 - s) of s."), _THROUGH))),
    "mish": ("Mish", "x times the tanh of its softplus.", _Kind(
        lambda inputs: Mish(), "y = x t with t = tanh(log(1 + exp(x)))",
        (("t", "The gate t", "First log(1 + exp(x)), then its tanh."),
         ("y", "Mish", "x times t.")),
        (("s", "The sigmoid s = 1 / (1 + exp(-x)): the slope of log(1 + exp(x))",
          "s at -x is 1 - s at x."),
         (*_SLOPE, "t, plus x times the slope of t; that of tanh is 1 - t^2."), _THROUGH))),
    "softplus": ("Softplus", "A smooth ReLU.", _Kind(
        lambda inputs: Softplus(_float(inputs, "beta")), "y = log(1 + exp(beta x)) / beta",
        (("z", "beta x", "A product."), ("y", "Softplus", "log is the natural logarithm.")),
        ((*_SLOPE, "The sigmoid of beta x."), _THROUGH),
        (-2, -1, 0, 1, 2), {"beta": Fraction(1)}, {"beta": 0})),
    "softsign": ("Softsign", "x / (1 + |x|): between -1 and 1, with fractions only.", _Kind(
        lambda inputs: Softsign(), "y = x / (1 + |x|)",
        (("size", "1 + |x|", "One more than the size of x."),
         ("y", "Softsign", "x divided by the last step.")),
        (("d_x", "The gradient on the activation's input",
          "Divide the gradient twice by 1 + |x|."),),
        (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5), decimals=False)),
    "sigmoid": ("Sigmoid", "A smooth step from 0 to 1.", _Kind(
        lambda inputs: Sigmoid(), "y = 1 / (1 + exp(-x))",
        (("y", "Sigmoid", "exp(-1) is 0.3679; y at -x is 1 - y at x."),),
        ((*_SLOPE, "y times what is missing to 1."), _THROUGH))),
    "tanh": ("Tanh", "A smooth step from -1 to 1.", _Kind(
        lambda inputs: Tanh(), "y = tanh(x) = (exp(x) - exp(-x)) / (exp(x) + exp(-x))",
        (("y", "Tanh", "tanh(-x) = -tanh(x)."),),
        ((*_SLOPE, "1 minus the square of y."), _THROUGH))),
    "softmax": ("Softmax", "Each row becomes probabilities.", _Kind(
        _softmax, "Softmax turns each row into probabilities: y = exp(x) / sum of exp(x), over "
        "the features of an example. The row's largest number is subtracted first; that changes "
        "nothing",
        (("shifted", "Subtract from each row its largest number", "The largest becomes 0."),
         ("powers", "exp of each number", "exp(0) is 1, exp(-1) is 0.3679."),
         ("total", "The sum of each row", "Add up the powers."),
         ("y", "Softmax", "Divide each row by its sum. Each row then adds up to 1.")),
        (("inner", "The sum of gradient times probability, of each row",
          "Multiply number by number, then add up the row."),
         ("d_x", "The gradient on the activation's input",
          "Subtract the row's sum from the gradient; multiply by the probability.")),
        (-3, -2, -1, 0, 1, 2, 3))),
    "hard-sigmoid": ("Hard sigmoid", "A sigmoid of three straight pieces.", _Kind(
        lambda inputs: HardSigmoid(_float(inputs, "slope"), _float(inputs, "shift")),
        "y = min(max(slope x + shift, 0), 1)",
        (("z", "slope x + shift", "A line."),
         ("y", "Hard sigmoid", "Below 0 it is 0, above 1 it is 1.")),
        (("d_x", "The gradient on the activation's input",
          "Times the slope where the line is between 0 and 1, else 0."),),
        (-4, -2, -1, 1, 2, 4), {"slope": Fraction(1, 6), "shift": Fraction(1, 2)},
        {"slope": 0}, False)),
    "hard-swish": ("Hard swish", "x times a hard sigmoid.", _Kind(
        lambda inputs: HardSwish(), "y = x gate with gate = min(max(x / 6 + 1/2, 0), 1)",
        (("gate", "The gate", "x / 6 + 1/2, cut off at 0 and 1."),
         ("y", "Hard swish", "x times its gate.")),
        ((*_SLOPE, "x / 3 + 1/2 from -3 to 3; 0 below, 1 above."), _THROUGH),
        (-4, -2, -1, 1, 2, 4), decimals=False)),
}

_FIELDS = {"slope": "a number above 0", "alpha": "a number above 0", "beta": "a number above 0",
           "shift": "a number", "slopes": "(features,): the trained slopes"}


def _topic(name: str) -> Topic:
    title, about, kind = _KINDS[name]
    return Topic(
        name, title, f"{about} {kind.formula}.",
        ("forward", "and backward", "with a linear layer in front"),
        (Size("examples", 2, 1, 6), Size("features", 3, 2, 6)),
        partial(draw, kind=kind), partial(solve, kind=kind),
        {"x": "(examples, features); at level 3 (examples, inputs)",
         "kernel": "(inputs, features), of the linear layer at level 3",
         "bias": "(features,), of the linear layer at level 3", "d_y": "(examples, features)",
         **{extra: _FIELDS[extra] for extra in kind.extras}},
    )


TOPICS = {name: _topic(name) for name in _KINDS}
