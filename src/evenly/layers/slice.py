"""Some of the features, the others left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..errors import ShapeError
from .base import ArrayLike, Arrays, Gradients, Layer, Run, Shape, expect


@dataclass(frozen=True)
class Slice(Layer):
    """The features from one place to another: ``y = x[..., start:stop]``.

    In branches side by side each may read its own features: numbers as they are, row numbers by an
    :class:`Embedding`. Gradient: ``d_x`` is d_y in its place, and 0 elsewhere.

    Arguments:
        start: the first feature, counted from 0.
        stop: the one behind the last; None: to the end.
        name: the layer's name; by default ``slice_1``, ...

    Shapes: (batch, ..., features) to (batch, ..., stop - start).

    Raises:
        ConfigurationError: a start below 0, or a stop that is not behind it.
        ShapeError: fewer features than are read.

    Example:
        >>> import evenly as ev
        >>> own = [ev.Slice(2), ev.Embedding(10, 4), ev.Flatten()]
        >>> net = ev.Sequential([ev.Branches([ev.Slice(0, 2), own], "concatenate"), ev.Dense(1)])
        >>> net.layers[0].output_shape((3,))
        (6,)
    """

    start: int
    stop: int | None = None
    name: str | None = None

    kernel: ClassVar[str | None] = "slice"
    picks: ClassVar[bool] = True

    def __post_init__(self) -> None:
        expect(self.start >= 0, self, "start must be at least 0", self.start)
        whole = self.stop is None or (type(self.stop) is int and self.stop > self.start)
        expect(whole, self, "stop must be a whole number above start, or None", self.stop)

    def check(self, shape: Shape, name: str) -> None:
        needed = self.start + 1 if self.stop is None else self.stop
        if not shape or shape[-1] < needed:
            came = ", ".join(["batch", *map(str, shape)])
            raise ShapeError(f"Slice '{name}': expects at least {needed} features, got ({came}): "
                             "take other places")

    def output_shape(self, shape: Shape) -> Shape:
        stop = shape[-1] if self.stop is None else self.stop
        return (*shape[:-1], stop - self.start)

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"features": shape[-1], "start": self.start}

    def not_read_again(self, shape: Shape) -> tuple[str, ...]:
        return ("x", "y")

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        return run.note("y", x[..., self.start : self.stop], "x from start to stop"), x

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        none = run.xp.zeros_like(saved)
        parts = [none[..., : self.start], d_y, none[..., self.start + d_y.shape[-1] :]]
        d_x = run.xp.concatenate(parts, axis=-1)
        return run.note("d_x", d_x, "d_y in its place, 0 elsewhere"), {}
