"""Convolution, channels last."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..errors import ShapeError
from ..initializers import HeNormal, Initializer, Zeros
from . import windows
from .base import (
    ArrayLike,
    Arrays,
    ArraySpec,
    Gradients,
    Layer,
    Run,
    Shape,
    expect,
    sum_like,
    whole_panels,
)


@dataclass(frozen=True)
class Convolution(Layer):
    """Base of the convolutions, whatever their number of axes."""

    filters: int
    kernel_size: windows.Sizes
    stride: windows.Sizes = 1
    padding: windows.Padding = "valid"
    dilation: windows.Sizes = 1
    groups: int = 1
    bias: bool = True
    kernel_init: Initializer = field(default_factory=HeNormal)
    bias_init: Initializer = field(default_factory=Zeros)
    name: str | None = None

    rank: ClassVar[int] = 2
    kernel: ClassVar[str | None] = "convolution"
    takes_epilogue: ClassVar[bool] = True
    cancelled_by_centering: ClassVar[tuple[str, ...]] = ("bias",)

    def __post_init__(self) -> None:
        expect(self.filters >= 1, self, "filters must be at least 1", self.filters)
        expect(self.groups >= 1, self, "groups must be at least 1", self.groups)
        for name in ("kernel_size", "stride", "dilation"):
            value = windows.sizes(self, name, getattr(self, name), self.rank)
            object.__setattr__(self, name, value)
        object.__setattr__(self, "padding", windows.paddings(self, self.padding, self.rank))

    @property
    def type_name(self) -> str:
        return f"conv{self.rank}d"

    def group_count(self, channels: int) -> int:
        """Groups of channels that do not see each other."""
        return self.groups

    def filter_count(self, channels: int) -> int:
        """Channels of the output."""
        return self.filters

    def windows(self, shape: Shape) -> list[windows.Axis]:
        """The windows on examples of this shape."""
        size, stride, dilation = (
            windows.sizes(self, name, getattr(self, name), self.rank)
            for name in ("kernel_size", "stride", "dilation")
        )
        padding = windows.paddings(self, self.padding, self.rank)
        return windows.axes(shape, size, stride, dilation, padding)

    def check(self, shape: Shape, name: str) -> None:
        what = type(self).__name__
        windows.check_windows(what, name, shape, self.rank, self.windows)
        for count, of in ((shape[-1], "channels"), (self.filter_count(shape[-1]), "filters")):
            if count % self.group_count(shape[-1]):
                raise ShapeError(
                    f"{what} '{name}': the number of {of} must be a multiple of groups="
                    f"{self.groups}, got {count}: choose groups that divide it"
                )

    def output_shape(self, shape: Shape) -> Shape:
        return (*(axis.outputs for axis in self.windows(shape)), self.filter_count(shape[-1]))

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        channels, filters = shape[-1], self.filter_count(shape[-1])
        groups = self.group_count(channels)
        size = tuple(axis.window for axis in self.windows(shape))
        fan = (math.prod(size) * channels // groups, math.prod(size) * filters // groups)
        kernel = (*size, channels // groups, filters)
        arrays = {"kernel": ArraySpec(kernel, self.kernel_init, decays=True, fan=fan)}
        if self.bias:
            arrays["bias"] = ArraySpec((filters,), self.bias_init, fan=fan)
        return arrays

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {
            **windows.numbers(self.windows(shape), shape[-1]),
            "groups": self.group_count(shape[-1]), "chunks": self._chunks(shape),
            "bands": windows.bands(self.output_shape(shape)),
            "winograd": self._by_tiles(shape),
        }

    def _by_tiles(self, shape: Shape) -> bool:
        """Whether the kernel computes tiles of 4 x 4 outputs by Winograd's method, in 36
        multiplications instead of 144.

        By the shape of an example alone: neither the batch nor the threads may change a bit of its
        outputs. Measured with AVX2 and AVX-512 (docs/performance-tried.md): tiles may be slower
        where fewer than 9 of their 16 outputs lie on the image, and a single example does not
        make up for the kernel's own transform with fewer than 7 x 7 outputs or more than 2^16
        pairs of channels and filters. Vectors of channels need 16 with AVX-512. Sums of 512
        channels err by 5e-6, more would come near 1e-5. A row of tiles is a thread's own memory.
        """
        axes, channels = self.windows(shape), shape[-1]
        filters = self.filter_count(channels)
        if self.rank != 2 or self.group_count(channels) > 1 or any(
            (axis.window, axis.stride, axis.dilation) != (3, 1, 1) or axis.before > 2
            for axis in axes
        ):
            return False
        outputs = math.prod(axis.outputs for axis in axes)
        rows, columns = (-(-axis.outputs // 4) for axis in axes)
        return (
            min(channels, filters) >= 16 and max(channels, filters) <= 512
            and channels * filters <= 2**16 and columns * max(channels, filters) <= 2**14
            and outputs >= max(49, 9 * rows * columns)
        )

    def _chunks(self, shape: Shape) -> int:
        """Parts of a batch whose gradients on the kernel are summed apart: fewer where they are
        large."""
        size = math.prod(self.arrays(shape)["kernel"].shape)
        return 16 if size <= 2**13 else 8 if size <= 2**15 else 4 if size <= 2**18 else 2

    def working(self, shape: Shape, backward: bool) -> dict[str, Shape]:
        channels, filters = shape[-1], self.filter_count(shape[-1])
        groups = self.group_count(channels)
        taps = math.prod(axis.window for axis in self.windows(shape))
        if channels == groups == filters:
            return {"partials": (self._chunks(shape), taps, channels)} if backward else {}
        own, their = channels // groups, filters // groups
        # The kernel as the products read it, for forward or for the gradient on the input, and the
        # gradients on it: a matrix for each place of the window, or point of a tile.
        # (A matrix of a point is one row longer: see kernels/winograd.hpp.)
        tiles = self._by_tiles(shape)
        matrices = 36 if tiles else groups * taps
        of_filters = matrices * (own + tiles) * whole_panels(their)
        if not backward:
            return {"packed": (of_filters,)}
        return {"packed": (matrices * (their + tiles) * whole_panels(own),),
                "partials": (self._chunks(shape), of_filters)}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        axes = self.windows(x.shape[1:])
        groups = self.group_count(x.shape[-1])
        padded = run.note("padded", windows.pad(x, axes, 0, run.xp), "x with zeros around it")
        y = 0
        for tap, at in windows.taps(axes):
            y = y + _grouped(padded[(slice(None), *at)], arrays["kernel"][tap], groups, run.xp)
        y = run.note("product", y, "sum over the window of x kernel")
        if self.bias:
            y = run.note("y", y + arrays["bias"], "product + bias")
        return y, (padded, x.shape[1:])

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        (padded, shape), xp, kernel = saved, run.xp, arrays["kernel"]
        groups, axes = self.group_count(shape[-1]), self.windows(shape)
        d_padded, d_kernel = xp.zeros_like(padded), xp.zeros_like(kernel)
        for tap, at in windows.taps(axes):
            here = (slice(None), *at)
            d_padded[here] = d_padded[here] + _grouped_back(d_y, kernel[tap], groups, xp)
            d_kernel[tap] = _grouped_kernel(padded[here], d_y, groups, xp)
        gradients = {"kernel": run.note("d_kernel", d_kernel, "sum of x' d_y, place by place")}
        if self.bias:
            gradients["bias"] = run.note("d_bias", sum_like(xp, d_y, d_y.ndim - 1), "sum of d_y")
        d_x = d_padded[(slice(None), *windows.inside(axes))]
        return run.note("d_x", d_x, "sum over the windows of d_y kernel'"), gradients


@dataclass(frozen=True)
class Conv1D(Convolution):
    """Convolution of sequences, (batch, steps, channels): :class:`Conv2D` on one axis.

    ``y[t, f] = bias[f] + sum over i, c of x[t stride + i dilation - before, c] kernel[i, c, f]``,
    with zeros outside the sequence.

    Arguments: as :class:`Conv2D`; kernel_size, stride and dilation are one number, padding a
    number, (before, after), ``"same"`` or ``"valid"``.

    Shapes: (batch, steps, channels) to (batch, steps', filters). ``kernel`` is (kernel_size,
    channels / groups, filters), ``bias`` (filters,). PyTorch's ``Conv1d.weight`` is
    ``kernel.transpose(2, 1, 0)``.

    Raises:
        ShapeError: examples that are no sequences, or shorter than the window.

    Example:
        >>> Conv1D(4, 3, padding="same").output_shape((10, 2))
        (10, 4)
    """

    rank: ClassVar[int] = 1


@dataclass(frozen=True)
class Conv2D(Convolution):
    """Convolution of images, (batch, height, width, channels): each output position is a linear
    function of the window around it, the same function everywhere.

    ``y[h, w, f] = bias[f] + sum over i, j, c of x[h', w', c] kernel[i, j, c, f]`` with
    ``h' = h stride + i dilation - before`` (w' likewise), zeros outside the image. (As everywhere
    in deep learning the kernel is not mirrored: strictly, a cross-correlation.)

    Gradients: ``d_kernel[i, j] = sum over positions of x' d_y``, ``d_bias = sum of d_y``,
    ``d_x = sum over the windows that saw x of d_y kernel'``.

    Arguments:
        filters: channels of the output.
        kernel_size: of the window; a number, or (height, width), as are stride and dilation.
        stride: positions from one window to the next.
        padding: ``"valid"`` (none), ``"same"`` (``ceil(size / stride)`` outputs; where it is odd,
            the larger half stands behind, as in TensorFlow), a number for all sides, (height,
            width), or ((top, bottom), (left, right)).
        dilation: distance of the window's positions from each other.
        groups: the channels are cut into that many groups; each filter sees one of them.
        bias: whether a bias is added; one right before :class:`BatchNorm` has no effect.
        kernel_init, bias_init: first values. fan_in counts the window's positions times the
            channels that a filter sees; fan_out likewise.
        name: the layer's name; by default ``conv2d_1``, ...

    Shapes: (batch, height, width, channels) to (batch, height', width', filters). ``kernel`` is
    (height, width, channels / groups, filters), ``bias`` (filters,). PyTorch's ``Conv2d.weight``
    is ``kernel.transpose(3, 2, 0, 1)``.

    Raises:
        ShapeError: examples that are no images, windows that do not fit, groups that do not divide
            the channels.

    The kernel sums over the window directly, or, for 3 x 3 windows with stride 1 and enough
    channels, filters and outputs, by Winograd's method: tiles of 4 x 4 outputs from 36
    multiplications instead of 144. Then float32 errs by 1e-6 to 5e-6 of the largest output.

    Source: LeCun, Bottou, Bengio and Haffner 1998, section II. Dumoulin and Visin 2016 for the
    arithmetic of strides and padding. Lavin and Gray 2016, section 4, and Winograd 1980 for the
    tiles.

    Example:
        >>> Conv2D(16, 3, stride=2, padding="same").output_shape((28, 28, 1))
        (14, 14, 16)
    """


@dataclass(frozen=True)
class _Depthwise(Convolution):
    """Convolution in which every channel has filters of its own."""

    filters: int = field(init=False, default=1)
    kernel_size: windows.Sizes = 3
    stride: windows.Sizes = 1
    padding: windows.Padding = "valid"
    dilation: windows.Sizes = 1
    groups: int = field(init=False, default=1)
    bias: bool = True
    multiplier: int = 1

    def __post_init__(self) -> None:
        expect(self.multiplier >= 1, self, "multiplier must be at least 1", self.multiplier)
        super().__post_init__()

    @property
    def type_name(self) -> str:
        return f"depthwise_conv{self.rank}d"

    def group_count(self, channels: int) -> int:
        return channels

    def filter_count(self, channels: int) -> int:
        return channels * self.multiplier


@dataclass(frozen=True)
class DepthwiseConv1D(_Depthwise):
    """Depthwise convolution of sequences: :class:`DepthwiseConv2D` on one axis.

    Arguments: as :class:`DepthwiseConv2D`.

    Example:
        >>> DepthwiseConv1D(3, padding="same").output_shape((10, 8))
        (10, 8)
    """

    rank: ClassVar[int] = 1


@dataclass(frozen=True)
class DepthwiseConv2D(_Depthwise):
    """Depthwise convolution of images: each channel is convolved with filters of its own,
    ``y[h, w, c] = bias[c] + sum over i, j of x[h', w', c] kernel[i, j, 0, c]``.

    The same as :class:`Conv2D` with as many groups as channels; followed by a 1x1 convolution it
    makes a separable one.

    Arguments:
        kernel_size, stride, padding, dilation, bias, kernel_init, bias_init, name: as
            :class:`Conv2D`.
        multiplier: filters for each channel; output c multiplier + m comes from channel c.

    Source: Chollet 2017, "Xception", section 1; Howard et al. 2017, section 3.1.

    Example:
        >>> DepthwiseConv2D(3, padding="same", multiplier=2).output_shape((8, 8, 5))
        (8, 8, 10)
    """


def _grouped(x: ArrayLike, kernel: ArrayLike, groups: int, xp: Any) -> ArrayLike:
    """x kernel, each group of channels for itself."""
    if groups == 1:
        return x @ kernel
    parts = zip(xp.split(x, groups, axis=-1), xp.split(kernel, groups, axis=-1), strict=True)
    return xp.concatenate([a @ b for a, b in parts], axis=-1)


def _grouped_back(d_y: ArrayLike, kernel: ArrayLike, groups: int, xp: Any) -> ArrayLike:
    """d_y kernel', each group for itself."""
    parts = zip(xp.split(d_y, groups, axis=-1), xp.split(kernel, groups, axis=-1), strict=True)
    return xp.concatenate([a @ b.T for a, b in parts], axis=-1)


def _grouped_kernel(x: ArrayLike, d_y: ArrayLike, groups: int, xp: Any) -> ArrayLike:
    """x' d_y over all positions of the batch, each group for itself."""
    rows = x.reshape(-1, x.shape[-1]), d_y.reshape(-1, d_y.shape[-1])
    parts = zip(*(xp.split(part, groups, axis=-1) for part in rows), strict=True)
    return xp.concatenate([a.T @ b for a, b in parts], axis=-1)
