"""Networks changed: a network in, another out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..layers.base import Layer
from ..layers.containers import Container, Sequential, leaves, with_name

# Changes the layers of one sequence, all of them named.
Change = Callable[[list[Layer]], list[Layer]]


def rewritten(net: Layer, change: Change) -> Sequential:
    """A network whose every sequence was changed, those within others first.

    Layers that the user did not name are named by type and count again; a change sees the names
    that the network gives them.
    """
    whole = net if isinstance(net, Sequential) else Sequential([net])
    own = {layer.name for layer in _named(whole)}
    return _unnamed(_changed(whole.named, change), own)


def _changed(sequence: Sequential, change: Change) -> Sequential:
    return Sequential(change([_inside(layer, change) for layer in sequence.layers]), sequence.name)


def _inside(layer: Layer, change: Change) -> Layer:
    if isinstance(layer, Sequential):
        return _changed(layer, change)
    if isinstance(layer, Container):
        return layer.with_parts([_inside(part, change) for part in layer.parts])
    return layer


def _named(layer: Layer) -> list[Layer]:
    """Every layer that the user named."""
    found = [layer] if layer.name is not None and not isinstance(layer, Sequential) else []
    if isinstance(layer, Container):
        for part in layer.parts:
            found += _named(part)
    return found


def _unnamed(sequence: Sequential, own: set[str | None]) -> Sequential:
    def strip(layer: Layer) -> Layer:
        if isinstance(layer, Container):
            layer = layer.with_parts([strip(part) for part in layer.parts])
        if isinstance(layer, Sequential) or layer.name is None or layer.name in own:
            return layer
        return with_name(layer, None)  # type: ignore[arg-type]

    stripped = strip(sequence)
    assert isinstance(stripped, Sequential)
    return stripped


def replaced(net: Layer, one: Callable[[Layer], Layer | Sequence[Layer]]) -> Sequential:
    """A network in which each layer that is no container gave way to what `one` makes of it."""

    def change(layers: list[Layer]) -> list[Layer]:
        found: list[Layer] = []
        for layer in layers:
            new = layer if isinstance(layer, Container) else one(layer)
            found += [new] if isinstance(new, Layer) else list(new)
        return found

    return rewritten(net, change)


def last_of(net: Layer, *kinds: type[Layer]) -> str | None:
    """The name of the last layer of these kinds, as the network names it."""
    whole = net if isinstance(net, Sequential) else Sequential([net])
    names = [layer.name for layer in leaves(whole.named) if isinstance(layer, kinds)]
    return names[-1] if names else None
