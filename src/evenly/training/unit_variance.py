"""Initialization by the data: each layer's output to variance 1."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engine import Engine, as_lengths
from ..errors import ConfigurationError, DataError, ShapeError
from ..initializers import Orthogonal
from ..layers import Embedding, Periodic, WeightNorm
from ..layers.base import Run, own_arrays
from ..layers.containers import Joined
from ..layers.recurrent import Recurrent
from ..program.graph import INPUT_VALUE, Step, trace
from ..random import generator
from ..rows.data import check_finite
from .model import Model


def lsuv(
    model: Model, x: Any, *, tolerance: float = 0.1, most_rounds: int = 10, lengths: Any = None
) -> Model:
    """Layer-sequential unit-variance initialization: orthonormal kernels, then layer by layer, from
    the input on, ``kernel /= sqrt(variance of the layer's output on x)`` until that variance is 1.

    It takes over where formulas such as He's end: they know ReLU and tanh, and no shortcut, no
    concatenation, no pooling.

    The output is the layer's own, in front of the activation; its variance is over all its numbers
    (rows, positions, units). Nothing is dropped and no noise is added, but batch normalization goes
    by the statistics of x, as in training. By layer:

    - Dense and convolutions: ``kernel`` (within DropConnect too; of a layer of one's own, every
      array that decays);
    - WeightNorm: an orthonormal ``direction``, and ``gain`` is scaled;
    - RNN, LSTM, GRU: ``input_kernel``, until ``x_t input_kernel`` has variance 1 over all the steps
      that count (the state itself cannot: it lies between -1 and 1). The recurrent kernel stays:
      it is orthonormal to begin with, by default;
    - Embedding and Periodic stay as they are, and so do biases, gains and running statistics.

    Arguments:
        model: from :func:`evenly.init`; its seed decides the orthonormal kernels. It stays as it
            is.
        x: rows as for training, some hundred: (rows, features...).
        tolerance: how far from 1 a variance may end, above 0 and below 1.
        most_rounds: scalings of one layer, >= 1. One is enough where there is no bias.
        lengths: (rows,): how many steps of each sequence count; all by default.

    Returns:
        A new model, to be given to :func:`evenly.fit`.

    Raises:
        ShapeError: rows of another shape than the model's, or too few of them.
        DataError: NaN or infinity in x; or a layer whose output is the same number everywhere, as
            behind a layer that is dead, so that no factor gives it a variance.
        ConfigurationError: a layer whose variance does not come near 1 in `most_rounds`.

    Source: Mishkin and Matas 2016, "All you need is a good init", algorithm 1.

    Example:
        >>> import evenly as ev
        >>> x = np.random.default_rng(0).normal(5.0, 3.0, (200, 30))
        >>> model = lsuv(ev.init(ev.Sequential([ev.Dense(50), ev.ReLU(), ev.Dense(10)]), 30), x)
        >>> bool(abs(model.predict(x).var() - 1) < 0.1)
        True
    """
    if not isinstance(model, Model):
        raise ConfigurationError(
            f"lsuv: expects a model, got {model!r}: make one with init(net, input_shape)"
        )
    is_number = isinstance(tolerance, numbers.Real) and not isinstance(tolerance, bool)
    if not (is_number and 0 < tolerance < 1):
        raise ConfigurationError(
            f"lsuv: tolerance must be a number above 0 and below 1, got {tolerance!r}"
        )
    is_whole = isinstance(most_rounds, numbers.Integral) and not isinstance(most_rounds, bool)
    if not (is_whole and most_rounds >= 1):
        raise ConfigurationError(
            f"lsuv: most_rounds must be a whole number >= 1, got {most_rounds!r}"
        )
    engine, program = model.engine, model.engine.program
    x = engine.rows(x)
    needed = max(1, program.training_rows)
    if len(x) < needed:
        raise ShapeError(f"lsuv: expects at least {needed} rows, got {len(x)}: give some hundred")
    lengths = as_lengths(program, lengths, len(x))
    check_finite(x, "lsuv", lengths)
    walk = _Scaled({name: array.astype(np.float64) for name, array in model.weights.items()},
                   Run(training=False, seed=engine.seed, lengths=lengths), tolerance, most_rounds)
    walk.run(trace(program.net, program.input_shape)[0], x.astype(np.float64))
    return Model(Engine(program, seed=engine.seed, weights=walk.weights))


@dataclass(frozen=True)
class Walk:
    """One way through the network, in which a layer's arrays may change before the next one sees
    its output.

    Attributes:
        weights: of the network, by name; they change.
        circumstances: of the definitions.
    """

    weights: dict[str, Any]
    circumstances: Run

    def run(self, steps: list[Step], x: Any) -> None:
        """Goes all the way."""
        last_reader = {value: i for i, step in enumerate(steps) for value in step.inputs}
        values = {INPUT_VALUE: x}
        for i, step in enumerate(steps):
            inputs = [values[number] for number in step.inputs]
            values[step.output] = self.output(step, inputs)
            for number in set(step.inputs):
                if last_reader[number] == i:
                    del values[number]

    def output(self, step: Step, inputs: list[Any]) -> Any:
        """The output of a step."""
        if isinstance(step.layer, Joined):
            return step.layer.joined(inputs, self.circumstances)[0]
        return self.forward(step, inputs[0], own_arrays(self.weights, step.name))

    def forward(self, step: Step, x: Any, own: dict[str, Any]) -> Any:
        """The same with a layer's arrays given."""
        # Inference drops nothing and adds no noise; of a layer with running statistics, which are
        # those of no data yet, training's forward is asked.
        tracks = any(not spec.trainable for spec in step.layer.arrays(step.before).values())
        run = replace(self.circumstances, training=tracks, updates={})
        return step.layer.forward(x, own, run.at(step.name))[0]


@dataclass(frozen=True)
class _Scaled(Walk):
    """Each layer with a kernel is scaled before the next one sees its output."""

    tolerance: float
    most_rounds: int

    def output(self, step: Step, inputs: list[Any]) -> Any:
        if not isinstance(step.layer, Joined):
            own = own_arrays(self.weights, step.name)
            scaled = self._orthonormal(step, own)
            if scaled:
                self._scale(step, inputs[0], own, scaled)
                self.weights.update({f"{step.name}.{slot}": array for slot, array in own.items()})
        return super().output(step, inputs)

    def _orthonormal(self, step: Step, own: dict[str, Any]) -> list[str]:
        """Makes a layer's kernels orthonormal; returns the names of the arrays to scale."""
        specs = step.layer.arrays(step.before)
        if isinstance(step.layer, (Embedding, Periodic)):
            return []
        if isinstance(step.layer, Recurrent):
            kernels = ["input_kernel"]
        else:
            kernels = [slot for slot, spec in specs.items() if spec.decays]
        for slot in kernels:
            draws = generator(self.circumstances.seed, f"{step.name}.{slot}")
            own[slot] = Orthogonal().sample(draws, specs[slot].shape, specs[slot].fan)
        if not isinstance(step.layer, WeightNorm):
            return kernels
        direction = own["direction"]
        own["gain"] = np.sqrt((direction**2).sum(axis=tuple(range(direction.ndim - 1))))
        return ["gain"]

    def _scale(self, step: Step, x: Any, own: dict[str, Any], scaled: list[str]) -> None:
        for rounds in range(self.most_rounds + 1):
            variance = self._variance(step, x, own)
            if abs(variance - 1) < self.tolerance:
                return
            if rounds < self.most_rounds:
                for slot in scaled:
                    own[slot] = own[slot] / variance ** (0.5 / len(scaled))
        biased = any(name.endswith("bias") and array.any() for name, array in own.items())
        remedy = "start its bias at zero" if biased else "give more most_rounds"
        raise ConfigurationError(
            f"lsuv: the variance of '{step.name}' is {variance:.3g} after {self.most_rounds} "
            f"rounds, which is not within {self.tolerance:g} of 1: {remedy}, or a larger tolerance"
        )

    def _variance(self, step: Step, x: Any, own: dict[str, Any]) -> float:
        recurrent = isinstance(step.layer, Recurrent)
        y = x @ own["input_kernel"] if recurrent else self.forward(step, x, own)
        parts = [part.ravel() for part in self._counting(y)]
        mean = sum(float(part.sum()) for part in parts) / max(1, sum(map(len, parts)))
        squares = sum(float(((part - mean) ** 2).sum()) for part in parts)
        variance = squares / max(1, sum(map(len, parts)))
        # A constant's computed variance is rounding, not signal.
        if not x.any() or not math.isfinite(variance) or variance <= (1e-12 * mean) ** 2:
            raise DataError(
                f"lsuv: the output of '{step.name}' has no variance that a factor could change: "
                "what enters it is 0 everywhere, or cancels; look at the data, or at the layer in "
                "front"
            )
        return variance

    def _counting(self, y: Any) -> Iterator[Any]:
        """The parts of a layer's output that belong to steps that count."""
        lengths = self.circumstances.lengths
        if lengths is None or y.ndim < 3 or y.shape[1] < int(lengths.max()):
            yield y
        else:
            yield from (row[:length] for row, length in zip(y, lengths, strict=True))
