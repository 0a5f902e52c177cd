"""Layers that change the shape and nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from .base import ArrayLike, Arrays, Layer, Run, Shape


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

    def backward(
        self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run
    ) -> tuple[ArrayLike, dict[str, ArrayLike]]:
        return d_y.reshape(saved), {}
