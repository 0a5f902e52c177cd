"""Runs layers through their definitions, within a program: users' own layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..layers.base import Layer, Run
from ..program.graph import trace
from ..program.parts import Instruction
from ..program.values import Program


class DefinitionRunner:
    """Runs the ``python.*`` instructions of a program on its buffers."""

    def __init__(self, program: Program) -> None:
        steps, _ = trace(program.net, program.input_shape)
        self._layers: dict[str, Layer] = {step.name: step.layer for step in steps}
        self._shapes = {step.name: (step.before, step.after) for step in steps}
        self._saved: dict[str, Any] = {}

    def run(
        self, line: Instruction, rows: int, seed: int, step: int,
        buffer: Callable[[str], Any], external: Mapping[str, Any], dropout: float = 1.0,
        first_row: int = 0,
    ) -> dict[str, Any]:
        """Runs one instruction; returns new running statistics by array name."""
        name = line.layers[0]
        layer = self._layers[name]
        before, after = self._shapes[name]
        specs = layer.arrays(before)
        arrays = {slot: buffer(line.buffers[slot]) for slot in specs}
        run = Run(line.operation != "python.inference", seed, step, name,
                  lengths=external.get("lengths"), dropout=dropout, first_row=first_row)

        def read(slot: str, shape: tuple[int, ...]) -> Any:
            source = line.buffers[slot]
            array = external[source] if source in external else buffer(source)
            return array[:rows].reshape(rows, *shape)

        if line.operation == "python.backward":
            d_x, gradients = layer.backward(read("d_y", after), arrays, self._saved.pop(name), run)
            if "d_x" in line.buffers:
                _store(d_x, read("d_x", before), f"{name}: d_x")
            for slot, spec in specs.items():
                if spec.trainable:
                    target = buffer(line.buffers[f"d_{slot}"])
                    _store(gradients[slot], target, f"{name}: the gradient of {slot}")
            return {}
        y, saved = layer.forward(read("x", before), arrays, run)
        _store(y, read("y", after), f"{name}: the output")
        if run.training:
            self._saved[name] = saved
        return run.updates


def _store(value: Any, target: Any, what: str) -> None:
    value = np.asarray(value)
    if value.shape != target.shape:
        raise ShapeError(f"{what} has shape {value.shape}, expected {target.shape}")
    target[...] = value
