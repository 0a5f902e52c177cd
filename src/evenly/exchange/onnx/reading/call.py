"""One operator on what the graph gave it, and how expressions become layers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import numpy as np

from .... import layers as ours
from ....errors import EvenlyError
from ....layers.base import Layer
from ....saving.values import NotReadable
from .axes import (
    BATCH,
    THE_BATCH,
    Group,
    Made,
    Value,
    alike,
    atoms,
    flat,
    grouped,
    layer_behind,
    order_of,
    size,
    with_last,
)
from .curves import NAMED, Expression, bases, curve_of, cuts, norm_of
from .file import Node, layer_in


def short(number: float) -> float:
    """The number that a float32 was written as."""
    return float(f"{number:.7g}")


@dataclass(frozen=True)
class Lengths:
    """The input that says how many steps of each sequence count."""


@dataclass(frozen=True)
class Picked:
    """One position of a value's axis, which goes (or stays, with one position)."""

    value: Value
    axis: int
    index: int
    keeps: bool


@dataclass
class Situation:
    """What operators know beside their inputs.

    Attributes:
        uses: how often each name is read.
        batch: the number of examples, where the graph fixes it.
        version: of the operators.
        left: bytes that constants may still take.
        lengths: whether a recurrent layer reads lengths.
    """

    uses: Counter[str]
    batch: int | None
    version: int
    left: int
    lengths: bool = field(default=False)


@dataclass
class Call:
    """An operator's application."""

    node: Node
    args: list[Any]
    at: Situation

    def refuse(self, why: str) -> NoReturn:
        raise NotReadable(f"{self.node.where}: {why}")

    @property
    def settings(self) -> dict[str, Any]:
        return self.node.settings

    def value(self, place: int = 0) -> Value:
        """An input that is an activation."""
        value = settled(self.args[place], self.node)
        if value.padding and self.node.op != "Conv":
            self.refuse("the padding in front of it can only be read with a convolution behind it")
        return value

    def numbers(self, place: int = 0) -> Value:
        """The same, which does not hold whole numbers."""
        value = self.value(place)
        if value.whole:
            self.refuse("computes with whole numbers, which only an Embedding (Gather of a table) "
                        "reads here")
        return value

    def constant(self, place: int, rank: int | None = None) -> Any:
        """An input that is a constant; None where it is left out."""
        array = self.args[place]
        if array is None:
            return None
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            self.refuse(f"its input {place + 1} is no constant: weights must lie in the file")
        if rank is not None and array.ndim != rank:
            self.refuse(f"its input {place + 1} has shape {array.shape}, not {rank} axes")
        return array

    def channels(self, value: Value) -> Group:
        """The graph's channels, on its axis 1; the batch must be on axis 0."""
        if len(value.theirs) < 2 or size(value.theirs[0]) != BATCH:
            self.refuse("needs (batch, channels, ...)")
        return value.theirs[1]

    def per_channel(self, array: Any, channels: Group, order: Any, what: str) -> Any:
        """A vector, a number a channel, in our order."""
        if array.shape != (size(channels),):
            self.refuse(f"its {what} has shape {array.shape}, and there are {size(channels)} "
                        "channels")
        return array if order is None else array[order]

    def behind(self, value: Value, layer: Layer, arrays: dict[str, Any], **axes: Any) -> Value:
        return layer_behind(value, layer, arrays, self.node.where, **axes)


def settled(what: Any, reader: Node) -> Value:
    """An activation as the output of a layer."""
    if isinstance(what, Expression):
        if what.value is None:
            try:
                what.value = _as_layers(what)
            except EvenlyError as error:
                raise NotReadable(f"{what.node.where}: {error}") from None
        return what.value
    if isinstance(what, Picked):
        return _picked(what, reader)
    if not isinstance(what, Value):
        raise NotReadable(f"{reader.where}: reads a constant where an activation must come")
    return what


def _picked(one: Picked, reader: Node) -> Value:
    """The last step of a recurrent layer is what it gives without the others."""
    value, made = one.value, one.value.made
    layer = made.layer
    steps = value.theirs[one.axis]
    if isinstance(layer, ours.RNN | ours.LSTM | ours.GRU) and layer.sequences:
        last = 0 if layer.reverse else size(steps) - 1
        if value.ours[:1] == (steps,) and one.index == last and not layer.bidirectional:
            alone = Made(replace(layer, sequences=False), made.inputs, made.arrays,
                         (layer.units,), made.where)
            theirs = list(value.theirs)
            theirs[one.axis : one.axis + 1] = [()] if one.keeps else []
            return Value(alone, value.ours[1:], tuple(theirs))
    raise NotReadable(
        f"{reader.where}: takes position {one.index} of {size(steps)} out of an axis, which no "
        "layer does, but for the last step of a recurrent layer in one direction"
    )


def _as_layers(expr: Expression) -> Value:
    node = expr.node
    # An operator that is a layer is one, whatever it reads.
    for cut in expr.parts if node.op in NAMED else cuts(expr):
        if node.op == "ReduceMean" and expr.parts == (cut,):
            return pooled(settled(cut, node), expr.theirs, ours.GlobalAveragePool(), node)
        if norm := norm_of(expr, cut):
            return _norm(settled(cut, node), *norm, node)
        if any(isinstance(part, Expression) and part.node.op == "ReduceMean" for part in
               (expr, *expr.parts)):
            continue
        curve = curve_of(expr, cut)
        if isinstance(curve, tuple):
            value = settled(cut, node)
            return value if curve == (1, 0) else _straight(_whole_never(value, node), *curve, node)
        if curve is not None:
            return layer_behind(_whole_never(settled(cut, node), node), curve, {}, node.where)
    values = [settled(part, node) for part in expr.parts if not isinstance(part, float)]
    if node.op in ("Add", "Sum") and len(values) == len(expr.parts):
        return joined(values, "sum", None, node)
    read = len({id(base) for base in bases(expr)})
    raise NotReadable(
        f"{node.where}: "
        + ("combines two activations, which only sums and concatenations do here" if read > 1 else
           "is, with the operators in front of it, no activation or normalization that is known")
    )


def _whole_never(value: Value, node: Node) -> Value:
    if value.whole:
        raise NotReadable(f"{node.where}: computes with whole numbers, which only an Embedding "
                          "(Gather of a table) reads here")
    if value.padding:
        raise NotReadable(f"{node.where}: the padding in front of it can only be read with a "
                          "convolution behind it")
    return value


def _straight(value: Value, factor: float, shift: float, node: Node) -> Value:
    """The same factor and shift for all."""
    if not value.ours:
        value = grouped(value, [()], node.where)
    width = value.made.shape[-1]
    return affine(value, np.full(width, factor), np.full(width, shift), node.where)


def affine(value: Value, factor: Any, shift: Any, where: str) -> Value:
    """``factor x + shift``, each a vector of our channels."""
    if not np.any(shift):
        return layer_behind(value, ours.Scale(), {".factor": factor}, where)
    layer = ours.BatchNorm(epsilon=0.0, frozen=True)
    arrays = {".gamma": factor, ".beta": shift, ".running_mean": np.zeros_like(shift),
              ".running_variance": np.ones_like(shift)}
    return layer_behind(value, layer, arrays, where)


def pooled(value: Value, theirs: tuple[Group, ...], layer: Layer, node: Node) -> Value:
    """One number a channel, of all positions."""
    left = tuple(atom for atom in flat(theirs) if atom is not THE_BATCH)
    if THE_BATCH not in flat(theirs):
        raise NotReadable(f"{node.where}: takes a mean or maximum over the examples")
    value, _ = with_last(value, left, node.where)
    if len(value.ours) < 2:
        value = grouped(value, [(), *value.ours], node.where)
    return layer_behind(value, layer, {}, node.where, ours=(value.ours[-1],), theirs=theirs)


def _norm(value: Value, kind: str, epsilon: float, over: set[Any], node: Node) -> Value:
    """Normalization over atoms: our last axes, or all positions of each channel."""
    every = flat(value.ours)
    if set(every[len(every) - len(over) :]) == over:
        value, axes = last_axes(value, over, node)
        layer: Layer = (ours.LayerNorm(axes, epsilon, False, False) if kind == "layer" else
                        ours.RMSNorm(axes, epsilon, False))
    elif kind == "layer" and len(value.ours) > 1 and over >= set(flat(value.ours[:-1])):
        # Positions, and what the graph cut the channels to behind the groups.
        kept = [atom for atom in value.ours[-1] if atom not in over]
        if tuple(kept) != value.ours[-1][: len(kept)]:
            raise NotReadable(f"{node.where}: its groups of channels do not stand side by side")
        whole = len(kept) == len(value.ours[-1])
        layer = (ours.InstanceNorm(epsilon, False, False) if whole else
                 ours.GroupNorm(size(kept), epsilon, False, False))
    else:
        raise NotReadable(f"{node.where}: normalizes over axes that no layer does here")
    return layer_behind(value, layer, {}, node.where)


def last_axes(value: Value, over: set[Any], node: Node) -> tuple[Value, int]:
    """The value with some atoms as whole last axes of ours, and how many these are."""
    groups, axes, left = list(value.ours), 0, set(over)
    while left and axes < len(groups) and set(groups[-1 - axes]) <= left:
        left -= set(groups[-1 - axes])
        axes += 1
    if left or not axes:
        last = tuple(atom for atom in flat(value.theirs) if atom in over)
        value, _ = with_last(value, last, node.where)
        return value, 1
    return value, axes


def in_our_order(value: Value, theirs: Group, axes: int, array: Any) -> Any:
    """An array over some atoms, in the graph's order, as our last axes have it."""
    own = flat(value.ours[len(value.ours) - axes :])
    order = order_of(theirs, own)
    numbers = array.reshape(-1)
    shape = tuple(map(size, value.ours[len(value.ours) - axes :]))
    return (numbers if order is None else numbers[order]).reshape(shape)


def joined(values: list[Value], join: str, apart: int | None, node: Node) -> Value:
    """Branches that read the same, as one value; `apart` is the axis that is concatenated."""
    same = alike([_whole_never(value, node) for value in values], apart, node.where)
    first = same[0]
    shape = first.made.shape
    last: Group = ()
    if apart is not None:
        shape = (*shape[:-1], sum(value.made.shape[-1] for value in same))
        (last,) = atoms(shape[-1])
    # Evenly writes a sum of several as sums of two.
    ways = [inner for value in same for inner in (
        value.made.inputs if join == value.made.join == "sum"
        and layer_in(value.made.where) == layer_in(node.where) else (value.made,))]
    made = Made(None, tuple(ways), {}, shape, node.where, join)
    if apart is None:
        return replace(first, made=made)
    theirs = (*first.theirs[:apart], last, *first.theirs[apart + 1 :])
    return replace(first, made=made, ours=(*first.ours[:-1], last), theirs=theirs)
