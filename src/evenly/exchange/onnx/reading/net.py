"""Layers that read each other's outputs, as containers of layers."""

from __future__ import annotations

from typing import Any

from .... import layers as ours
from ....layers.base import Layer
from ....layers.containers import with_name
from ....layers.recurrent import Recurrent
from ....saving.values import NotReadable
from .axes import Made
from .file import layer_in

# As files of evenly: compile's time grows with the square of the layers, and twofold with depth.
_MOST_LAYERS, _MOST_NESTED = 4096, 8


def assemble(end: Made, start: Made, named: bool) -> tuple[list[Layer], list[dict[str, Any]]]:
    """The layers from the input to an output, and the arrays of each that is no container; `named`
    says whether nodes bear their layers' names.

    Raises:
        NotReadable: the graph is none of containers within containers.
    """
    before = _cuts(end, start)
    placed: set[int] = set()
    names: set[str] = set()

    def its_own(layer: Layer, made: Made) -> Layer:
        """The layer under its name."""
        name = layer_in(made.where)
        if isinstance(layer, Recurrent) and layer.bidirectional:
            name = name.removesuffix("_1")  # the layer itself puts it behind its name
        if not named or layer.reshapes or name in names:
            return layer
        names.add(name)
        return with_name(layer, name)

    def walk(last: Made, first: Made, depth: int) -> tuple[list[Layer], list[dict[str, Any]]]:
        if depth > _MOST_NESTED:
            raise NotReadable(f"its branches nest more than {_MOST_NESTED} deep")
        found: list[tuple[Layer, list[dict[str, Any]]]] = []
        made = last
        while made is not first:
            if made is start or id(made) in placed or id(made.arrays) in placed:
                raise NotReadable(
                    f"{made.where or 'its input'}: is read by several, and they are joined such "
                    "that no Branches or Residual within each other says it"
                )
            placed.add(id(made))
            if made.arrays:
                placed.add(id(made.arrays))
            if made.join:
                stem = before[made]
                parts = [walk(part, stem, depth + 1) for part in made.inputs]
                layer = _container(made, [layers for layers, _ in parts])
                found.append((its_own(layer, made), [own for _, arrays in parts for own in arrays]))
                made = stem
            else:
                assert made.layer is not None
                found.append((its_own(made.layer, made), [made.arrays]))
                made = made.inputs[0]
        found.reverse()
        return [layer for layer, _ in found], [own for _, arrays in found for own in arrays]

    return walk(end, start, 1)


def _container(made: Made, parts: list[list[Layer]]) -> Layer:
    if made.join == "sum" and len(parts) == 2 and not layer_in(made.where).startswith("branches"):
        return ours.Residual(*(parts if parts[0] else reversed(parts)))
    return ours.Branches(parts, made.join)


def _cuts(end: Made, start: Made) -> dict[Made, Made]:
    """For each layer the nearest one before it that all ways to it pass."""
    every, left = {end}, [end]
    while left:
        for other in left.pop().inputs:
            if other not in every:
                every.add(other)
                left.append(other)
    if len(every) > _MOST_LAYERS:
        raise NotReadable(f"a network of more than {_MOST_LAYERS} layers")
    before = {start: start}
    for made in sorted(every - {start}, key=lambda made: made.number):
        ways = list(made.inputs)
        while len(set(ways)) > 1:
            # The latest of them cannot be it: on to what stands before it.
            i = max(range(len(ways)), key=lambda i: ways[i].number)
            ways[i] = before[ways[i]]
        before[made] = ways[0]
    return before
