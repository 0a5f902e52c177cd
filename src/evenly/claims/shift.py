"""Internal covariate shift: measured, and made by noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import evenly as ev

from .data import Data
from .stepwise import Inputs, places_of
from .study import Case


@dataclass(frozen=True)
class MovingNoise(ev.Layer):
    """Noise whose distribution changes at every step, by unit: ``y = x scale + shift``.

    For each step and unit centers are drawn, of U(1, 1 + strength / 4) and of
    U(-strength / 2, strength / 2); for each example then ``scale = center + strength n / 10`` with
    n of N(0, 1), and ``shift = center + strength U(-1, 1) / 10``. In inference only the mean scale
    is left. A strength of 1 is that of Santurkar et al. 2018, appendix A.
    """

    strength: float = 1.0
    name: str | None = None

    def forward(self, x: Any, arrays: Any, run: ev.Run) -> tuple[Any, Any]:
        """``x scale + shift``."""
        if not run.training:
            return x * x.dtype.type(1 + self.strength / 8), None
        rng = np.random.default_rng([run.seed, run.step, *run.layer.encode()])
        strength = np.float32(self.strength)
        centers = rng.random((2, x.shape[1]), dtype=np.float32)
        apart = rng.standard_normal(x.shape, dtype=np.float32) / 10
        scale = 1 + strength * (centers[0] / 4 + apart)
        apart = (rng.random(x.shape, dtype=np.float32) * 2 - 1) / 10
        shift = strength * (centers[1] - np.float32(0.5) + apart)
        return (x * scale + shift).astype(x.dtype), scale

    def backward(self, d_y: Any, arrays: Any, saved: Any, run: ev.Run) -> tuple[Any, Any]:
        """``d_y scale``."""
        return (d_y * saved).astype(d_y.dtype), {}


def moved(before: Any, after: Any) -> float:
    """How far the distributions of units moved, (rows, units), in their own deviations: the mean
    distance of the sorted numbers (Wasserstein's)."""
    distance = np.abs(np.sort(after, axis=0) - np.sort(before, axis=0)).mean(axis=0)
    return float(np.mean(distance / (before.std(axis=0) + 1e-6)))


def turned(one: Any, other: Any) -> float:
    """1 less the cosine of the angle between two gradients."""
    a, b = (np.asarray(array, np.float64).ravel() for array in (one, other))
    return 1 - float(a @ b) / max(float(np.sqrt((a @ a) * (b @ b))), 1e-300)


class Shift:
    """Measures the internal covariate shift of single steps, in both its meanings.

    Of Ioffe and Szegedy: how far the distribution of what a unit's activation gets moves in a step.
    Of Santurkar et al., definition 2.1: how far the gradient of a layer turns when the layers in
    front of it have made their update, and the layer itself has not.

    Arguments:
        case: its seed is that of the training, and so of what is drawn in it.
        net: dense layers, with what stands between them.
        activation: class of the layers whose inputs are looked at.
        data: the first `rows` of its training part are looked at.

    Attributes:
        distributions, gradients: a number for each step that was looked at, means over the layers.
    """

    def __init__(
        self, case: Case, net: Any, activation: type, data: Data, rows: int = 100
    ) -> None:
        width = data.x.shape[1]
        self.x, self.y = data.x[:rows], data.y[:rows]
        self.inputs = Inputs(net, places_of(net, activation), width, rows)
        program = ev.compile(net, width, batch=rows, loss=ev.SoftmaxCrossEntropy())
        self.side = ev.Engine(program, seed=case.seed, threads=1)
        self.dense = len(places_of(net, ev.Dense))
        self.distributions: list[float] = []
        self.gradients: list[float] = []
        self.before: tuple[Mapping[str, Any], list[Any]] | None = None

    def __call__(self, engine: ev.Engine) -> None:
        """Called before a step, and again after it."""
        now = {name: array.copy() for name, array in engine.arrays.items()}
        inputs = self.inputs(engine, self.x)
        if self.before is None:
            self.before = now, inputs
            return
        weights, was = self.before
        self.before = None
        self.distributions.append(float(np.mean(list(map(moved, was, inputs)))))
        self.side.steps = engine.steps - 1
        old = self._gradients(weights)
        self.gradients.append(float(np.mean([
            turned(old[f"dense_{layer}.kernel"], self._gradients({
                name: (now if _layer(name) < layer else weights)[name] for name in now
            })[f"dense_{layer}.kernel"])
            for layer in range(2, self.dense + 1)
        ])))

    def _gradients(self, weights: Mapping[str, Any]) -> dict[str, Any]:
        self.side.set_weights(weights)
        found = self.side.gradients(self.x, self.y)[2]
        return {name: gradient.copy() for name, gradient in found.items()}


def _layer(name: str) -> int:
    return int(name.split(".")[0].rsplit("_", 1)[1])
