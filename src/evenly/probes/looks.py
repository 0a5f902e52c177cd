"""A look at one step of Evenly's engine, layer by layer, without changing it.

The step's own list of gradients runs instruction by instruction, on that step's batch. It writes
the work arena and the gradients, which the step itself writes anew; parameters, running statistics,
states of the optimizer and of stateful layers are moved by the list of updates alone, which does
not run. What stands in a buffer is read before a later instruction takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..clipping import ClipNorm, ClipValue
from ..engine import Engine
from ..layers.base import Layer
from ..layers.batchnorm import BatchNorm
from ..layers.dropout import Dropout
from ..layers.recurrent import Recurrent
from ..program import Program
from ..program.graph import trace
from ..program.parts import SCALARS, Instruction
from ..records import LayerProbe, Probe
from .arrays import (
    DeadUnits,
    measure_outputs,
    measure_weights,
    norm_of_change,
    output_gradient,
    saturated_share,
    twin_share,
)
from .describe import layer_kind, own_name

_LOSS, _NORM = SCALARS.index("loss"), SCALARS.index("gradient_norm")
_MOST_GATES = 2**16
# Sigmoids and tanhs among the gates of a layer, by its kind.
_GATES = {"lstm": (("sigmoid", (0, 1, 3)), ("tanh", (2,))),
          "gru": (("sigmoid", (0, 1)), ("tanh", (2,)))}


@dataclass(frozen=True)
class _Place:
    """A layer at its place: what a look needs of it."""

    layer: Layer
    kind: str
    after: tuple[int, ...]
    kernels: tuple[str, ...]
    bias: str = ""


@dataclass
class Look:
    """A look that waits for its step to be made.

    Attributes:
        probe: all but the update ratios.
        clipped: whether the step's gradient is clipped, where only a look tells.
    """

    probe: Probe
    clipped: bool | None
    kernels: dict[str, list[Any]] = field(default_factory=dict)

    def done(self, engine: Engine) -> Probe:
        """The probe, once the step is made."""
        layers = dict(self.probe.layers)
        for name, before in self.kernels.items():
            after = [engine.arrays[key] for key in before_names(engine.program, name)]
            layers[name] = replace(layers[name], update_ratio=norm_of_change(before, after))
        return replace(self.probe, layers=layers)


class Looks:
    """Looks at the steps of a program.

    Arguments:
        program: with a loss.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        steps, _ = trace(program.net, program.input_shape)
        self._places = {
            step.name: _Place(step.layer, layer_kind(step.layer), step.after,
                              before_names(program, step.name), _bias(program, step.name))
            for step in steps if not step.layer.reshapes
        }
        self._dead = DeadUnits()

    def look(
        self, engine: Engine, numbers: Any, x: Any, y: Any, weights: Any = None,
        lengths: Any = None, epoch: int = 1,
    ) -> Look:
        """Measures the step that comes next, on its batch. Arguments as :meth:`Engine.run` takes
        them."""
        told: dict[str, dict[str, Any]] = {own_name(name): {} for name in self._places}
        lines = self.program.lists["gradient"]
        for i, line in enumerate(lines):
            place = next((name for name in line.layers if name in self._places), None)
            backward = place is not None and line.operation.endswith("backward")
            if backward and "d_y" in line.buffers:
                self._before_backward(engine, line, len(x), told)
            if i == len(lines) - 1:  # the check adds the penalty's part to the gradients
                self._weights(engine, told)
            engine.run("gradient", x, y, weights=weights, lengths=lengths, numbers=numbers,
                       begin=i, end=i + 1, threads=1)  # no result depends on it
            if backward:
                self._after_backward(engine, line, len(x), told)
            elif place is not None and "y" in line.buffers:
                self._after_forward(engine, line, len(x), told, lengths)
        scalars = engine.buffer("scalars")
        probe = Probe(
            engine.steps, epoch, float(scalars[_LOSS]), float(scalars[_NORM]),
            float(numbers[0, 0]), len(x),
            {name: LayerProbe(**values) for name, values in told.items()},
        )
        kernels = {
            own_name(name): [engine.arrays[key].copy() for key in place.kernels]
            for name, place in self._places.items() if place.kernels
        }
        return Look(probe, self._clipped(engine), kernels)

    def _members(self, line: Instruction) -> tuple[list[str], str]:
        """(the layers that a line computes, without dropout; the dropout fused behind them)."""
        names = [name for name in line.layers if name in self._places]
        if len(names) > 1 and isinstance(self._places[names[-1]].layer, Dropout):
            return names[:-1], names[-1]
        return names, ""

    def _after_forward(
        self, engine: Engine, line: Instruction, rows: int, told: dict[str, dict[str, Any]],
        lengths: Any,
    ) -> None:
        names, dropout = self._members(line)
        last = names[-1]
        place = self._places[last]
        y = engine.buffer(line.buffers["y"])[:rows].reshape(rows, *place.after)
        rate, scale = 0.0, 1.0
        if dropout:
            layer = self._places[dropout].layer
            assert isinstance(layer, Dropout)
            rate, scale = layer.rate, 1.0 if layer.classic else 1 / (1 - layer.rate)
            told[own_name(dropout)] |= measure_outputs(y, "dropout").told
        outputs = measure_outputs(y, place.kind, rate, scale)
        own = told[own_name(last)]
        own |= outputs.told
        own["dead_share"] = self._dead.share(last, outputs.zero_units)
        first = self._places[names[0]].layer
        if isinstance(first, BatchNorm) and "statistics" in line.buffers:
            told[own_name(names[0])] |= _gaps(engine, line, first)
        elif (isinstance(first, Recurrent) and "gates_kept" in line.buffers and lengths is None
              and rows == self.program.batch):
            saturated = _gates(engine, line, first, self._places[names[0]].kind)
            if saturated is not None:
                told[own_name(names[0])]["saturated_share"] = saturated

    def _before_backward(
        self, engine: Engine, line: Instruction, rows: int, told: dict[str, dict[str, Any]]
    ) -> None:
        names, dropout = self._members(line)
        value = output_gradient(engine.buffer(line.buffers["d_y"])[:rows])
        told[own_name(dropout or names[-1])]["output_gradient"] = value
        if dropout:  # of what it hands back, as much as it keeps, scaled
            layer = self._places[dropout].layer
            assert isinstance(layer, Dropout)
            scale = 1.0 if layer.classic else 1 / (1 - layer.rate)
            told[own_name(names[-1])]["output_gradient"] = value * scale * (1 - layer.rate) ** 0.5

    def _after_backward(
        self, engine: Engine, line: Instruction, rows: int, told: dict[str, dict[str, Any]]
    ) -> None:
        names, _ = self._members(line)
        d_z = line.buffers.get("d_z")
        if len(names) > 1 and d_z is not None and d_z != line.buffers.get("d_x"):
            told[own_name(names[0])]["output_gradient"] = output_gradient(
                engine.buffer(d_z)[:rows]
            )

    def _weights(self, engine: Engine, told: dict[str, dict[str, Any]]) -> None:
        for name, place in self._places.items():
            if not place.kernels:
                continue
            kernels = [engine.arrays[key] for key in place.kernels]
            gradients = [engine.gradient(key) for key in place.kernels]
            told[own_name(name)] |= measure_weights(kernels, gradients)
            if place.kind in ("dense", "conv", "rnn", "lstm", "gru") and _reads_all(place.layer):
                gates = place.layer.gates if isinstance(place.layer, Recurrent) else 1
                pairs = zip(place.kernels, kernels, gradients, strict=True)
                columns = [(k, g) for _, k, g in pairs]
                if place.bias:
                    columns.append((engine.arrays[place.bias], engine.gradient(place.bias)))
                told[own_name(name)]["twin_share"] = twin_share(
                    _by_unit([k for k, _ in columns], gates),
                    _by_unit([g for _, g in columns], gates),
                )

    def _clipped(self, engine: Engine) -> bool | None:
        clip = self.program.clip
        names = [name for name, spec in self.program.arrays.items() if spec.trainable]
        if isinstance(clip, ClipNorm):
            return any(float(np.linalg.norm(engine.gradient(name))) > clip.max_norm
                       for name in names)
        if isinstance(clip, ClipValue):
            return any(float(np.abs(engine.gradient(name)).max()) > clip.limit for name in names)
        return None


def before_names(program: Program, layer: str) -> tuple[str, ...]:
    """The names of a layer's kernels."""
    layer = "data" if layer == own_name("data") else layer
    return tuple(
        name for name, spec in program.arrays.items()
        if name.rpartition(".")[0] == layer and spec.trainable and spec.decays
    )


def _bias(program: Program, layer: str) -> str:
    name = f"{layer}.bias"
    return name if name in program.arrays else ""


def _reads_all(layer: Layer) -> bool:
    """Whether every unit reads the same inputs: else equal kernels are no twins."""
    own = getattr(layer, "layer", layer)
    return getattr(own, "groups", 1) == 1 and not type(own).__name__.startswith("Depthwise")


def _by_unit(arrays: list[Any], gates: int) -> Any:
    """Arrays that end in (gates x units) as (numbers of a unit, units)."""
    units = arrays[0].shape[-1] // gates
    parts = [array.reshape(-1, units) for array in arrays]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _gaps(engine: Engine, line: Instruction, layer: BatchNorm) -> dict[str, float]:
    """Batch statistics against running ones."""
    statistics = engine.buffer(line.buffers["statistics"]).astype(np.float64)
    scale, upper, rest, _, variance, _ = statistics
    mean, variance = (upper + rest) / scale, variance / scale / scale
    running = {slot: engine.buffer(line.buffers[f"running_{slot}"]).astype(np.float64)
               for slot in ("mean", "variance")}
    if layer.frozen:
        return {}
    floor = layer.epsilon + 1e-30
    deviation = np.sqrt(running["variance"] + floor)
    return {
        "mean_gap": float((np.abs(mean - running["mean"]) / deviation).mean()),
        "variance_gap": float(np.abs(
            np.log((np.maximum(variance, 0) + floor) / (running["variance"] + floor))
        ).mean()),
    }


def _gates(engine: Engine, line: Instruction, layer: Recurrent, kind: str) -> float | None:
    """The saturated share of gates, and of an LSTM's cells."""
    if kind not in _GATES:
        return None
    gates = engine.buffer(line.buffers["gates_kept"]).reshape(-1, layer.gates, layer.units)
    gates = gates[:: max(1, gates.size // _MOST_GATES)]
    parts = [(saturated_share(gates[:, own], name), gates[:, own].size)
             for name, own in _GATES[kind]]
    if "cells_tanh" in line.buffers:
        cells = engine.buffer(line.buffers["cells_tanh"]).reshape(-1, layer.units)
        cells = cells[:: max(1, cells.size // _MOST_GATES)]
        parts.append((saturated_share(cells, "tanh"), cells.size))
    total = sum(size for _, size in parts)
    return float(sum((share or 0.0) * size for share, size in parts) / total)
