"""Loss and score of more rows than are in memory: parts are evaluated, and their sums added."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import Engine, Evaluation
from ..layers.base import Run
from ..losses import Spread


class Tally:
    """The evaluation of one part after another.

    Arguments:
        engine: of a program with a loss.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loss = self._weight = self._score = self._scored = 0.0
        self._spread = Spread()

    def add(self, x: Any, y: Any, weights: Any = None, lengths: Any = None) -> None:
        """Takes rows in. Targets, weights and lengths are as the kernels want them."""
        program = self._engine.program
        loss, shape = program.loss, (len(y), *program.output_shape)
        assert loss is not None
        value, score, scored = self._engine.loss_and_score_sum(
            self._engine.rows(x), y, weights, lengths
        )
        run = Run(training=False, weights=weights, lengths=lengths)
        weight = loss.total(y, shape, run)
        if weight:
            self._loss += value * weight
        self._weight += weight
        self._score += score
        self._scored += scored
        if not loss.counts_right_answers:
            self._spread.add(loss.judged(y), loss.scored(y, shape, run))

    @property
    def sums(self) -> Any:
        """Of all rows so far: losses, weights, scores, and how many examples count in these."""
        return np.array([self._loss, self._weight, self._score, self._scored])

    def evaluation(self) -> Evaluation:
        """Of all rows so far: at least one."""
        return self.evaluation_of(self.sums, self._spread)

    def evaluation_of(self, sums: Any, spread: Spread | None) -> Evaluation:
        """Of several tallies' sums together."""
        loss = self._engine.program.loss
        assert loss is not None
        value, weight, score, scored = map(float, sums)
        return Evaluation(value / weight if weight else 0.0, loss.score(score, scored, spread))
