"""Layers made of layers."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from ..errors import ConfigurationError, ShapeError
from .base import ArrayLike, Arrays, ArraySpec, Gradients, Layer, Run, Shape, expect, own_arrays


class Container(Layer):
    """Base of the layers that are made of layers.

    A container's layers get their names from the outermost one, by type and count over the whole
    network: ``dense_1``, ``relu_1``, ``dense_2``. Arrays are named ``layer.array``, wherever the
    layer stands.
    """

    @property
    def parts(self) -> tuple[Layer, ...]:
        """The layers directly within."""
        raise NotImplementedError

    def with_parts(self, parts: Sequence[Layer]) -> Self:
        """The same container around other layers."""
        raise NotImplementedError

    def check_names(self) -> None:
        """Raises ConfigurationError when two layers within bear the same name."""
        _ = self._given

    @cached_property
    def _given(self) -> dict[str, None]:
        """The names of the layers within, in the order in which names are given. Each container
        asks those that it is made of, so that a level costs no more for those below it."""
        given: dict[str, None] = {}
        for layer in self.parts:
            own = {} if layer.name is None or isinstance(layer, Sequential) else {layer.name: None}
            within = layer._given if isinstance(layer, Container) else {}
            for names in (own, within):
                taken = next((f"'{name}'" for name in names if name in given), "")
                if taken:
                    raise ConfigurationError(f"{type(self).__name__}: two layers are named {taken}")
                given.update(names)
        return given

    @cached_property
    def resolved(self) -> Self:
        """The same network with every layer named, and layers that stand for several spelled out
        (:meth:`Layer.expand`)."""
        return self._name_all(expand=True)

    @cached_property
    def named(self) -> Self:
        """The same network with every layer named, as it was written."""
        return self._name_all(expand=False)

    @cached_property
    def _known(self) -> dict[Shape, list[Shape]]:
        """What :meth:`shapes` found out, by the shape asked for. Each layer around this one asks
        several times: without it every level of nesting would double or triple the work."""
        return {}

    def shapes(self, shape: Shape) -> list[Shape]:
        """Shapes of one example within, for its shape in front; which ones each container says.

        Raises:
            ShapeError: of a layer that it cannot enter.
        """
        shape = tuple(shape)
        if shape not in self._known:
            self._known[shape] = self._shapes(shape)
        return self._known[shape]

    def _shapes(self, shape: Shape) -> list[Shape]:
        raise NotImplementedError

    def _name_all(self, expand: bool) -> Self:
        taken = self._given
        counts: Counter[str] = Counter()

        def named(layer: Layer) -> Layer:
            if not isinstance(layer, Sequential):
                name = layer.name
                while name is None or (layer.name is None and name in taken):
                    counts[layer.type_name] += 1
                    name = f"{layer.type_name}_{counts[layer.type_name]}"
                layer = with_name(layer, name)
                layer = layer.expand() if expand else layer
            return around(layer) if isinstance(layer, Container) else layer

        def around(container: Any) -> Any:
            made = container.with_parts([named(part) for part in container.parts])
            # What stands in a named network has its names: it is not named anew at each level.
            vars(made).update({"named": made} | ({"resolved": made} if expand else {}))
            return made

        result: Self = around(self)
        return result

    def named_layers(self) -> list[tuple[str, Layer]]:
        """The layers in order, nested ones unfolded, each with its name."""
        return [(layer.name or "", layer) for layer in leaves(self.resolved)]

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        """Every array of the network by name, such as ``dense_1.kernel``."""
        raise NotImplementedError


def with_name(layer: Layer, name: str) -> Layer:
    """The same layer under a name."""
    if layer.name == name:
        return layer
    twin = copy.copy(layer)
    object.__setattr__(twin, "name", name)
    for known in ("named", "resolved"):  # those bear the old name
        vars(twin).pop(known, None)
    return twin


def leaves(layer: Layer, through: type[Container] = Container) -> Iterator[Layer]:
    """The layers that are not containers, in order; or not such containers, as Sequential."""
    waiting = [layer]
    while waiting:
        layer = waiting.pop()
        if isinstance(layer, through):
            waiting += reversed(layer.parts)
        else:
            yield layer


@dataclass(frozen=True)
class Sequential(Container):
    """Layers one after the other.

    Arguments:
        layers: the layers; containers may be nested.
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
        self.check_names()

    @property
    def parts(self) -> tuple[Layer, ...]:
        return self.layers

    def with_parts(self, parts: Sequence[Layer]) -> Self:
        return type(self)(parts, self.name)

    def _shapes(self, shape: Shape) -> list[Shape]:
        """The shape of one example before each of the layers, and behind the last."""
        shapes = [shape]
        # What is named is asked as it is: naming it anew at each level would add up.
        own = self if vars(self).get("named") is self else self.resolved
        for layer in own.layers:
            layer.check(shapes[-1], layer.name or "")
            shapes.append(layer.output_shape(shapes[-1]))
        return shapes

    def check(self, shape: Shape, name: str) -> None:
        self.shapes(shape)

    def output_shape(self, shape: Shape) -> Shape:
        return self.shapes(shape)[-1]

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        arrays: dict[str, ArraySpec] = {}
        for layer, before in zip(self.resolved.layers, self.shapes(shape), strict=False):
            arrays.update(arrays_of(layer, before))
        return arrays

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        saved = []
        for layer in self.resolved.layers:
            x, kept = forward_of(layer, x, arrays, run)
            saved.append(kept)
        return x, saved

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        gradients: dict[str, ArrayLike] = {}
        for layer, kept in zip(reversed(self.resolved.layers), reversed(saved), strict=True):
            d_y, own = backward_of(layer, d_y, arrays, kept, run)
            gradients.update(own)
        return d_y, gradients


class Joined(Container):
    """Base of containers whose parts all read the same input, and whose outputs are joined."""

    join: str
    takes_epilogue = True

    def _shapes(self, shape: Shape) -> list[Shape]:
        """The shape of one example behind each of the parts."""
        return [part.output_shape(shape) for part in self.parts]

    def check(self, shape: Shape, name: str) -> None:
        for part in self.parts:
            part.check(shape, part.name or name)
        shapes = self.shapes(shape)
        if self.join != "concatenate":
            fits = all(s == shapes[0] for s in shapes)
            done = "summed" if self.join == "sum" else "averaged"
            rule = f"outputs that are {done} must have one shape"
        else:
            fits = all(s[:-1] == shapes[0][:-1] for s in shapes)
            rule = "outputs that are concatenated may differ in the last axis alone"
        if not fits:
            came = ", ".join(map(str, shapes))
            raise ShapeError(f"{type(self).__name__} '{name}': {rule}, got {came}: {self.remedy}")

    remedy = "give the branches the same output shape"

    def output_shape(self, shape: Shape) -> Shape:
        shapes = self.shapes(shape)
        if self.join != "concatenate":
            return shapes[0]
        return (*shapes[0][:-1], sum(s[-1] for s in shapes))

    def numbers(self, shape: Shape) -> dict[str, float]:
        widths = [behind[-1] for behind in self.shapes(shape)]
        return {f"columns_{i + 1}": width for i, width in enumerate(widths)}

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        arrays: dict[str, ArraySpec] = {}
        for part in self.resolved.parts:
            arrays.update(arrays_of(part, shape))
        return arrays

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        runs = [forward_of(part, x, arrays, run) for part in self.resolved.parts]
        y, own = self.joined([y for y, _ in runs], run)
        return y, ([kept for _, kept in runs], own)

    def joined(self, outputs: Sequence[ArrayLike], run: Run) -> tuple[ArrayLike, Any]:
        """The parts' outputs as one, and what :meth:`apart` needs."""
        if self.join == "sum":
            y = run.note("y", sum(outputs[1:], outputs[0]), "sum of the branches")
        else:
            y = run.note("y", run.xp.concatenate(outputs, axis=-1), "the branches side by side")
        return y, [output.shape[-1] for output in outputs]

    def apart(self, d_y: ArrayLike, saved: Any, run: Run) -> list[ArrayLike]:
        """The gradient on each part's output."""
        if self.join == "sum":
            return [d_y] * len(saved)
        ends = np.cumsum(saved).tolist()
        return [d_y[..., end - width : end] for end, width in zip(ends, saved, strict=True)]

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        kept, own = saved
        gradients: dict[str, ArrayLike] = {}
        d_x = 0
        d_parts = self.apart(d_y, own, run)
        for part, one, d_branch in zip(self.resolved.parts, kept, d_parts, strict=True):
            d_part, own_gradients = backward_of(part, d_branch, arrays, one, run)
            d_x = d_x + d_part
            gradients.update(own_gradients)
        return run.note("d_x", d_x, "sum of the branches' d_x"), gradients


@dataclass(frozen=True)
class Branches(Joined):
    """Branches that read the same input; their outputs are summed or put side by side.

    ``y = branch_1(x) + branch_2(x) + ...``, or the same joined along the last axis (channels).
    The gradient on x is the sum of the branches' gradients.

    Arguments:
        branches: layers or sequences of layers; an empty sequence hands its input on.
        join: ``"sum"`` or ``"concatenate"``.
        name: the layer's name; by default ``branches_1``, ...

    Raises:
        ConfigurationError: no branch, or another way to join.
        ShapeError: outputs that do not fit together.

    Source: Szegedy et al. 2015, "Going deeper with convolutions", section 4.

    Example:
        >>> from evenly.layers import Dense
        >>> Branches([Dense(3), [Dense(8), Dense(2)]], join="concatenate").output_shape((4,))
        (5,)
    """

    branches: tuple[Layer, ...]
    join: str = "sum"
    name: str | None = None

    def __init__(self, branches: Sequence[Layer | Sequence[Layer]], join: str = "sum",
                 name: str | None = None) -> None:
        parts = tuple(_branch(self, b) for b in _several(self, branches))
        object.__setattr__(self, "branches", parts)
        object.__setattr__(self, "join", join)
        object.__setattr__(self, "name", name)
        expect(len(parts) >= 1, self, "needs at least one branch", len(parts))
        expect(join in ("sum", "concatenate"), self, "join is 'sum' or 'concatenate'", join)
        self.check_names()

    @property
    def kernel(self) -> str:  # type: ignore[override]
        return self.join

    @property
    def parts(self) -> tuple[Layer, ...]:
        return self.branches

    def with_parts(self, parts: Sequence[Layer]) -> Self:
        return type(self)(parts, self.join, self.name)


@dataclass(frozen=True)
class Residual(Joined):
    """A residual block: ``y = layers(x) + shortcut(x)``.

    The gradient on x is ``d_y`` through the layers plus ``d_y`` through the shortcut; where the
    shortcut is the identity, d_y itself reaches x, however deep the network.

    Arguments:
        layers: the residual branch.
        shortcut: layers on the other way; none by default: x itself is added.
        name: the layer's name; by default ``residual_1``, ...

    Raises:
        ShapeError: the two ways give other shapes.

    Source: He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition", section
    3.2.

    Example:
        >>> from evenly.layers import Dense, ReLU
        >>> Residual([Dense(8), ReLU(), Dense(4)]).output_shape((4,))
        (4,)
    """

    layers: Layer
    shortcut: Layer
    name: str | None = None

    join = "sum"
    kernel = "sum"
    remedy = "give shortcut= a layer that makes the same shape, such as Dense or a 1x1 convolution"

    def __init__(self, layers: Layer | Sequence[Layer], shortcut: Layer | Sequence[Layer] = (),
                 name: str | None = None) -> None:
        for key, value in (("layers", layers), ("shortcut", shortcut)):
            object.__setattr__(self, key, _branch(self, value))
        object.__setattr__(self, "name", name)
        self.check_names()

    @property
    def parts(self) -> tuple[Layer, ...]:
        return self.layers, self.shortcut

    def with_parts(self, parts: Sequence[Layer]) -> Self:
        return type(self)(parts[0], parts[1], self.name)


def _several(container: Layer, items: Any) -> Any:
    expect(isinstance(items, (list, tuple)), container, "expects a list of layers", items)
    return items


def _branch(container: Layer, item: Any) -> Layer:
    """A layer, or layers one after the other."""
    return item if isinstance(item, Layer) else Sequential(_several(container, item))


def arrays_of(layer: Layer, shape: Shape) -> dict[str, ArraySpec]:
    """The arrays of a named layer, by their full names."""
    if isinstance(layer, Container):
        return layer.arrays(shape)
    return {f"{layer.name}.{array}": spec for array, spec in layer.arrays(shape).items()}


def forward_of(layer: Layer, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
    """The definition of a named layer, on the whole network's arrays."""
    if isinstance(layer, Container):
        return layer.forward(x, arrays, run)
    name = layer.name or ""
    return layer.forward(x, own_arrays(arrays, name), run.at(name))


def backward_of(layer: Layer, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
    """The same for backward; gradients by their full names."""
    if isinstance(layer, Container):
        return layer.backward(d_y, arrays, saved, run)
    name = layer.name or ""
    d_x, own = layer.backward(d_y, own_arrays(arrays, name), saved, run.at(name))
    return d_x, {f"{name}.{array}": value for array, value in own.items()}
