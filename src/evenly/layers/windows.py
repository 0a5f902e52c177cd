"""Windows that slide over the positions of an example: their arithmetic, for convolution and
pooling alike."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ConfigurationError, ShapeError
from .base import ArrayLike, Shape

Sizes = int | Sequence[int]
Padding = str | int | Sequence[int | Sequence[int]]


@dataclass(frozen=True)
class Axis:
    """A window on one axis.

    Attributes:
        size: positions of the input.
        window, stride, dilation: of the window.
        before, after: positions of padding.
        extra: positions behind the padding that the last window reaches over all the same
            (``ceil_mode``); nothing stands there.
    """

    size: int
    window: int
    stride: int
    dilation: int
    before: int
    after: int
    extra: int = 0

    @property
    def extent(self) -> int:
        """All positions that windows see."""
        return self.before + self.size + self.after + self.extra

    @property
    def reach(self) -> int:
        """From the window's first position to behind its last."""
        return self.dilation * (self.window - 1) + 1

    @property
    def outputs(self) -> int:
        return (self.extent - self.reach) // self.stride + 1

    @property
    def always_sees(self) -> bool:
        """Whether each window has a place on the input."""
        starts = (o * self.stride - self.before for o in range(self.outputs))
        return all(any(0 <= start + t * self.dilation < self.size for t in range(self.window))
                   for start in starts)

    def rounded_up(self) -> Axis:
        """With one window more where positions are left over, if that window begins on the input
        or on the padding before it."""
        left = (self.extent - self.reach) % self.stride
        start = self.extent - self.reach - left + self.stride
        if left and start < self.before + self.size:
            return replace(self, extra=self.stride - left)
        return self


def sizes(layer: Any, name: str, value: Sizes, rank: int, smallest: int = 1) -> tuple[int, ...]:
    """A number for every axis, from one for all or one each."""
    given = value if isinstance(value, (tuple, list)) else (value,) * rank
    if len(given) != rank or not all(isinstance(n, int) and n >= smallest for n in given):
        raise ConfigurationError(
            f"{type(layer).__name__}: {name} must be a whole number of at least {smallest}, or "
            f"{rank} of them, got {value!r}"
        )
    return tuple(given)


def paddings(layer: Any, value: Padding, rank: int) -> str | tuple[tuple[int, int], ...]:
    """``"same"``, ``"valid"``, or (before, after) for every axis."""
    if isinstance(value, str):
        if value not in ("same", "valid"):
            raise ConfigurationError(
                f"{type(layer).__name__}: padding is 'same', 'valid' or numbers, got {value!r}"
            )
        return value
    each = tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank
    if rank == 1 and len(each) == 2:
        each = (each,)  # before and behind the only axis
    pairs = tuple(tuple(n) if isinstance(n, (tuple, list)) else (n, n) for n in each)
    if len(pairs) != rank or not all(
        len(pair) == 2 and all(isinstance(n, int) and n >= 0 for n in pair) for pair in pairs
    ):
        raise ConfigurationError(
            f"{type(layer).__name__}: padding is a number, one for each of {rank} axes, or "
            f"(before, after) for each, none negative, got {value!r}"
        )
    return tuple((pair[0], pair[1]) for pair in pairs)


def axes(shape: Shape, window: tuple[int, ...], stride: tuple[int, ...],
         dilation: tuple[int, ...], padding: str | tuple[tuple[int, int], ...],
         ceil_mode: bool = False) -> list[Axis]:
    """The windows on the positions of an example of shape (positions..., channels).

    ``"same"`` padding gives ``ceil(size / stride)`` outputs; where the padding is odd, the larger
    half stands behind. With `ceil_mode` what the last window leaves over gets one more.
    """
    result = []
    for i, size in enumerate(shape[:-1]):
        before = after = 0
        if padding == "same":
            reach = dilation[i] * (window[i] - 1) + 1
            total = max((-(-size // stride[i]) - 1) * stride[i] + reach - size, 0)
            before, after = total // 2, total - total // 2
        elif not isinstance(padding, str):
            before, after = padding[i]
        axis = Axis(size, window[i], stride[i], dilation[i], before, after)
        result.append(axis.rounded_up() if ceil_mode else axis)
    return result


def check_windows(what: str, name: str, shape: Shape, rank: int, make: Any) -> None:
    """Raises ShapeError unless examples have `rank` axes of positions that the windows fit."""
    kinds = {1: "(batch, steps, channels)", 2: "(batch, height, width, channels)"}
    if len(shape) != rank + 1:
        came = ", ".join(["batch", *map(str, shape)])
        remedy = "add Reshape((..., channels)) before it"
        raise ShapeError(f"{what} '{name}': expects {kinds[rank]}, got ({came}): {remedy}")
    for axis in make(shape):
        if axis.outputs < 1 or axis.extent < axis.reach:
            raise ShapeError(
                f"{what} '{name}': its window reaches over {axis.reach} positions, the padded "
                f"input has {axis.size + axis.before + axis.after}: use a smaller window or "
                "padding='same'"
            )


def numbers(windows: list[Axis], channels: int) -> dict[str, float]:
    """What the kernels know of the windows; one axis is an image of width 1."""
    if len(windows) == 1:
        windows = [*windows, Axis(1, 1, 1, 1, 0, 0)]
    named: dict[str, float] = {"channels": channels}
    for axis, prefix in zip(windows, ("height", "width"), strict=True):
        named |= {
            prefix: axis.size, f"out_{prefix}": axis.outputs, f"window_{prefix}": axis.window,
            f"stride_{prefix}": axis.stride, f"dilation_{prefix}": axis.dilation,
            f"before_{prefix}": axis.before,
        }
    return named


def bands(shape: Shape) -> int:
    """Into how many bands the kernels cut one example where a team is to share it: by its shape
    alone, so that a sum's order is the same for any number of threads."""
    return max(1, min(32, math.prod(shape) // 2**14))


def wide_rows(row: Shape, rows: int) -> dict[str, Shape]:
    """Where the kernels keep two sums in double precision for each part of a few rows that are as
    large as images."""
    return {"row_parts": (min(rows, 15), -(-math.prod(row) // 256), 4)} if bands(row) > 1 else {}


def taps(windows: list[Axis]) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Every place of a window: its index, and the slices of the padded input that stand there
    for all outputs."""
    for tap in itertools.product(*(range(axis.window) for axis in windows)):
        yield tap, tuple(
            slice(t * axis.dilation, t * axis.dilation + axis.stride * (axis.outputs - 1) + 1,
                  axis.stride)
            for t, axis in zip(tap, windows, strict=True)
        )


def pad(x: ArrayLike, windows: list[Axis], value: Any, xp: Any) -> ArrayLike:
    """The input with its padding around it."""
    extents = (axis.extent for axis in windows)
    padded = xp.full((x.shape[0], *extents, x.shape[-1]), value, dtype=x.dtype)
    padded[(slice(None), *inside(windows))] = x
    return padded


def inside(windows: list[Axis]) -> tuple[slice, ...]:
    """Where the input lies within its padding."""
    return tuple(slice(axis.before, axis.before + axis.size) for axis in windows)
