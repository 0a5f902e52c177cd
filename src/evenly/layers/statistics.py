"""Mean, variance and the normalized input: written once, for every normalization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .base import ArrayLike, Run


@dataclass(frozen=True)
class Normalized:
    """What normalizing over some axes gave, and what its gradient needs."""

    x_hat: ArrayLike
    reciprocal: ArrayLike
    mean: ArrayLike
    variance: ArrayLike
    axes: Any


def normalize(x: ArrayLike, axes: Any, epsilon: float, run: Run) -> Normalized:
    """``x_hat = (x - mean) / sqrt(variance + epsilon)``; the variance is the biased one."""
    xp, note = run.xp, run.note
    scale = scale_for_squares(x, axes, epsilon)
    if scale is not None:
        x, epsilon = x * scale, scaled_epsilon(epsilon, scale)
    total = note("sum", xp.sum(x, axis=axes, keepdims=True), "sum of x")
    mean = note("mean", total / (x.size // total.size), "sum / n")
    centred = note("centred", x - mean, "x - mean")
    variance = note(
        "variance", xp.mean(centred * centred, axis=axes, keepdims=True), "mean of (x - mean)^2"
    )
    deviation = note("deviation", xp.sqrt(variance + epsilon), "sqrt(variance + epsilon)")
    x_hat = note("x_hat", centred / deviation, "(x - mean) / deviation")
    if scale is None:
        return Normalized(x_hat, 1 / deviation, mean, variance, axes)
    with np.errstate(over="ignore", under="ignore"):  # a variance may be no number of its own
        own = mean / scale, variance / scale / scale
        return Normalized(x_hat, scale / deviation, *own, axes)


def scale_for_squares(x: ArrayLike, axes: Any, epsilon: float = 0.0) -> Any:
    """Powers of two, one for each group of numbers over some axes, by which squares of these
    numbers neither overflow nor vanish; None where they do not anyhow, and for exact numbers."""
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or x.size == 0:
        return None
    limits = np.finfo(x.dtype)
    largest = np.abs(x).max(axis=axes, keepdims=True).astype(np.float64)
    much = float(np.sqrt(limits.max)) / x.size
    little = 1e-10 if limits.bits <= 32 else 1e-125
    wrong = largest > much
    if epsilon < little * little:
        wrong |= (largest > 0) & (largest < little)
    wrong &= np.isfinite(largest)
    if not wrong.any():
        return None
    powers = np.clip(-np.frexp(largest)[1], limits.minexp, -limits.minexp)
    return np.ldexp(1.0, np.where(wrong, powers, 0)).astype(x.dtype)


def scaled_epsilon(epsilon: float, scale: Any) -> Any:
    """What epsilon is beside squares of numbers that were scaled."""
    with np.errstate(under="ignore"):
        return (epsilon * scale.astype(np.float64) * scale).astype(scale.dtype)


def length(x: ArrayLike, axes: Any, run: Run) -> ArrayLike:
    """``sqrt(sum of x^2)`` over some axes."""
    scale = scale_for_squares(x, axes)
    if scale is None:
        return run.xp.sqrt(run.xp.sum(x * x, axis=axes))
    x = x * scale
    return np.sqrt(np.sum(x * x, axis=axes)) / scale.reshape(np.sum(x, axis=axes).shape)


def normalize_backward(d_x_hat: ArrayLike, saved: Normalized, run: Run) -> ArrayLike:
    """``d_x = (d_x_hat - mean(d_x_hat) - x_hat mean(d_x_hat x_hat)) / deviation``."""
    xp, note = run.xp, run.note
    mean = note("mean_d", xp.mean(d_x_hat, axis=saved.axes, keepdims=True), "mean of d_x_hat")
    slope = note(
        "mean_d_x_hat",
        xp.mean(d_x_hat * saved.x_hat, axis=saved.axes, keepdims=True),
        "mean of d_x_hat x_hat",
    )
    d_x = (d_x_hat - mean - saved.x_hat * slope) * saved.reciprocal
    return note("d_x", d_x, "(d_x_hat - mean_d - x_hat mean_d_x_hat) / deviation")
