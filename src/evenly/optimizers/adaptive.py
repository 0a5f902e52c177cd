"""The gradient over the root of its own squares: Adagrad and RMSprop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..layers.base import ArrayLike, Run, expect
from .base import Optimizer, State, Stepped


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Adagrad: the gradient over the root of the sum of all its squares so far.

    ``s = s + g^2``; ``value -= learning_rate / (1 + (t - 1) rate_decay) g / (sqrt(initial + s) +
    epsilon)``.

    Arguments:
        learning_rate: step size, > 0.
        epsilon: > 0.
        initial: what the sum begins at, >= 0 (PyTorch's ``initial_accumulator_value``).
        rate_decay: >= 0 (PyTorch's ``lr_decay``).
        weight_decay: >= 0, apart from the gradient.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Duchi, Hazan and Singer 2011, "Adaptive subgradient methods", section 1.1 (the diagonal
    form).

    Example:
        >>> value, _ = Adagrad(1.0).update(np.ones(1), 3 * np.ones(1), (np.zeros(1),), Run(True))
        >>> value.round(6)
        array([0.])
    """

    learning_rate: float = 0.01
    epsilon: float = 1e-10
    initial: float = 0.0
    rate_decay: float = 0.0

    kernel: ClassVar[str] = "adagrad"
    states: ClassVar[tuple[str, ...]] = ("sum_of_squares",)

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self.initial >= 0, self, "initial must not be negative", self.initial)
        expect(self.rate_decay >= 0, self, "rate_decay must not be negative", self.rate_decay)

    def numbers(self) -> dict[str, float]:
        return {"epsilon": self.epsilon, "initial": self.initial, "rate_decay": self.rate_decay}

    def step(self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run) -> Stepped:
        s = run.note("s", state[0] + gradient * gradient, "s + g^2")
        rate = self.rate(run) / (1 + run.step * self.rate_decay)
        root = run.note("root", run.xp.sqrt(self.initial + s),
                        "sqrt(initial + s)" if self.initial else "sqrt(s)")
        value = value - rate * gradient / (root + self.epsilon)
        return run.note("value", value, "value - rate g / (root + epsilon)"), (s,)


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop: the gradient over the root of its own mean square.

    ``s = beta s + (1 - beta) g^2``; ``value -= learning_rate g / (sqrt(s) + epsilon)``.

    With `centered`, ``sqrt(s - a^2)`` takes the root's place, ``a = beta a + (1 - beta) g`` being
    the mean gradient: the root of its variance. With `momentum` the quotient feeds a velocity:
    ``velocity = momentum velocity + g / (sqrt(s) + epsilon)``; ``value -= learning_rate velocity``.

    Arguments:
        learning_rate: step size, > 0.
        beta: share of the old mean square, 0 <= beta < 1 (PyTorch's ``alpha``).
        epsilon: > 0.
        momentum: share of the old velocity, 0 <= momentum < 1.
        centered: divide by the root of the variance.
        weight_decay: >= 0, apart from the gradient.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Hinton 2012, "Neural networks for machine learning", lecture 6e; centered: Graves 2013,
    "Generating sequences with recurrent neural networks", equations 38 to 45.

    Example:
        >>> rule = RMSprop(1.0, beta=0.0, epsilon=1e-12)
        >>> state = (np.zeros(1), np.zeros(1), np.zeros(1))
        >>> value, _ = rule.update(np.ones(1), 3 * np.ones(1), state, Run(True))
        >>> value.round(6)
        array([0.])
    """

    learning_rate: float = 0.001
    beta: float = 0.99
    epsilon: float = 1e-8
    momentum: float = 0.0
    centered: bool = False

    momentum_name: ClassVar[str] = "momentum"

    @property
    def kernel(self) -> str:
        return "rmsprop_general" if self._is_general else "rmsprop"

    @property
    def states(self) -> tuple[str, ...]:
        return ("mean_square", "velocity", "mean") if self._is_general else ("mean_square",)

    @property
    def _is_general(self) -> bool:
        return self.momentum > 0 or self.centered

    def numbers(self) -> dict[str, float]:
        return {"beta": self.beta, "epsilon": self.epsilon, "momentum": self.momentum,
                "centered": self.centered}

    def step(self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run) -> Stepped:
        xp, note = run.xp, run.note
        s = note("s", self.beta * state[0] + (1 - self.beta) * gradient * gradient,
                 "beta s + (1 - beta) g^2")
        if not self._is_general:
            root = note("root", xp.sqrt(s), "sqrt(s)")
            value = value - self.rate(run) * gradient / (root + self.epsilon)
            return note("value", value, "value - rate g / (root + epsilon)"), (s,)
        _, velocity, mean = state
        if self.centered:
            mean = note("a", self.beta * mean + (1 - self.beta) * gradient,
                        "beta a + (1 - beta) g")
            # Rounding may leave the variance of a gradient that never changes below zero.
            root = note("root", xp.sqrt(xp.maximum(s - mean * mean, 0)), "sqrt(s - a^2)")
        else:
            root = note("root", xp.sqrt(s), "sqrt(s)")
        velocity = note("velocity", self.momentum_of(run) * velocity
                        + gradient / (root + self.epsilon),
                        "momentum velocity + g / (root + epsilon)")
        value = note("value", value - self.rate(run) * velocity, "value - rate velocity")
        return value, (s, velocity, mean)
