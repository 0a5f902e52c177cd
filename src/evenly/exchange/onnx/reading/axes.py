"""Where each axis of the graph's arrays stands on our side.

Both sides are made of the same atoms, pieces of axes: an array of the graph has them in one order
and grouping, ours in another, channels last. Reshaping and transposing the graph's array moves its
atoms alone. Ours never moves; it is cut and joined (Reshape, Flatten) where a layer needs it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .... import layers as ours
from ....layers.base import Layer, Shape
from ....saving.values import NotReadable

# Stands for the number of examples among the graph's sizes. It is prime: a size that is a multiple
# of it is as many times the batch.
BATCH = 2**31 - 1


class Atom:
    """A piece of an axis, of more than one position."""

    def __init__(self, size: int) -> None:
        self.size = size


THE_BATCH = Atom(BATCH)
Group = tuple[Atom, ...]
_count = itertools.count()


@dataclass(eq=False)
class Made:
    """A layer of the network to be, or its input.

    Attributes:
        layer: None for the input.
        inputs: whose outputs it reads; several for a container's join.
        arrays: its arrays, by what follows the layer's own name.
        shape: of one example behind it.
        where: the node that it was made from.
        join: of a container: how it joins.
    """

    layer: Layer | None
    inputs: tuple[Made, ...]
    arrays: dict[str, Any]
    shape: Shape
    where: str = ""
    join: str = ""
    number: int = field(default_factory=lambda: next(_count))


@dataclass(frozen=True, eq=False)
class Value:
    """An activation: behind which layer, and its axes on both sides.

    Attributes:
        made: the layer.
        ours: groups of atoms, one an axis, without the batch.
        theirs: the same of the graph's array, with the batch.
        whole: whether it holds whole numbers, in the graph.
        padding: zeros around the graph's axes that the next convolution takes over.
    """

    made: Made
    ours: tuple[Group, ...]
    theirs: tuple[Group, ...]
    whole: bool = False
    padding: tuple[tuple[int, int], ...] = ()

    @property
    def dims(self) -> tuple[int, ...]:
        return tuple(map(size, self.theirs))


def size(group: Iterable[Atom]) -> int:
    return math.prod(atom.size for atom in group)


def flat(groups: Iterable[Group]) -> Group:
    return tuple(atom for group in groups for atom in group)


def atoms(*sizes: int) -> list[Group]:
    """New axes."""
    return [(Atom(n),) if n > 1 else () for n in sizes]


def layer_behind(value: Value, layer: Layer, arrays: dict[str, Any], where: str,
                 **axes: Any) -> Value:
    """The output of a layer that reads a value; with other axes where it changes them."""
    before = value.made
    layer.check(before.shape, layer.type_name)
    made = Made(layer, (before,), arrays, layer.output_shape(before.shape), where)
    return replace(value, made=made, whole=False, **axes)


def grouped(value: Value, groups: Sequence[Group], where: str) -> Value:
    """The same with our axes cut and joined otherwise; a layer does so where their sizes change."""
    shape = tuple(map(size, groups))
    if value.made.layer is not None and value.made.layer.reshapes:
        value = replace(value, made=value.made.inputs[0])
    if shape == value.made.shape:
        return replace(value, ours=tuple(groups))
    layer = ours.Flatten() if len(shape) == 1 else ours.Reshape(shape)
    return layer_behind(value, layer, {}, where, ours=tuple(groups))


def with_last(value: Value, last: Group, where: str) -> tuple[Value, Any]:
    """A value whose last axis is made of these atoms, and where our positions on it stand in the
    graph's order: None where both count alike."""
    every = flat(value.ours)
    cut = len(every) - len(last)
    if set(every[cut:]) != set(last):
        raise NotReadable(
            f"{where}: works on an axis that is not the last one with us (channels stand last "
            "there): a transposition in front of it has no counterpart"
        )
    tail = every[cut:]
    if value.ours and set(value.ours[-1]) == set(last):
        groups = value.ours
    else:
        left, kept = list(every[:cut]), []
        for group in value.ours:
            own = tuple(atom for atom in group if atom in left)
            if own or not group:
                kept.append(own)
        if not last:
            while kept and not kept[-1]:
                kept.pop()
        groups = (*kept, tail)
    return grouped(value, groups, where), order_of(last, tail)


def order_of(theirs: Group, own: Group) -> Any:
    """Which of the graph's positions is each of ours, on an axis of several atoms."""
    if theirs == own:
        return None
    numbers = np.arange(size(theirs)).reshape([atom.size for atom in theirs])
    return numbers.transpose([theirs.index(atom) for atom in own]).reshape(-1)


def cut_atom(value: Value, atom: Atom, first: int) -> tuple[Value, Group]:
    """The value with an atom in two, the first of the given size."""
    parts = (Atom(first), Atom(atom.size // first))

    def changed(groups: tuple[Group, ...]) -> tuple[Group, ...]:
        return tuple(
            tuple(part for own in group for part in (parts if own is atom else (own,)))
            for group in groups
        )

    return replace(value, ours=changed(value.ours), theirs=changed(value.theirs)), parts


def reshaped(value: Value, sizes: Sequence[int], batch: int | None, where: str) -> Value:
    """The graph's Reshape. `sizes` may hold multiples of the batch, and -1; `batch` is the number
    of examples, where the graph fixes it."""
    target = list(sizes)
    total = math.prod(value.dims)
    if batch is not None and target and target[0] == batch and not any(n % BATCH == 0 and n
                                                                      for n in target):
        target[0] = BATCH
    if target.count(-1) == 1:
        known = -math.prod(target)
        target[target.index(-1)] = total // known if known > 0 and total % known == 0 else 0
    if min(target, default=1) < 1 or math.prod(target) != total:
        raise NotReadable(f"{where}: cannot make shape {told(sizes)} of {told(value.dims)}")
    left, theirs = list(flat(value.theirs)), []
    for wanted in target:
        group: list[Atom] = []
        while (lacks := wanted // size(group)) > 1:
            atom = left.pop(0)
            if lacks % atom.size:
                if atom.size % lacks or atom is THE_BATCH:
                    raise NotReadable(f"{where}: cuts {told(value.dims)} to {told(target)}, "
                                      "across its axes")
                value, (atom, rest) = cut_atom(value, atom, lacks)
                left.insert(0, rest)
            group.append(atom)
        theirs.append(tuple(group))
    return replace(value, theirs=tuple(theirs))


def told(sizes: Iterable[int]) -> str:
    """Sizes in words."""
    names = (("batch" if n == BATCH else f"{n // BATCH} batch") if n and n % BATCH == 0 else str(n)
             for n in sizes)
    return f"({', '.join(names)})"


def alike(values: Sequence[Value], apart: int | None, where: str) -> list[Value]:
    """Values to be joined: their axes are the same on both sides, but for one axis of the graph,
    which is our last one then."""
    dims = [tuple(n for i, n in enumerate(v.dims) if i != apart) for v in values]
    if len(set(dims)) > 1:
        raise NotReadable(f"{where}: joins {', '.join(told(v.dims) for v in values)}: only equal "
                          "shapes can be, there is no broadcasting between two activations")
    # Atoms that other values have in pieces are cut the same way.
    for axis in range(len(values[0].theirs)):
        if axis == apart:
            continue
        cuts = set()
        for value in values:
            sizes = [atom.size for atom in value.theirs[axis]]
            cuts |= set(itertools.accumulate(sizes, int.__mul__))
        steps = sorted(cuts)
        values = [_cut(value, axis, steps, where) for value in values]
    places = [_places(value, apart) for value in values]
    if any(place != places[0] for place in places):
        raise NotReadable(f"{where}: joins arrays whose axes stand in other orders with us: "
                          "flatten them the same way, or end each with a linear layer")
    if apart is not None:
        values = [_checked_last(value, apart, where) for value in values]
    front = values[0].ours if apart is None else values[0].ours[:-1]
    same = []
    for value in values:
        every = iter(flat(value.ours if apart is None else value.ours[:-1]))
        groups = [tuple(itertools.islice(every, len(group))) for group in front]
        same.append(grouped(value, groups if apart is None else [*groups, value.ours[-1]], where))
    return same


def _checked_last(value: Value, apart: int, where: str) -> Value:
    last, order = with_last(value, value.theirs[apart], where)
    if order is not None:
        raise NotReadable(f"{where}: puts flattened positions side by side that stand in another "
                          "order with us: put a linear layer behind each Flatten")
    return last


def _cut(value: Value, axis: int, steps: list[int], where: str) -> Value:
    """The value with an axis of the graph cut to pieces whose products are these."""
    sizes = [b // a for a, b in itertools.pairwise([1, *steps])]
    target = [size(group) for group in value.theirs]
    cut = reshaped(value, [*target[:axis], *sizes, *target[axis + 1 :]], None, where)
    joined = flat(cut.theirs[axis : axis + len(sizes)])
    return replace(cut, theirs=(*cut.theirs[:axis], joined, *cut.theirs[axis + len(sizes) :]))


def _places(value: Value, apart: int | None) -> list[int]:
    """Our atoms by their places in the graph's array, but for those of one axis."""
    left = value.theirs[apart] if apart is not None else ()
    theirs = [atom for atom in flat(value.theirs) if atom not in left]
    return [theirs.index(atom) for atom in flat(value.ours) if atom not in left]
