"""Loss and score of more rows than are in memory: parts are evaluated, and their sums added."""

from __future__ import annotations

from typing import Any

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

    def evaluation(self) -> Evaluation:
        """Of all rows so far: at least one."""
        loss = self._engine.program.loss
        assert loss is not None
        value = self._loss / self._weight if self._weight else 0.0
        return Evaluation(value, loss.score(self._score, self._scored, self._spread))
