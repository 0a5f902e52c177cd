"""Schedules that go down by steps, by a rate, or by a power."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..layers.base import expect
from .base import Schedule, expect_floor, expect_length


def _expect_factor(schedule: Schedule, factor: float) -> None:
    expect(0 < factor < np.inf, schedule, "factor must be positive", factor)


@dataclass(frozen=True)
class StepDecay(Schedule):
    """Multiplies the rate by `factor` every so often: ``factor^floor(t / every)``.

    Arguments:
        every: epochs (or steps) from one change to the next, >= 1.
        factor: > 0.
        by: what t counts, ``"epoch"`` or ``"step"``.

    PyTorch's ``StepLR(step_size=every, gamma=factor)``.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Szegedy et al. 2015, "Going deeper with convolutions", section 6 (4 % less every 8
    epochs).

    Example:
        >>> StepDecay(2, 0.1).factors(np.arange(4.0), 4)
        array([1. , 1. , 0.1, 0.1])
    """

    every: int
    factor: float = 0.1
    by: str = "epoch"

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self.every >= 1, self, "every must be at least 1", self.every)
        _expect_factor(self, self.factor)

    def factors(self, positions: Any, length: float) -> Any:
        return self.factor ** np.floor(positions / self.every)


@dataclass(frozen=True)
class MultiStepDecay(Schedule):
    """Multiplies the rate by `factor` at given times: ``factor^n``, n being how many of the
    numbers `at` are at most t.

    Arguments:
        at: epochs (or steps), counted from 0, rising: with ``at=[30]`` the first epoch with the
            new rate is the one that comes after 30 others.
        factor: > 0.
        by: what t counts, ``"epoch"`` or ``"step"``.

    PyTorch's ``MultiStepLR(milestones=at, gamma=factor)``.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition", section
    4.2 (a tenth after 32 000 and 48 000 of 64 000 steps).

    Example:
        >>> MultiStepDecay([1, 3], 0.5).factors(np.arange(5.0), 5)
        array([1.  , 0.5 , 0.5 , 0.25, 0.25])
    """

    at: Sequence[int]
    factor: float = 0.1
    by: str = "epoch"

    def __post_init__(self) -> None:
        super().__post_init__()
        _expect_factor(self, self.factor)
        rule = f"at expects {self.by}s: whole numbers of at least 0, rising"
        expect(isinstance(self.at, (Sequence, np.ndarray)) and len(self.at) > 0, self, rule,
               self.at)
        for number in self.at:
            whole = isinstance(number, numbers.Integral) and not isinstance(number, bool)
            expect(whole and number >= 0, self, rule, self.at)
        at = tuple(int(number) for number in self.at)
        expect(all(a < b for a, b in pairwise(at)), self, rule, self.at)
        object.__setattr__(self, "at", at)

    def factors(self, positions: Any, length: float) -> Any:
        return self.factor ** np.searchsorted(np.array(self.at), positions, side="right")


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """Multiplies the rate by `factor` each time: ``factor^t``.

    Arguments:
        factor: > 0. Above 1 the rate grows, as in a search for the largest one that works.
        by: what t counts, ``"epoch"`` or ``"step"``.

    PyTorch's ``ExponentialLR(gamma=factor)``.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Szegedy, Vanhoucke, Ioffe, Shlens and Wojna 2016, "Rethinking the Inception
    architecture", section 8.

    Example:
        >>> ExponentialDecay(0.5).factors(np.arange(4.0), 4)
        array([1.   , 0.5  , 0.25 , 0.125])
    """

    factor: float
    by: str = "epoch"

    def __post_init__(self) -> None:
        super().__post_init__()
        _expect_factor(self, self.factor)

    def factors(self, positions: Any, length: float) -> Any:
        return np.float64(self.factor) ** positions


@dataclass(frozen=True)
class InverseTimeDecay(Schedule):
    """Divides the rate by a number that grows with time: ``1 / (1 + decay t)``. The sum of the
    rates is infinite and that of their squares is not: what stochastic gradient descent needs to
    converge on a convex loss.

    Arguments:
        decay: > 0: after ``1 / decay`` the rate is half of what it was.
        by: what t counts, ``"epoch"`` or ``"step"``.

    PyTorch has it as ``LambdaLR(lambda t: 1 / (1 + decay * t))``.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Robbins and Monro 1951; Bottou 2012, "Stochastic gradient descent tricks", section 5.2.

    Example:
        >>> InverseTimeDecay(1.0).factors(np.arange(4.0), 4).round(3)
        array([1.   , 0.5  , 0.333, 0.25 ])
    """

    decay: float
    by: str = "epoch"

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(0 < self.decay < np.inf, self, "decay must be positive", self.decay)

    def factors(self, positions: Any, length: float) -> Any:
        return 1 / (1 + self.decay * positions)


@dataclass(frozen=True)
class PolynomialDecay(Schedule):
    """Lets the rate fall to a floor by a power of the time that is left: ``floor + (1 - floor)
    (1 - t / length)^power``, and the floor from `length` on.

    Arguments:
        length: steps (or epochs) until the floor, >= 1; None: the whole training.
        power: > 0. 1 falls along a straight line; above 1 steeply first.
        floor: what is left in the end, as a share of the rate.
        by: what t counts, ``"step"`` or ``"epoch"``.

    PyTorch's ``PolynomialLR(total_iters=length, power=power)`` where the floor is 0.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Chen, Papandreou, Kokkinos, Murphy and Yuille 2018, "DeepLab", section 4.1 ("poly").

    Example:
        >>> PolynomialDecay(power=2.0).factors(np.arange(5.0), 4)
        array([1.    , 0.5625, 0.25  , 0.0625, 0.    ])
    """

    length: int | None = None
    power: float = 1.0
    floor: float = 0.0
    by: str = "step"

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_length(self, self.length)
        expect(0 < self.power < np.inf, self, "power must be positive", self.power)
        expect_floor(self, self.floor)

    def factors(self, positions: Any, length: float) -> Any:
        end = length if self.length is None else self.length
        return self.floor + (1 - self.floor) * (1 - np.minimum(positions / end, 1)) ** self.power
