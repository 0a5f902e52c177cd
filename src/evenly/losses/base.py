"""What a loss is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..augmentation import mixed
from ..errors import DataError, ShapeError
from ..layers.base import ArrayLike, Declared, Run, Shape, expect


@dataclass(frozen=True)
class Loss(Declared):
    """Base of all losses. ``forward`` returns (loss, what backward needs); ``backward`` the
    gradient on the scores.

    A loss is a weighted mean over the examples: ``loss = sum of w_i l_i / sum of w_i n_i`` with
    the sample weights ``w_i`` (1 where none are given), the loss of one example ``l_i``, and
    ``n_i``, its class weight (1 without class weights). Where scores are (batch, steps, outputs),
    every step counts as an example of its own; steps behind a sequence's length do not count.

    With ``mean_over="rows"`` the sum is divided by the number of examples instead. Where weights
    are very unequal that matters: dividing by the weights, PyTorch's way, lets a batch of light
    examples move the network as far as a batch of heavy ones. Give weights whose mean is 1 then.

    ``score`` is what people read beside the loss: the fraction of right answers, or R^2.
    """

    mean_over: str = field(default="weights", kw_only=True)

    kernel: ClassVar[str]
    # Whether a target is one class number a row of scores, or as many numbers as there are scores.
    targets_are_classes: ClassVar[bool]
    # Whether the kernel's score counts right answers (else it sums squared errors, for R^2).
    counts_right_answers: ClassVar[bool]

    def __post_init__(self) -> None:
        expect(self.mean_over in ("weights", "rows"), self,
               "mean_over is 'weights' or 'rows'", self.mean_over)

    def check(self, shape: Shape) -> None:
        """Raises ShapeError when the network's output for one example does not fit."""
        if len(shape) not in (1, 2):
            came = ", ".join(["batch", *map(str, shape)])
            raise ShapeError(
                f"{type(self).__name__}: expects scores of shape (batch, outputs) or "
                f"(batch, steps, outputs), got ({came}): "
                "add Flatten() or Dense(outputs) at the end of the network"
            )

    def numbers(self, outputs: int) -> dict[str, float]:
        """The numbers that the kernel needs beside the shapes."""
        return {}

    def prepare(self, y: Any, shape: Shape, dtype: Any) -> Any:
        """Targets as the kernels want them, or a DataError that says what is wrong.

        Arguments:
            y: what the user gave.
            shape: of one example's scores: (outputs,) or (steps, outputs).
            dtype: the program's element type.
        """
        raise NotImplementedError

    def probabilities(self, scores: Any) -> Any:
        """Scores as probabilities, or a DataError where that has no meaning."""
        raise DataError(f"{type(self).__name__} has no probabilities: use predict")

    def score(self, score_sum: float, y: Any) -> float:
        """The score of all rows from the kernels' sum: the fraction of right answers, or
        ``R^2 = 1 - sum of squared errors / sum of squared deviations of y``."""
        if len(y) == 0:
            return float("nan")
        if self.counts_right_answers:
            return score_sum / len(y)
        deviations = float(((y - y.mean(axis=0, dtype=np.float64)) ** 2).sum())
        return 1 - score_sum / deviations if deviations > 0 else float("nan")

    def evaluate(self, scores: Any, y: Any, run: Run) -> tuple[float, float]:
        """(loss, score sum) of prepared targets, through the definition."""
        scores = scores.astype(np.float64)
        loss, _ = self.forward(scores, y, run)
        counts = counted(scores.shape, run)
        if self.targets_are_classes:
            right = (scores.argmax(axis=-1) == y.reshape(scores.shape[:-1])) * 1.0
        elif self.counts_right_answers:
            right = ((scores > 0) == (y > 0.5)).mean(axis=-1)
        else:
            squares = ((scores - y) ** 2).sum(axis=-1)
            return float(loss), float((squares.reshape(counts.shape) * counts).sum())
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        return float(loss), float((right.reshape(counts.shape) * share).sum())

    def forward(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
        xp, note = run.xp, run.note
        rows = scores.reshape(-1, scores.shape[-1])
        if self.targets_are_classes:
            classes = xp.arange(scores.shape[-1])
            target = (target.reshape(scores.shape[:-1])[..., None] == classes) * 1
            target = note("y", target, "one_hot(target)")
        target = mixed(target, run).reshape(rows.shape)
        each, parts, saved = self.each(rows, target, run)
        if run.weights is None and run.lengths is None and parts is None:
            factors = 1 / each.size
            loss = note("loss", xp.mean(each), "mean of losses")
        else:
            weights = row_weights(scores.shape, run)
            if self.mean_over == "rows":
                total = xp.sum(counted(scores.shape, run))
            else:
                total = xp.sum(weights * (1 if parts is None else parts))
            # No weight at all: nothing is learned.
            total = total if total > 0 else 1
            factors = note("factors", weights / total, "w / sum of w")[:, None]
            loss = note("loss", xp.sum(each * factors[:, 0]), "sum of losses w / sum of w")
        return loss, (saved, factors, scores.shape)

    def backward(self, saved: Any, run: Run) -> ArrayLike:
        own, factors, shape = saved
        return run.note("d_scores", self.slope(own, run) * factors, self.slope_formula).reshape(
            shape
        )

    slope_formula: ClassVar[str] = ""

    def each(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[Any, Any, Any]:
        """Of each row of scores: (its loss, its class weight or None, what slope needs). Targets
        are rows as the scores are, of a class a one-hot one."""
        raise NotImplementedError

    def slope(self, saved: Any, run: Run) -> ArrayLike:
        """The gradient of each row's own loss on its scores."""
        raise NotImplementedError


def counted(shape: Shape, run: Run) -> Any:
    """Which rows of scores count: (examples, steps), 1 within a sequence and 0 behind its end."""
    steps = int(np.prod(shape[1:-1], dtype=np.int64))
    counts = np.ones((shape[0], steps))
    if run.lengths is not None and len(shape) > 2:
        counts[...] = np.arange(steps) < np.asarray(run.lengths).reshape(-1, 1)
    return counts


def row_weights(shape: Shape, run: Run) -> Any:
    """The weight of every row of scores: its example's, and 0 behind the end of a sequence."""
    counts = counted(shape, run)
    if run.weights is not None:
        counts = counts * mixed(np.asarray(run.weights), run).reshape(-1, 1)
    return counts.reshape(-1)
