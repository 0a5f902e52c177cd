"""The order in which a network's layers run, and which values each reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..layers.base import Layer, Shape
from ..layers.containers import Joined, Sequential

INPUT_VALUE = 0


@dataclass(frozen=True)
class Step:
    """A layer at its place.

    Attributes:
        name, layer: which. A container that joins branches stands for the join alone.
        inputs: the numbers of the values that it reads; 0 is the network's input.
        output: the number of the value that it makes.
        before: the shape of one example of the first input.
        after: the shape of one example of the output.
    """

    name: str
    layer: Layer
    inputs: tuple[int, ...]
    output: int
    before: Shape
    after: Shape


def trace(net: Sequential, shape: Shape) -> tuple[list[Step], int]:
    """The steps of a network in order, and the number of its output value."""
    steps: list[Step] = []
    shapes = [shape]

    def run(layer: Any, value: int) -> int:
        if isinstance(layer, Sequential):
            for part in layer.layers:
                value = run(part, value)
            return value
        before = shapes[value]
        inputs: tuple[int, ...] = (value,)
        if isinstance(layer, Joined):
            inputs = tuple(run(part, value) for part in layer.parts)
        shapes.append(layer.output_shape(before))
        output = len(shapes) - 1
        steps.append(Step(layer.name or "", layer, inputs, output, before, shapes[output]))
        return output

    net.check(shape, "")
    return steps, run(net.resolved, INPUT_VALUE)
