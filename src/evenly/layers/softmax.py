"""Softmax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .base import ArrayLike, Arrays, Gradients, Layer, Run


@dataclass(frozen=True)
class Softmax(Layer):
    """Softmax over the last axis: ``y = exp(x) / sum(exp(x))``; the largest x is subtracted first,
    which changes nothing but prevents overflow.

    Gradient: ``d_x = y (d_y - sum(d_y y))``.

    To train a classifier, end the network with scores and use :class:`SoftmaxCrossEntropy`, which
    contains the softmax; this layer is for probabilities within a network.

    Arguments:
        name: the layer's name; by default ``softmax_1``, ...

    Shapes: (batch, ..., features), unchanged; each row of features sums to 1.

    Source: Bridle 1990, "Probabilistic interpretation of feedforward classification network
    outputs", section 3.

    Example:
        >>> y, _ = Softmax().forward(np.array([[0.0, 0.0]]), {}, Run(training=True))
        >>> y
        array([[0.5, 0.5]])
    """

    name: str | None = None

    kernel: ClassVar[str | None] = "softmax"

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        xp, axis = run.xp, x.ndim - 1
        shifted = run.note("shifted", x - xp.max(x, axis=axis, keepdims=True), "x - max of x")
        powers = run.note("powers", xp.exp(shifted), "exp(shifted)")
        total = run.note("total", xp.sum(powers, axis=axis, keepdims=True), "sum of powers")
        y = run.note("y", powers / total, "powers / total")
        return y, y

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        y = saved
        inner = run.note("inner", run.xp.sum(d_y * y, axis=y.ndim - 1, keepdims=True),
                         "sum of d_y y")
        return run.note("d_x", y * (d_y - inner), "y (d_y - inner)"), {}
