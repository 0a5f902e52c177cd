"""Layers in front of a network by hand: trained factors and shares, waves, shares of bins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from ...byhand.work import work_out
from ...layers import Dense, Layer, Parametric, Periodic, PiecewiseLinear, ReLU, Scale, Sequential
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import at_least, sizes_of
from ..friendly import not_zero, whole

Words = tuple[str, str, str]
# Units of the linear layer behind, at level 3.
UNITS = 2


@dataclass(frozen=True)
class _Kind:
    """One of the layers.

    Attributes:
        title, about: of the topic.
        formula: in the text.
        make: the layer, of so many waves or bins.
        arrays: of each array its axes and words.
        draw: the arrays, of so many waves or bins and features.
        forward, backward: (step, words, hint) of each step that is asked for.
        size: waves or bins of a feature; None: the arrays have one number for each feature.
        width: how many numbers each feature becomes, of so many.
        decimals: whether results are decimals.
        note: another sentence.
    """

    title: str
    about: str
    formula: str
    make: Callable[[int], Layer]
    arrays: dict[str, tuple[str, str]]
    draw: Callable[[np.random.Generator, int, int], Inputs]
    forward: tuple[Words, ...]
    backward: tuple[Words, ...]
    size: Size | None = None
    width: Callable[[int], int] = field(default=lambda count: 1)
    decimals: bool = False
    note: str = ""


def _draw(rng: np.random.Generator, level: int, examples: int, features: int, kind: _Kind,
          **size: int) -> Inputs:
    """Small whole numbers, and at level 3 a linear layer behind."""
    count = next(iter(size.values()), 1)
    made = kind.width(count) * features
    while True:
        x = not_zero(rng, 4, (examples, features))
        if x.min() < 0 < x.max() and (x != x[:1]).any(axis=0).all():
            break
    return {"x": x, **kind.draw(rng, count, features),
            "kernel": whole(rng, 2, (made, UNITS)), "bias": whole(rng, 3, UNITS),
            "d_y": not_zero(rng, 3, (examples, UNITS if level == 3 else made))}


def _solve(inputs: Inputs, level: int, kind: _Kind) -> Solution:
    shapes = {"x": "n features", **{name: axes for name, (axes, _) in kind.arrays.items()}}
    features, count = 0, 1
    for name, size in zip(dict.fromkeys(" ".join(shapes.values()).split()),
                          sizes_of(inputs, **shapes), strict=True):
        features = size if name == "features" else features
        count = size if name == "count" else count
    made = str(kind.width(count) * features)
    n = str(len(inputs["x"]))
    if level == 3:
        sizes_of(inputs, kernel=f"{made} units", bias="units", d_y=f"{n} units")
    elif level == 2:
        sizes_of(inputs, d_y=f"{n} {made}")
    if "slope" in kind.arrays:
        at_least("slope", inputs["slope"], 0, exclusive=True)
    layer = kind.make(count)
    name = f"{layer.type_name}_1"
    slots = {array: f"{name}.{array.removeprefix('wave_')}" for array in kind.arrays}
    arrays = {slot: inputs[array] for array, slot in slots.items()}
    given = {"x": "The examples, a row each",
             **{slots[array]: words for array, (_, words) in kind.arrays.items()}}
    layers = [layer]
    if level == 3:
        layers.append(Dense(len(inputs["bias"])))
        arrays |= {"dense_1.kernel": inputs["kernel"], "dense_1.bias": inputs["bias"]}
        given |= {"dense_1.kernel": "Kernel of the linear layer behind", "dense_1.bias": "Its bias"}
    work = work_out(Sequential(layers), inputs["x"], weights=arrays, exact=True,
                    d_y=inputs["d_y"] if level > 1 else None)
    asked = [Ask(f"{name}.{step}", words, hint, "forward") for step, words, hint in kind.forward]
    if level == 3:
        asked += [Ask("dense_1.y", "The linear layer", "Each row times the kernel, plus the bias."),
                  Ask("dense_1.d_kernel", "The gradient of the kernel",
                      "What enters the linear layer, transposed, times the gradient."),
                  Ask("dense_1.d_x", "The gradient on what enters the linear layer",
                      "The gradient times the kernel, transposed.")]
    if level > 1:
        given["d_y"] = "The gradient of the loss on the output"
        asked += [Ask(f"{name}.{step}", words, hint, "backward")
                  for step, words, hint in kind.backward]
    text = [f"{kind.formula}.", *filter(None, [kind.note])]
    if level == 3:
        text.append("Behind it comes a linear layer.")
    if kind.decimals:
        text.append("Use a calculator, and give four digits behind the point.")
    return Solution(work, tuple(text), tuple(asked), given,
                    {"layer": name, "decimals": kind.decimals})


# Numbers that come out well -----------------------------------------------------------------------


def _one_of(rng: np.random.Generator, values: tuple[Any, ...], shape: Any) -> Any:
    return np.array(values, object)[rng.integers(0, len(values), shape)]


def _quarters(*numerators: int) -> tuple[Fraction, ...]:
    return tuple(Fraction(n, 4) for n in numerators)


def _of_features(array: str, values: tuple[Fraction, ...]) -> Any:
    return lambda rng, count, features: {array: _one_of(rng, values, features)}


def _waves(rng: np.random.Generator, count: int, features: int) -> Inputs:
    size = (count, features)
    return {"frequency": _one_of(rng, tuple(Fraction(1, q) for q in (4, 5, 8, 10, 20)), size),
            "phase": _one_of(rng, _quarters(-4, -2, -1, 1, 2, 4), size),
            "wave_kernel": not_zero(rng, 3, size), "wave_bias": whole(rng, 2, features)}


def _bins(rng: np.random.Generator, count: int, features: int) -> Inputs:
    width = _one_of(rng, (1, 2, 4), (count, features))
    # No whole number lies on an edge, where there is no slope.
    edge = np.cumsum(width, axis=0) - width - rng.integers(2, 5, features) + Fraction(1, 2)
    return {"edge": edge, "slope": np.vectorize(lambda w: Fraction(1, w), otypes=[object])(width)}


# The layers ---------------------------------------------------------------------------------------

_KINDS = {
    "scale": _Kind(
        "Scale layer", "A trained factor for each feature says how much it counts.",
        "y = factor x, each feature by its own factor", lambda count: Scale(),
        {"factor": ("features", "The trained factors, one for each feature")},
        _of_features("factor", _quarters(-4, -2, 1, 2, 3, 6, 8)),
        (("y", "The scaled numbers", "Each number times the factor of its column."),),
        (("share", "What each number adds to the gradient of its factor",
          "How does y change with the factor? Times the gradient."),
         ("d_factor", "The gradient of the factors", "Add up each column."),
         ("d_x", "The gradient on the input", "The gradient times the factor of its column."))),
    "parametric": _Kind(
        "Parametric activation", "A trained share says how much of an activation is taken.",
        "y = (1 - share) x + share f(x) with f(x) = max(x, 0), each feature by its own share",
        lambda count: Parametric(ReLU()),
        {"share": ("features", "The trained shares, one for each feature")},
        _of_features("share", _quarters(1, 2, 3, 5, 6)),
        (("f", "The activation f(x)", "What is negative becomes 0."),
         ("y", "The parametric activation", "Of x what the share leaves, and its share of f.")),
        (("d_share", "The gradient of the shares",
          "y changes with the share by f - x: times the gradient, added up by column."),
         ("d_f", "The gradient through the activation alone",
          "It passes where x was positive."),
         ("d_x", "The gradient on the input", "Weighed as forward: 1 - share, and share.")),
        note="At a share of 1 it is ReLU, at 0 nothing is bent."),
    "piecewise-linear": _Kind(
        "Piecewise-linear encoding", "A number becomes the shares of bins that lie below it.",
        "Each feature becomes one number for each bin: z = slope (x - edge), and y is z, but at "
        "least 0 in all bins but the first, and at most 1 in all but the last",
        PiecewiseLinear,
        {"edge": ("count features", "Where each bin begins: a row for each bin"),
         "slope": ("count features", "1 / width of each bin")},
        _bins,
        (("z", "z: how far x lies in each bin, in widths", "slope (x - edge)."),
         ("y", "The encoding: the first bin of each feature, then the second, ...",
          "1 in a bin below x, 0 in one above it; the outermost go on.")),
        (("share", "What each bin hands back", "slope d_y where y is z, and not 0 or 1."),
         ("d_x", "The gradient on the input", "Add up over the bins.")),
        Size("bins", 3, 2, 4), lambda count: count),
    "periodic": _Kind(
        "Periodic embedding", "A number gets a learned function of it beside itself, made of "
        "waves.",
        "Each feature x is kept, and beside it comes the sum of kernel wave over its waves, plus "
        "bias, with wave = cos(2 pi frequency x + phase)",
        lambda count: Periodic(1, count),
        {"frequency": ("count features", "The frequencies: a row for each wave"),
         "phase": ("count features", "The phases"),
         "wave_kernel": ("count features", "The weight of each wave"),
         "wave_bias": ("features", "The bias of each feature")},
        _waves,
        (("angle", "The angles", "2 pi is 6.2832."),
         ("wave", "The waves", "The calculator reads angles as radians."),
         ("made", "What is made of the waves", "Weigh the waves of a feature, add them up, and the "
          "bias."),
         ("y", "The output: the features, then what was made of them", "Side by side.")),
        (("d_kernel", "The gradient of the waves' weights", "wave times gradient, added up."),
         ("d_angle", "The gradient on the angles", "The slope of cos is -sin."),
         ("d_frequency", "The gradient of the frequencies",
          "The angle changes with the frequency by 2 pi x."),
         ("d_x", "The gradient on the input", "x was used as it is, and in each wave.")),
        Size("waves", 2, 1, 3), lambda count: 2, True,
        "The loss reaches frequency and phase through the angle."),
}
_EXAMPLES = Size("examples", 2, 2, 5)


def _topic(name: str, kind: _Kind) -> Topic:
    sized = () if kind.size is None else (kind.size,)
    own = kind.size.name if kind.size else ""
    fields = {array: f"({own}, features)" if "count" in axes else "(features,)"
              for array, (axes, _) in kind.arrays.items()}
    return Topic(
        name, kind.title, f"{kind.about} {kind.formula}.",
        ("forward", "and backward", "with a linear layer behind"),
        (_EXAMPLES, Size("features", 1 if kind.decimals else 2, 1, 4), *sized),
        partial(_draw, kind=kind), partial(_solve, kind=kind),
        {"x": "(examples, features)", **fields,
         "kernel": "(inputs, units), of the linear layer at level 3",
         "bias": "(units,), of the linear layer at level 3",
         "d_y": "the output's shape, from level 2 on"})


TOPICS = by_name(*(_topic(name, kind) for name, kind in _KINDS.items()))
