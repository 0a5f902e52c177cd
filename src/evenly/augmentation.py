"""Changes to the examples of a batch, drawn anew in each training step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .layers.base import ArrayLike, Declared, Run, expect
from .random import betas


@dataclass(frozen=True)
class Mixup(Declared):
    """Trains on means of two examples: ``x = mix x_i + (1 - mix) x_j``, ``y = mix y_i + (1 - mix)
    y_j``, where a class counts as a one-hot row. Sample weights are mixed likewise.

    One ``mix`` is drawn in each step, from Beta(alpha, alpha), and the larger of it and ``1 - mix``
    is taken: the batch is then the same up to its order, and each row mostly its own. The other
    example of row i is row ``i + 1 + shift mod (rows - 1)`` of the batch, counted round, with a
    shift that is drawn in each step, too. The loss and the score of a training epoch are those of
    the mixed examples.

    Arguments:
        alpha: > 0; the larger, the nearer is ``mix`` to 1/2. Usually 0.1 to 0.4 for images.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Zhang, Cisse, Dauphin and Lopez-Paz 2018, "mixup: Beyond empirical risk minimization",
    section 2. For noise on the inputs, another such change, see :class:`GaussianNoise`.

    Example:
        >>> mix, shift = Mixup(0.2).draw(seed=0, first_step=0, steps=3)
        >>> bool((mix >= 0.5).all()), shift.shape
        (True, (3,))
    """

    alpha: float = 0.2

    def __post_init__(self) -> None:
        expect(self.alpha > 0, self, "alpha must be positive", self.alpha)
        expect(self.alpha < math.inf, self, "alpha must be finite", self.alpha)

    def draw(self, seed: int, first_step: int, steps: int) -> tuple[Any, Any]:
        """The ``mix`` and ``shift`` of some steps, each a function of (seed, step) alone."""
        share, shift = betas(seed, "mixup", np.arange(first_step, first_step + steps), self.alpha)
        return np.maximum(share, 1 - share), shift.astype(np.float64)


def mixed(values: ArrayLike, run: Run) -> ArrayLike:
    """Rows of a batch with their others mixed in, as ``run.mix`` and ``run.shift`` say."""
    rows = len(values)
    if run.mix == 1 or rows < 2:
        return values
    others = run.xp.roll(values, -(1 + run.shift % (rows - 1)), axis=0)
    return run.note("mixed", run.mix * values + (1 - run.mix) * others, "mix x_i + (1 - mix) x_j")
