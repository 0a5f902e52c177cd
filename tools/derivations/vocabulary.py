"""What the lines of a derivation may call."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np

import evenly as ev
from evenly.layers import windows
from evenly.layers.special import normal_cdf
from evenly.random import normals

SEED = 5
Names = dict[str, Any]


def _over(function: Any) -> Any:
    def reduced(v: Any, axes: Any = None) -> Any:
        return function(v, axis=axes, keepdims=axes is not None)

    return reduced


def drawn(layer: Any, shape: tuple[int, ...], rate: float | None = None) -> Any:
    """What the layer's dropout keeps of that shape: 1 or 0."""
    run = ev.Run(training=True, seed=SEED, layer=f"{layer.type_name}_1")
    return run.keep(shape, layer.rate if rate is None else rate) * 1.0


def picked(layer: Any, shape: tuple[int, ...], padded: bool = False) -> Any:
    """The windows of a layer as matrices, one for each place of the window: (places, outputs,
    positions), 1 where the place of that output's window lies on that position."""
    axes = layer.windows(shape)
    sizes = [axis.extent for axis in axes] if padded else shape[:-1]
    positions = math.prod(sizes)
    unit = np.eye(positions).reshape(positions, *sizes, 1)
    unit = unit if padded else windows.pad(unit, axes, 0, np)
    return np.stack([unit[(slice(None), *at)].reshape(positions, -1).T
                     for _, at in windows.taps(axes)])


def inside(layer: Any, shape: tuple[int, ...]) -> Any:
    """The matrix that puts the positions of an example into its padding."""
    positions = math.prod(shape[:-1])
    unit = np.eye(positions).reshape(positions, *shape[:-1], 1)
    return windows.pad(unit, layer.windows(shape), 0, np).reshape(positions, -1).T


def vocabulary(seed: str) -> Names:
    """What the lines of a section may call; random values are drawn by the seed."""
    generator = np.random.default_rng([SEED, *seed.encode()])

    def normal(*shape: int) -> Any:
        # away from the kinks of piecewise functions, which are at whole and half numbers
        x = generator.standard_normal(shape)
        return np.where(np.abs(2 * x - np.round(2 * x)) < 0.04, x + 0.05, x)

    public = {name: getattr(ev, name) for name in dir(ev) if name[0].isupper()}
    numpy = ("sqrt", "exp", "expm1", "log", "log1p", "abs", "sign", "where", "maximum", "minimum",
             "tanh", "cos", "sin", "concatenate", "stack", "reshape", "repeat", "einsum")
    xp = SimpleNamespace(
        sum=_over(np.sum), mean=_over(np.mean), max=_over(np.max), product=_over(np.prod),
        sigmoid=lambda x: 1 / (1 + np.exp(-x)), turned=lambda v: np.swapaxes(v, -1, -2),
        cdf=lambda x: normal_cdf(np, x), lgamma=np.vectorize(math.lgamma),
        one_hot=lambda y, classes: (np.asarray(y)[..., None] == np.arange(classes)) * 1.0,
        **{name: getattr(np, name) for name in numpy})
    return {
        **public, "Run": ev.Run, "np": np, "xp": xp, "pi": math.pi, "normal": normal,
        "uniform": lambda *shape: generator.uniform(0.1, 0.9, shape),
        "whole": lambda below, *shape: generator.integers(0, below, shape), "drawn": drawn,
        "noise_of": lambda layer, shape: normals(SEED, f"{layer.type_name}_1", 0, shape),
        "picked": picked, "inside": inside,
    }
