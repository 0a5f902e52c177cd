"""Losses of classification."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import ShapeError
from ..layers.base import ArrayLike, Run, Shape, expect
from ..layers.special import logistic
from .classes import ClassLoss, YesNoLoss, weight_numbers, without

# A difference below this share of its terms has lost digits that can be had in another way.
_SMALL = 1e-3


@dataclass(frozen=True)
class SoftmaxCrossEntropy(ClassLoss):
    """Cross-entropy of the softmax of the scores, for one of k classes.

    ``y_hat = exp(s) / sum(exp(s))``, ``loss = mean of -log(y_hat[target])``; the gradient on the
    scores is ``(y_hat - y) / batch`` with y the target as a one-hot row.

    With label smoothing e the target is ``y = (1 - e) one_hot + e / k``. With class weights v the
    loss of an example is ``-sum of v y log(y_hat)``, and the mean is divided by the sum of the
    targets' ``v``, as in PyTorch.

    A score may be minus infinity, as a mask makes it: its class has the probability 0, and where
    the target has no share in it neither loss nor gradient comes from it. Where the target has one
    (the right class itself, or any class with label smoothing) the loss is infinite. Infinity, or
    minus infinity in a whole row, leaves no probabilities: the loss is NaN, as in PyTorch.

    Targets that are `ignore_index` stand for no class: such a row, or such a step of a sequence,
    has no loss, no gradient and no part in the score, and the mean is over the others. Where there
    are none the loss is 0 (PyTorch's is NaN). The rows still go through the network: batch
    normalization sees them.

    Arguments:
        label_smoothing: e, 0 <= e < 1.
        class_weights: one number a class, none negative; None: 1 each.
        ignore_index: a whole number, for instance -100; None: every target is a class.

    Shapes: scores (batch, k) or (batch, steps, k), targets (batch,) or (batch, steps): whole
    numbers 0 to k - 1, or `ignore_index`.

    Raises:
        DataError: targets that are no class numbers of this network.

    Source: Bridle 1990; Goodfellow, Bengio and Courville 2016, section 6.2.2.3. Label smoothing:
    Szegedy, Vanhoucke, Ioffe, Shlens and Wojna 2016, section 7.

    Example:
        >>> loss, _ = SoftmaxCrossEntropy().forward(np.zeros((1, 2)), np.array([0]), Run(True))
        >>> round(float(loss), 4)
        0.6931
    """

    label_smoothing: float = 0.0
    class_weights: Sequence[float] | None = None
    ignore_index: int | None = None

    kernel: ClassVar[str] = "softmax_cross_entropy"
    slope_formula: ClassVar[str] = "(y_hat - y) / batch"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_smoothing(self, self.label_smoothing)

    def numbers(self, outputs: int) -> dict[str, float]:
        return {"label_smoothing": self.label_smoothing, **super().numbers(outputs)}

    def each(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[Any, Any, Any]:
        xp, note = run.xp, run.note
        largest = xp.max(scores, axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):  # a row without probabilities: its loss is NaN
            shifted = scores - largest
        powers = note("powers", xp.exp(shifted), "exp(s - max s)")
        total = note("total", xp.sum(powers, axis=1, keepdims=True), "sum of powers")
        y_hat = note("y_hat", powers / total, "powers / total")
        k = scores.shape[1]
        y, own = target, None
        if self.label_smoothing:
            e = self.label_smoothing
            share = e / k if self.ignore_index is None else \
                xp.sum(target, axis=1, keepdims=True) * (e / k)
            y = note("smoothed", (1 - e) * target + share, "(1 - e) one_hot + e / k")
        if self.class_weights is not None:
            weights = xp.asarray(self.class_weights)[None, :]
            own = xp.sum(target * weights, axis=1)
            y = note("weighted", y * weights, "v y")
        mass = xp.sum(y, axis=1)
        if (shifted == -np.inf).any():  # a class without a share of the target has no part in it
            shifted = xp.where(y == 0, 0, shifted)
        right = xp.sum(shifted * y, axis=1)
        # Where one class has nearly all, the others' small part would be lost beside it.
        others = without(xp, powers, xp.argmax(scores, axis=1))
        near = (others[:, 0] < _SMALL) & (total[:, 0] >= 1)  # that is, and the total is no NaN
        logarithm = xp.where(near, xp.log1p(others[:, 0]), xp.log(total[:, 0]))
        losses = mass * logarithm - right
        if (mass == 0).any():  # the class has the weight 0
            losses = xp.where(mass == 0, 0, losses)
        losses = note("losses", losses, "-sum of y log(y_hat)")
        return losses, own, (powers, total, y_hat, y, mass, others)

    def slope(self, saved: Any, run: Run) -> ArrayLike:
        powers, total, y_hat, y, mass, others = saved
        xp = run.xp
        slope = y_hat * mass[:, None] - y
        if (mass == 0).any():
            slope = xp.where((mass == 0)[:, None], 0, slope)
        near = abs(slope) < _SMALL * y
        if not near.any():
            return slope
        # Beside the right class's own 1 the difference is what all the others have together.
        largest, heaviest = xp.argmax(powers, axis=1), xp.argmax(y, axis=1)
        classes = np.arange(y.shape[1])
        rest_y = xp.where(classes == heaviest[:, None], without(xp, y, heaviest),
                          mass[:, None] - y)
        rest = xp.where(classes == largest[:, None], others, total - powers)
        return xp.where(near, (powers * rest_y - y * rest) / total, slope)


@dataclass(frozen=True)
class BinaryCrossEntropy(YesNoLoss):
    """Cross-entropy of the logistic function of the scores, for yes-or-no targets.

    ``p = 1 / (1 + exp(-s))``, ``loss = mean of -t log(p) - (1 - t) log(1 - p)`` over all elements,
    computed from the scores as ``max(s, 0) - s t + log(1 + exp(-|s|))``, which cannot overflow.
    The gradient on the scores is ``(p - t) / elements``. An infinite score is a p of 0 or 1: its
    loss is 0 where the target is the same, and infinite where it is not.

    With label smoothing e the target is ``t (1 - e) + e / 2``. With class weights (v0, v1) each
    element counts ``v0 (1 - t) + v1 t`` times in the mean.

    Arguments:
        label_smoothing: e, 0 <= e < 1.
        class_weights: (of no, of yes), none negative, or k such pairs, one for each column of the
            scores; None: 1 each.

    Shapes: scores (batch, k) or (batch, steps, k), targets (batch,) or of the scores' shape, from
    0 to 1.

    Raises:
        DataError: targets outside 0 to 1, or of another shape.

    Source: Goodfellow, Bengio and Courville 2016, section 6.2.2.2.

    Example:
        >>> scores, target = np.zeros((1, 1)), np.ones((1, 1))
        >>> loss, _ = BinaryCrossEntropy().forward(scores, target, Run(True))
        >>> round(float(loss), 4)
        0.6931
    """

    label_smoothing: float = 0.0
    class_weights: Sequence[float] | Sequence[Sequence[float]] | None = None

    kernel: ClassVar[str] = "binary_cross_entropy"
    weights_are: ClassVar[str] = (
        "two numbers, of no and of yes, or such a pair for each column of the scores")
    slope_formula: ClassVar[str] = "(p - t) / elements"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_smoothing(self, self.label_smoothing)

    def _freeze_class_weights(self) -> None:
        pairs = _frozen_pairs(self, self.class_weights)
        if pairs is None:
            super()._freeze_class_weights()
        else:
            object.__setattr__(self, "class_weights", pairs)

    def check(self, shape: Shape) -> None:
        super().check(shape)
        pairs: Any = self.class_weights
        if self._by_column and len(pairs) != shape[-1]:
            raise ShapeError(
                f"BinaryCrossEntropy: expects one pair of class weights for each of the "
                f"{shape[-1]} outputs, got {len(pairs)}: give as many as the last layer has units, "
                "or one pair for all"
            )

    @property
    def _by_column(self) -> bool:
        """Whether each column has class weights of its own."""
        return self.class_weights is not None and isinstance(self.class_weights[0], tuple)

    def numbers(self, outputs: int) -> dict[str, float]:
        weights: Any = self.class_weights
        if self._by_column:
            weights = [weight for pair in weights for weight in pair]
        return {"label_smoothing": self.label_smoothing, **weight_numbers(weights)}

    def each(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[Any, Any, Any]:
        xp, note = run.xp, run.note
        weights: Any = 1
        own = None
        if self.class_weights is not None:
            no, yes = (
                xp.asarray(self.class_weights).T if self._by_column else self.class_weights
            )
            weights = note("class_factors", no * (1 - target) + yes * target,
                           "v0 (1 - t) + v1 t")
            own = xp.mean(weights, axis=1)
        no = 1 - target
        if self.label_smoothing:
            e = self.label_smoothing
            no = no * (1 - e) + e / 2
            target = note("smoothed", target * (1 - e) + e / 2, "t (1 - e) + e / 2")
        # max(s, 0) - s t is |s| times the share of the other answer; where that is none, an
        # infinite score costs nothing.
        against = xp.where(scores > 0, no, target)
        size = abs(scores)
        if (size == np.inf).any():
            size = xp.where(against == 0, 0, size)
        losses = size * against + xp.log1p(xp.exp(-abs(scores)))
        losses = note("elements", losses, "max(s, 0) - s t + log(1 + exp(-|s|))")
        p = note("p", logistic(xp, scores), "1 / (1 + exp(-s))")
        if self.class_weights is not None:
            losses = xp.where(weights == 0, 0, losses) if (weights == 0).any() else losses
        losses = note("losses", xp.mean(losses * weights, axis=1), "mean of elements")
        return losses, own, (scores, p, target, no, weights)

    def slope(self, saved: Any, run: Run) -> ArrayLike:
        scores, p, target, no, weights = saved
        xp = run.xp
        slope = p - target
        near = abs(slope) < _SMALL
        if near.any():
            slope = xp.where(near, p * no - logistic(xp, -scores) * target, slope)
        if self.class_weights is not None and (weights == 0).any():
            slope = xp.where(weights == 0, 0, slope)
        return slope * weights / p.shape[1]


def _check_smoothing(loss: Any, e: float) -> None:
    expect(0 <= e < 1, loss, "label_smoothing must be at least 0 and below 1", e)


def _frozen_pairs(loss: Any, weights: Any) -> tuple[tuple[float, ...], ...] | None:
    """Pairs of class weights, one a column, as tuples; None for anything else."""
    if not isinstance(weights, (tuple, list, np.ndarray)) or not len(weights) or not all(
        isinstance(pair, (tuple, list, np.ndarray)) for pair in weights
    ):
        return None
    fits = all(len(pair) == 2 and all(
        isinstance(w, numbers.Real) and 0 <= float(w) < float("inf") for w in pair
    ) for pair in weights) and any(float(w) > 0 for pair in weights for w in pair)
    expect(fits, loss, "class_weights by column are pairs of numbers of at least 0, not all of "
                       "them 0", weights)
    return tuple(tuple(float(w) for w in pair) for pair in weights)
