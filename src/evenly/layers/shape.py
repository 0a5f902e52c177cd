"""Layers that change the shape and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ..errors import ShapeError
from .base import ArrayLike, Arrays, Gradients, Layer, Run, Shape, expect


@dataclass(frozen=True)
class Flatten(Layer):
    """Each example as one row of numbers: (batch, a, b, ...) to (batch, a b ...). Costs nothing.

    Arguments:
        name: the layer's name; by default ``flatten_1``, ...

    Example:
        >>> Flatten().output_shape((8, 8))
        (64,)
    """

    name: str | None = None

    reshapes: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        return x.reshape(x.shape[0], -1), x.shape

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        return d_y.reshape(saved), {}


@dataclass(frozen=True)
class Reshape(Layer):
    """The same numbers in the same order, in another shape. Costs nothing.

    Arguments:
        shape: of one example. One axis may be -1: it takes what is left.
        name: the layer's name; by default ``reshape_1``, ...

    Raises:
        ConfigurationError: more than one -1, or an axis below 1.
        ShapeError: a shape of another size.

    Example:
        >>> Reshape((8, -1)).output_shape((64,))
        (8, 8)
    """

    shape: tuple[int, ...]
    name: str | None = None

    reshapes: ClassVar[bool] = True

    def __init__(self, shape: int | Sequence[int], name: str | None = None) -> None:
        axes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        object.__setattr__(self, "shape", axes)
        object.__setattr__(self, "name", name)
        whole = all(isinstance(n, int) for n in axes)
        fits = axes and whole and all(n >= 1 or n == -1 for n in axes) and axes.count(-1) <= 1
        expect(bool(fits), self, "axes are at least 1, and one of them may be -1", axes)

    def check(self, shape: Shape, name: str) -> None:
        known = math.prod(n for n in self.shape if n != -1)
        size = math.prod(shape)
        if size % known or (-1 not in self.shape and size != known):
            raise ShapeError(
                f"Reshape '{name}': expects {known} numbers an example"
                f"{' or a multiple' if -1 in self.shape else ''}, got {size} in shape {shape}: "
                "give a shape of that size"
            )

    def output_shape(self, shape: Shape) -> Shape:
        left = math.prod(shape) // math.prod(n for n in self.shape if n != -1)
        return tuple(left if n == -1 else n for n in self.shape)

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        return x.reshape(x.shape[0], *self.output_shape(x.shape[1:])), x.shape

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        return d_y.reshape(saved), {}
