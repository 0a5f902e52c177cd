"""Group normalization, and instance normalization as its case of one channel a group."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from ..errors import ShapeError
from ..initializers import Constant, Zeros
from .base import ArrayLike, Arrays, ArraySpec, Gradients, Layer, Run, Shape, expect
from .batchnorm import scale_and_shift, scale_and_shift_backward
from .statistics import normalize, normalize_backward
from .windows import bands


class Grouped(Layer):
    """Base of the layers that normalize each example's channels in groups, over the positions."""

    epsilon: float
    center: bool
    scale: bool

    kernel: ClassVar[str | None] = "group_norm"
    takes_epilogue: ClassVar[bool] = True

    def group_count(self, shape: Shape) -> int:
        """Into how many groups the channels of an example fall."""
        raise NotImplementedError

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        arrays = {}
        if self.scale:
            arrays["gamma"] = ArraySpec(shape[-1:], Constant(1.0))
        if self.center:
            arrays["beta"] = ArraySpec(shape[-1:], Zeros())
        return arrays

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"epsilon": self.epsilon, "groups": self.group_count(shape), "bands": bands(shape)}

    def workspace(self, shape: Shape, rows: int) -> dict[str, Shape]:
        # scale, the mean in two parts, and 1 / deviation, for each group of each example
        examples = rows // math.prod(shape[:-1])
        space: dict[str, Shape] = {"statistics": (4, examples, self.group_count(shape))}
        if bands(shape) > 1:
            # two sums in double precision, for each channel of each band of a few large examples
            space["band_sums"] = (min(examples, 15), bands(shape), 4, shape[-1])
        return space

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        saved = normalize(self._in_groups(x), (1, 3), self.epsilon, run)
        return scale_and_shift(saved.x_hat.reshape(x.shape), arrays, run), saved

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        x_hat = saved.x_hat.reshape(d_y.shape)
        d_x_hat, gradients = scale_and_shift_backward(d_y, x_hat, arrays, run)
        d_x = normalize_backward(self._in_groups(d_x_hat), saved, run)
        return d_x.reshape(d_y.shape), gradients

    def _in_groups(self, x: ArrayLike) -> ArrayLike:
        """(batch, ..., channels) as (batch, positions, groups, channels of a group)."""
        shape = x.shape[1:]
        groups = self.group_count(shape)
        return x.reshape(len(x), math.prod(shape[:-1]), groups, shape[-1] // groups)


@dataclass(frozen=True)
class GroupNorm(Grouped):
    """Group normalization: each example's channels, in groups, to mean 0 and variance 1 over the
    positions and the channels of the group; then scaled and shifted channel by channel.

    ``y = gamma (x - mean) / sqrt(variance + epsilon) + beta``. The same in training and inference;
    nothing depends on the rest of the batch. With g = gamma d_y, and means over a group,
    ``d_x = (g - mean(g) - x_hat mean(g x_hat)) / sqrt(variance + epsilon)``.

    Arguments:
        groups: how many; channels that stand side by side form a group.
        epsilon: added to the variance, >= 0. With 0, what does not vary at all becomes NaN.
        center: whether ``beta`` is added.
        scale: whether ``gamma`` multiplies.
        name: the layer's name; by default ``group_norm_1``, ...

    Shapes: (batch, ..., channels), unchanged. Arrays: ``gamma`` and ``beta``, each (channels,).

    Raises:
        ShapeError: groups that do not divide the channels, or that hold one value each.

    Source: Wu and He 2018, section 3.1.

    Example:
        >>> layer = GroupNorm(2, epsilon=1e-12, center=False, scale=False)
        >>> y, _ = layer.forward(np.array([[1.0, 3.0, 10.0, 50.0]]), {}, Run(training=True))
        >>> y.round(6)
        array([[-1.,  1., -1.,  1.]])
    """

    groups: int
    epsilon: float = 1e-5
    center: bool = True
    scale: bool = True
    name: str | None = None

    def __post_init__(self) -> None:
        expect(
            isinstance(self.groups, int) and self.groups is not True and self.groups >= 1, self,
            "groups must be a whole number of at least 1", self.groups,
        )
        expect(self.epsilon >= 0, self, "epsilon must not be negative", self.epsilon)

    def group_count(self, shape: Shape) -> int:
        return self.groups

    def check(self, shape: Shape, name: str) -> None:
        channels = shape[-1]
        if channels % self.groups:
            raise ShapeError(
                f"GroupNorm '{name}': groups must divide the channels, got groups={self.groups} "
                f"and {channels} channels: choose one of {_divisors(channels)}"
            )
        if math.prod(shape) == self.groups:
            raise ShapeError(
                f"GroupNorm '{name}': a group must hold at least two values, got "
                f"groups={self.groups} and examples of shape {shape}: one value has no variance; "
                "use fewer groups"
            )


@dataclass(frozen=True)
class InstanceNorm(Grouped):
    """Instance normalization: each channel of each example to mean 0 and variance 1 over the
    positions, then scaled and shifted.

    ``y = gamma (x - mean) / sqrt(variance + epsilon) + beta``. The same in training and inference;
    nothing depends on the rest of the batch. Its gradient is :class:`GroupNorm`'s, with one channel
    a group.

    Arguments:
        epsilon: added to the variance, >= 0. With 0, what does not vary at all becomes NaN.
        center: whether ``beta`` is added.
        scale: whether ``gamma`` multiplies. PyTorch's ``InstanceNorm2d`` has neither unless it is
            made with ``affine=True``; its default is ``center=False, scale=False`` here.
        name: the layer's name; by default ``instance_norm_1``, ...

    Shapes: (batch, ..., channels) with at least two positions, unchanged. Arrays: ``gamma`` and
    ``beta``, each (channels,).

    Raises:
        ShapeError: examples with a single position.

    Source: Ulyanov, Vedaldi and Lempitsky 2016, section 2.

    Example:
        >>> layer = InstanceNorm(epsilon=1e-12, center=False, scale=False)
        >>> x = np.array([[[1.0, 50.0], [3.0, 10.0]]])  # two positions, two channels
        >>> layer.forward(x, {}, Run(training=True))[0].round(6)
        array([[[-1.,  1.],
                [ 1., -1.]]])
    """

    epsilon: float = 1e-5
    center: bool = True
    scale: bool = True
    name: str | None = None

    def __post_init__(self) -> None:
        expect(self.epsilon >= 0, self, "epsilon must not be negative", self.epsilon)

    def group_count(self, shape: Shape) -> int:
        return shape[-1]

    def check(self, shape: Shape, name: str) -> None:
        if math.prod(shape[:-1]) < 2:
            raise ShapeError(
                f"InstanceNorm '{name}': expects (batch, positions, ..., channels) with at least "
                f"two positions, got ({', '.join(['batch', *map(str, shape)])}): one value has no "
                "variance; use GroupNorm or LayerNorm"
            )


def _divisors(n: int) -> str:
    return ", ".join(str(d) for d in range(1, n + 1) if n % d == 0)
