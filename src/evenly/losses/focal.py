"""Cross-entropies in which what is answered well counts less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..layers.base import ArrayLike, Run, expect
from ..layers.special import logistic, softplus
from .classes import ClassLoss, YesNoLoss, without


@dataclass(frozen=True)
class FocalCrossEntropy(ClassLoss):
    """The focal loss of the softmax of the scores, for one of k classes.

    With p the probability of the right class, ``loss = mean of -(1 - p)^gamma log(p)``: an example
    that is answered well counts less than one that is not, so many easy ones do not drown a few
    hard ones. With gamma = 0 it is :class:`SoftmaxCrossEntropy`. The gradient on the right class's
    score is ``-(1 - p) A``, on another's ``p_c A``, both over the batch, with
    ``A = (1 - p)^gamma (1 - gamma p log(p) / (1 - p))``.

    With class weights v (the alpha of the source) an example counts ``v`` times, and the mean is
    divided by the sum of the targets' ``v``; with ``mean_over="rows"`` by the number of examples,
    as in the source. Infinite scores and `ignore_index` are as in :class:`SoftmaxCrossEntropy`.

    The loss is lowest where the classes stand in the right order, at probabilities that are nearer
    to each other than the true shares: they rank well, and are to be calibrated before they are
    read as frequencies.

    Arguments:
        gamma: at least 0.
        class_weights: one number a class, none negative; None: 1 each.
        ignore_index: a whole number, for instance -100; None: every target is a class.

    Shapes: scores (batch, k) or (batch, steps, k), targets (batch,) or (batch, steps): whole
    numbers 0 to k - 1, or `ignore_index`.

    Raises:
        DataError: targets that are no class numbers of this network.

    Source: Lin, Goyal, Girshick, He and Dollar 2017, "Focal loss for dense object detection",
    equation (5), here of a softmax.

    Example:
        >>> loss, _ = FocalCrossEntropy().forward(np.zeros((1, 2)), np.array([0]), Run(True))
        >>> round(float(loss), 4)
        0.1733
    """

    gamma: float = 2.0
    class_weights: Sequence[float] | None = None
    ignore_index: int | None = None

    kernel: ClassVar[str] = "focal_cross_entropy"
    slope_formula: ClassVar[str] = "(p sum of pulls - pulls) / batch"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_gamma(self, "gamma", self.gamma)

    def numbers(self, outputs: int) -> dict[str, float]:
        return {"gamma": self.gamma, **super().numbers(outputs)}

    def each(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[Any, Any, Any]:
        xp, note = run.xp, run.note
        largest = xp.max(scores, axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):  # beside an infinite score none is a number
            shifted = scores - largest
        powers = note("powers", xp.exp(shifted), "exp(s - max s)")
        # The largest power is 1. What the others have is summed apart, so that neither it nor its
        # logarithm is a difference.
        first = xp.argmax(scores, axis=1)
        others = without(xp, powers, first)
        known = abs(largest) < np.inf
        if not known.all():  # a row without probabilities: its loss is NaN
            others = xp.where(known, others, np.nan)
        total = note("total", 1 + others, "sum of powers")
        p = note("p", powers / total, "powers / total")
        is_first = np.arange(scores.shape[1]) == np.asarray(first)[:, None]
        q = note("q", xp.where(is_first, others, total - powers) / total, "1 - p")
        entropy = note("e", xp.log1p(others) - shifted, "-log(p)")
        mass, own = target, None
        if self.class_weights is not None:
            weights = xp.asarray(self.class_weights)[None, :]
            own = xp.sum(target * weights, axis=1)
            mass = note("weighted", target * weights, "v y")
        factor = _power(xp, q, self.gamma)
        with np.errstate(invalid="ignore"):
            elements = factor * entropy * mass
        if (mass == 0).any():  # a class without a share of the target may have no probability
            elements = xp.where(mass == 0, 0, elements)
        losses = note("losses", xp.sum(elements, axis=1), "-sum of y (1 - p)^gamma log(p)")
        return losses, own, (p, q, entropy, factor, mass)

    def slope(self, saved: Any, run: Run) -> ArrayLike:
        p, q, entropy, factor, mass = saved
        xp = run.xp
        pull = _pull(xp, p, q, entropy, factor, self.gamma) * mass
        if (mass == 0).any():
            pull = xp.where(mass == 0, 0, pull)
        pull = run.note("pulls", pull, "y q^gamma (1 + gamma p e / q)")
        return p * (xp.sum(pull, axis=1, keepdims=True) - pull) - q * pull


@dataclass(frozen=True)
class _FocalYesNo(YesNoLoss):
    kernel: ClassVar[str] = "focal_yes_no"

    @property
    def focus(self) -> tuple[float, float, float]:
        """(gamma of yes, gamma of no, the margin of no)."""
        raise NotImplementedError

    def numbers(self, outputs: int) -> dict[str, float]:
        yes, no, margin = self.focus
        return {"gamma_yes": yes, "gamma_no": no, "margin": margin, **super().numbers(outputs)}

    def each(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[Any, Any, Any]:
        xp, note = run.xp, run.note
        gamma_yes, gamma_no, margin = self.focus
        yes, no, own = target, 1 - target, None
        if self.class_weights is not None:
            v0, v1 = self.class_weights
            own = xp.mean(v0 * no + v1 * yes, axis=1)
            yes, no = yes * v1, no * v0
        p = note("p", logistic(xp, scores), "1 / (1 + exp(-s))")
        q = note("q", logistic(xp, -scores), "1 - p")
        yes_entropy = note("e_yes", softplus(xp, -scores), "-log(p)")
        no_entropy = softplus(xp, scores)
        wrong, right = p, q
        if margin:
            wrong = note("p_m", xp.maximum(p - margin, 0), "max(p - margin, 0)")
            # Where q + margin is nearly 1 its logarithm would lose the small p_m.
            right = q + margin
            no_entropy = xp.where(wrong < 0.5, -xp.log1p(-wrong), -xp.log(right))
        no_entropy = note("e_no", no_entropy, "-log(1 - p_m)" if margin else "-log(1 - p)")
        counts = p > margin
        yes_factor, no_factor = _power(xp, q, gamma_yes), _power(xp, wrong, gamma_no)
        with np.errstate(invalid="ignore"):  # an infinite score costs nothing beside nothing
            of_yes, of_no = yes * yes_factor * yes_entropy, no * no_factor * no_entropy
        if (yes == 0).any():
            of_yes = xp.where(yes == 0, 0, of_yes)
        if not (counts.all() and (no != 0).all()):
            of_no = xp.where(counts & (no != 0), of_no, 0)
        if (p != p).any():  # a score that is no number has no loss
            of_no = xp.where(p != p, p, of_no)
        elements = note("elements", of_yes + of_no,
                        "-t (1 - p)^gamma log(p) - (1 - t) p_m^gamma log(1 - p_m)" if margin else
                        "-t (1 - p)^gamma log(p) - (1 - t) p^gamma log(1 - p)")
        losses = note("losses", xp.mean(elements, axis=1), "mean of elements")
        kept = (p, q, yes_entropy, yes_factor, yes), (right, wrong, no_entropy, no_factor, no)
        return losses, own, (kept, counts)

    def slope(self, saved: Any, run: Run) -> ArrayLike:
        ((p, q, yes_entropy, yes_factor, yes), kept), counts = saved
        right, wrong, no_entropy, no_factor, no = kept
        xp = run.xp
        gamma_yes, gamma_no, margin = self.focus
        up = _pull(xp, p, q, yes_entropy, yes_factor, gamma_yes) * q * yes
        if (yes == 0).any():
            up = xp.where(yes == 0, 0, up)
        change = p * (q / right) if margin else p
        down = _pull(xp, right, wrong, no_entropy, no_factor, gamma_no) * change * no
        if not (counts.all() and (no != 0).all()):
            down = xp.where(counts & (no != 0), down, 0)
        if (p != p).any():
            down = xp.where(p != p, p, down)
        return (down - up) / p.shape[1]


@dataclass(frozen=True)
class BinaryFocalCrossEntropy(_FocalYesNo):
    """The focal loss of the logistic function of the scores, for yes-or-no targets.

    ``p = 1 / (1 + exp(-s))``; ``loss = mean of -t (1 - p)^gamma log(p) - (1 - t) p^gamma log(1 -
    p)`` over all elements. What is answered well counts less; with gamma = 0 it is
    :class:`BinaryCrossEntropy`. The gradient on a score, over the elements, is
    ``-(1 - p)^gamma ((1 - p) - gamma p log(p))`` for yes, and the mirror image of it for no.

    With class weights (v0, v1) each element counts ``v0 (1 - t) + v1 t`` times in the mean. The
    alpha of the source is ``class_weights=(1 - alpha, alpha), mean_over="rows"``.

    The probabilities rank well, and are nearer to 1/2 than the true shares: they are to be
    calibrated before they are read as frequencies.

    Arguments:
        gamma: at least 0.
        class_weights: (of no, of yes), none negative; None: 1 each.

    Shapes: scores (batch, k) or (batch, steps, k), targets (batch,) or of the scores' shape, from
    0 to 1.

    Raises:
        DataError: targets outside 0 to 1, or of another shape.

    Source: Lin, Goyal, Girshick, He and Dollar 2017, "Focal loss for dense object detection",
    equations (4) and (5).

    Example:
        >>> scores, target = np.zeros((1, 1)), np.ones((1, 1))
        >>> loss, _ = BinaryFocalCrossEntropy().forward(scores, target, Run(True))
        >>> round(float(loss), 4)
        0.1733
    """

    gamma: float = 2.0
    class_weights: Sequence[float] | None = None

    slope_formula: ClassVar[str] = \
        "(1 - t) p^gamma (p + gamma q e_no) - t q^gamma (q + gamma p e_yes)"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_gamma(self, "gamma", self.gamma)

    @property
    def focus(self) -> tuple[float, float, float]:
        return self.gamma, self.gamma, 0.0


@dataclass(frozen=True)
class AsymmetricCrossEntropy(_FocalYesNo):
    """The asymmetric loss of the logistic function of the scores, for several labels of which each
    row has few.

    ``p = 1 / (1 + exp(-s))``, ``p_m = max(p - margin, 0)``; ``loss = mean of
    -t (1 - p)^gamma_pos log(p) - (1 - t) p_m^gamma_neg log(1 - p_m)`` over all elements. The many
    labels that a row does not have count less the surer that is, and not at all where p is at most
    the margin; the few that it has keep their weight. The defaults are the source's for photographs
    of few things out of eighty.

    The probabilities rank the labels; that they are too large where the margin ignores what is
    small is meant. Choose a threshold on rows held out, or calibrate.

    Arguments:
        gamma_pos: of the labels that a row has, at least 0.
        gamma_neg: of those that it has not, at least 0.
        margin: at least 0 and below 1.
        class_weights: (of no, of yes), none negative; None: 1 each.

    Shapes: scores (batch, k) or (batch, steps, k), targets (batch,) or of the scores' shape, from
    0 to 1.

    Raises:
        DataError: targets outside 0 to 1, or of another shape.

    Source: Ridnik et al. 2021, "Asymmetric loss for multi-label classification", equations (5) to
    (7). There the sum is taken over the labels, here the mean.

    Example:
        >>> scores, target = np.array([[0.0, -4.0]]), np.array([[1.0, 0.0]])
        >>> loss, _ = AsymmetricCrossEntropy().forward(scores, target, Run(True))
        >>> round(float(loss), 4)
        0.3466
    """

    gamma_pos: float = 0.0
    gamma_neg: float = 4.0
    margin: float = 0.05
    class_weights: Sequence[float] | None = None

    slope_formula: ClassVar[str] = \
        "(1 - t) p_m^gamma (1 + gamma (1 - p_m) e_no / p_m) p q / (1 - p_m) - " \
        "t q^gamma (q + gamma p e_yes)"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_gamma(self, "gamma_pos", self.gamma_pos)
        _check_gamma(self, "gamma_neg", self.gamma_neg)
        expect(0 <= self.margin < 1, self, "margin is at least 0 and below 1", self.margin)

    @property
    def focus(self) -> tuple[float, float, float]:
        return self.gamma_pos, self.gamma_neg, self.margin


def _check_gamma(loss: Any, what: str, gamma: Any) -> None:
    expect(0 <= gamma < np.inf, loss, f"{what} is a number of at least 0", gamma)


def _power(xp: Any, q: ArrayLike, gamma: float) -> ArrayLike:
    """``q^gamma``, 1 where gamma is 0."""
    return q**gamma if gamma else xp.ones_like(q)


def _pull(xp: Any, p: ArrayLike, q: ArrayLike, entropy: ArrayLike, factor: ArrayLike,
          gamma: float) -> ArrayLike:
    """``q^gamma (1 + gamma p entropy / q)``: at q = 0 the entropy is as small as q, and at p = 0
    the product ``p entropy`` is 0."""
    if not gamma:
        return factor
    with np.errstate(invalid="ignore", divide="ignore"):
        share = entropy / q
        if (q == 0).any():
            share = xp.where(q == 0, 1, share)
        share = p * share
        if (p == 0).any():
            share = xp.where(p == 0, 0, share)
    return factor * (1 + gamma * share)
