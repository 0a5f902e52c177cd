"""Layer normalization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..initializers import Constant, Zeros
from .base import ArrayLike, Arrays, ArraySpec, Gradients, Layer, Run, Shape, expect, expect_axes
from .batchnorm import scale_and_shift, scale_and_shift_backward
from .statistics import normalize, normalize_backward
from .windows import wide_rows


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Layer normalization: each example to mean 0 and variance 1 over its features (the last
    axis, or several), then scaled and shifted.

    ``y = gamma (x - mean) / sqrt(variance + epsilon) + beta``. The same in training and inference;
    nothing depends on the rest of the batch.

    Arguments:
        axes: how many of an example's last axes are normalized together; 1: the features.
        epsilon: added to the variance, >= 0. With 0, what does not vary at all becomes NaN.
        center: whether ``beta`` is added.
        scale: whether ``gamma`` multiplies.
        name: the layer's name; by default ``layer_norm_1``, ...

    Shapes: (batch, ..., features), unchanged. Arrays: ``gamma`` and ``beta``, each of the shape of
    the last `axes` axes (PyTorch's ``normalized_shape``).

    Raises:
        ShapeError: examples with fewer axes.

    Source: Ba, Kiros and Hinton 2016, equation 4.

    Example:
        >>> layer = LayerNorm(epsilon=1e-12, center=False, scale=False)
        >>> y, _ = layer.forward(np.array([[1.0, 3.0]]), {}, Run(training=True))
        >>> y.round(6)
        array([[-1.,  1.]])
    """

    axes: int = 1
    epsilon: float = 1e-5
    center: bool = True
    scale: bool = True
    name: str | None = None

    kernel: ClassVar[str | None] = "layer_norm"
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

    def check(self, shape: Shape, name: str) -> None:
        expect_axes(shape, self.axes, f"LayerNorm '{name}'")

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        arrays = {}
        if self.scale:
            arrays["gamma"] = ArraySpec(shape[-self.axes :], Constant(1.0))
        if self.center:
            arrays["beta"] = ArraySpec(shape[-self.axes :], Zeros())
        return arrays

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"epsilon": self.epsilon}

    def workspace(self, shape: Shape, rows: int) -> dict[str, Shape]:
        # scale, the mean in two parts, and 1 / deviation, for each row
        return {"statistics": (4, rows)} | wide_rows(shape[-self.axes :], rows)

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        saved = normalize(x, tuple(range(x.ndim - self.axes, x.ndim)), self.epsilon, run)
        return scale_and_shift(saved.x_hat, arrays, run), saved

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        d_x_hat, gradients = scale_and_shift_backward(d_y, saved.x_hat, arrays, run)
        return normalize_backward(d_x_hat, saved, run), gradients
