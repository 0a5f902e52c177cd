"""Layers around a linear layer or a convolution whose kernel is made from other arrays first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import ConfigurationError
from ..initializers import Initializer
from .base import ArrayLike, Arrays, ArraySpec, Gradients, Layer, Run, Shape, expect
from .conv import Convolution
from .dense import Dense
from .statistics import length


@dataclass(frozen=True)
class _MadeKernel(Layer):
    layer: Layer

    def __post_init__(self) -> None:
        if not isinstance(self.layer, (Dense, Convolution)):
            raise ConfigurationError(
                f"{type(self).__name__}: wraps Dense or a convolution, got {self.layer!r}"
            )

    # Whatever compile asks, the layer inside answers.
    @property
    def kernel(self) -> str | None:  # type: ignore[override]
        return self.layer.kernel

    @property
    def takes_epilogue(self) -> bool:  # type: ignore[override]
        return self.layer.takes_epilogue

    @property
    def cancelled_by_centering(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.layer.cancelled_by_centering

    def check(self, shape: Shape, name: str) -> None:
        self.layer.check(shape, name)

    def output_shape(self, shape: Shape) -> Shape:
        return self.layer.output_shape(shape)

    def numbers(self, shape: Shape) -> dict[str, float]:
        return self.layer.numbers(shape)

    def workspace(self, shape: Shape, rows: int) -> dict[str, Shape]:
        return self.layer.workspace(shape, rows)

    def working(self, shape: Shape, backward: bool) -> dict[str, Shape]:
        return self.layer.working(shape, backward)

    def made(self, shape: Shape) -> dict[str, Shape]:
        return {"kernel": self.layer.arrays(shape)["kernel"].shape}

    def make(self, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        """(the kernel, what unmake needs)."""
        raise NotImplementedError

    def unmake(self, d_kernel: ArrayLike, arrays: Arrays, saved: Any,
               run: Run) -> dict[str, ArrayLike]:
        """The gradients of the arrays that the kernel was made from."""
        raise NotImplementedError

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        kernel, made = self.make(arrays, run)
        y, saved = self.layer.forward(x, {**arrays, "kernel": kernel}, run)
        return y, (kernel, made, saved)

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        kernel, made, inner = saved
        d_x, gradients = self.layer.backward(d_y, {**arrays, "kernel": kernel}, inner, run)
        d_kernel = gradients.pop("kernel")
        return d_x, {**self.unmake(d_kernel, arrays, made, run), **gradients}


@dataclass(frozen=True)
class _ColumnNorms:
    """The lengths of the columns of a kernel that another initializer draws."""

    initializer: Initializer
    rows: int

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        kernel = self.initializer.sample(generator, (self.rows, *shape), fan)
        lengths = np.sqrt((kernel**2).sum(axis=0))
        return np.where(lengths > 0, lengths, 1.0)


@dataclass(frozen=True)
class WeightNorm(_MadeKernel):
    """Weight normalization: the kernel of a layer as a direction and a length for each unit,
    ``kernel = gain direction / ||direction||``, each column (each filter) for itself.

    Gradients: ``d_gain = sum of d_kernel direction / ||direction||`` and ``d_direction = gain /
    ||direction|| (d_kernel - d_gain direction / ||direction||)``: what would only change the
    length is taken away. A direction of zeros has no length: its column of the kernel is zeros, and
    counts as of length 1 in the gradients, so that it can learn. (PyTorch makes it NaN.)

    Arguments:
        layer: Dense or a convolution.
        name: the layer's name; by default ``weight_norm_1``, ...

    Shapes: those of the layer. Arrays: ``direction`` (the kernel's shape), ``gain`` (units,), and
    the layer's others. The gains begin at lengths that the layer's ``kernel_init`` would give.
    PyTorch's ``weight_norm`` has ``original1`` (direction, transposed) and ``original0`` (gain).

    Source: Salimans and Kingma 2016, "Weight normalization", equations 2 and 3.

    Example:
        >>> sorted(WeightNorm(Dense(3)).arrays((4,)))
        ['bias', 'direction', 'gain']
    """

    name: str | None = None

    transform: ClassVar[str | None] = "weight_norm"
    made_from: ClassVar[tuple[str, ...]] = ("direction", "gain")

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        arrays = self.layer.arrays(shape)
        kernel = arrays.pop("kernel")
        rows = math.prod(kernel.shape[:-1])
        gain = ArraySpec(kernel.shape[-1:], _ColumnNorms(kernel.initializer, rows), fan=kernel.fan)
        return {"direction": kernel, "gain": gain, **arrays}

    def make(self, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        direction = arrays["direction"]
        axes = tuple(range(direction.ndim - 1))
        size = run.note("length", length(direction, axes, run), "sqrt(sum of direction^2)")
        if isinstance(size, np.ndarray):
            size = np.where(size == 0, 1, size)
        unit = run.note("unit", direction / size, "direction / length")
        return run.note("kernel", arrays["gain"] * unit, "gain unit"), (unit, size, axes)

    def unmake(self, d_kernel: ArrayLike, arrays: Arrays, saved: Any,
               run: Run) -> dict[str, ArrayLike]:
        unit, size, axes = saved
        d_gain = run.note("d_gain", run.xp.sum(d_kernel * unit, axis=axes), "sum of d_kernel unit")
        d_direction = arrays["gain"] / size * (d_kernel - d_gain * unit)
        d_direction = run.note("d_direction", d_direction, "gain / length (d_kernel - d_gain unit)")
        return {"direction": d_direction, "gain": d_gain}


@dataclass(frozen=True)
class DropConnect(_MadeKernel):
    """DropConnect: in training each number of a layer's kernel is set to 0 with probability
    `rate`, and those kept are divided by ``1 - rate``; one mask a step. In inference the kernel
    is whole.

    ``y = x (kernel keep / (1 - rate)) + bias``, ``d_kernel = (x' d_y) keep / (1 - rate)``.

    Arguments:
        layer: Dense or a convolution.
        rate: fraction dropped, 0 <= rate < 1.
        name: the layer's name; by default ``drop_connect_1``, ...

    Shapes and arrays: those of the layer.

    Source: Wan, Zeiler, Zhang, LeCun and Fergus 2013, "Regularization of neural networks using
    DropConnect", section 3; scaled in training instead of sampled in inference, and with one mask
    for the whole batch.

    Example:
        >>> sorted(DropConnect(Dense(3), 0.5).arrays((4,)))
        ['bias', 'kernel']
    """

    rate: float = 0.5
    name: str | None = None

    transform: ClassVar[str | None] = "drop_connect"
    made_from: ClassVar[tuple[str, ...]] = ("kernel",)
    made_in_training_only: ClassVar[bool] = True
    draws: ClassVar[bool] = True
    drops: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(0 <= self.rate < 1, self, "rate is the fraction dropped: at least 0 and below 1",
               self.rate)

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        return self.layer.arrays(shape)

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {**self.layer.numbers(shape), "rate": self.rate}

    def make(self, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        kernel = arrays["kernel"]
        if not run.training:
            return kernel, None
        rate = run.dropped(self.rate)
        keep = run.keep((1, kernel.size), rate)
        mask = run.note("mask", keep.reshape(kernel.shape) / (1 - rate), "keep / (1 - rate)")
        return run.note("kernel", kernel * mask, "kernel mask"), mask

    def unmake(self, d_kernel: ArrayLike, arrays: Arrays, saved: Any,
               run: Run) -> dict[str, ArrayLike]:
        return {"kernel": run.note("d_kernel", d_kernel * saved, "d_kernel mask")}
