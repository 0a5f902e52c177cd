"""Where the axes stand on both sides while a network is walked through."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..extras import needed
from ..layers.base import Shape

FIRST, LAST = "channels first", "channels last"


@dataclass
class Layout:
    """What an activation looks like at a place in the network, with us and in PyTorch (or Keras).

    Attributes:
        shape: of one example on our side, channels last.
        torch: whether PyTorch has the channels first (images, and sequences between convolutions)
            or last (flat data, and sequences between recurrent layers); "" while nobody has told.
        padding: zeros around the positions that the next convolution takes into its own padding,
            (before, after) for each axis.
        order: for flat data that PyTorch flattened channels first: our feature i is its feature
            order[i]; None where both count alike.
    """

    shape: Shape
    torch: str = ""
    padding: tuple[tuple[int, int], ...] = ()
    order: Any = None

    def flatten(self) -> None:
        """What Flatten does to both sides."""
        if len(self.shape) > 1 and self.torch != LAST:
            numbers = np.arange(math.prod(self.shape)).reshape(self.shape[-1], *self.shape[:-1])
            order = np.moveaxis(numbers, 0, -1).reshape(-1)
            self.order = None if (order == np.arange(len(order))).all() else order
        self.shape = (math.prod(self.shape),)
        self.torch = LAST

    def to_ours(self, features: Any) -> Any:
        """An array with one row a feature, from PyTorch's order to ours."""
        # Another number of features is named later, where both shapes are known.
        if self.order is None or len(features) != len(self.order):
            return features
        return features[self.order]

    def to_torch(self, features: Any) -> Any:
        """The same from our order to PyTorch's."""
        if self.order is None:
            return features
        turned = np.empty_like(features)
        turned[self.order] = features
        return turned


    @property
    def first(self) -> bool:
        """Whether the other library has channels here, and positions behind them."""
        return self.torch == FIRST and len(self.shape) > 1


def torch_kernel(kernel: Any) -> Any:
    """A convolution's (positions..., channels, filters) as (filters, channels, positions...)."""
    rank = kernel.ndim - 2
    return kernel.transpose(rank + 1, rank, *range(rank))


def our_kernel(weight: Any) -> Any:
    """The way back."""
    return weight.transpose(*range(2, weight.ndim), 1, 0)


def need_torch(function: str) -> Any:
    """PyTorch, or a ConfigurationError that says how to get it."""
    return needed(function, "torch", "torch", "PyTorch")


def pools_alike(axis: Any, ceil_mode: bool, counted: bool) -> bool:
    """Whether PyTorch pools so on an axis. It takes the same padding on both sides; what it need
    not take may be missing behind."""
    theirs = replace(axis, after=axis.before, extra=0)
    if ceil_mode:
        theirs = theirs.rounded_up()
    last = (axis.outputs - 1) * axis.stride - axis.before + axis.window
    same_count = min(last, axis.size + axis.after) == min(last, axis.size + theirs.after)
    return (2 * axis.before <= axis.window and theirs.outputs == axis.outputs
            and (same_count or not counted))
