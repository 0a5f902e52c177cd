"""Update rules: declaration and definition.

A rule changes one array from its gradient. ``step`` counts from 0; formulas use t = step + 1.
The kernels in ``cpp/optimizers`` do the same over all parameters at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .errors import ConfigurationError
from .layers.base import ArrayLike, Run, expect

State = tuple[ArrayLike, ...]


class Optimizer:
    """Base of all update rules.

    ``update(value, gradient, state, run)`` returns the new value and the new state; ``states`` is
    how many arrays of the value's shape the rule keeps, all zero at first.
    """

    learning_rate: float
    kernel: ClassVar[str]
    states: ClassVar[tuple[str, ...]] = ()

    def numbers(self) -> dict[str, float]:
        """The numbers that the kernel needs beside the learning rate."""
        return {}

    def update(
        self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run, decays: bool = False
    ) -> tuple[ArrayLike, State]:
        raise NotImplementedError

    def _check_rate(self) -> None:
        expect(self.learning_rate > 0, self, "learning_rate must be positive", self.learning_rate)


def _check_beta(rule: Optimizer, name: str, value: float) -> None:
    expect(0 <= value < 1, rule, f"{name} must be at least 0 and below 1", value)


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent: ``value -= learning_rate g``. Stochastic when the batch is not the whole
    training set.

    Arguments:
        learning_rate: step size, > 0.

    Source: Robbins and Monro 1951.

    Example:
        >>> value, _ = SGD(0.5).update(np.array([1.0]), np.array([2.0]), (), Run(True))
        >>> value
        array([0.])
    """

    learning_rate: float = 0.01

    kernel: ClassVar[str] = "descent"

    def __post_init__(self) -> None:
        self._check_rate()

    def update(
        self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run, decays: bool = False
    ) -> tuple[ArrayLike, State]:
        return run.note("value", value - self.learning_rate * gradient, "value - rate g"), ()


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

    def __post_init__(self) -> None:
        self._check_rate()
        _check_beta(self, "beta", self.beta)
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

    def update(
        self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run, decays: bool = False
    ) -> tuple[ArrayLike, State]:
        weight = 1 - self.beta if self.average else 1
        velocity = run.note("velocity", self.beta * state[0] + weight * gradient,
                            "beta velocity + weight g")
        direction = self.beta * velocity + weight * gradient if self.nesterov else velocity
        if self.bias_correction:
            direction = run.note("corrected", direction / (1 - self.beta ** (run.step + 1)),
                                 "velocity / (1 - beta^t)")
        return run.note("value", value - self.learning_rate * direction,
                        "value - rate velocity"), (velocity,)


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop: the gradient over the root of its own mean square.

    ``s = beta s + (1 - beta) g^2``; ``value -= learning_rate g / (sqrt(s) + epsilon)``.

    Arguments:
        learning_rate: step size, > 0.
        beta: share of the old mean square, 0 <= beta < 1 (PyTorch's ``alpha``).
        epsilon: > 0.

    Source: Hinton 2012, "Neural networks for machine learning", lecture 6e.

    Example:
        >>> rule = RMSprop(1.0, beta=0.0, epsilon=1e-12)
        >>> value, _ = rule.update(np.ones(1), 3 * np.ones(1), (np.zeros(1),), Run(True))
        >>> value.round(6)
        array([0.])
    """

    learning_rate: float = 0.001
    beta: float = 0.99
    epsilon: float = 1e-8

    kernel: ClassVar[str] = "rmsprop"
    states: ClassVar[tuple[str, ...]] = ("mean_square",)

    def __post_init__(self) -> None:
        self._check_rate()
        _check_beta(self, "beta", self.beta)
        expect(self.epsilon > 0, self, "epsilon must be positive", self.epsilon)

    def numbers(self) -> dict[str, float]:
        return {"beta": self.beta, "epsilon": self.epsilon}

    def update(
        self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run, decays: bool = False
    ) -> tuple[ArrayLike, State]:
        s = run.note("s", self.beta * state[0] + (1 - self.beta) * gradient * gradient,
                     "beta s + (1 - beta) g^2")
        value = value - self.learning_rate * gradient / (run.xp.sqrt(s) + self.epsilon)
        return run.note("value", value, "value - rate g / (sqrt(s) + epsilon)"), (s,)


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: an average of the gradient over the root of an average of its square, both corrected
    for their start at zero.

    ``m = beta_1 m + (1 - beta_1) g``, ``v = beta_2 v + (1 - beta_2) g^2``,
    ``value -= learning_rate (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon)``.

    Arguments:
        learning_rate: step size, > 0.
        beta_1, beta_2: shares of the old averages, at least 0 and below 1.
        epsilon: > 0.

    Source: Kingma and Ba 2015, algorithm 1.

    Example:
        >>> zero = np.zeros(1)
        >>> value, _ = Adam(0.1).update(np.ones(1), 5 * np.ones(1), (zero, zero), Run(True))
        >>> value.round(6)
        array([0.9])
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    kernel: ClassVar[str] = "adam"
    states: ClassVar[tuple[str, ...]] = ("m", "v")

    def __post_init__(self) -> None:
        self._check_rate()
        _check_beta(self, "beta_1", self.beta_1)
        _check_beta(self, "beta_2", self.beta_2)
        expect(self.epsilon > 0, self, "epsilon must be positive", self.epsilon)

    def numbers(self) -> dict[str, float]:
        return {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}

    def update(
        self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run, decays: bool = False
    ) -> tuple[ArrayLike, State]:
        t, note = run.step + 1, run.note
        m = note("m", self.beta_1 * state[0] + (1 - self.beta_1) * gradient,
                 "beta_1 m + (1 - beta_1) g")
        v = note("v", self.beta_2 * state[1] + (1 - self.beta_2) * gradient * gradient,
                 "beta_2 v + (1 - beta_2) g^2")
        m_hat = note("m_hat", m / (1 - self.beta_1**t), "m / (1 - beta_1^t)")
        v_hat = note("v_hat", v / (1 - self.beta_2**t), "v / (1 - beta_2^t)")
        value = value - self.learning_rate * m_hat / (run.xp.sqrt(v_hat) + self.epsilon)
        return note("value", value, "value - rate m_hat / (sqrt(v_hat) + epsilon)"), (m, v)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with weight decay apart from the gradient: first ``value *= 1 - learning_rate
    weight_decay``, then Adam's step.

    The decay touches kernels, not biases or the gains of normalizations. (PyTorch's AdamW decays
    all that it is given: give it two groups.)

    Arguments:
        learning_rate, beta_1, beta_2, epsilon: as in :class:`Adam`.
        weight_decay: >= 0.

    Source: Loshchilov and Hutter 2019, algorithm 2.

    Example:
        >>> zero = np.zeros(1)
        >>> rule = AdamW(0.1, weight_decay=1.0)
        >>> value, _ = rule.update(np.ones(1), zero, (zero, zero), Run(True), decays=True)
        >>> value.round(6)
        array([0.9])
    """

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self.weight_decay >= 0, self, "weight_decay must not be negative", self.weight_decay)

    def numbers(self) -> dict[str, float]:
        return {**super().numbers(), "weight_decay": self.weight_decay}

    def update(
        self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run, decays: bool = False
    ) -> tuple[ArrayLike, State]:
        if decays:
            value = run.note("decayed", value * (1 - self.learning_rate * self.weight_decay),
                             "value (1 - rate weight_decay)")
        return super().update(value, gradient, state, run)
