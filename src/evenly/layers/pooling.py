"""Pooling: windows of positions become one position, channel by channel."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from ..errors import ConfigurationError, ShapeError
from . import windows
from .base import ArrayLike, Arrays, Gradients, Layer, Run, Shape, expect_positions


@dataclass(frozen=True)
class _Pool(Layer):
    pool_size: windows.Sizes
    stride: windows.Sizes | None = None
    padding: windows.Padding = "valid"
    name: str | None = None
    ceil_mode: bool = field(default=False, kw_only=True)
    dilation: windows.Sizes = field(default=1, kw_only=True)

    rank: ClassVar[int] = 2

    def __post_init__(self) -> None:
        size = windows.sizes(self, "pool_size", self.pool_size, self.rank)
        given = size if self.stride is None else self.stride
        object.__setattr__(self, "pool_size", size)
        object.__setattr__(self, "stride", windows.sizes(self, "stride", given, self.rank))
        gaps = windows.sizes(self, "dilation", self.dilation, self.rank)
        object.__setattr__(self, "dilation", gaps)
        padding = windows.paddings(self, self.padding, self.rank)
        object.__setattr__(self, "padding", padding)
        if not isinstance(self.ceil_mode, bool):
            raise ConfigurationError(
                f"{type(self).__name__}: ceil_mode is True or False, got {self.ceil_mode!r}"
            )
        if not isinstance(padding, str):
            for pair, n in zip(padding, size, strict=True):
                if max(pair) >= n:
                    raise ConfigurationError(
                        f"{type(self).__name__}: padding must be smaller than the window, or a "
                        f"window would see nothing but padding, got {pair} for a window of {n}"
                    )

    @property
    def type_name(self) -> str:
        return f"{self._word}_pool{self.rank}d"

    _word: ClassVar[str] = ""

    def windows(self, shape: Shape) -> list[windows.Axis]:
        """The windows on examples of this shape."""
        size = windows.sizes(self, "pool_size", self.pool_size, self.rank)
        stride = windows.sizes(self, "stride", self.stride or size, self.rank)
        padding = windows.paddings(self, self.padding, self.rank)
        gaps = windows.sizes(self, "dilation", self.dilation, self.rank)
        return windows.axes(shape, size, stride, gaps, padding, self.ceil_mode)

    def check(self, shape: Shape, name: str) -> None:
        windows.check_windows(type(self).__name__, name, shape, self.rank, self.windows)
        for axis in self.windows(shape):
            if axis.dilation > 1 and not axis.always_sees:
                raise ShapeError(
                    f"{type(self).__name__} '{name}': a window of {axis.window} places that are "
                    f"{axis.dilation} apart sees nothing of {axis.size} positions: use a smaller "
                    "dilation or less padding"
                )

    def output_shape(self, shape: Shape) -> Shape:
        return (*(axis.outputs for axis in self.windows(shape)), shape[-1])

    def numbers(self, shape: Shape) -> dict[str, float]:
        return windows.numbers(self.windows(shape), shape[-1])


@dataclass(frozen=True)
class _MaxPool(_Pool):
    kernel: ClassVar[str | None] = "max_pool"
    _word: ClassVar[str] = "max"

    def workspace(self, shape: Shape, rows: int) -> dict[str, Shape]:
        outputs = rows // math.prod(shape[:-1]) * math.prod(self.output_shape(shape))
        return _places(math.prod(axis.window for axis in self.windows(shape)), outputs)

    def not_read_again(self, shape: Shape) -> tuple[str, ...]:
        return "x", "y"

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        xp, axes = run.xp, self.windows(x.shape[1:])
        padded = windows.pad(x, axes, -math.inf, xp)
        y, place = None, None
        for number, (_, at) in enumerate(windows.taps(axes)):
            here = padded[(slice(None), *at)]
            if y is None:
                y, place = here, xp.zeros(here.shape, dtype=int)
            else:
                # The first of equal ones stays; NaN wins, and then stays too.
                larger = ((here > y) | (here != here)) & (y == y)
                y, place = xp.where(larger, here, y), xp.where(larger, number, place)
        return run.note("y", y, "the largest of the window"), (run.note("place", place), x.shape)

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        place, shape = saved
        axes = self.windows(shape[1:])
        d_padded = windows.pad(run.xp.zeros(shape, dtype=d_y.dtype), axes, 0, run.xp)
        for number, (_, at) in enumerate(windows.taps(axes)):
            here = (slice(None), *at)
            d_padded[here] = d_padded[here] + d_y * (place == number)
        d_x = d_padded[(slice(None), *windows.inside(axes))]
        return run.note("d_x", d_x, "d_y where x was the largest"), {}


@dataclass(frozen=True)
class MaxPool1D(_MaxPool):
    """Max pooling of sequences, (batch, steps, channels): :class:`MaxPool2D` on one axis.

    Arguments: as :class:`MaxPool2D`.

    Example:
        >>> MaxPool1D(2).output_shape((10, 3))
        (5, 3)
    """

    rank: ClassVar[int] = 1


@dataclass(frozen=True)
class MaxPool2D(_MaxPool):
    """Max pooling: each output is the largest number of its window, channel by channel.

    The gradient goes to the position that was the largest, the first of equal ones; to no other.
    Padding never wins.

    Arguments:
        pool_size: of the window; a number, or (height, width).
        stride: positions from one window to the next; by default the window's size.
        padding: ``"valid"``, ``"same"``, or numbers as for :class:`Conv2D`, smaller than the
            window.
        name: the layer's name; by default ``max_pool2d_1``, ...
        ceil_mode: whether positions that the last window leaves over get one more, which reaches
            over the end; it must begin on the input or on the padding before it. The number of
            outputs is rounded up, then, not down, as in PyTorch. ``"same"`` leaves nothing over.
        dilation: positions from one place of the window to the next; a number, or one an axis.

    Shapes: (batch, height, width, channels) to (batch, height', width', channels).

    Raises:
        ShapeError: examples that are no images, or smaller than the window.

    Source: Zhou and Chellappa 1988; Goodfellow, Bengio and Courville 2016, section 9.3.

    Example:
        >>> MaxPool2D(2).output_shape((28, 28, 16))
        (14, 14, 16)
        >>> MaxPool2D(2, ceil_mode=True).output_shape((5, 5, 16))
        (3, 3, 16)
    """


@dataclass(frozen=True)
class _AveragePool(_Pool):
    count_padding: bool = False

    kernel: ClassVar[str | None] = "average_pool"
    _word: ClassVar[str] = "average"

    def numbers(self, shape: Shape) -> dict[str, float]:
        after = [axis.after for axis in self.windows(shape)]
        behind = dict(zip(("after_height", "after_width"), [*after, 0], strict=False))
        return {**super().numbers(shape), "count_padding": self.count_padding, **behind}

    def not_read_again(self, shape: Shape) -> tuple[str, ...]:
        return "x", "y"

    def _counts(self, axes: list[windows.Axis], xp: Any) -> Any:
        """By how many numbers each window is divided: (1, positions..., 1)."""
        if self.count_padding:
            axes = [replace(axis, size=axis.before + axis.size + axis.after, before=0, after=0)
                    for axis in axes]
        if not any(axis.before or axis.after or axis.extra for axis in axes):
            return math.prod(axis.window for axis in axes)
        ones = xp.ones((1, *(axis.size for axis in axes), 1))
        padded = windows.pad(ones, axes, 0, xp)
        return sum(padded[(slice(None), *at)] for _, at in windows.taps(axes))

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        axes = self.windows(x.shape[1:])
        padded = windows.pad(x, axes, 0, run.xp)
        total = sum(padded[(slice(None), *at)] for _, at in windows.taps(axes))
        total = run.note("total", total, "sum of the window")
        return run.note("y", total / self._counts(axes, run.xp), "total / count"), x.shape

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        axes = self.windows(saved[1:])
        share = run.note("share", d_y / self._counts(axes, run.xp), "d_y / count")
        d_padded = windows.pad(run.xp.zeros(saved, dtype=d_y.dtype), axes, 0, run.xp)
        for _, at in windows.taps(axes):
            here = (slice(None), *at)
            d_padded[here] = d_padded[here] + share
        d_x = d_padded[(slice(None), *windows.inside(axes))]
        return run.note("d_x", d_x, "sum of the windows' shares"), {}


@dataclass(frozen=True)
class AveragePool1D(_AveragePool):
    """Average pooling of sequences, (batch, steps, channels): :class:`AveragePool2D` on one axis.

    Arguments: as :class:`AveragePool2D`.

    Example:
        >>> AveragePool1D(2).output_shape((10, 3))
        (5, 3)
    """

    rank: ClassVar[int] = 1


@dataclass(frozen=True)
class AveragePool2D(_AveragePool):
    """Average pooling: each output is the mean of its window, channel by channel.

    Every position of the window gets the same part of the gradient, ``d_y / count``.

    Arguments:
        pool_size, stride, padding, name, ceil_mode, dilation: as :class:`MaxPool2D`.
        count_padding: whether padding counts as zeros in the mean (PyTorch's
            ``count_include_pad``, which is True there by default), or not at all. What a window
            reaches over behind the padding (`ceil_mode`) never counts.

    Shapes: (batch, height, width, channels) to (batch, height', width', channels).

    Source: LeCun, Bottou, Bengio and Haffner 1998, section II.B.

    Example:
        >>> AveragePool2D(2).output_shape((28, 28, 16))
        (14, 14, 16)
    """


def _places(window: int, outputs: int) -> dict[str, Shape]:
    """Which place of its window each output came from: a byte, or a number of 32 bits."""
    return {"places": (-(-outputs // 4),)} if window <= 255 else {"wide_places": (outputs,)}


class _Global(Layer):
    """One window that is the whole example."""

    def check(self, shape: Shape, name: str) -> None:
        expect_positions(shape, f"{type(self).__name__} '{name}'")

    def output_shape(self, shape: Shape) -> Shape:
        return shape[-1:]

    def numbers(self, shape: Shape) -> dict[str, float]:
        lines, length = math.prod(shape[:-2]), shape[-2]
        if len(shape) == 2:
            lines, length = length, 1
        whole = [windows.Axis(n, n, 1, 1, 0, 0) for n in (lines, length)]
        return {**windows.numbers(whole, shape[-1]), "count_padding": 0, "after_height": 0,
                "after_width": 0, "bands": min(windows.bands(shape), lines)}

    def partial(self, shape: Shape, rows: int) -> dict[str, Shape]:
        """What the bands of an example give, where there are several."""
        count, positions = int(self.numbers(shape)["bands"]), math.prod(shape[:-1])
        return {"partial": (rows // positions, count, shape[-1])} if count > 1 else {}


@dataclass(frozen=True)
class GlobalMaxPool(_Global):
    """The largest number of each channel over all positions.

    Arguments:
        name: the layer's name; by default ``global_max_pool_1``, ...

    Shapes: (batch, ..., channels) to (batch, channels).

    Example:
        >>> GlobalMaxPool().output_shape((7, 7, 64))
        (64,)
    """

    name: str | None = None

    kernel: ClassVar[str | None] = "max_pool"

    def workspace(self, shape: Shape, rows: int) -> dict[str, Shape]:
        positions = math.prod(shape[:-1])
        space = self.partial(shape, rows)
        if space:
            space["partial_places"] = space["partial"]
        return space | _places(positions, rows // positions * shape[-1])

    def not_read_again(self, shape: Shape) -> tuple[str, ...]:
        return "x", "y"

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        rows = x.reshape(x.shape[0], -1, x.shape[-1])
        place = run.note("place", run.xp.argmax(rows, axis=1)[:, None, :], "the largest's position")
        y = run.xp.take_along_axis(rows, place, axis=1)[:, 0]
        return run.note("y", y, "max over the positions"), (place, x.shape)

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        place, shape = saved
        positions = run.xp.arange(math.prod(shape[1:-1]))[None, :, None]
        d_x = (d_y[:, None, :] * (positions == place)).reshape(shape)
        return run.note("d_x", d_x, "d_y where x was the largest"), {}


@dataclass(frozen=True)
class GlobalAveragePool(_Global):
    """The mean of each channel over all positions.

    Arguments:
        name: the layer's name; by default ``global_average_pool_1``, ...

    Shapes: (batch, ..., channels) to (batch, channels).

    Source: Lin, Chen and Yan 2014, "Network in network", section 3.2.

    Example:
        >>> GlobalAveragePool().output_shape((7, 7, 64))
        (64,)
    """

    name: str | None = None

    kernel: ClassVar[str | None] = "average_pool"

    def workspace(self, shape: Shape, rows: int) -> dict[str, Shape]:
        return self.partial(shape, rows)

    def not_read_again(self, shape: Shape) -> tuple[str, ...]:
        return "x", "y"

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        rows = x.reshape(x.shape[0], -1, x.shape[-1])
        return run.note("y", run.xp.mean(rows, axis=1), "mean over the positions"), x.shape

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        positions = math.prod(saved[1:-1])
        share = run.note("share", d_y / positions, "d_y / positions")
        ones = run.xp.ones((1, positions, 1))
        return run.note("d_x", (share[:, None, :] * ones).reshape(saved), "share"), {}
