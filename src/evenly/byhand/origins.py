"""How the numbers of an array came about: from which others, by which operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .expressions import Apply, Expression, Number, Opaque, Place, add


class Origin(Protocol):
    """How an array was made: gives the expression of its number at a flat index."""

    def expression(self, index: int) -> Expression: ...


class Source(Origin, Protocol):
    """An array that others are made of."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def ndim(self) -> int: ...
    @property
    def size(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Leaf:
    """The numbers of a step, or given ones: they stand for themselves."""

    value: Any
    step: int

    def expression(self, index: int) -> Expression:
        return Number(self.value.reshape(-1)[index], Place(self.step, index))


@dataclass(frozen=True, slots=True)
class Constant:
    """Numbers of the formula itself."""

    value: Any

    def expression(self, index: int) -> Expression:
        return Number(self.value.reshape(-1)[index])


@dataclass(frozen=True, slots=True)
class Unknown:
    """Numbers from a function that is not followed."""

    value: Any
    function: str

    def expression(self, index: int) -> Expression:
        return Opaque(self.value.reshape(-1)[index], self.function)


@dataclass(frozen=True, slots=True)
class Elementwise:
    """An operation on arrays of one shape, or broadcast to one."""

    operation: str
    arguments: tuple[Source, ...]
    shape: tuple[int, ...]

    def expression(self, index: int) -> Expression:
        at = np.unravel_index(index, self.shape) if self.shape else ()
        own = tuple(a.expression(_broadcast_index(at, a.shape)) for a in self.arguments)
        return add(own) if self.operation == "add" else Apply(self.operation, own)


@dataclass(frozen=True, slots=True)
class Moved:
    """Numbers of other arrays, in another order."""

    sources: tuple[Source, ...]
    ids: Any  # of each number: its flat index within the sources, one behind the other

    def expression(self, index: int) -> Expression:
        place = int(self.ids.reshape(-1)[index])
        for source in self.sources:
            if place < source.size:
                return source.expression(place)
            place -= source.size
        raise IndexError(index)


@dataclass(frozen=True, slots=True)
class Accumulated:
    """Numbers to which others were added, some to the same."""

    before: Source
    added: Source
    hit: Any  # of each added number: the flat index that it was added to

    def expression(self, index: int) -> Expression:
        own = (self.added.expression(int(i)) for i in np.flatnonzero(self.hit == index))
        return add((self.before.expression(index), *own))


@dataclass(frozen=True, slots=True)
class Reduced:
    """A sum, a mean or a largest number over axes."""

    operation: str
    source: Source
    ids: Any  # (numbers of the result, numbers that each is made of)

    def expression(self, index: int) -> Expression:
        own = tuple(self.source.expression(int(i)) for i in self.ids[index])
        if self.operation == "add":
            return add(own)
        return own[0] if len(own) == 1 else Apply(self.operation, own)


@dataclass(frozen=True, slots=True)
class Product:
    """A matrix product; of stacks of matrices too."""

    left: Source
    right: Source

    def expression(self, index: int) -> Expression:
        a, b = self.left, self.right
        a_shape = a.shape if a.ndim > 1 else (1, *a.shape)
        b_shape = b.shape if b.ndim > 1 else (*b.shape, 1)
        stack = np.broadcast_shapes(a_shape[:-2], b_shape[:-2])
        *at, row, column = np.unravel_index(index, (*stack, a_shape[-2], b_shape[-1]))
        first = _broadcast_index(at, a_shape[:-2]) * a_shape[-2] * a_shape[-1]
        second = _broadcast_index(at, b_shape[:-2]) * b_shape[-2] * b_shape[-1]
        terms = []
        for k in range(a_shape[-1]):
            left = a.expression(first + int(row) * a_shape[-1] + k)
            right = b.expression(second + k * b_shape[-1] + int(column))
            terms.append(Apply("multiply", (left, right)))
        return add(tuple(terms))


def _broadcast_index(at: Sequence[Any], shape: tuple[int, ...]) -> int:
    """The flat index in an array of `shape` that broadcasting puts at `at`."""
    index = 0
    for place, size in zip(at[len(at) - len(shape):], shape, strict=True):
        index = index * size + (0 if size == 1 else int(place))
    return index
