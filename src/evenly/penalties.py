"""Penalties: what is added to the cost for the size of the weights.

They touch kernels, not biases or the gains of normalizations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .layers.base import ArrayLike, Declared, Run, expect


class Penalty(Declared):
    """Base of all penalties: ``l1 sum(|w|) + l2 / 2 sum(w^2)`` is added to the cost, and ``l1
    sign(w) + l2 w`` to the gradient, for the two numbers that a penalty gives."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            expect(value >= 0, self, f"{name} must not be negative", value)
            expect(value < math.inf, self, f"{name} must be finite", value)

    @property
    def strengths(self) -> tuple[float, float]:
        """(l1, l2)."""
        raise NotImplementedError(f"{type(self).__name__} needs its strengths")

    def cost(self, value: ArrayLike, run: Run) -> ArrayLike:
        """What one kernel adds to the cost."""
        xp, (l1, l2) = run.xp, self.strengths
        parts: list[tuple[Any, str]] = []
        if l1:
            parts.append((l1 * xp.sum(xp.abs(value)), "l1 sum(|w|)"))
        if l2:
            parts.append((l2 / 2 * xp.sum(value * value), "l2 / 2 sum(w^2)"))
        return run.note("penalty", sum(part for part, _ in parts), _formula(parts))

    def gradient(self, value: ArrayLike, run: Run) -> ArrayLike:
        """What it adds to that kernel's gradient."""
        l1, l2 = self.strengths
        parts: list[tuple[Any, str]] = []
        if l1:
            parts.append((l1 * run.xp.sign(value), "l1 sign(w)"))
        if l2:
            parts.append((l2 * value, "l2 w"))
        total = sum(part for part, _ in parts) if parts else 0 * value
        return run.note("d_penalty", total, _formula(parts))


def _formula(parts: list[tuple[Any, str]]) -> str:
    return " + ".join(formula for _, formula in parts) or "0"


@dataclass(frozen=True)
class L2(Penalty):
    """The squared size of the kernels: ``strength / 2 sum(w^2)`` is added to the cost, and
    ``strength w`` to the gradient.

    With plain descent it equals PyTorch's ``weight_decay``; with Adam it does not (see
    :class:`AdamW`).

    Arguments:
        strength: >= 0.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Krogh and Hertz 1992, equation 2.

    Example:
        >>> L2(0.1).cost(np.array([2.0]), Run(True))
        np.float64(0.2)
    """

    strength: float

    @property
    def strengths(self) -> tuple[float, float]:
        return 0.0, self.strength


@dataclass(frozen=True)
class L1(Penalty):
    """The absolute size of the kernels: ``strength sum(|w|)`` is added to the cost, and ``strength
    sign(w)`` to the gradient (0 at 0). It draws weights to zero; descent by steps leaves them small
    rather than exactly zero.

    Arguments:
        strength: >= 0.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Tibshirani 1996, "Regression shrinkage and selection via the lasso", section 1.

    Example:
        >>> L1(0.5).gradient(np.array([2.0, 0.0, -3.0]), Run(True))
        array([ 0.5,  0. , -0.5])
    """

    strength: float

    @property
    def strengths(self) -> tuple[float, float]:
        return self.strength, 0.0


@dataclass(frozen=True)
class ElasticNet(Penalty):
    """Both: ``l1 sum(|w|) + l2 / 2 sum(w^2)`` is added to the cost.

    Arguments:
        l1, l2: >= 0.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Zou and Hastie 2005, "Regularization and variable selection via the elastic net",
    equation 3 (there without the half).

    Example:
        >>> ElasticNet(l1=0.5, l2=1.0).gradient(np.array([2.0, -3.0]), Run(True))
        array([ 2.5, -3.5])
    """

    l1: float
    l2: float

    @property
    def strengths(self) -> tuple[float, float]:
        return self.l1, self.l2
