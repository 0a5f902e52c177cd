"""Networks of many kinds under measurement, and the data they are trained on.

One declaration for all peers: each makes its network from the same list of layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import numpy as np

from ..rows import Needs
from .case import BATCHES

CLASSES = 10
# Gates of a recurrent layer. A GRU has one more bias behind the product of its third gate.
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
BIASES = {"rnn": 1, "lstm": 4, "gru": 4}
# Layers of a `bi_lstm`.
DEEP = 2


@dataclass(frozen=True)
class Part:
    """A layer.

    Attributes:
        kind: ``"conv"`` (same, no bias), ``"batch_norm"``, ``"relu"``, ``"max_pool"`` (2x2),
            ``"global_average_pool"``, ``"flatten"``, ``"dense"``, ``"dropout"``; a recurrent one
            that gives its last state: ``"rnn"``, ``"lstm"``, ``"gru"``, and ``"bi_lstm"``, two
            layers in both directions; ``"residual"``; ``"embeddings"``, a table for each category,
            beside the numbers; ``"members"``, ``"batch_ensemble"``, ``"member_dense"``,
            ``"member_mean"``.
        units: filters, units, members or length of an embedding, where it has any.
        size, stride: of a convolution.
        inner, shortcut: of a residual block.
        vocabularies: of embeddings.
        scales_inputs: of a batch ensemble.
    """

    kind: str
    units: int = 0
    size: int = 3
    stride: int = 1
    inner: tuple[Part, ...] = ()
    shortcut: tuple[Part, ...] = ()
    vocabularies: tuple[int, ...] = ()
    scales_inputs: bool = True


@dataclass(frozen=True)
class Stack:
    """Layers one after the other.

    Attributes:
        name: of the row.
        shape: of an example: (height, width, channels), (steps, features), or (features,), numbers
            in front of categories.
        parts: the layers.
        batch: examples a step.
        about: what the row's name says besides.
    """

    name: str
    shape: tuple[int, ...]
    parts: tuple[Part, ...]
    batch: int = 64
    about: str = ""

    @property
    def is_images(self) -> bool:
        return len(self.shape) == 3

    @property
    def is_sequences(self) -> bool:
        return len(self.shape) == 2

    @property
    def vocabularies(self) -> tuple[int, ...]:
        return self.parts[0].vocabularies if self.parts else ()

    def walk(self) -> Iterator[tuple[Part, tuple[int, ...]]]:
        """Each layer with the shape of its input."""
        return walk(self.parts, self.shape)

    @property
    def parameters(self) -> int:
        """Values that are trained."""
        return sum(_parameters(part, shape) for part, shape in self.walk())

    def batches(self) -> list[tuple[Any, Any]]:
        """Inputs (float32) and class numbers (int32), the same arrays each time. Categories are
        whole numbers behind the numbers."""
        return _batches(self.batch, self.shape, self.vocabularies)

    def parted(self) -> list[tuple[Any, Any]]:
        """The batches; where there are categories, inputs are numbers and, by themselves, whole
        numbers (int32)."""
        many = len(self.vocabularies)
        if not many:
            return self.batches()
        return [((np.ascontiguousarray(x[:, :-many]), x[:, -many:].astype(np.int32)), y)
                for x, y in self.batches()]

    def training_needs(self) -> Needs:
        """The multiplications of a training step: those of the output, of the gradient of the
        kernel and of the gradient of the input, which the network's own inputs do without.

        Convolutions are direct ones, without the products with the zeros of the padding. The first
        step of a recurrent layer has no state to multiply. No memory traffic is counted: how much
        of it must be depends on what a cache can hold between two layers.
        """
        macs, plain = 0, self.shape[-1]
        for part, shape in self.walk():
            macs += _macs(part, shape, plain)
            plain = shape[-1] - len(part.vocabularies) if part.vocabularies else 0
        return Needs(flops=2.0 * self.batch * macs, bytes=0.0, working_set=0.0)


def walk(
    parts: Sequence[Part], shape: tuple[int, ...]
) -> Iterator[tuple[Part, tuple[int, ...]]]:
    """Each of the layers with the shape of its input."""
    for part in parts:
        yield part, shape
        shape = _output(part, shape)


@cache
def _batches(
    batch: int, shape: tuple[int, ...], vocabularies: tuple[int, ...]
) -> list[tuple[Any, Any]]:
    random = np.random.default_rng(0)
    found = []
    for _ in range(BATCHES):
        x = random.standard_normal((batch, *shape), dtype=np.float32)
        if vocabularies:
            x[:, -len(vocabularies):] = random.integers(0, vocabularies, (batch, len(vocabularies)))
        found.append((x, random.integers(0, CLASSES, batch, dtype=np.int32)))
    return found


def _output(part: Part, shape: tuple[int, ...]) -> tuple[int, ...]:
    match part.kind:
        case "conv":
            return (*(-(-n // part.stride) for n in shape[:2]), part.units)
        case "max_pool":
            return (shape[0] // 2, shape[1] // 2, shape[2])
        case "global_average_pool" | "member_mean":
            return shape[-1:]
        case "flatten":
            return (prod(shape),)
        case "residual":
            for inner, before in walk(part.inner, shape):
                shape = _output(inner, before)
            return shape
        case "embeddings":
            many = len(part.vocabularies)
            return (shape[0] - many + many * part.units,)
        case "members":
            return (part.units, *shape)
        case "batch_ensemble" | "member_dense":
            return (shape[0], part.units)
        case "bi_lstm":
            return (2 * part.units,)
    return (part.units,) if part.units else shape


def _parameters(part: Part, shape: tuple[int, ...]) -> int:
    inputs, units = shape[-1], part.units
    match part.kind:
        case "conv":
            return part.size**2 * inputs * units
        case "batch_norm":
            return 2 * inputs
        case "dense":
            return (inputs + 1) * units
        case "rnn" | "lstm" | "gru":
            kernels = GATES[part.kind] * units * (inputs + units)
            return kernels + BIASES[part.kind] * units
        case "bi_lstm":
            return sum(2 * _parameters(Part("lstm", units), (1, n)) for n in _fed(part, inputs))
        case "residual":
            ways = (part.inner, part.shortcut)
            return sum(_parameters(*each) for way in ways for each in walk(way, shape))
        case "embeddings":
            return sum(part.vocabularies) * units
        case "members":
            return units * inputs
        case "batch_ensemble":
            own = 2 * units + (inputs if part.scales_inputs else 0)
            return inputs * units + shape[0] * own
        case "member_dense":
            return shape[0] * (inputs + 1) * units
    return 0


def _fed(part: Part, inputs: int) -> list[int]:
    """Inputs of each of the layers of a `bi_lstm`."""
    return [inputs] + [2 * part.units] * (DEEP - 1)


def _taps(n: int, size: int, stride: int) -> int:
    """How many places under a kernel's row are inside a row of n pixels, padded by size // 2 on
    both sides."""
    starts = range(-(size // 2), n - size // 2, stride)
    return sum(0 <= start + k < n for start in starts for k in range(size))


def _macs(part: Part, shape: tuple[int, ...], plain: int) -> int:
    """Multiplications with an addition each, for one example.

    `plain`: how many of the input's columns need no gradient.
    """
    inputs, units = shape[-1], part.units
    products = 3 * inputs - plain
    match part.kind:
        case "conv":
            return prod(_taps(n, part.size, part.stride) for n in shape[:2]) * products * units
        case "dense":
            return products * units
        case "batch_ensemble" | "member_dense":
            return shape[0] * products * units
        case "rnn" | "lstm" | "gru":
            columns = GATES[part.kind] * units
            return columns * (shape[0] * products + 3 * (shape[0] - 1) * units)
        case "bi_lstm":
            one, known = Part("lstm", units), [plain] + [0] * (DEEP - 1)
            return sum(2 * _macs(one, (shape[0], n), skipped)
                       for n, skipped in zip(_fed(part, inputs), known, strict=True))
        case "residual":
            ways = (part.inner, part.shortcut)
            return sum(_macs(*each, 0) for way in ways for each in walk(way, shape))
    return 0
