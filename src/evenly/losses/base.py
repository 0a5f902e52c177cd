"""What a loss is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from ..augmentation import mixed
from ..errors import DataError, ShapeError
from ..layers.base import ArrayLike, Declared, Run, Shape, expect
from .spread import Spread


@dataclass(frozen=True)
class Loss(Declared):
    """Base of all losses. ``forward`` returns (loss, what backward needs); ``backward`` the
    gradient on the scores.

    A loss is a weighted mean over the examples: ``loss = sum of w_i l_i / sum of w_i n_i`` with
    the sample weights ``w_i`` (1 where none are given), the loss of one example ``l_i``, and
    ``n_i``, its class weight (1 without class weights). Where scores are (batch, steps, outputs),
    every step counts as an example of its own; steps behind a sequence's length do not count.

    What has the weight 0 contributes nothing at all, whatever its scores are, infinities and NaN
    included: no loss, no gradient, no part in the divisor or in the score.

    With ``mean_over="rows"`` the sum is divided by the number of examples instead. Where weights
    are very unequal that matters: dividing by the weights, PyTorch's way, lets a batch of light
    examples move the network as far as a batch of heavy ones. Give weights whose mean is 1 then.

    ``score`` is what people read beside the loss: the fraction of right answers, or R^2 of what is
    predicted (``predicted``: what the scores say in the targets' own units).
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

    def check_targets(self, y: Any, who: str) -> None:
        """Raises DataError for numbers that no target may be: here for none.

        Arguments:
            y: an array of numbers, the examples first.
            who: takes them, for the message.
        """

    @property
    def averaging(self) -> dict[str, Any]:
        """How the scores of several networks become one: arguments of :class:`Ensemble`."""
        return {"of": "numbers"}

    @property
    def outputs_each(self) -> int:
        """Outputs of the network for each target that is a number."""
        return 1

    @property
    def in_target_units(self) -> bool:
        """Whether scores are in the targets' own units: targets that are moved and scaled ask for
        scores that are moved and scaled alike."""
        return not self.counts_right_answers

    def predicted(self, scores: Any) -> Any:
        """Scores as predictions, in the targets' own units. Of scores that are in these units
        already, and of those of classes: the same."""
        return scores

    def judged(self, y: Any) -> Any:
        """Of predictions or targets, (..., outputs), those that R^2 is about: all."""
        return y

    def score(self, score_sum: float, scored: float, spread: Spread | None = None) -> float:
        """The score of some rows: the fraction of right answers, or ``R^2 = 1 - sum of squared
        errors / sum of squared deviations of y``; NaN where there is none.

        Arguments:
            score_sum: the kernels' sum over the rows.
            scored: how many examples count in it.
            spread: of the targets, for R^2. Where more of them were seen than were scored, the
                deviations are taken to be as large in both.
        """
        if not scored:
            return float("nan")
        if self.counts_right_answers:
            return score_sum / scored
        if spread is None or not spread.deviations > 0:
            return float("nan")
        return 1 - (score_sum / scored) / (spread.deviations / spread.rows)

    def spread(self, y: Any, shape: Shape, run: Run) -> Spread | None:
        """The deviations that R^2 is measured by, of prepared targets and scores of this shape;
        None where the score counts right answers."""
        if self.counts_right_answers:
            return None
        spread = Spread()
        spread.add(self.judged(y), self.scored(y, shape, run))
        return spread

    def evaluate(self, scores: Any, y: Any, run: Run) -> tuple[float, float, float]:
        """(loss, score sum, how many examples count in it) of prepared targets, through the
        definition."""
        scores = scores.astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite shows in the loss
            loss, _ = self.forward(scores, y, run)
        counts = self.scored(y, scores.shape, run)
        examples = float(counts.any(axis=1).sum())
        known = ~np.isnan(scores)
        if self.targets_are_classes:
            right = (scores.argmax(axis=-1) == y.reshape(scores.shape[:-1])) * 1.0
            # Without a softmax there is no answer.
            right *= known.all(axis=-1) & np.isfinite(scores.max(axis=-1))
        elif self.counts_right_answers:
            right = (((scores > 0) == (y > 0.5)) & known).mean(axis=-1)
        else:
            with np.errstate(invalid="ignore", over="ignore"):
                error = self.judged(self.predicted(scores)) - self.judged(y)
                squares = (error**2).sum(axis=-1).reshape(counts.shape)
            return float(loss), float(squares[counts > 0].sum()), examples
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        return float(loss), float((right.reshape(counts.shape) * share).sum()), examples

    def counted(self, y: Any, shape: Shape, run: Run) -> Any:
        """How much of each row of scores counts, before any weight: (examples, steps), 1 within a
        sequence and 0 behind its end. Of prepared targets, mixed as the run mixes them."""
        return counted(shape, run)

    def scored(self, y: Any, shape: Shape, run: Run) -> Any:
        """Which rows of scores count in the score, and in a mean over rows: likewise, 1 or 0."""
        counts = (self.counted(y, shape, run) > 0) * 1.0
        if run.weights is not None:
            weights = np.asarray(run.weights).astype(np.float64)
            counts = counts * (mixed(weights, unrecorded(run)).reshape(-1, 1) > 0)
        return counts

    def divisor(self, y: Any, shape: Shape, run: Run, parts: Any = None) -> Any:
        """What the sum of the losses is divided by.

        Arguments:
            y, shape: prepared targets; the shape of all scores.
            run: with its weights and lengths.
            parts: of each row, its class weight; None: without class weights.
        """
        if self.mean_over == "rows":
            return self.scored(y, shape, run).sum()
        counts = self.counted(y, shape, run).reshape(-1)
        return run.xp.sum(row_weights(shape, run) * (counts if parts is None else parts))

    def total(self, y: Any, shape: Shape, run: Run) -> float:
        """What the mean loss of prepared targets is divided by, for scores of this shape."""
        parts = None
        if getattr(self, "class_weights", None) is not None and self.mean_over == "weights":
            rows = np.zeros((int(np.prod(shape[:-1], dtype=np.int64)), shape[-1]))
            target = self.one_hot(y, shape, run) if self.targets_are_classes else y
            _, parts, _ = self.each(rows, np.asarray(target).reshape(rows.shape), run)
        return float(self.divisor(y, shape, run, parts))

    def forward(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
        xp, note = run.xp, run.note
        shape, given = scores.shape, target
        rows = scores.reshape(-1, shape[-1])
        if self.targets_are_classes:
            target = note("y", self.one_hot(target, shape, run), "one_hot(target)")
        target = mixed(target, run).reshape(rows.shape)
        each, parts, saved = self.each(rows, target, run)
        counts = self.counted(given, shape, run)
        nothing = np.zeros(rows.shape[0], bool)  # the rows that do not count
        if run.weights is None and parts is None and (counts == 1).all():
            factors = 1 / each.size
            loss = note("loss", xp.mean(each), "mean of losses")
        else:
            total = self.divisor(given, shape, run, parts)
            # No weight at all: nothing is learned.
            total = total if total > 0 else 1
            weights = row_weights(shape, run) * (counts.reshape(-1) > 0)
            factors = note("factors", weights / total, "w / sum of w")[:, None]
            nothing = np.asarray(weights == 0, bool)
            if nothing.any():
                each = xp.where(nothing, 0, each)
            loss = note("loss", xp.sum(each * factors[:, 0]), "sum of losses w / sum of w")
        return loss, (saved, nothing[:, None], factors, shape)

    def backward(self, saved: Any, run: Run) -> ArrayLike:
        own, nothing, factors, shape = saved
        slope = self.slope(own, run)
        if nothing.any():
            slope = run.xp.where(nothing, 0, slope)
        return run.note("d_scores", slope * factors, self.slope_formula).reshape(shape)

    def one_hot(self, target: ArrayLike, shape: Shape, run: Run) -> Any:
        """Class numbers as rows of the scores' shape with a single 1."""
        classes = run.xp.arange(shape[-1])
        return (target.reshape(shape[:-1])[..., None] == classes) * 1

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


def unrecorded(run: Run) -> Run:
    """The same circumstances, with numbers alone: what only decides which rows count is no step of
    the arithmetic."""
    return replace(run, recorder=None, xp=np)
