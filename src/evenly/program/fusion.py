"""Which layers one instruction computes together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..layers.base import Layer, Shape
from ..layers.dropout import Dropout


@dataclass
class Node:
    """A layer and what is fused behind it.

    Attributes:
        name, layer: the one whose kernel runs.
        before, after: the shape of one example in front of it and behind all of it.
        activation, dropout: fused behind the layer (or the layer itself), with names.
        members: the names of all layers in it.
        cancelled: arrays without effect, since a normalization behind subtracts them again.
    """

    name: str
    layer: Layer
    before: Shape
    after: Shape
    activation: Layer | None = None
    dropout: tuple[str, Dropout] | None = None
    members: list[str] = field(default_factory=list)
    cancelled: tuple[str, ...] = ()

    @property
    def has_epilogue(self) -> bool:
        return self.activation is not None or self.dropout is not None


def fuse(named: Sequence[tuple[str, Layer]], shapes: Sequence[Shape]) -> list[Node]:
    """Groups layers into nodes.

    An activation joins the layer in front of it where that layer's kernel takes one; dropout joins
    likewise, also behind an activation that stands alone. Layers that only reshape vanish into
    the node in front of them.
    """
    nodes: list[Node] = []
    for (name, layer), before, after in zip(named, shapes, shapes[1:], strict=False):
        last = nodes[-1] if nodes else None
        if layer.reshapes:
            if last is not None:
                last.after = after
                last.members.append(name)
            continue
        elementwise = layer.kernel == "elementwise"
        if elementwise and last is not None and _joins(layer, last):
            _join(name, layer, last)
            last.members.append(name)
            continue
        node = Node(name, layer, before, after, members=[name])
        if elementwise:
            _join(name, layer, node)
        if last is not None and not last.has_epilogue and layer.training_rows > 1:
            last.cancelled = last.layer.cancelled_by_centering
        nodes.append(node)
    return nodes


def _joins(layer: Layer, node: Node) -> bool:
    if node.dropout is not None:
        return False
    if not (node.layer.takes_epilogue or node.layer.kernel == "elementwise"):
        return False
    return isinstance(layer, Dropout) or node.activation is None


def _join(name: str, layer: Layer, node: Node) -> None:
    if isinstance(layer, Dropout):
        node.dropout = (name, layer)
    else:
        node.activation = layer
