"""Layers made of layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigurationError
from .base import ArrayLike, Arrays, ArraySpec, Layer, Run, Shape


@dataclass(frozen=True)
class Sequential(Layer):
    """Layers one after the other.

    Arguments:
        layers: the layers; sequences of layers may be nested.
        name: of no effect on the arrays' names, which are ``layer.array``.

    Layers without a name are named by type and count: ``dense_1``, ``relu_1``, ``dense_2``.

    Raises:
        ConfigurationError: something that is not a layer, or a name used twice.

    Example:
        >>> from evenly.layers import Dense, ReLU
        >>> net = Sequential([Dense(4), ReLU(), Dense(2)])
        >>> [name for name, _ in net.named_layers()]
        ['dense_1', 'relu_1', 'dense_2']
    """

    layers: tuple[Layer, ...]
    name: str | None = None

    def __init__(self, layers: Sequence[Layer] = (), name: str | None = None) -> None:
        object.__setattr__(self, "layers", tuple(layers))
        object.__setattr__(self, "name", name)
        for i, layer in enumerate(self.layers):
            if not isinstance(layer, Layer):
                hint = "; call it: Dense(10), not Dense" if isinstance(layer, type) else ""
                raise ConfigurationError(
                    f"Sequential: item {i} must be a layer, got {layer!r}{hint}"
                )
        given = [layer.name for layer in self._flat() if layer.name is not None]
        for taken, times in Counter(given).items():
            if times > 1:
                raise ConfigurationError(f"Sequential: two layers are named '{taken}'")

    def _flat(self) -> Iterator[Layer]:
        for layer in self.layers:
            if isinstance(layer, Sequential):
                yield from layer._flat()
            else:
                yield layer

    def named_layers(self) -> list[tuple[str, Layer]]:
        """The layers in order, nested ones unfolded, each with its name."""
        taken = {layer.name for layer in self._flat()}
        counts: Counter[str] = Counter()
        named = []
        for layer in self._flat():
            name = layer.name
            while name is None or (layer.name is None and name in taken):
                counts[layer.type_name] += 1
                name = f"{layer.type_name}_{counts[layer.type_name]}"
            named.append((name, layer))
        return named

    def shapes(self, shape: Shape) -> list[Shape]:
        """The shape of one example before each layer, and behind the last."""
        shapes = [tuple(shape)]
        for name, layer in self.named_layers():
            layer.check(shapes[-1], name)
            shapes.append(layer.output_shape(shapes[-1]))
        return shapes

    def check(self, shape: Shape, name: str) -> None:
        self.shapes(shape)

    def output_shape(self, shape: Shape) -> Shape:
        return self.shapes(shape)[-1]

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        """Every array of the network by name, such as ``dense_1.kernel``."""
        named, shapes = self.named_layers(), self.shapes(shape)
        return {
            f"{name}.{array}": spec
            for (name, layer), before in zip(named, shapes, strict=False)
            for array, spec in layer.arrays(before).items()
        }

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        saved = []
        for name, layer in self.named_layers():
            x, kept = layer.forward(x, own_arrays(arrays, name), run.at(name))
            saved.append(kept)
        return x, saved

    def backward(
        self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run
    ) -> tuple[ArrayLike, dict[str, ArrayLike]]:
        gradients = {}
        for (name, layer), kept in zip(reversed(self.named_layers()), reversed(saved), strict=True):
            d_y, own = layer.backward(d_y, own_arrays(arrays, name), kept, run.at(name))
            gradients.update({f"{name}.{array}": value for array, value in own.items()})
        return d_y, gradients


def own_arrays(arrays: Arrays, name: str) -> dict[str, Any]:
    """The arrays of one layer, by their names within it."""
    start = name + "."
    return {key[len(start) :]: value for key, value in arrays.items() if key.startswith(start)}
