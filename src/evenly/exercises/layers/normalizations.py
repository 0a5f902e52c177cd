"""Normalizations within an example, by hand: layer, group, instance and RMS normalization."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import numpy as np

from ...byhand.exact import Exact
from ...byhand.work import work_out
from ...errors import DataError
from ...layers import GroupNorm, InstanceNorm, Layer, LayerNorm, RMSNorm
from ...optimizers import SGD
from ...random import generator
from ..base import Ask, Inputs, Size, Solution, Topic, by_name, expect_shape
from ..calculation import check_varies, count, positive
from ..friendly import not_zero, square_variance, whole

_TRIES, _POOL = 4000, 120


@dataclass(frozen=True)
class _Kind:
    """One of the normalizations.

    Attributes:
        word: of the layer in names, ``"layer_norm"``.
        title: in sentences.
        make: the layer from the inputs.
        draw: ``draw(rng, **sizes)`` gives x, gamma's shape, and what else the kind needs.
        over: what the statistics are taken over, in words.
        shifts: whether a mean is subtracted and a beta added.
    """

    word: str
    title: str
    make: Callable[[Inputs], Layer]
    draw: Callable[..., Inputs]
    over: str
    shifts: bool = True


def draw(rng: np.random.Generator, level: int, kind: _Kind, **sizes: int) -> Inputs:
    """Numbers of whole mean and square variance (or mean square) wherever they are taken."""
    drawn = kind.draw(rng, **sizes)
    width = drawn.pop("gamma_shape")
    drawn["gamma"] = rng.choice([-2, -1, 2, 3], width)
    if kind.shifts:
        drawn["beta"] = whole(rng, 3, width)
    return drawn | {"d_y": not_zero(rng, 3, drawn["x"].shape),
                    "learning_rate": np.array(Fraction(1, 2), object)}


def _layer_rows(rng: np.random.Generator, examples: int, positions: int, features: int) -> Inputs:
    x = _rows(rng, examples, positions * features)
    shape = (features,) if positions == 1 else (positions, features)
    return {"x": x.reshape(examples, *shape), "gamma_shape": shape}


def _group_rows(rng: np.random.Generator, examples: int, positions: int, groups: int) -> Inputs:
    size = 2
    x = _rows(rng, examples * groups, positions * size)
    x = x.reshape(examples, groups, positions, size).transpose(0, 2, 1, 3)
    return {"x": x.reshape(examples, positions, groups * size), "gamma_shape": (groups * size,),
            "groups": np.array(groups)}


def _instance_rows(rng: np.random.Generator, examples: int, positions: int,
                   channels: int) -> Inputs:
    x = _rows(rng, examples * channels, positions)
    return {"x": x.reshape(examples, channels, positions).transpose(0, 2, 1),
            "gamma_shape": (channels,)}


def _rows(rng: np.random.Generator, count: int, n: int) -> Any:
    """Rows of n whole numbers of whole mean and square variance, no two alike."""
    picked = _pool(n)[rng.choice(_POOL, count, replace=False)]
    return rng.permuted(picked, axis=1) - rng.integers(0, 4, (count, 1))


@lru_cache
def _pool(n: int) -> Any:
    """Such rows to choose from: finding them takes long."""
    return square_variance(generator(0, f"rows of {n}"), n, _POOL, 9).T


def _rms_rows(rng: np.random.Generator, examples: int, features: int) -> Inputs:
    """Rows of whole numbers whose mean square is a square; they are not all of one size."""
    found: dict[tuple[int, ...], None] = {}
    largest = 8
    while len(found) < examples:
        values = rng.integers(1, largest + 1, (_TRIES, features))
        total = (values * values).sum(axis=1)
        root = np.sqrt(total / features).round().astype(np.int64)
        good = (root * root * features == total) & (values != values[:, :1]).any(axis=1)
        for row in values[good]:
            if len(found) < examples:
                found.setdefault(tuple(int(v) for v in row))
        largest += 1
    rows = np.array(list(found))
    return {"x": rows * rng.choice([-1, 1], rows.shape), "gamma_shape": (features,)}


def solve(inputs: Inputs, level: int, kind: _Kind) -> Solution:
    """The normalization; then the gradients of scale and shift and their update; then backward."""
    x = np.asarray(inputs["x"])
    if x.ndim < 2:
        raise DataError(f"x must be examples of one row or more each, got shape {x.shape}")
    arrays: Inputs = {name: inputs[name] for name in ("gamma", "beta") if name in inputs}
    for name in arrays:
        if kind.word in ("layer_norm", "rms_norm"):
            axes = np.ndim(inputs["gamma"])
            if not 1 <= axes < x.ndim:
                raise DataError(f"gamma must have the shape of x's last axes, got "
                                f"{np.shape(inputs['gamma'])} for x {x.shape}")
            expect_shape(name, inputs[name], *x.shape[-axes:])
        else:
            expect_shape(name, inputs[name], x.shape[-1])
    layer = kind.make(inputs)
    expect_shape("d_y", inputs["d_y"], *x.shape)
    rate = positive(inputs, "learning_rate")
    optimizer = SGD(float(rate)) if level >= 2 else None
    work = work_out(layer, x, weights=arrays, exact=True, optimizer=optimizer,
                    d_y=inputs["d_y"] if level >= 2 else None)
    own = f"{kind.word}_1"
    check_varies(work, f"{own}.{'deviation' if kind.shifts else 'root'}", "x")
    given = {"x": "The examples", f"{own}.gamma": "Scale"}
    if kind.shifts:
        given[f"{own}.beta"] = "Shift"
    what = "mean and variance" if kind.shifts else "mean square"
    rest = ", ".join(str(length) for length in x.shape[1:])
    text = [f"{kind.title} works on {len(x)} examples of shape ({rest}). "
            f"{kind.over[0].upper()}{kind.over[1:]} has a {what} of its own. "
            + ("The variance is the mean of the squared deviations (divided by n), and "
               if kind.shifts else "Nothing is subtracted, and ")
            + "epsilon is 0."]
    if "groups" in inputs:
        text.append(f"There are {int(Exact(np.asarray(inputs['groups'])[()]))} groups: channels "
                    "that stand side by side form a group.")
    asked = _shifting(own, kind.over) if kind.shifts else _scaling(own)
    if level >= 2:
        given["d_y"] = "Gradient of the loss on the output"
        text.append("Scale and shift are trained by gradient descent with learning rate "
                    f"{rate}." if kind.shifts else
                    f"The scale is trained by gradient descent with learning rate {rate}.")
        asked += _gradients(own, kind.shifts)
    if level == 3:
        asked += _backward(own, kind.shifts)
    return Solution(work, tuple(text), tuple(asked), given,
                    {"layer": own, "rate": rate, "over": kind.over})


def _shifting(name: str, over: str) -> list[Ask]:
    return [
        Ask(f"{name}.sum", f"The sum of {over}", "Add up the numbers that belong together."),
        Ask(f"{name}.mean", "The mean", "Divide by how many numbers were added."),
        Ask(f"{name}.centred", "Shift to mean 0", "Subtract from each number its mean."),
        Ask(f"{name}.variance", "The variance",
            "The mean of the squares of what the last step gave: divide by n, not by n - 1."),
        Ask(f"{name}.deviation", "The standard deviation", "The root of the variance."),
        Ask(f"{name}.x_hat", "Scale to variance 1", "Divide by the standard deviation."),
        Ask(f"{name}.y", "Scale and shift",
            "Each number times its gamma, plus its beta: both go with the place, not with the "
            "example."),
    ]


def _scaling(name: str) -> list[Ask]:
    return [
        Ask(f"{name}.mean_square", "The mean square of each example",
            "Square each number, add up, divide by how many there are."),
        Ask(f"{name}.root", "Its root", "The root of the mean square."),
        Ask(f"{name}.x_hat", "Scale to mean square 1", "Divide by the root."),
        Ask(f"{name}.scaled", "Scale", "Each number times the gamma of its feature."),
    ]


def _gradients(name: str, shifts: bool) -> list[Ask]:
    beta = [Ask(f"{name}.d_beta", "The gradient of the shift",
                "Add up the gradients of each beta's own numbers.")] if shifts else []
    return [
        *beta,
        Ask(f"{name}.d_gamma", "The gradient of the scale",
            "Multiply the gradient by the normalized values, then add up as each gamma was used."),
        *(Ask(f"{name}.{word}.value", f"The new {word}",
              "The old value minus the learning rate times the gradient.", "update")
          for word in ("gamma", *(["beta"] if shifts else []))),
    ]


def _backward(name: str, shifts: bool) -> list[Ask]:
    asked = [Ask(f"{name}.d_x_hat", "The gradient on the normalized values",
                 "The gradient times the scale.")]
    if shifts:
        asked.append(Ask(f"{name}.mean_d", "Its mean", "Over the same numbers as the mean of x."))
    last = "Subtract the mean, and the" if shifts else "Subtract the"
    return [
        *asked,
        Ask(f"{name}.mean_d_x_hat", "The mean of the gradient times the normalized values",
            "Multiply the two number by number first."),
        Ask(f"{name}.d_x", "The gradient on the input",
            f"{last} normalized value times the last step; divide by the "
            f"{'standard deviation' if shifts else 'root'}."),
    ]


def _groups(inputs: Inputs) -> GroupNorm:
    channels = np.shape(inputs["x"])[-1]
    groups = count(inputs, "groups", 1, channels)
    if channels % groups or np.size(inputs["x"]) == len(inputs["x"]) * groups:
        raise DataError(f"groups must divide the {channels} channels and hold two numbers or more "
                        f"each, got {groups}")
    return GroupNorm(groups, epsilon=0.0)


def _instances(inputs: Inputs) -> InstanceNorm:
    shape = np.shape(inputs["x"])
    if len(shape) < 3 or int(np.prod(shape[1:-1])) < 2:
        raise DataError("x must have shape (examples, positions, channels) with two positions or "
                        f"more, got {shape}")
    return InstanceNorm(epsilon=0.0)


_LAYER = _Kind("layer_norm", "Layer normalization",
               lambda inputs: LayerNorm(axes=np.ndim(inputs["gamma"]), epsilon=0.0), _layer_rows,
               "each example")
_GROUP = _Kind("group_norm", "Group normalization", _groups, _group_rows,
               "each group of channels of each example")
_INSTANCE = _Kind("instance_norm", "Instance normalization", _instances, _instance_rows,
                  "each channel of each example")
_RMS = _Kind("rms_norm", "RMS normalization",
             lambda inputs: RMSNorm(axes=np.ndim(inputs["gamma"]), epsilon=0.0), _rms_rows,
             "each example", shifts=False)
_EXAMPLES = Size("examples", 2, 1, 6)


def _topic(name: str, title: str, about: str, kind: _Kind, sizes: tuple[Size, ...],
           fields: dict[str, str]) -> Topic:
    trained = "scale and shift" if kind.shifts else "the scale"
    return Topic(
        name, title, about,
        ("forward", f"and the gradients of {trained}, and their update",
         "and backward, to the input"),
        sizes, partial(draw, kind=kind), partial(solve, kind=kind),
        {**fields, "d_y": "the shape of x", "learning_rate": "a number above 0"},
    )


TOPICS = by_name(
    _topic(
        "layer-norm", "Layer normalization",
        "Each example to mean 0 and variance 1 over its own features, then scaled and shifted: "
        "y = gamma (x - mean) / sqrt(variance + epsilon) + beta. The rest of the batch does not "
        "count.",
        _LAYER, (_EXAMPLES, Size("positions", 1, 1, 2), Size("features", 4, 4, 6)),
        {"x": "(examples, features), or (examples, positions, features)",
         "gamma": "the shape of x's last axes: over these each example is normalized",
         "beta": "the shape of gamma"}),
    _topic(
        "group-norm", "Group normalization",
        "Each example's channels in groups, each group to mean 0 and variance 1 over its "
        "positions and channels; then scaled and shifted channel by channel.",
        _GROUP, (Size("examples", 2, 1, 4), Size("positions", 2, 2, 4), Size("groups", 2, 1, 3)),
        {"x": "(examples, positions, channels)", "gamma": "(channels,)", "beta": "(channels,)",
         "groups": "a whole number that divides the channels"}),
    _topic(
        "instance-norm", "Instance normalization",
        "Each channel of each example to mean 0 and variance 1 over its positions; then scaled and "
        "shifted channel by channel.",
        _INSTANCE,
        (Size("examples", 2, 1, 4), Size("positions", 4, 4, 8), Size("channels", 2, 1, 4)),
        {"x": "(examples, positions, channels)", "gamma": "(channels,)", "beta": "(channels,)"}),
    _topic(
        "rms-norm", "RMS normalization",
        "Each example divided by the root of its mean square, then scaled: "
        "y = gamma x / sqrt(mean(x^2) + epsilon). Layer normalization without the mean.",
        _RMS, (_EXAMPLES, Size("features", 4, 2, 8)),
        {"x": "(examples, features), or (examples, positions, features)",
         "gamma": "the shape of x's last axes: over these each example is normalized"}),
)
