"""RMS normalization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..initializers import Constant
from .base import ArrayLike, Arrays, ArraySpec, Gradients, Layer, Run, Shape, expect, expect_axes
from .batchnorm import scale_and_shift, scale_and_shift_backward
from .statistics import scale_for_squares, scaled_epsilon
from .windows import wide_rows


@dataclass(frozen=True)
class RMSNorm(Layer):
    """RMS normalization: each example divided by the root of its mean square over its features,
    then scaled. Layer normalization without the mean.

    ``y = gamma x / sqrt(mean(x^2) + epsilon)``. The same in training and inference; nothing depends
    on the rest of the batch. With g = gamma d_y and ``x_hat = x / sqrt(mean(x^2) + epsilon)``,
    ``d_x = (g - x_hat mean(g x_hat)) / sqrt(mean(x^2) + epsilon)``.

    Arguments:
        axes: how many of an example's last axes are normalized together; 1: the features.
        epsilon: added to the mean square, >= 0. PyTorch's default is the smallest step of the dtype
            (1.2e-7 for float32).
        scale: whether ``gamma`` multiplies.
        name: the layer's name; by default ``rms_norm_1``, ...

    Shapes: (batch, ..., features), unchanged. Arrays: ``gamma``, of the shape of the last `axes`
    axes.

    Raises:
        ShapeError: examples with fewer axes.

    Source: Zhang and Sennrich 2019, equation 4.

    Example:
        >>> layer = RMSNorm(epsilon=1e-12, scale=False)
        >>> y, _ = layer.forward(np.array([[1.0, 7.0]]), {}, Run(training=True))
        >>> y.round(6)
        array([[0.2, 1.4]])
    """

    axes: int = 1
    epsilon: float = 1e-6
    scale: bool = True
    name: str | None = None

    kernel: ClassVar[str | None] = "rms_norm"
    takes_epilogue: ClassVar[bool] = True

    def __post_init__(self) -> None:
        expect(
            isinstance(self.axes, int) and self.axes >= 1, self,
            "axes must be a whole number of at least 1", self.axes,
        )
        expect(self.epsilon >= 0, self, "epsilon must not be negative", self.epsilon)

    @property
    def row_axes(self) -> int:
        return self.axes

    @property
    def type_name(self) -> str:
        return "rms_norm"

    def check(self, shape: Shape, name: str) -> None:
        expect_axes(shape, self.axes, f"RMSNorm '{name}'")

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        return {"gamma": ArraySpec(shape[-self.axes :], Constant(1.0))} if self.scale else {}

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"epsilon": self.epsilon}

    def workspace(self, shape: Shape, rows: int) -> dict[str, Shape]:
        # as LayerNorm's, whose kernel this is
        return {"statistics": (4, rows)} | wide_rows(shape[-self.axes :], rows)

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        xp, note = run.xp, run.note
        axes = tuple(range(x.ndim - self.axes, x.ndim))
        epsilon, scale = self.epsilon, scale_for_squares(x, axes, self.epsilon)
        if scale is not None:
            x, epsilon = x * scale, scaled_epsilon(epsilon, scale)
        square = note("mean_square", xp.mean(x * x, axis=axes, keepdims=True), "mean of x^2")
        root = note("root", xp.sqrt(square + epsilon), "sqrt(mean_square + epsilon)")
        x_hat = note("x_hat", x / root, "x / root")
        root = root if scale is None else root / scale
        return scale_and_shift(x_hat, arrays, run), (x_hat, root, axes)

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        x_hat, root, axes = saved
        d_x_hat, gradients = scale_and_shift_backward(d_y, x_hat, arrays, run)
        slope = run.note(
            "mean_d_x_hat", run.xp.mean(d_x_hat * x_hat, axis=axes, keepdims=True),
            "mean of d_x_hat x_hat",
        )
        d_x = (d_x_hat - x_hat * slope) / root
        return run.note("d_x", d_x, "(d_x_hat - x_hat mean_d_x_hat) / root"), gradients
