"""What an update rule is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

from ..layers.base import ArrayLike, Declared, Run, expect

State = tuple[ArrayLike, ...]
# The new value, and what is kept for the next step.
Stepped = tuple[ArrayLike, State]


@dataclass(frozen=True)
class Optimizer(Declared):
    """Base of all update rules.

    ``update(value, gradient, state, run)`` returns the new value and the new state; ``states``
    names the arrays of the value's shape that the rule keeps, all zero at first. ``run.step``
    counts from 0; formulas use t = step + 1.

    Every rule takes ``weight_decay``: before its step, ``value *= 1 - learning_rate weight_decay``,
    apart from the gradient (Loshchilov and Hutter 2019, "Decoupled weight decay regularization",
    algorithms 1 and 2). It touches kernels, not biases or the gains of normalizations. Decay that
    goes through the gradient, as ``weight_decay`` of most of PyTorch's optimizers, is
    :class:`evenly.L2`.
    """

    learning_rate: float
    weight_decay: float = field(default=0.0, kw_only=True)

    # The field that a schedule may move as momentum, where the rule has one.
    momentum_name: ClassVar[str] = ""

    def __post_init__(self) -> None:
        expect(self.learning_rate > 0, self, "learning_rate must be positive", self.learning_rate)
        expect(self.weight_decay >= 0, self, "weight_decay must not be negative", self.weight_decay)
        for name in ("beta", "beta_1", "beta_2", "momentum"):
            value = getattr(self, name, 0.0)
            expect(0 <= value < 1, self, f"{name} must be at least 0 and below 1", value)
        epsilon = getattr(self, "epsilon", 1.0)
        expect(epsilon > 0, self, "epsilon must be positive", epsilon)
        for name in ("learning_rate", "weight_decay", "epsilon"):
            value = getattr(self, name, 0.0)
            expect(value < math.inf, self, f"{name} must be finite", value)

    @property
    def kernel(self) -> str:
        """The kernel's name."""
        raise NotImplementedError(f"{type(self).__name__} names no kernel")

    @property
    def states(self) -> tuple[str, ...]:
        """The arrays that the rule keeps beside each value."""
        return ()

    @property
    def has_momentum(self) -> bool:
        """Whether a schedule may move its momentum."""
        return bool(self.momentum_name) and getattr(self, self.momentum_name) > 0

    def numbers(self) -> dict[str, float]:
        """The numbers that the kernel needs beside the learning rate."""
        return {}

    def rate(self, run: Run) -> float:
        """The learning rate of this step: the rule's own, unless a schedule gives another."""
        return self.learning_rate if run.learning_rate is None else run.learning_rate

    def momentum_of(self, run: Run) -> float:
        """Likewise the momentum."""
        own: float = getattr(self, self.momentum_name)
        return own if run.momentum is None else run.momentum

    def decay(self, run: Run) -> float:
        """The weight decay of this step."""
        return self.weight_decay if run.decay == 1 else self.weight_decay * run.decay

    def update(
        self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run, decays: bool = False
    ) -> Stepped:
        """One step: returns (new value, new state).

        Arguments:
            value, gradient: arrays of one shape.
            state: as many arrays of that shape as the rule has ``states``.
            run: the step, and its learning rate where a schedule moves it.
            decays: whether weight decay touches this array.
        """
        if decays and self.weight_decay:
            value = run.note("decayed", value * (1 - self.rate(run) * self.decay(run)),
                             "value (1 - rate weight_decay)")
        return self.step(value, gradient, state, run)

    def step(self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run) -> Stepped:
        """The rule itself, without decay."""
        raise NotImplementedError(f"{type(self).__name__} needs a step method")
