"""Batch normalization."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from ..initializers import Constant, Zeros
from .base import ArrayLike, Arrays, ArraySpec, Gradients, Layer, Run, Shape, expect, sum_like
from .statistics import normalize, normalize_backward


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalization: each channel to mean 0 and variance 1 over the batch, then scaled and
    shifted.

    ``y = gamma (x - mean) / sqrt(variance + epsilon) + beta``. In training, mean and (biased)
    variance are the batch's; in inference the running averages stand in for them::

        running = decay running + (1 - decay) batch        (the variance unbiased, over n - 1)

    Numbers whose squares the dtype does not hold are normalized all the same. Their running
    variance is infinite (in float32 from deviations of about 1e19 on), or 0 (below 1e-22): scale
    such data.

    Arguments:
        decay: of the running averages, 0 <= decay < 1. It is 1 - PyTorch's ``momentum``.
        epsilon: added to the variance, >= 0. With 0, what does not vary at all becomes NaN.
        center: whether ``beta`` is added.
        scale: whether ``gamma`` multiplies.
        frozen: whether training too uses the running averages, and leaves them as they are; gamma
            and beta still learn. For fine-tuning a trained network, with batches of any size.
        name: the layer's name; by default ``batch_norm_1``, ...

    Shapes: (batch, ..., channels), unchanged; statistics are over all axes but the last. Arrays:
    ``gamma``, ``beta``, ``running_mean``, ``running_variance``, each (channels,).

    Raises:
        ConfigurationError: when a network with it is to be trained with batches of one row and an
            example has a single value a channel. (An image has one a pixel: one image is enough.)

    Source: Ioffe and Szegedy 2015, algorithms 1 and 2.

    Example:
        >>> x = np.array([[1.0], [3.0]])
        >>> layer = BatchNorm(epsilon=1e-12, center=False, scale=False)
        >>> arrays = {"running_mean": np.zeros(1), "running_variance": np.ones(1)}
        >>> y, _ = layer.forward(x, arrays, Run(training=True))
        >>> y.round(6)
        array([[-1.], [ 1.]])
    """

    decay: float = 0.9
    epsilon: float = 1e-5
    center: bool = True
    scale: bool = True
    frozen: bool = False
    name: str | None = None

    takes_epilogue: ClassVar[bool] = True
    backward_in_place: ClassVar[bool] = True
    own_inference: ClassVar[bool] = True

    def __post_init__(self) -> None:
        expect(0 <= self.decay < 1, self, "decay must be at least 0 and below 1", self.decay)
        expect(self.epsilon >= 0, self, "epsilon must not be negative", self.epsilon)

    @property
    def kernel(self) -> str:  # type: ignore[override]
        return "frozen_batch_norm" if self.frozen else "batch_norm"

    @property
    def tracks(self) -> bool:
        return not self.frozen

    @property
    def subtracts_mean(self) -> bool:
        return not self.frozen

    def training_rows(self, shape: Shape) -> int:
        return 1 if self.frozen or math.prod(shape[:-1]) > 1 else 2

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        channels = shape[-1:]
        arrays = {}
        if self.scale:
            arrays["gamma"] = ArraySpec(channels, Constant(1.0))
        if self.center:
            arrays["beta"] = ArraySpec(channels, Zeros())
        arrays["running_mean"] = ArraySpec(channels, Zeros(), trainable=False)
        arrays["running_variance"] = ArraySpec(channels, Constant(1.0), trainable=False)
        return arrays

    def numbers(self, shape: Shape) -> dict[str, float]:
        numbers = {"epsilon": self.epsilon, "decay": self.decay}
        return {**numbers, "frozen": 1} if self.frozen else numbers

    def workspace(self, shape: Shape, rows: int) -> dict[str, Shape]:
        # scale, mean in two parts, 1 / deviation, variance, gamma / deviation; and what backward
        # sums over the rows
        return {"statistics": (6, shape[-1]), "sums": (3, shape[-1])}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        axes = tuple(range(x.ndim - 1))
        if run.training and not self.frozen:
            saved: Any = normalize(x, axes, self.epsilon, run)
            x_hat = saved.x_hat
            n = x.size // x.shape[-1]
            mean, variance = saved.mean.reshape(-1), saved.variance.reshape(-1)
            keep, rest = self.decay, 1 - self.decay
            unbiased = variance * (n / (n - 1)) if n > 1 else variance
            run.update("running_mean", run.note(
                "running_mean", keep * arrays["running_mean"] + rest * mean,
                "decay running_mean + (1 - decay) mean"))
            run.update("running_variance", run.note(
                "running_variance", keep * arrays["running_variance"] + rest * unbiased,
                "decay running_variance + (1 - decay) variance n / (n - 1)"))
        else:
            deviation = run.xp.sqrt(arrays["running_variance"] + self.epsilon)
            x_hat = run.note("x_hat", (x - arrays["running_mean"]) / deviation,
                             "(x - running_mean) / sqrt(running_variance + epsilon)")
            saved = Fixed(x_hat, 1 / deviation)
        return scale_and_shift(x_hat, arrays, run), saved

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        d_x_hat, gradients = scale_and_shift_backward(d_y, saved.x_hat, arrays, run)
        if isinstance(saved, Fixed):
            d_x = run.note("d_x", d_x_hat * saved.reciprocal, "d_x_hat / deviation")
            return d_x, gradients
        return normalize_backward(d_x_hat, saved, run), gradients


@dataclass(frozen=True)
class Fixed:
    """What normalizing by fixed statistics gave, and what its gradient needs."""

    x_hat: ArrayLike
    reciprocal: ArrayLike


def scale_and_shift(x_hat: ArrayLike, arrays: Arrays, run: Run) -> ArrayLike:
    """``gamma x_hat + beta``, as far as the layer has them."""
    y = x_hat
    if "gamma" in arrays:
        y = run.note("scaled", y * arrays["gamma"], "gamma x_hat")
    if "beta" in arrays:
        y = run.note("y", y + arrays["beta"], "gamma x_hat + beta")
    return y


def scale_and_shift_backward(
    d_y: ArrayLike, x_hat: ArrayLike, arrays: Arrays, run: Run
) -> Gradients:
    """The gradients of :func:`scale_and_shift`; gamma and beta belong to the last axes."""
    gradients = {}
    d_x_hat = d_y
    if "beta" in arrays:
        axes = d_y.ndim - arrays["beta"].ndim
        gradients["beta"] = run.note("d_beta", sum_like(run.xp, d_y, axes), "sum of d_y")
    if "gamma" in arrays:
        axes = d_y.ndim - arrays["gamma"].ndim
        gradients["gamma"] = run.note(
            "d_gamma", sum_like(run.xp, d_y * x_hat, axes), "sum of d_y x_hat"
        )
        d_x_hat = run.note("d_x_hat", d_y * arrays["gamma"], "d_y gamma")
    return d_x_hat, gradients
