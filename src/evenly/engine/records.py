"""What an engine answers with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..portable import Portable


class StepRecord(NamedTuple):
    """What one training step tells.

    Attributes:
        loss: mean over the batch, without the penalty.
        score_sum: right answers, or the sum of squared errors.
        penalty: its part of the cost.
        gradient_norm: over all parameters, penalty included, before clipping.
        weight: what the loss was divided by: the rows, or the sum of their weights.
        scored: examples that count in the score: those whose weight is not 0.
    """

    loss: float
    score_sum: float
    penalty: float
    gradient_norm: float
    weight: float
    scored: float


@dataclass(frozen=True)
class Evaluation:
    """Mean loss and score: the fraction of right answers, or R^2."""

    loss: float
    score: float


class NotFiniteError(Portable, ArithmeticError):
    """A step was not finite. Its update has not been made, unless it was the update that
    overflowed. For the training loop.

    Attributes:
        step: counted from 0.
        layer: what was not finite first, in words.
        loss: of the failed step; NaN if it was the loss that failed.
        updated: whether it was the update, or what a pass leaves behind, that is not finite.
    """

    def __init__(self, step: int, layer: str, loss: float, updated: bool = False) -> None:
        super().__init__(f"step {step}: {layer} is not finite")
        self.step = step
        self.layer = layer
        self.loss = loss
        self.updated = updated
