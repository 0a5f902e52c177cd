"""Convolutional and recurrent networks under measurement, and the data they are trained on.

One declaration for all peers: each makes its network from the same list of layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import numpy as np

from ..rows import Needs
from .case import BATCHES

CLASSES = 10
# Gates of a recurrent layer, and the values of its biases, as multiples of its units. A GRU has
# one more bias behind the product of its third gate.
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
BIASES = {"rnn": 1, "lstm": 4, "gru": 4}


@dataclass(frozen=True)
class Part:
    """A layer.

    Attributes:
        kind: ``"conv"`` (3x3, same, no bias), ``"batch_norm"``, ``"relu"``, ``"max_pool"`` (2x2),
            ``"global_average_pool"``, ``"flatten"``, ``"dense"``, ``"dropout"``, or a recurrent
            one that gives its last state: ``"rnn"``, ``"lstm"``, ``"gru"``.
        units: filters or units, where it has any.
    """

    kind: str
    units: int = 0


@dataclass(frozen=True)
class Stack:
    """Layers one after the other.

    Attributes:
        name: of the row.
        shape: of an example: (height, width, channels) or (steps, features).
        parts: the layers.
        batch: examples a step.
    """

    name: str
    shape: tuple[int, ...]
    parts: tuple[Part, ...]
    batch: int = 64

    @property
    def is_images(self) -> bool:
        return len(self.shape) == 3

    def walk(self) -> Iterator[tuple[Part, tuple[int, ...]]]:
        """Each layer with the shape of its input."""
        shape = self.shape
        for part in self.parts:
            yield part, shape
            shape = _output(part, shape)

    @property
    def parameters(self) -> int:
        """Values that are trained."""
        return sum(_parameters(part, shape) for part, shape in self.walk())

    def batches(self) -> list[tuple[Any, Any]]:
        """Inputs (float32) and class numbers (int32), the same arrays each time."""
        return _batches(self.batch, self.shape)

    def training_needs(self) -> Needs:
        """The multiplications of a training step: those of the output, of the gradient of the
        kernel and of the gradient of the input, which the first layer does without.

        Convolutions are direct ones, without the products with the zeros of the padding. The first
        step of a recurrent layer has no state to multiply. No memory traffic is counted: how much
        of it must be depends on what a cache can hold between two layers.
        """
        macs = sum(
            _macs(part, shape, first=i == 0) for i, (part, shape) in enumerate(self.walk())
        )
        return Needs(flops=2.0 * self.batch * macs, bytes=0.0, working_set=0.0)


@cache
def _batches(batch: int, shape: tuple[int, ...]) -> list[tuple[Any, Any]]:
    random = np.random.default_rng(0)
    return [
        (
            random.standard_normal((batch, *shape), dtype=np.float32),
            random.integers(0, CLASSES, batch, dtype=np.int32),
        )
        for _ in range(BATCHES)
    ]


def _output(part: Part, shape: tuple[int, ...]) -> tuple[int, ...]:
    if part.kind == "conv":
        return (*shape[:2], part.units)
    if part.kind == "max_pool":
        return (shape[0] // 2, shape[1] // 2, shape[2])
    if part.kind == "global_average_pool":
        return shape[-1:]
    if part.kind == "flatten":
        return (prod(shape),)
    return (part.units,) if part.units else shape


def _parameters(part: Part, shape: tuple[int, ...]) -> int:
    inputs, units = shape[-1], part.units
    if part.kind == "conv":
        return 9 * inputs * units
    if part.kind == "batch_norm":
        return 2 * inputs
    if part.kind == "dense":
        return (inputs + 1) * units
    if part.kind in GATES:
        return GATES[part.kind] * units * (inputs + units) + BIASES[part.kind] * units
    return 0


def _macs(part: Part, shape: tuple[int, ...], *, first: bool) -> int:
    """Multiplications with an addition each, for one example."""
    products, units = 2 if first else 3, part.units
    if part.kind == "conv":
        height, width, channels = shape
        # In a row of n pixels 3n - 2 of the 3n places under a kernel's row are inside.
        return products * (3 * height - 2) * (3 * width - 2) * channels * units
    if part.kind == "dense":
        return products * shape[0] * units
    if part.kind in GATES:
        steps, features = shape
        columns = GATES[part.kind] * units
        return columns * (products * steps * features + 3 * (steps - 1) * units)
    return 0


def _block(filters: int) -> tuple[Part, ...]:
    return Part("conv", filters), Part("batch_norm"), Part("relu")


_POOL = (Part("max_pool"),)
CNN_28 = Stack("cnn-28", (28, 28, 1), (
    *_block(16), *_POOL, *_block(32), *_POOL, Part("flatten"),
    Part("dense", 128), Part("relu"), Part("dropout"), Part("dense", CLASSES),
))
CNN_32 = Stack("cnn-32", (32, 32, 3), (
    *_block(32), *_block(32), *_POOL, *_block(64), *_block(64), *_POOL,
    *_block(128), *_block(128), *_POOL, Part("global_average_pool"), Part("dense", CLASSES),
))


def recurrent(kind: str) -> Stack:
    """Rows of a picture as steps; the last state is classified."""
    return Stack(kind, (28, 28), (Part(kind, 128), Part("dense", CLASSES)))
