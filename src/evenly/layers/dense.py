"""The linear layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..initializers import HeNormal, Initializer, Zeros
from .base import (
    ArrayLike,
    Arrays,
    ArraySpec,
    Gradients,
    Layer,
    Run,
    Shape,
    expect,
    expect_rank,
    sum_like,
)


@dataclass(frozen=True)
class Dense(Layer):
    """A linear layer: ``y = x kernel + bias``.

    Gradients: ``d_kernel = x' d_y``, ``d_bias = sum of d_y over the batch``, ``d_x = d_y kernel'``.

    Arguments:
        units: number of outputs.
        bias: whether a bias is added. One right before :class:`BatchNorm` has no effect: the
            normalization subtracts it again, and its gradient is zero.
        kernel_init: first values of the kernel.
        bias_init: first values of the bias.
        name: the layer's name; by default ``dense_1``, ``dense_2``, ...

    Shapes: (batch, features) to (batch, units). ``kernel`` is (features, units), ``bias``
    (units,). PyTorch's ``Linear.weight`` is the kernel transposed.

    Raises:
        ShapeError: examples that are not flat; add :class:`Flatten` before it.

    Example:
        >>> Dense(10).output_shape((64,))
        (10,)
    """

    units: int
    bias: bool = True
    kernel_init: Initializer = field(default_factory=HeNormal)
    bias_init: Initializer = field(default_factory=Zeros)
    name: str | None = None

    kernel: ClassVar[str | None] = "dense"
    takes_epilogue: ClassVar[bool] = True
    cancelled_by_centering: ClassVar[tuple[str, ...]] = ("bias",)

    def __post_init__(self) -> None:
        expect(self.units >= 1, self, "units must be at least 1", self.units)

    def check(self, shape: Shape, name: str) -> None:
        expect_rank(shape, 1, f"Dense '{name}'", "(batch, features)", "add Flatten() before it")

    def output_shape(self, shape: Shape) -> Shape:
        return (self.units,)

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        fan = (shape[0], self.units)
        arrays = {"kernel": ArraySpec(fan, self.kernel_init, decays=True, fan=fan)}
        if self.bias:
            arrays["bias"] = ArraySpec((self.units,), self.bias_init, fan=fan)
        return arrays

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"inputs": shape[0]}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        y = run.note("product", x @ arrays["kernel"], "x kernel")
        if self.bias:
            y = run.note("y", y + arrays["bias"], "x kernel + bias")
        return y, x

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        x = saved
        gradients = {"kernel": run.note("d_kernel", x.T @ d_y, "x' d_y")}
        if self.bias:
            gradients["bias"] = run.note("d_bias", sum_like(run.xp, d_y, 1), "sum of d_y")
        return run.note("d_x", d_y @ arrays["kernel"].T, "d_y kernel'"), gradients
