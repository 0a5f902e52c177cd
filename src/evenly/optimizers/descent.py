"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..errors import ConfigurationError
from ..layers.base import ArrayLike, Run
from .base import Optimizer, State, Stepped


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent: ``value -= learning_rate g``. Stochastic when the batch is not the whole
    training set.

    Arguments:
        learning_rate: step size, > 0.
        weight_decay: >= 0, apart from the gradient; here the same as :class:`evenly.L2`.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Robbins and Monro 1951.

    Example:
        >>> value, _ = SGD(0.5).update(np.array([1.0]), np.array([2.0]), (), Run(True))
        >>> value
        array([0.])
    """

    learning_rate: float = 0.01

    kernel: ClassVar[str] = "descent"

    def step(self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run) -> Stepped:
        return run.note("value", value - self.rate(run) * gradient, "value - rate g"), ()


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Gradient descent with momentum.

    ``velocity = beta velocity + g``; ``value -= learning_rate velocity``. With `average` the
    velocity is an exponentially weighted average, ``beta velocity + (1 - beta) g``, and with
    `bias_correction` it is divided by ``1 - beta^t``. With `nesterov` the step looks ahead:
    ``value -= learning_rate (beta velocity + g)``.

    Arguments:
        learning_rate: step size, > 0.
        beta: share of the old velocity, 0 <= beta < 1 (PyTorch's ``momentum``).
        average: weigh the gradient by 1 - beta.
        bias_correction: divide by 1 - beta^t; needs `average`.
        nesterov: look ahead.
        weight_decay: >= 0, apart from the gradient.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Polyak 1964; Sutskever, Martens, Dahl and Hinton 2013, equations 1 to 4.

    Example:
        >>> rule = Momentum(1.0, beta=0.5)
        >>> value, (velocity,) = rule.update(np.ones(1), np.ones(1), (np.ones(1),), Run(True))
        >>> value, velocity
        (array([-0.5]), array([1.5]))
    """

    learning_rate: float = 0.01
    beta: float = 0.9
    average: bool = False
    bias_correction: bool = False
    nesterov: bool = False

    kernel: ClassVar[str] = "momentum"
    states: ClassVar[tuple[str, ...]] = ("velocity",)
    momentum_name: ClassVar[str] = "beta"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bias_correction and not self.average:
            raise ConfigurationError(
                "Momentum: bias_correction corrects an average: set average=True too"
            )

    def numbers(self) -> dict[str, float]:
        return {
            "beta": self.beta,
            "average": self.average,
            "bias_correction": self.bias_correction,
            "nesterov": self.nesterov,
        }

    def step(self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run) -> Stepped:
        beta = self.momentum_of(run)
        new = (1 - beta) * gradient if self.average else gradient
        formula = f"beta velocity + {'(1 - beta) g' if self.average else 'g'}"
        velocity = run.note("velocity", beta * state[0] + new, formula)
        direction = velocity
        if self.nesterov:
            direction = run.note("ahead", beta * velocity + new, formula)
        if self.bias_correction:
            direction = run.note("corrected", direction / (1 - beta ** (run.step + 1)),
                                 f"{'ahead' if self.nesterov else 'velocity'} / (1 - beta^t)")
        name = "corrected" if self.bias_correction else "ahead" if self.nesterov else "velocity"
        return run.note("value", value - self.rate(run) * direction,
                        f"value - rate {name}"), (velocity,)
