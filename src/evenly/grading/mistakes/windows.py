"""Mistakes of convolution and pooling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...byhand.exact import Exact
from ...byhand.expressions import Apply, Expression, Place
from .base import Context, Mistake, NotHere, first_alone, not_averaged, operation


def _flipped(c: Context) -> Any:
    kernel = c.find("kernel")
    shape = kernel.value.shape
    spatial = tuple(range(len(shape) - 2))
    ids = np.flip(np.arange(kernel.value.size).reshape(shape), spatial).reshape(-1)
    return c.moved(lambda p: Place(p.step, int(ids[p.flat])) if p.step == kernel.number else p)


def _turned(c: Context) -> Iterator[Any]:
    """The kernel with rows and columns exchanged, or flipped along one of them."""
    kernel = c.find("kernel")
    shape = kernel.value.shape
    ids = np.arange(kernel.value.size).reshape(shape)
    if len(shape) != 4:
        raise NotHere("rows and columns")
    others = [ids[::-1], ids[:, ::-1]]
    if shape[0] == shape[1]:
        others = [ids.swapaxes(0, 1), np.flip(ids.swapaxes(0, 1), (0, 1)), *others]
    for other in others:
        flat = other.reshape(-1)
        yield c.moved(lambda p: Place(p.step, int(flat[p.flat]))  # noqa: B023
                      if p.step == kernel.number else p)


def _at(place: tuple[int, ...]) -> Any:
    """A place of every example."""
    return (slice(None), *place)


def _convolved(x: Any, kernel: Any, shape: tuple[int, ...]) -> Any:
    """A correlation with stride 1 and no padding, in the first places of an array of `shape`; NaN
    where it has none."""
    rank = kernel.ndim - 2
    places_ = [n - k + 1 for n, k in zip(x.shape[1:-1], kernel.shape[:rank], strict=True)]
    made = np.full(shape, Exact.inexact(float("nan")), object)
    for at in np.ndindex(*(min(a, b) for a, b in zip(places_, shape[1:-1], strict=True))):
        total: Any = 0
        for tap in np.ndindex(*kernel.shape[:rank]):
            here = tuple(a + t for a, t in zip(at, tap, strict=True))
            total = total + x[_at(here)] @ kernel[tap]
        made[_at(at)] = total
    return made


def _conv_alone(c: Context, x: Any) -> Any:
    made = _convolved(x, c.get("kernel"), c.step.value.shape)
    return made + c.get("bias") if c.step.name == "y" and c.has("bias") else made


def _padding_forgotten(c: Context) -> Any:
    if c.get("padded").shape == c.entering().shape:
        raise NotHere("padding")
    return _conv_alone(c, c.entering())


def _edges_repeated(c: Context) -> Any:
    padded, x = c.find("padded"), c.entering()
    grown = [(a - b) for a, b in zip(padded.value.shape, x.shape, strict=True)]
    if not any(grown):
        raise NotHere("padding")
    widths = [(g // 2, g - g // 2) for g in grown]
    edge = np.pad(np.arange(x.size).reshape(x.shape), widths, mode="edge").reshape(-1)
    values = x.reshape(-1)
    return c.put(padded, lambda flat: values[edge[flat]])


def _windows(c: Context) -> tuple[Any, tuple[int, ...], list[tuple[int, ...]]]:
    """(what enters a pooling layer, its windows' sides): windows side by side."""
    x, y = c.entering(), c.find("y", "forward") if c.step.name != "y" else c.step
    outside = y.value.shape[1:-1]
    inside = x.shape[1:-1]
    if len(outside) != len(inside) or any(i % o for i, o in zip(inside, outside, strict=True)):
        raise NotHere("windows side by side")
    sides = tuple(i // o for i, o in zip(inside, outside, strict=True))
    return x, sides, list(np.ndindex(*outside))


def _slices(at: tuple[int, ...], sides: tuple[int, ...]) -> tuple[slice, ...]:
    return (slice(None), *(slice(a * s, (a + 1) * s) for a, s in zip(at, sides, strict=True)))


def _averaged(c: Context) -> Any:
    x, sides, all_places = _windows(c)
    made = np.empty(c.step.value.shape, object)
    axes = tuple(range(1, x.ndim - 1))
    for at in all_places:
        window = x[_slices(at, sides)]
        made[_at(at)] = window.sum(axis=axes) / int(np.prod(sides))
    return made


def _spread(c: Context) -> Iterator[Any]:
    """The gradient of max pooling given to every place of its window, divided or not."""
    x, sides, all_places = _windows(c)
    d_y = c.d_y()
    made = np.empty(x.shape, object)
    for at in all_places:
        window = _slices(at, sides)
        share = d_y[_at(at)].reshape(len(x), *([1] * len(sides)), x.shape[-1])
        made[window] = np.broadcast_to(share, made[window].shape)
    yield made / int(np.prod(sides))
    yield made


def _largest(c: Context) -> Any:
    def biggest(*terms: Expression) -> Expression:
        return Apply("maximum", terms)

    if c.step.name == "total":
        return c.changed(operation("add", biggest))
    total = c.find("total")
    cells = c.each(lambda e: Apply("maximum", e.arguments) if isinstance(e, Apply) else e, total)
    return cells.reshape(c.step.value.shape)


WINDOWS = (
    Mistake("kernel flipped", "The kernel was turned round: that is the convolution of "
            "mathematics.", "Networks lay the kernel on as it is.", ("conv*.product", "conv*.y"),
            _flipped),
    Mistake("kernel turned", "Rows and columns of the kernel were exchanged, or one of them was "
            "laid on the other way round.", "Lay the kernel on as it is.",
            ("conv*.product", "conv*.y"), _turned),
    Mistake("stride ignored", "The window moved on by 1.", "Move it on by the stride.",
            ("conv*.product", "conv*.y"), lambda c: _conv_alone(c, c.get("padded"))),
    Mistake("padding forgotten", "The windows began within the input: there are zeros around it.",
            "Put the zeros around the input first.", ("conv*.product", "conv*.y"),
            _padding_forgotten),
    Mistake("padded with the edge", "The edge was repeated.", "Padding is zeros.",
            ("conv*.product", "conv*.y"), _edges_repeated),
    Mistake("average instead of maximum", "The window was averaged.",
            "Max pooling takes the largest number.", ("max_pool*.y",), _averaged),
    Mistake("maximum instead of average", "The largest number was taken.",
            "Average pooling takes the mean of the window.",
            ("average_pool*.total", "average_pool*.y"), _largest),
    Mistake("window not divided", "The numbers of the window were added up but not divided.",
            "Divide by how many they are.", ("average_pool*.y", "global_average_pool*.y"),
            lambda c: c.get("total") if c.has("total") else not_averaged(c)),
    Mistake("gradient of max pooling spread", "The gradient was given to the whole window.",
            "Only the place that was the largest gets it, whole.", ("max_pool*.d_x",), _spread),
    Mistake("gradient of average pooling not divided", "Each place got the whole gradient.",
            "Each place gets the gradient divided by the size of the window.",
            ("average_pool*.share", "average_pool*.d_x"),
            lambda c: first_alone("divide")(c) if c.step.name == "share" else [*_spread(c)][1]),
)
