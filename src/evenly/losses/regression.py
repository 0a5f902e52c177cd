"""Losses of regression: one function, applied to each error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..layers.base import ArrayLike, Run, Shape, expect
from .base import Loss
from .values import as_values


@dataclass(frozen=True)
class _Regression(Loss):
    reduction: str = "mean"

    targets_are_classes: ClassVar[bool] = False
    counts_right_answers: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self.reduction in ("mean", "sum"), self, "reduction is 'mean' or 'sum'",
               self.reduction)

    def numbers(self, outputs: int) -> dict[str, float]:
        return {"divisor": outputs if self.reduction == "mean" else 1}

    def prepare(self, y: Any, shape: Shape, dtype: Any) -> Any:
        return as_values(type(self).__name__, y, shape, dtype)

    def each(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[Any, Any, Any]:
        error = run.note("error", scores - target, "y - target")
        divisor = error.shape[1] if self.reduction == "mean" else 1
        elements = run.note("elements", self.value(error, run), self.formula)
        losses = run.note("losses", run.xp.sum(elements, axis=1) / divisor,
                          f"{self.reduction} over the outputs")
        return losses, None, (error, divisor)

    def slope(self, saved: Any, run: Run) -> ArrayLike:
        error, divisor = saved
        return self.derivative(error, run) / divisor

    formula: ClassVar[str] = ""

    def value(self, error: ArrayLike, run: Run) -> ArrayLike:
        """The loss of each error."""
        raise NotImplementedError

    def derivative(self, error: ArrayLike, run: Run) -> ArrayLike:
        """Its derivative."""
        raise NotImplementedError


@dataclass(frozen=True)
class MeanSquaredError(_Regression):
    """The mean squared error: ``loss = mean of (y - target)^2`` over all elements of the batch.

    The gradient is ``2 (y - target) / elements``: it has the factor 2, and it is divided by the
    number of elements, batch times outputs. With ``reduction="sum"`` the squares are summed over
    an example's outputs and averaged over the batch alone: ``2 (y - target) / batch``.

    Arguments:
        reduction: ``"mean"`` or ``"sum"`` over the outputs.

    Shapes: y (batch, k) or (batch, steps, k), targets (batch,) or of y's shape.

    Raises:
        DataError: targets of another shape, or not finite.

    Example:
        >>> y, target = np.array([[1.0]]), np.array([[3.0]])
        >>> loss, saved = MeanSquaredError().forward(y, target, Run(True))
        >>> float(loss), MeanSquaredError().backward(saved, Run(True)).tolist()
        (4.0, [[-4.0]])
    """

    kernel: ClassVar[str] = "mean_squared_error"
    formula: ClassVar[str] = "error^2"
    slope_formula: ClassVar[str] = "2 (y - target) / elements"

    def value(self, error: ArrayLike, run: Run) -> ArrayLike:
        return error * error

    def derivative(self, error: ArrayLike, run: Run) -> ArrayLike:
        return 2 * error


@dataclass(frozen=True)
class MeanAbsoluteError(_Regression):
    """The mean absolute error: ``loss = mean of |y - target|`` over all elements of the batch.

    The gradient is ``sign(y - target) / elements``, 0 where they are equal. An error counts by its
    size, not by its square: outliers pull less.

    Arguments:
        reduction: ``"mean"`` or ``"sum"`` over the outputs.

    Shapes: y (batch, k) or (batch, steps, k), targets (batch,) or of y's shape.

    Raises:
        DataError: targets of another shape, or not finite.

    Example:
        >>> y, target = np.array([[1.0]]), np.array([[3.0]])
        >>> loss, saved = MeanAbsoluteError().forward(y, target, Run(True))
        >>> float(loss), MeanAbsoluteError().backward(saved, Run(True)).tolist()
        (2.0, [[-1.0]])
    """

    kernel: ClassVar[str] = "mean_absolute_error"
    formula: ClassVar[str] = "|error|"
    slope_formula: ClassVar[str] = "sign(y - target) / elements"

    def value(self, error: ArrayLike, run: Run) -> ArrayLike:
        return abs(error)

    def derivative(self, error: ArrayLike, run: Run) -> ArrayLike:
        return (error > 0) * 1 - (error < 0) * 1


@dataclass(frozen=True)
class Huber(_Regression):
    """The Huber loss: squares for small errors e, absolute values for large ones.

    ``e^2 / 2`` where ``|e| <= delta``, else ``delta (|e| - delta / 2)``; the mean over all elements
    of the batch. The gradient is e cut off at +-delta, divided by the number of elements.

    Arguments:
        reduction: ``"mean"`` or ``"sum"`` over the outputs.
        delta: where the square ends, > 0.

    Shapes: y (batch, k) or (batch, steps, k), targets (batch,) or of y's shape.

    Raises:
        DataError: targets of another shape, or not finite.

    Source: Huber 1964, "Robust estimation of a location parameter", section 1.

    Example:
        >>> y, target = np.array([[1.0]]), np.array([[4.0]])
        >>> loss, saved = Huber(delta=2.0).forward(y, target, Run(True))
        >>> float(loss), Huber(delta=2.0).backward(saved, Run(True)).tolist()
        (4.0, [[-2.0]])
    """

    delta: float = 1.0

    kernel: ClassVar[str] = "huber"
    formula: ClassVar[str] = "error^2 / 2 up to delta, then delta (|error| - delta / 2)"
    slope_formula: ClassVar[str] = "error cut off at +-delta, / elements"

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(0 < self.delta < np.inf, self, "delta must be positive", self.delta)

    def numbers(self, outputs: int) -> dict[str, float]:
        return {**super().numbers(outputs), "delta": self.delta}

    def value(self, error: ArrayLike, run: Run) -> ArrayLike:
        size = abs(error)
        return run.xp.where(size <= self.delta, error * error / 2,
                            self.delta * (size - self.delta / 2))

    def derivative(self, error: ArrayLike, run: Run) -> ArrayLike:
        return run.xp.minimum(run.xp.maximum(error, -self.delta), self.delta)
