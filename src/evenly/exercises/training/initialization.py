"""First values by hand: Xavier's and He's variance, and why not zeros."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from ...byhand.exact import Exact, exact_array
from ...byhand.recorder import Recorder
from ...byhand.work import Work, work_out
from ...errors import DataError
from ...initializers import HeNormal, XavierNormal
from ...layers import Dense, Sequential, Tanh
from ...losses import MeanSquaredError
from ...optimizers import SGD
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import positive, shares, sizes_of, whole_numbers, within
from ..friendly import RATES, descending, not_zero


@dataclass(frozen=True)
class _Kind:
    """A rule for the variance.

    Attributes:
        rule: its class.
        setting: the name of its number: gain, or the slope of a leaky ReLU.
        settings: numbers that are drawn for it.
        plain: the number that changes nothing.
        text: the rule, in words.
    """

    rule: Callable[..., XavierNormal | HeNormal]
    setting: str
    settings: tuple[Fraction, ...]
    plain: int
    text: str


def draw(rng: np.random.Generator, level: int, numbers: int, kind: _Kind,
         convention: str = "") -> Inputs:
    """A kernel's shape for which the deviation (levels 1 and 3) or the bound (level 2) is a
    fraction."""
    windows = [(1, 1)] if level < 3 else [(2, 2), (3, 3), (1, 3), (5, 5)]
    while True:
        window = windows[int(rng.integers(len(windows)))]
        inputs, units = (int(rng.integers(1, 101)) for _ in range(2))
        setting = kind.settings[int(rng.integers(len(kind.settings)))] if level == 2 else \
            Fraction(kind.plain)
        area = window[0] * window[1]
        variance = Fraction(kind.rule(**{kind.setting: float(setting)}).variance(
            (area * inputs, area * (inputs if convention == _ONE else units)))).limit_denominator(
                10**6)
        if _has_root(3 * variance if level == 2 else variance) and inputs != units:
            break
    given = rng.integers(-20, 21, numbers) if level != 2 else rng.integers(0, 10, numbers)
    given = np.where(given == 0, 5, given)
    shape = np.array([*window, inputs, units] if level == 3 else [inputs, units])
    return {"kernel": shape, kind.setting: np.array(setting, object),
            "numbers": np.array([Fraction(int(v), 10) for v in given], object)}


def _has_root(q: Fraction) -> bool:
    return all(math.isqrt(part) ** 2 == part for part in (q.numerator, q.denominator))


def solve(inputs: Inputs, level: int, kind: _Kind, convention: str = "") -> Solution:
    """Fans, variance, deviation; or the bound of the uniform; or a convolution's."""
    shape = whole_numbers("kernel", inputs["kernel"], 1, 10**6)
    if shape.ndim != 1 or len(shape) < 2:
        raise DataError("kernel must be the kernel's shape, (inputs, units) or (window..., inputs, "
                        f"filters), got {shape.tolist()}")
    if np.ndim(inputs["numbers"]) != 1:
        raise DataError("numbers must be a row of numbers, got shape "
                        f"{np.shape(inputs['numbers'])}")
    bound = {"more_than": 0} if kind.plain else {"least": 0}
    setting = within(kind.setting, inputs[kind.setting], **bound)
    if level == 2:
        shares("numbers: each", inputs["numbers"])
    work = _rule_work(inputs, level, kind, shape, setting, convention)
    unit = "units" if len(shape) == 2 else "filters"
    window = "" if len(shape) == 2 else " by ".join(str(w) for w in shape[:-2])
    layer = (f"A linear layer has {shape[0]} inputs and {shape[1]} units." if not window else
             f"A convolution has a window of {window}, {shape[-2]} input channels and {shape[-1]} "
             "filters.")
    drawn = ("standard normal numbers: each weight is such a number times the standard deviation"
             if level != 2 else "numbers u from 0 to 1: each weight is -bound + 2 bound u, so it "
             "is uniform between -bound and bound, with variance bound^2 / 3")
    text = [layer, kind.text if convention != _ONE else
            kind.text.replace("2 / (fan_in + fan_out)", "/ fan_in")]
    if setting != kind.plain:
        text.append(f"Here the {kind.setting.replace('_', ' ')} is {setting}.")
    text.append(f"First weights are drawn from {drawn}.")
    given = {"kernel": "The shape of the kernel: " + (f"inputs, {unit}" if not window else
             f"window, input channels, {unit}"), "numbers": "The random numbers drawn"}
    where = "place of the window and input channel" if window else "input"
    asked = [
        Ask("fan_in", "fan-in: how many numbers enter one unit",
            f"One for each {where}."),
        Ask("fan_out", "fan-out: how many numbers one input reaches",
            "One for each unit" + (", at each place of the window." if window else ".")),
        Ask("variance", "The variance of the weights", "Put the fans into the rule."),
    ]
    if level == 2:
        asked.append(Ask("bound", "The bound of the uniform distribution",
                         "The variance of uniform numbers is bound^2 / 3: solve for the bound."))
    else:
        asked.append(Ask("deviation", "The standard deviation", "The root of the variance."))
    asked.append(Ask("weights", "The first weights",
                     "Every random number is scaled the same way."))
    return Solution(work, tuple(text), tuple(asked), given,
                    {"shape": tuple(int(v) for v in shape), "setting": setting})


def _rule_work(inputs: Inputs, level: int, kind: _Kind, shape: Any, setting: Fraction,
               convention: str) -> Work:
    """The initializer's own rule, on fans that remember where they came from."""
    recorder = Recorder(exact=True)
    own = recorder.given("kernel", shape)
    drawn = recorder.given("numbers", inputs["numbers"])
    run = recorder.run("forward")
    area = own[:-2]
    ends = []
    for name, end, word in (("fan_in", own[-2], "inputs"), ("fan_out", own[-1], "units")):
        fan = end
        for k in range(len(area)):
            fan = area[k] * fan
        ends.append(run.note(name, fan * 1, ("window " if len(area) else "") + word))
    rule = recorder.declared(kind.rule(**{kind.setting: float(setting)}))
    if convention == _ONE:
        variance = run.note("variance", Exact(setting)**2 / ends[0], "gain^2 / fan_in")
    else:
        variance = run.note("variance", rule.variance((ends[0], ends[1])), _FORMULAS[kind.setting])
    if level == 2:
        bound = run.note("bound", np.sqrt(3 * variance), "sqrt(3 variance)")
        run.note("weights", 2 * bound * drawn - bound, "-bound + 2 bound u")
    else:
        deviation = run.note("deviation", np.sqrt(variance), "sqrt(variance)")
        run.note("weights", deviation * drawn, "deviation number")
    return Work(tuple(recorder.steps), 0)


_FORMULAS = {"gain": "gain^2 2 / (fan_in + fan_out)",
             "negative_slope": "2 / ((1 + slope^2) fan_in)"}
# The convention that looks at what enters alone.
_ONE = "inputs"
_LEVELS = ("a linear layer: variance, deviation, normal weights",
           "uniform weights, and what the activation asks for", "a convolution")
_SIZES = (Size("numbers", 4, 1, 12),)
_NUMBERS = {"kernel": "the kernel's shape: inputs, units; or window, inputs, filters",
            "numbers": "(numbers,): standard normal ones; at level 2 from 0 to below 1"}


def _rule(name: str, title: str, about: str, kind: _Kind, word: str,
          conventions: Mapping[str, str] = MappingProxyType({})) -> Topic:
    return Topic(name, title, about, _LEVELS, _SIZES, partial(draw, kind=kind),
                 partial(solve, kind=kind), {**_NUMBERS, kind.setting: word}, conventions)


XAVIER = _rule(
    "xavier", "Xavier initialization",
    "Variance 2 / (fan_in + fan_out) keeps the variance of activations and of gradients through "
    "linear and tanh layers.",
    _Kind(XavierNormal, "gain", (Fraction(5, 3), Fraction(2), Fraction(1, 2)), 1,
          "Xavier initialization gives weights of mean 0 and variance gain^2 2 / (fan_in + "
          "fan_out), where gain is 1 unless it is named."), "a number above 0",
    {"both": "the variance is gain^2 2 / (fan_in + fan_out), as Glorot and Bengio settle on",
     _ONE: "the variance is gain^2 / fan_in, which courses call Xavier's too; fan-out plays no part"
     })
HE = _rule(
    "he", "He initialization",
    "Variance 2 / fan_in keeps the variance of activations through ReLU layers, which cut off half "
    "of it.",
    _Kind(HeNormal, "negative_slope", (Fraction(0), Fraction(1, 2), Fraction(3, 4)), 0,
          "He initialization gives weights of mean 0 and variance 2 / fan_in in front of a ReLU, "
          "and 2 / ((1 + slope^2) fan_in) in front of a leaky ReLU of that negative slope."),
    "0 for a ReLU, else a leaky ReLU's slope")


# Why not zeros ------------------------------------------------------------------------------------


def draw_same(rng: np.random.Generator, level: int, examples: int, hidden: int) -> Inputs:
    """Kernels of zeros; then of equal units; then of units that differ in one number. The learning
    rate is one whose step lowers the loss."""
    width = 2
    while True:
        x, target = not_zero(rng, 3, (examples, width)), examples * not_zero(rng, 20, (examples, 1))
        kernel, last = np.zeros((width, hidden), np.int64), np.zeros((hidden, 1), np.int64)
        if level >= 2:
            last[:] = rng.choice([-1, 1])
        if level == 3:
            kernel[rng.integers(width), rng.integers(hidden)] = rng.choice([-1, 1])
        if not target.sum() or not (x.T @ target).any():
            continue
        h = np.tanh(x @ kernel)
        d = 2 / examples * (h @ last - target)
        slopes = (x.T @ (d @ last.T * (1 - h * h)), h.T @ d, d.sum())

        def loss(rate: float, x: Any = x, target: Any = target, kernel: Any = kernel,
                 last: Any = last, slopes: Any = slopes) -> float:
            h = np.tanh(x @ (kernel - rate * slopes[0]))
            return float(np.square(h @ (last - rate * slopes[1]) - rate * slopes[2]
                                   - target).mean())

        rate = descending(loss, RATES[:4])
        if rate is not None:
            return {"x": x, "target": target, "kernel_1": kernel, "kernel_2": last,
                    "learning_rate": np.array(rate, object)}


def solve_same(inputs: Inputs, level: int) -> Solution:
    """A step of gradient descent from these kernels."""
    n, width, hidden = sizes_of(inputs, x="n width", kernel_1="width hidden", kernel_2="hidden 1",
                                target="n 1")
    rate = positive(inputs, "learning_rate")
    work = work_out(
        Sequential([Dense(hidden, bias=False), Tanh(), Dense(1)]), inputs["x"],
        exact_array(inputs["target"]), loss=MeanSquaredError(), optimizer=SGD(float(rate)),
        weights={"dense_1.kernel": inputs["kernel_1"], "dense_2.kernel": inputs["kernel_2"],
                 "dense_2.bias": np.zeros(1)}, exact=True,
    )
    columns = np.concatenate([np.asarray(inputs["kernel_1"]), np.asarray(inputs["kernel_2"]).T])
    if not columns.any():
        start = "All weights start at zero."
    elif all((columns[:, k] == columns[:, 0]).all() for k in range(hidden)):
        start = "The hidden units start with equal weights."
    else:
        start = "The hidden units do not all start with equal weights."
    text: tuple[str, ...] = (
        f"A network Linear({width},{hidden}) without bias - tanh - Linear({hidden},1) is trained "
        f"with the mean squared error of {n} examples. {start}",
        f"Gradient descent has learning rate {rate}. Look at the columns of the first kernel (a "
        "column is a hidden unit) and at the rows of the second: which ones stay the same?",
    )
    if not work["tanh_1.y"].value[0, 0].is_exact or level == 3:
        text += ("Use a calculator, and give four digits behind the point.",)
    given = {"x": "The examples", "target": "The targets", "dense_1.kernel": "The first kernel",
             "dense_2.kernel": "The second kernel", "dense_2.bias": "The last bias"}
    asked = [
        Ask("tanh_1.y", "The hidden units", "tanh(0) is 0."),
        Ask("dense_2.y", "The output", "The hidden units times the second kernel, plus the bias."),
        Ask("d_scores", "The gradient of the loss on the output",
            "2 times the error, divided by the number of examples.", "backward"),
        Ask("dense_2.d_kernel", "The gradient of the second kernel",
            "The hidden units, transposed, times it."),
        Ask("dense_2.d_bias", "The gradient of the bias", "Add up the column."),
        Ask("tanh_1.d_x", "Backward to the hidden units, through the tanh",
            "Times the second kernel, transposed; then times 1 - y^2."),
        Ask("dense_1.d_kernel", "The gradient of the first kernel", "x, transposed, times it."),
        *(Ask(f"dense_{k}.kernel.value", f"The {word} kernel after the step",
              "The old value minus the learning rate times the gradient.", "update")
          for k, word in ((1, "first"), (2, "second"))),
    ]
    return Solution(work, text, tuple(asked), given, {"rate": rate, "n": n})


ZEROS = Topic(
    "zero-initialization", "Why weights do not start at zero",
    "Units that start equal get equal gradients and stay equal: a network that starts at zero has "
    "one unit a layer, however many it was given.",
    ("zeros: only the last bias moves", "equal units stay equal",
     "a unit that starts different goes its own way"),
    (Size("examples", 2, 1, 4), Size("hidden", 3, 2, 5)),
    draw_same, solve_same,
    {"x": "(examples, inputs)", "target": "(examples, 1)", "kernel_1": "(inputs, hidden)",
     "kernel_2": "(hidden, 1)", "learning_rate": "a number above 0"},
)

TOPICS = by_name(XAVIER, HE, ZEROS)
