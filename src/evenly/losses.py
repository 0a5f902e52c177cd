"""Losses: declaration and definition. The mean is over the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .errors import DataError, ShapeError
from .layers.base import ArrayLike, Run, Shape


class Loss:
    """Base of all losses. ``forward`` returns (loss, what backward needs); ``backward`` the
    gradient on the scores.

    ``score`` is what people read beside the loss: the fraction of right answers, or R^2.
    """

    kernel: ClassVar[str]
    # Whether a target is one class number an example, or as many numbers as there are scores.
    targets_are_classes: ClassVar[bool]
    # Whether the kernel's score counts right answers (else it sums squared errors, for R^2).
    counts_right_answers: ClassVar[bool]

    def check(self, shape: Shape) -> None:
        """Raises ShapeError when the network's output for one example does not fit."""
        if len(shape) != 1:
            came = ", ".join(["batch", *map(str, shape)])
            raise ShapeError(
                f"{type(self).__name__}: expects scores of shape (batch, outputs), got ({came}): "
                "add Flatten() or Dense(outputs) at the end of the network"
            )

    def prepare(self, y: Any, outputs: int, dtype: Any) -> Any:
        """Targets as the kernels want them, or a DataError that says what is wrong."""
        raise NotImplementedError

    def probabilities(self, scores: Any) -> Any:
        """Scores as probabilities, or a DataError where that has no meaning."""
        raise DataError(f"{type(self).__name__} has no probabilities: use predict")

    def score(self, score_sum: float, y: Any) -> float:
        """The score of all rows from the kernels' sum: the fraction of right answers, or
        ``R^2 = 1 - sum of squared errors / sum of squared deviations of y``."""
        if self.counts_right_answers:
            return score_sum / len(y)
        deviations = float(((y - y.mean(axis=0, dtype=np.float64)) ** 2).sum())
        return 1 - score_sum / deviations if deviations > 0 else float("nan")

    def evaluate(self, scores: Any, y: Any) -> tuple[float, float]:
        """(mean loss, score sum) of prepared targets, through the definition."""
        loss, _ = self.forward(scores.astype(np.float64), y, Run(training=False))
        if self.targets_are_classes:
            return float(loss), float((scores.argmax(axis=1) == y[:, 0]).sum())
        if self.counts_right_answers:
            right = (scores > 0) == (y > 0.5)
            return float(loss), float(right.mean(axis=1).sum())
        return float(loss), float(((scores.astype(np.float64) - y) ** 2).sum())

    def forward(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
        raise NotImplementedError

    def backward(self, saved: Any, run: Run) -> ArrayLike:
        raise NotImplementedError


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """Cross-entropy of the softmax of the scores, for one of k classes.

    ``y_hat = exp(s) / sum(exp(s))``, ``loss = mean of -log(y_hat[target])``; the gradient on the
    scores is ``(y_hat - y) / batch`` with y the target as a one-hot row.

    Shapes: scores (batch, k), targets (batch,) whole numbers 0 to k - 1.

    Raises:
        DataError: targets that are no class numbers of this network.

    Source: Bridle 1990; Goodfellow, Bengio and Courville 2016, section 6.2.2.3.

    Example:
        >>> loss, _ = SoftmaxCrossEntropy().forward(np.zeros((1, 2)), np.array([0]), Run(True))
        >>> round(float(loss), 4)
        0.6931
    """

    kernel: ClassVar[str] = "softmax_cross_entropy"
    targets_are_classes: ClassVar[bool] = True
    counts_right_answers: ClassVar[bool] = True

    def prepare(self, y: Any, outputs: int, dtype: Any) -> Any:
        rule = f"SoftmaxCrossEntropy: expects class numbers 0 to {outputs - 1}, shape (n,)"
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim != 1:
            raise DataError(f"{rule}, got shape {y.shape}: give one number an example")
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
        return np.ascontiguousarray(y, dtype=np.int32)[:, None]

    def probabilities(self, scores: Any) -> Any:
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def forward(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
        xp, note = run.xp, run.note
        largest = xp.max(scores, axis=1, keepdims=True)
        powers = note("powers", xp.exp(scores - largest), "exp(s - max s)")
        total = note("total", xp.sum(powers, axis=1, keepdims=True), "sum of powers")
        y_hat = note("y_hat", powers / total, "powers / total")
        one_hot = (xp.arange(scores.shape[1])[None, :] == target.reshape(-1, 1)) * 1
        right = xp.sum((scores - largest) * one_hot, axis=1)
        each = note("losses", xp.log(total[:, 0]) - right, "-log(y_hat[target])")
        return note("loss", xp.mean(each), "mean of losses"), (y_hat, one_hot)

    def backward(self, saved: Any, run: Run) -> ArrayLike:
        y_hat, one_hot = saved
        return run.note("d_scores", (y_hat - one_hot) / len(y_hat), "(y_hat - y) / batch")


def _as_values(name: str, y: Any, outputs: int, dtype: Any) -> Any:
    """Targets as (n, outputs) numbers."""
    y = np.asarray(y)
    if y.dtype.kind not in "iubf":
        raise DataError(f"{name}: expects numbers as targets, got {y.dtype}")
    y = y.reshape(len(y), -1) if y.ndim != 1 else y[:, None]
    if y.shape[1] != outputs:
        raise DataError(
            f"{name}: expects targets of shape (n, {outputs}), got {y.shape}: "
            f"the last layer needs {y.shape[1]} units"
        )
    if not np.all(np.isfinite(y)):
        raise DataError(f"{name}: the targets hold NaN or infinity: leave those rows out")
    return np.ascontiguousarray(y, dtype=dtype)


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Cross-entropy of the logistic function of the scores, for yes-or-no targets.

    ``p = 1 / (1 + exp(-s))``, ``loss = mean of -t log(p) - (1 - t) log(1 - p)`` over all elements,
    computed from the scores as ``max(s, 0) - s t + log(1 + exp(-|s|))``, which cannot overflow.
    The gradient on the scores is ``(p - t) / elements``.

    Shapes: scores (batch, k), targets (batch,) or (batch, k), from 0 to 1.

    Raises:
        DataError: targets outside 0 to 1, or of another shape.

    Source: Goodfellow, Bengio and Courville 2016, section 6.2.2.2.

    Example:
        >>> scores, target = np.zeros((1, 1)), np.ones((1, 1))
        >>> loss, _ = BinaryCrossEntropy().forward(scores, target, Run(True))
        >>> round(float(loss), 4)
        0.6931
    """

    kernel: ClassVar[str] = "binary_cross_entropy"
    targets_are_classes: ClassVar[bool] = False
    counts_right_answers: ClassVar[bool] = True

    def prepare(self, y: Any, outputs: int, dtype: Any) -> Any:
        y = _as_values("BinaryCrossEntropy", y, outputs, dtype)
        if y.size and not (y.min() >= 0 and y.max() <= 1):
            raise DataError(
                f"BinaryCrossEntropy: expects targets from 0 to 1, got {y.min()} to {y.max()}"
            )
        return y

    def probabilities(self, scores: Any) -> Any:
        small = np.exp(-np.abs(scores))
        return np.where(scores >= 0, 1 / (1 + small), small / (1 + small))

    def forward(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
        xp, note = run.xp, run.note
        small = xp.exp(-abs(scores))
        each = xp.maximum(scores, 0) - scores * target + xp.log1p(small)
        note("losses", each, "max(s, 0) - s t + log(1 + exp(-|s|))")
        p = note("p", xp.where(scores >= 0, 1 / (1 + small), small / (1 + small)),
                 "1 / (1 + exp(-s))")
        return note("loss", xp.mean(each), "mean of losses"), (p, target)

    def backward(self, saved: Any, run: Run) -> ArrayLike:
        p, target = saved
        return run.note("d_scores", (p - target) / p.size, "(p - t) / elements")


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """The mean squared error: ``loss = mean of (y - target)^2`` over all elements of the batch.

    The gradient is ``2 (y - target) / elements``: it has the factor 2, and it is divided by the
    number of elements, batch times outputs.

    Shapes: y (batch, k), targets (batch,) or (batch, k).

    Raises:
        DataError: targets of another shape, or not finite.

    Example:
        >>> y, target = np.array([[1.0]]), np.array([[3.0]])
        >>> loss, saved = MeanSquaredError().forward(y, target, Run(True))
        >>> float(loss), MeanSquaredError().backward(saved, Run(True)).tolist()
        (4.0, [[-4.0]])
    """

    kernel: ClassVar[str] = "mean_squared_error"
    targets_are_classes: ClassVar[bool] = False
    counts_right_answers: ClassVar[bool] = False

    def prepare(self, y: Any, outputs: int, dtype: Any) -> Any:
        return _as_values("MeanSquaredError", y, outputs, dtype)

    def forward(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
        error = run.note("error", scores - target, "y - target")
        return run.note("loss", run.xp.mean(error * error), "mean of error^2"), error

    def backward(self, saved: Any, run: Run) -> ArrayLike:
        return run.note("d_scores", 2 * saved / saved.size, "2 (y - target) / elements")
