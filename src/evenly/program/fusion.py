"""Which layers one instruction computes together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..layers.activations import ReLU
from ..layers.base import ArraySpec, Layer, Shape
from ..layers.containers import Container
from ..layers.dropout import Dropout
from .graph import Step

# From so many numbers of an output on, and so many a row, a mask of bits pays.
_LARGE, _WIDE = 2**21, 256


@dataclass
class Node:
    """A layer and what is fused behind it.

    Attributes:
        name, layer: the one whose kernel runs.
        inputs: the numbers of the values that it reads.
        output: the number of the value that it makes, behind all that is fused.
        before, after: the shape of one example in front of it and behind all of it.
        activation, dropout: fused behind the layer (or the layer itself), with names.
        members: the names of all layers in it.
        cancelled: arrays without effect, since a normalization behind subtracts them again.
    """

    name: str
    layer: Layer
    inputs: tuple[int, ...]
    output: int
    before: Shape
    after: Shape
    activation: Layer | None = None
    dropout: tuple[str, Dropout] | None = None
    members: list[str] = field(default_factory=list)
    cancelled: tuple[str, ...] = ()

    @cached_property
    def layer_arrays(self) -> dict[str, ArraySpec]:
        """The arrays of the layer whose kernel runs; branches that are joined have their own."""
        return {} if isinstance(self.layer, Container) else self.layer.arrays(self.before)

    @property
    def has_epilogue(self) -> bool:
        return self.activation is not None or self.dropout is not None

    def workspace(self, rows: int, matrix_rows: int) -> dict[str, Shape]:
        """The layer's, for a batch of so many examples, and the bits of a mask, where forward
        leaves one (32 to a number): so backward reads neither the output nor random numbers."""
        own = dict(self.layer.workspace(self.before, matrix_rows))
        numbers = rows * math.prod(self.after)
        return own | ({"bits": (-(-numbers // 32),)} if self._leaves_mask(numbers) else {})

    def not_read_again(self, rows: int) -> tuple[str, ...]:
        """Slots that backward does without: the layer's, and what a mask stands for."""
        own = self.layer.not_read_again(self.before)
        if not self._leaves_mask(rows * math.prod(self.after)):
            return own
        return (*own, "y", "x") if self.layer.kernel == "elementwise" else (*own, "y")

    def _leaves_mask(self, numbers: int) -> bool:
        draws = self.dropout is not None and self.dropout[1].rate > 0
        drops = draws and self.activation is None
        if self.layer.kernel == "elementwise" or not numbers:
            return drops and numbers > 0
        if not drops and not isinstance(self.activation, ReLU):
            return False
        # A row begins at a whole byte. Bits are unpacked 32 at a time: short rows are slow. What
        # stays in the cache is read again sooner than unpacked.
        columns = self.before[-1]
        whole = self.layer.kernel == "batch_norm" and columns % 8 == 0 and columns >= _WIDE
        return whole and numbers >= _LARGE


def fuse(
    steps: Sequence[Step], output: int, training: bool = True
) -> tuple[list[Node], int]:
    """Groups layers into nodes; returns them and the number of the network's output value.

    An activation joins the layer in front of it where that layer's kernel takes one, nobody else
    reads its output, and the activation's slope can be told from its output (the kernel keeps no
    other; without training any joins); dropout joins likewise, also behind an activation that
    stands alone. Layers that only reshape vanish: their output is the value that they read.
    """
    nodes: list[Node] = []
    made_by: dict[int, Node] = {}
    same: dict[int, int] = {0: 0}  # a value, and the one whose numbers it holds
    readers = Counter(value for step in steps for value in step.inputs)
    tails: dict[int, int] = {}  # the last value of each node that may still be joined

    for step in steps:
        first = step.inputs[0]
        last = made_by.get(same[first])
        alone = readers[first] == 1
        open_end = last is not None and alone and tails.get(id(last)) == first
        if step.layer.reshapes:
            same[step.output] = same[first]
            if last is not None and open_end:
                last.after = step.after
                last.members.append(step.name)
                tails[id(last)] = step.output
            continue
        elementwise = step.layer.kernel == "elementwise"
        if elementwise and last is not None and open_end and _joins(step.layer, last, training):
            _join(step.name, step.layer, last)
            last.members.append(step.name)
            same[step.output] = last.output
            tails[id(last)] = step.output
            continue
        node = Node(step.name, step.layer, tuple(same[v] for v in step.inputs), step.output,
                    step.before, step.after, members=[step.name])
        if elementwise:
            _join(step.name, step.layer, node)
        if last is not None and open_end and step.layer.subtracts_mean and _each_column_alike(
            last, step
        ):
            last.cancelled = last.layer.cancelled_by_centering
        nodes.append(node)
        made_by[step.output] = node
        same[step.output] = step.output
        tails[id(node)] = step.output
    return nodes, same[output]


def _each_column_alike(node: Node, normalization: Step) -> bool:
    """Whether what a node adds to one of its channels stays together in one channel of the
    normalization behind it: a reshape in between may deal it out."""
    channels = node.layer.output_shape(node.before)[-1]
    return not node.has_epilogue and normalization.before[-1] % channels == 0


def _joins(layer: Layer, node: Node, training: bool) -> bool:
    if node.dropout is not None:
        return False
    if not (node.layer.takes_epilogue or node.layer.kernel == "elementwise"):
        return False
    told = layer.output_tells or not training
    return isinstance(layer, Dropout) or (node.activation is None and told)


def _join(name: str, layer: Layer, node: Node) -> None:
    if isinstance(layer, Dropout):
        node.dropout = (name, layer)
    else:
        node.activation = layer
