"""Activations: one function, applied to each number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .base import ArrayLike, Arrays, Layer, Run


@dataclass(frozen=True)
class ReLU(Layer):
    """The rectified linear unit: ``y = max(x, 0)``.

    Gradient: ``d_x = d_y`` where x > 0, else 0 (at 0 itself too). NaN passes through.

    Arguments:
        name: the layer's name; by default ``relu_1``, ...

    Source: Nair and Hinton 2010.

    Example:
        >>> y, _ = ReLU().forward(np.array([-1.0, 2.0]), {}, Run(training=True))
        >>> y
        array([0., 2.])
    """

    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    activation_code: ClassVar[int] = 1

    @property
    def type_name(self) -> str:
        return "relu"

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        return run.note("y", run.xp.maximum(x, 0), "max(x, 0)"), x

    def backward(
        self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run
    ) -> tuple[ArrayLike, dict[str, ArrayLike]]:
        return run.note("d_x", d_y * (saved > 0), "d_y where x > 0"), {}


@dataclass(frozen=True)
class Sigmoid(Layer):
    """The logistic function: ``y = 1 / (1 + exp(-x))``.

    Gradient: ``d_x = d_y y (1 - y)``, at most a quarter of d_y.

    Arguments:
        name: the layer's name; by default ``sigmoid_1``, ...

    Source: Rumelhart, Hinton and Williams 1986.

    Example:
        >>> y, _ = Sigmoid().forward(np.array([0.0]), {}, Run(training=True))
        >>> y
        array([0.5])
    """

    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    activation_code: ClassVar[int] = 2

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        xp = run.xp
        # exp of a number that is never positive: it cannot overflow.
        small = xp.exp(-abs(x))
        y = xp.where(x >= 0, 1 / (1 + small), small / (1 + small))
        return run.note("y", y, "1 / (1 + exp(-x))"), y

    def backward(
        self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run
    ) -> tuple[ArrayLike, dict[str, ArrayLike]]:
        return run.note("d_x", d_y * (saved * (1 - saved)), "d_y y (1 - y)"), {}


@dataclass(frozen=True)
class Tanh(Layer):
    """The hyperbolic tangent: ``y = tanh(x)``.

    Gradient: ``d_x = d_y (1 - y^2)``.

    Arguments:
        name: the layer's name; by default ``tanh_1``, ...

    Source: LeCun, Bottou, Orr and Mueller 1998, "Efficient BackProp", section 4.4.

    Example:
        >>> y, _ = Tanh().forward(np.array([0.0]), {}, Run(training=True))
        >>> y
        array([0.])
    """

    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    activation_code: ClassVar[int] = 3

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        y = run.note("y", run.xp.tanh(x), "tanh(x)")
        return y, y

    def backward(
        self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run
    ) -> tuple[ArrayLike, dict[str, ArrayLike]]:
        return run.note("d_x", d_y * (1 - saved * saved), "d_y (1 - y^2)"), {}
