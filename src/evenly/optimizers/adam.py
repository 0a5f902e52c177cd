"""Averages of the gradient and of its square: Adam and its kin."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..layers.base import ArrayLike, Run, expect
from .base import Optimizer, State, Stepped


@dataclass(frozen=True)
class Averages(Optimizer):
    """What Adam and its kin share: ``m = beta_1 m + (1 - beta_1) g`` and
    ``v = beta_2 v + (1 - beta_2) g^2``."""

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    states: ClassVar[tuple[str, ...]] = ("m", "v")
    momentum_name: ClassVar[str] = "beta_1"

    def numbers(self) -> dict[str, float]:
        return {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}

    def averages(self, gradient: ArrayLike, state: State, run: Run) -> tuple[Any, Any]:
        """The new m and v."""
        beta_1 = self.momentum_of(run)
        m = run.note("m", beta_1 * state[0] + (1 - beta_1) * gradient,
                     "beta_1 m + (1 - beta_1) g")
        v = run.note("v", self.beta_2 * state[1] + (1 - self.beta_2) * gradient * gradient,
                     "beta_2 v + (1 - beta_2) g^2")
        return m, v

    def corrected(self, m: ArrayLike, v: ArrayLike, run: Run) -> tuple[Any, Any]:
        """m and v without the bias of their start at zero."""
        t = run.step + 1
        m_hat = run.note("m_hat", m / (1 - self.momentum_of(run) ** t), "m / (1 - beta_1^t)")
        v_hat = run.note("v_hat", v / (1 - self.beta_2**t), "v / (1 - beta_2^t)")
        return m_hat, v_hat


@dataclass(frozen=True)
class Adam(Averages):
    """Adam: an average of the gradient over the root of an average of its square, both corrected
    for their start at zero.

    ``m = beta_1 m + (1 - beta_1) g``, ``v = beta_2 v + (1 - beta_2) g^2``,
    ``value -= learning_rate (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon)``.

    With `largest` the largest v so far takes v's place in the root (AMSGrad).

    Arguments:
        learning_rate: step size, > 0.
        beta_1, beta_2: shares of the old averages, at least 0 and below 1.
        epsilon: > 0.
        largest: keep the largest v (PyTorch's ``amsgrad``).
        weight_decay: >= 0, apart from the gradient.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Kingma and Ba 2015, algorithm 1; AMSGrad: Reddi, Kale and Kumar 2018, algorithm 2
    (there without the corrections; with them as in PyTorch).

    Example:
        >>> zero = np.zeros(1)
        >>> value, _ = Adam(0.1).update(np.ones(1), 5 * np.ones(1), (zero, zero), Run(True))
        >>> value.round(6)
        array([0.9])
    """

    largest: bool = False

    @property
    def kernel(self) -> str:
        return "adam_largest" if self.largest else "adam"

    @property
    def states(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("m", "v", "v_largest") if self.largest else ("m", "v")

    def step(self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run) -> Stepped:
        m, v = self.averages(gradient, state, run)
        kept: State = (m, v)
        if self.largest:
            v = run.note("v_largest", run.xp.maximum(state[2], v), "max(v_largest, v)")
            kept = (*kept, v)
        m_hat, v_hat = self.corrected(m, v, run)
        root = run.note("root", run.xp.sqrt(v_hat), "sqrt(v_hat)")
        value = value - self.rate(run) * m_hat / (root + self.epsilon)
        return run.note("value", value, "value - rate m_hat / (root + epsilon)"), kept


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with weight decay apart from the gradient: first ``value *= 1 - learning_rate
    weight_decay``, then Adam's step.

    It is :class:`Adam` with another default. The decay touches kernels, not biases or the gains of
    normalizations. (PyTorch's AdamW decays all that it is given: give it two groups.)

    Arguments:
        learning_rate, beta_1, beta_2, epsilon, largest: as in :class:`Adam`.
        weight_decay: >= 0.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Loshchilov and Hutter 2019, algorithm 2.

    Example:
        >>> zero = np.zeros(1)
        >>> rule = AdamW(0.1, weight_decay=1.0)
        >>> value, _ = rule.update(np.ones(1), zero, (zero, zero), Run(True), decays=True)
        >>> value.round(6)
        array([0.9])
    """

    weight_decay: float = field(default=0.01, kw_only=True)


@dataclass(frozen=True)
class AdaMax(Averages):
    """AdaMax: Adam with the largest recent gradient in the place of the mean square.

    ``m = beta_1 m + (1 - beta_1) g``, ``u = max(beta_2 u, |g| + epsilon)``,
    ``value -= learning_rate / (1 - beta_1^t) m / u``.

    Arguments:
        learning_rate: step size, > 0.
        beta_1, beta_2: shares of what was before, at least 0 and below 1.
        epsilon: > 0.
        weight_decay: >= 0, apart from the gradient.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Kingma and Ba 2015, section 7.1, algorithm 2; epsilon as in PyTorch.

    Example:
        >>> zero = np.zeros(1)
        >>> value, _ = AdaMax(0.1).update(np.ones(1), 5 * np.ones(1), (zero, zero), Run(True))
        >>> value.round(6)
        array([0.9])
    """

    learning_rate: float = 0.002

    kernel: ClassVar[str] = "adamax"
    states: ClassVar[tuple[str, ...]] = ("m", "u")

    def step(self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run) -> Stepped:
        xp, note, beta_1 = run.xp, run.note, self.momentum_of(run)
        m = note("m", beta_1 * state[0] + (1 - beta_1) * gradient, "beta_1 m + (1 - beta_1) g")
        u = note("u", xp.maximum(self.beta_2 * state[1], xp.abs(gradient) + self.epsilon),
                 "max(beta_2 u, |g| + epsilon)")
        rate = self.rate(run) / (1 - beta_1 ** (run.step + 1))
        return note("value", value - rate * m / u, "value - rate / (1 - beta_1^t) m / u"), (m, u)


@dataclass(frozen=True)
class NAdam(Averages):
    """NAdam: Adam that looks ahead, as Nesterov's momentum does.

    ``mu_t = beta_1 (1 - 0.96^(t momentum_decay) / 2)``, ``M_t = mu_1 mu_2 ... mu_t``, m and v as in
    :class:`Adam`, ``m_hat = mu_(t+1) m / (1 - M_(t+1)) + (1 - mu_t) g / (1 - M_t)``,
    ``value -= learning_rate m_hat / (sqrt(v / (1 - beta_2^t)) + epsilon)``.

    Arguments:
        learning_rate: step size, > 0.
        beta_1, beta_2: shares of the old averages, at least 0 and below 1.
        epsilon: > 0.
        momentum_decay: how fast mu rises to beta_1, >= 0.
        weight_decay: >= 0, apart from the gradient.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Dozat 2016, "Incorporating Nesterov momentum into Adam", algorithm 2; mu as in PyTorch.

    Example:
        >>> zero = np.zeros(1)
        >>> value, _ = NAdam(0.1).update(np.ones(1), 5 * np.ones(1), (zero, zero), Run(True))
        >>> value.round(4)
        array([0.8944])
    """

    learning_rate: float = 0.002
    momentum_decay: float = 0.004

    kernel: ClassVar[str] = "nadam"
    momentum_name: ClassVar[str] = ""  # it has a schedule of its own

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self.momentum_decay >= 0, self, "momentum_decay must not be negative",
               self.momentum_decay)

    def numbers(self) -> dict[str, float]:
        return {**super().numbers(), "momentum_decay": self.momentum_decay}

    def momentum_of(self, run: Run) -> float:
        return self.beta_1

    def mu(self, t: int) -> float:
        """The momentum of step t, counted from 1."""
        return self.beta_1 * (1 - math.pow(0.96, t * self.momentum_decay) / 2)

    def step(self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run) -> Stepped:
        t, note = run.step + 1, run.note
        m, v = self.averages(gradient, state, run)
        product = math.prod(self.mu(i) for i in range(1, t + 1))
        following = self.mu(t + 1)
        m_hat = note("m_hat", following * m / (1 - product * following)
                     + (1 - self.mu(t)) * gradient / (1 - product),
                     "mu_(t+1) m / (1 - M_(t+1)) + (1 - mu_t) g / (1 - M_t)")
        v_hat = note("v_hat", v / (1 - self.beta_2**t), "v / (1 - beta_2^t)")
        root = note("root", run.xp.sqrt(v_hat), "sqrt(v_hat)")
        value = value - self.rate(run) * m_hat / (root + self.epsilon)
        return note("value", value, "value - rate m_hat / (root + epsilon)"), (m, v)


@dataclass(frozen=True)
class RAdam(Averages):
    """RAdam: Adam that divides by the root only once the variance of that root is bounded, and
    then by a factor that makes up for it. Until then it is descent along the corrected average.

    ``rho_inf = 2 / (1 - beta_2) - 1``, ``rho = rho_inf - 2 t beta_2^t / (1 - beta_2^t)``; where
    ``rho > 5``: ``value -= learning_rate r m_hat sqrt(1 - beta_2^t) / (sqrt(v) + epsilon)`` with
    ``r = sqrt((rho - 4)(rho - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho))``, else ``value -=
    learning_rate m_hat``.

    Arguments:
        learning_rate: step size, > 0.
        beta_1, beta_2: shares of the old averages, at least 0 and below 1.
        epsilon: > 0.
        weight_decay: >= 0, apart from the gradient.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Liu, Jiang, He, Chen, Liu, Gao and Han 2020, "On the variance of the adaptive learning
    rate and beyond", algorithm 2 (there ``rho > 4``; 5 as in PyTorch).

    Example:
        >>> zero = np.zeros(1)
        >>> value, _ = RAdam(0.1).update(np.ones(1), 5 * np.ones(1), (zero, zero), Run(True))
        >>> value.round(6)
        array([0.5])
    """

    kernel: ClassVar[str] = "radam"

    def rectification(self, t: int) -> float | None:
        """r at step t, counted from 1; None where rho is at most 5."""
        end = 2 / (1 - self.beta_2) - 1
        rho = end - 2 * t * self.beta_2**t / (1 - self.beta_2**t)
        if rho <= 5:
            return None
        return math.sqrt((rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho))

    def step(self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run) -> Stepped:
        t, note = run.step + 1, run.note
        m, v = self.averages(gradient, state, run)
        m_hat = note("m_hat", m / (1 - self.momentum_of(run) ** t), "m / (1 - beta_1^t)")
        r = self.rectification(t)
        if r is None:
            return note("value", value - self.rate(run) * m_hat, "value - rate m_hat"), (m, v)
        share = note("share", r * math.sqrt(1 - self.beta_2**t)
                     / (run.xp.sqrt(v) + self.epsilon),
                     "r sqrt(1 - beta_2^t) / (sqrt(v) + epsilon)")
        return note("value", value - self.rate(run) * m_hat * share,
                    "value - rate m_hat share"), (m, v)
