"""Mean, variance and the normalized input: written once, for every normalization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
    total = note("sum", xp.sum(x, axis=axes, keepdims=True), "sum of x")
    mean = note("mean", total / (x.size // total.size), "sum / n")
    centred = note("centred", x - mean, "x - mean")
    variance = note(
        "variance", xp.mean(centred * centred, axis=axes, keepdims=True), "mean of (x - mean)^2"
    )
    deviation = note("deviation", xp.sqrt(variance + epsilon), "sqrt(variance + epsilon)")
    x_hat = note("x_hat", centred / deviation, "(x - mean) / deviation")
    return Normalized(x_hat, 1 / deviation, mean, variance, axes)


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
