"""Losses of classification."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import ConfigurationError, DataError, ShapeError
from ..layers.base import ArrayLike, Run, Shape, expect
from ..layers.special import logistic, softplus
from .base import Loss
from .values import as_values


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """Cross-entropy of the softmax of the scores, for one of k classes.

    ``y_hat = exp(s) / sum(exp(s))``, ``loss = mean of -log(y_hat[target])``; the gradient on the
    scores is ``(y_hat - y) / batch`` with y the target as a one-hot row.

    With label smoothing e the target is ``y = (1 - e) one_hot + e / k``. With class weights v the
    loss of an example is ``-sum of v y log(y_hat)``, and the mean is divided by the sum of the
    targets' ``v``, as in PyTorch.

    Arguments:
        label_smoothing: e, 0 <= e < 1.
        class_weights: one number a class, none negative; None: 1 each.

    Shapes: scores (batch, k) or (batch, steps, k), targets (batch,) or (batch, steps): whole
    numbers 0 to k - 1.

    Raises:
        DataError: targets that are no class numbers of this network.

    Source: Bridle 1990; Goodfellow, Bengio and Courville 2016, section 6.2.2.3. Label smoothing:
    Szegedy, Vanhoucke, Ioffe, Shlens and Wojna 2016, section 7.

    Example:
        >>> loss, _ = SoftmaxCrossEntropy().forward(np.zeros((1, 2)), np.array([0]), Run(True))
        >>> round(float(loss), 4)
        0.6931
    """

    label_smoothing: float = 0.0
    class_weights: Sequence[float] | None = None

    kernel: ClassVar[str] = "softmax_cross_entropy"
    targets_are_classes: ClassVar[bool] = True
    counts_right_answers: ClassVar[bool] = True
    slope_formula: ClassVar[str] = "(y_hat - y) / batch"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_smoothing(self, self.label_smoothing)
        _freeze_weights(self, self.class_weights)

    def check(self, shape: Shape) -> None:
        super().check(shape)
        weights = self.class_weights
        if weights is not None and len(weights) != shape[-1]:
            raise ShapeError(
                f"SoftmaxCrossEntropy: expects one class weight for each of the {shape[-1]} "
                f"outputs, got {len(weights)}: give as many as the last layer has units"
            )

    def numbers(self, outputs: int) -> dict[str, float]:
        return {"label_smoothing": self.label_smoothing, **_weight_numbers(self.class_weights)}

    def prepare(self, y: Any, shape: Shape, dtype: Any) -> Any:
        outputs, steps = shape[-1], shape[:-1]
        wanted = ", ".join(["n", *map(str, steps)]) if steps else "n,"
        rule = f"SoftmaxCrossEntropy: expects class numbers 0 to {outputs - 1}, shape ({wanted})"
        y = np.asarray(y)
        if y.ndim == 2 + len(steps) and y.shape[-1] == 1:
            y = y[..., 0]
        if y.ndim != 1 + len(steps) or y.shape[1:] != steps:
            raise DataError(f"{rule}, got shape {y.shape}: give one number an example"
                            + (" and step" if steps else ""))
        whole = y.dtype.kind in "iub" or (y.dtype.kind == "f" and bool(np.all(y == np.floor(y))))
        if not whole:
            raise DataError(
                f"{rule}, got {y.dtype}: number the classes, "
                "for instance with numpy.unique(y, return_inverse=True)"
            )
        if y.size and not (y.min() >= 0 and y.max() < outputs):
            raise DataError(
                f"{rule}, got {y.min()} to {y.max()}: "
                f"the last layer needs {int(y.max()) + 1} units, or the classes other numbers"
            )
        y = np.ascontiguousarray(y, dtype=np.int32)
        return y if steps else y[:, None]

    def probabilities(self, scores: Any) -> Any:
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def each(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[Any, Any, Any]:
        xp, note = run.xp, run.note
        largest = xp.max(scores, axis=1, keepdims=True)
        powers = note("powers", xp.exp(scores - largest), "exp(s - max s)")
        total = note("total", xp.sum(powers, axis=1, keepdims=True), "sum of powers")
        y_hat = note("y_hat", powers / total, "powers / total")
        k = scores.shape[1]
        y, own = target, None
        if self.label_smoothing:
            e = self.label_smoothing
            y = note("smoothed", (1 - e) * target + e / k, "(1 - e) one_hot + e / k")
        if self.class_weights is not None:
            weights = xp.asarray(self.class_weights)[None, :]
            own = xp.sum(target * weights, axis=1)
            y = note("weighted", y * weights, "v y")
        mass = xp.sum(y, axis=1)
        right = xp.sum((scores - largest) * y, axis=1)
        losses = note("losses", mass * xp.log(total[:, 0]) - right, "-sum of y log(y_hat)")
        return losses, own, (y_hat, y, mass)

    def slope(self, saved: Any, run: Run) -> ArrayLike:
        y_hat, y, mass = saved
        return y_hat * mass[:, None] - y


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Cross-entropy of the logistic function of the scores, for yes-or-no targets.

    ``p = 1 / (1 + exp(-s))``, ``loss = mean of -t log(p) - (1 - t) log(1 - p)`` over all elements,
    computed from the scores as ``max(s, 0) - s t + log(1 + exp(-|s|))``, which cannot overflow.
    The gradient on the scores is ``(p - t) / elements``.

    With label smoothing e the target is ``t (1 - e) + e / 2``. With class weights (v0, v1) each
    element counts ``v0 (1 - t) + v1 t`` times in the mean.

    Arguments:
        label_smoothing: e, 0 <= e < 1.
        class_weights: (of no, of yes), none negative; None: 1 each.

    Shapes: scores (batch, k) or (batch, steps, k), targets (batch,) or of the scores' shape, from
    0 to 1.

    Raises:
        DataError: targets outside 0 to 1, or of another shape.

    Source: Goodfellow, Bengio and Courville 2016, section 6.2.2.2.

    Example:
        >>> scores, target = np.zeros((1, 1)), np.ones((1, 1))
        >>> loss, _ = BinaryCrossEntropy().forward(scores, target, Run(True))
        >>> round(float(loss), 4)
        0.6931
    """

    label_smoothing: float = 0.0
    class_weights: Sequence[float] | None = None

    kernel: ClassVar[str] = "binary_cross_entropy"
    targets_are_classes: ClassVar[bool] = False
    counts_right_answers: ClassVar[bool] = True
    slope_formula: ClassVar[str] = "(p - t) / elements"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_smoothing(self, self.label_smoothing)
        _freeze_weights(self, self.class_weights)
        if self.class_weights is not None and len(self.class_weights) != 2:
            raise ConfigurationError(
                "BinaryCrossEntropy: class_weights are two numbers, of no and of yes, got "
                f"{self.class_weights!r}"
            )

    def numbers(self, outputs: int) -> dict[str, float]:
        return {"label_smoothing": self.label_smoothing, **_weight_numbers(self.class_weights)}

    def prepare(self, y: Any, shape: Shape, dtype: Any) -> Any:
        y = as_values("BinaryCrossEntropy", y, shape, dtype)
        if y.size and not (y.min() >= 0 and y.max() <= 1):
            raise DataError(
                f"BinaryCrossEntropy: expects targets from 0 to 1, got {y.min()} to {y.max()}"
            )
        return y

    def probabilities(self, scores: Any) -> Any:
        return logistic(np, scores)

    def each(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[Any, Any, Any]:
        xp, note = run.xp, run.note
        own, weights = None, 1
        if self.class_weights is not None:
            no, yes = self.class_weights
            weights = note("class_factors", no * (1 - target) + yes * target,
                           "v0 (1 - t) + v1 t")
            own = xp.mean(weights, axis=1)
        if self.label_smoothing:
            e = self.label_smoothing
            target = note("smoothed", target * (1 - e) + e / 2, "t (1 - e) + e / 2")
        losses = softplus(xp, scores) - scores * target
        losses = note("elements", losses, "max(s, 0) - s t + log(1 + exp(-|s|))")
        p = note("p", logistic(xp, scores), "1 / (1 + exp(-s))")
        losses = note("losses", xp.mean(losses * weights, axis=1), "mean of elements")
        return losses, own, (p, target, weights)

    def slope(self, saved: Any, run: Run) -> ArrayLike:
        p, target, weights = saved
        return (p - target) * weights / p.shape[1]


def _check_smoothing(loss: Any, e: float) -> None:
    expect(0 <= e < 1, loss, "label_smoothing must be at least 0 and below 1", e)


def _freeze_weights(loss: Any, weights: Any) -> None:
    """Class weights as a tuple, so that the loss stays a value."""
    if weights is None:
        return
    numeric = isinstance(weights, (tuple, list, np.ndarray)) and all(
        isinstance(w, numbers.Real) for w in weights
    )
    values = tuple(float(w) for w in weights) if numeric else ()
    fits = bool(values) and all(0 <= w < float("inf") for w in values) and sum(values) > 0
    expect(fits, loss, "class_weights are numbers of at least 0, not all of them 0", weights)
    object.__setattr__(loss, "class_weights", values)


def _weight_numbers(weights: Sequence[float] | None) -> dict[str, float]:
    return {f"class_weight_{c}": float(w) for c, w in enumerate(weights or ())}
