"""Loss and score of more rows than are in memory: parts are evaluated, and their sums added."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import Engine, Evaluation, scored
from ..layers.base import Run
from ..losses.base import counted, row_weights


class Spread:
    """The squared deviations of targets from their mean, part by part.

    Source: Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", equation
    (2.1).
    """

    def __init__(self) -> None:
        self.rows = 0
        self._mean: Any = 0.0
        self._squares: Any = 0.0

    def add(self, y: Any) -> None:
        """Takes targets in, (rows, ...)."""
        y = np.asarray(y, dtype=np.float64)
        n, mean = len(y), y.mean(axis=0)
        squares = ((y - mean) ** 2).sum(axis=0)
        total = self.rows + n
        step = mean - self._mean
        self._squares = self._squares + squares + step**2 * (self.rows * n / total)
        self._mean = self._mean + step * (n / total)
        self.rows = total

    @property
    def deviations(self) -> float:
        """Their sum over all rows and outputs."""
        return float(np.sum(self._squares))


class Tally:
    """The evaluation of one part after another.

    Arguments:
        engine: of a program with a loss.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loss = self._weight = self._score = 0.0
        self.rows = 0
        self._spread = Spread()

    def add(self, x: Any, y: Any, weights: Any = None, lengths: Any = None) -> None:
        """Takes rows in. Targets, weights and lengths are as the kernels want them."""
        loss = self._engine.program.loss
        assert loss is not None
        value, score = self._engine.loss_and_score_sum(self._engine.rows(x), y, weights, lengths)
        weight = self._divisor(y, weights, lengths)
        self._loss += value * weight
        self._weight += weight
        self._score += score
        y = scored(self._engine.program, y, lengths)
        self.rows += len(y)
        if len(y) and not loss.counts_right_answers:
            self._spread.add(y)

    def evaluation(self) -> Evaluation:
        """Of all rows so far: at least one."""
        loss = self._engine.program.loss
        assert loss is not None
        value = self._loss / self._weight if self._weight else 0.0
        return Evaluation(value, score_of(loss, self._score, self.rows, self._spread))

    def _divisor(self, y: Any, weights: Any, lengths: Any) -> float:
        """What the mean loss of some rows was divided by, as the definition in losses/base.py."""
        program = self._engine.program
        loss, shape = program.loss, (len(y), *program.output_shape)
        assert loss is not None
        run = Run(training=False, weights=weights, lengths=lengths)
        if loss.mean_over == "rows":
            return float(counted(shape, run).sum())
        each = row_weights(shape, run)
        if getattr(loss, "class_weights", None) is None:
            return float(each.sum())
        scores = np.zeros((len(each), shape[-1]))
        target = y.reshape(len(each), -1)
        if loss.targets_are_classes:
            target = (target == np.arange(shape[-1])) * 1
        _, parts, _ = loss.each(scores, target, run)
        return float((each * (1 if parts is None else parts)).sum())


def score_of(loss: Any, score_sum: float, rows: int, spread: Spread) -> float:
    """The score of rows from their sum: the fraction of right answers, or R^2. Where more targets
    were seen than rows were scored, the deviations are taken to be as large in both."""
    if rows == 0:
        return float("nan")
    if loss.counts_right_answers:
        return score_sum / rows
    if not spread.deviations > 0:
        return float("nan")
    return 1 - (score_sum / rows) / (spread.deviations / spread.rows)
