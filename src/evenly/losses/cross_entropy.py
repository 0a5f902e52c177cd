"""Losses of classification."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..augmentation import mixed
from ..errors import ConfigurationError, DataError, ShapeError
from ..given import as_array, first_place, in_words, no_numbers
from ..layers.base import ArrayLike, Run, Shape, expect
from ..layers.special import logistic
from .base import Loss, unrecorded
from .values import as_values

# A difference below this share of its terms has lost digits that can be had in another way.
_SMALL = 1e-3


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
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
    targets_are_classes: ClassVar[bool] = True
    counts_right_answers: ClassVar[bool] = True
    slope_formula: ClassVar[str] = "(y_hat - y) / batch"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_smoothing(self, self.label_smoothing)
        _freeze_weights(self, self.class_weights)
        given = self.ignore_index
        whole = isinstance(given, numbers.Integral) and not isinstance(given, bool)
        fits = given is None or (whole and -(2**31) <= given < 2**31)
        expect(fits, self, "ignore_index is a whole number of 32 bits, or None", given)

    def check(self, shape: Shape) -> None:
        super().check(shape)
        weights = self.class_weights
        if weights is not None and len(weights) != shape[-1]:
            raise ShapeError(
                f"SoftmaxCrossEntropy: expects one class weight for each of the {shape[-1]} "
                f"outputs, got {len(weights)}: give as many as the last layer has units"
            )

    def numbers(self, outputs: int) -> dict[str, float]:
        ignored = {} if self.ignore_index is None else {"ignored": float(self.ignore_index)}
        return {"label_smoothing": self.label_smoothing, **_weight_numbers(self.class_weights),
                **ignored}

    def prepare(self, y: Any, shape: Shape, dtype: Any) -> Any:
        outputs, steps = shape[-1], shape[:-1]
        wanted = ", ".join(["n", *map(str, steps)]) if steps else "n,"
        rule = f"SoftmaxCrossEntropy: expects class numbers 0 to {outputs - 1}, shape ({wanted})"
        if self.ignore_index is not None:
            rule = rule.replace(", shape", f" or {self.ignore_index} to ignore, shape")
        y = as_array(y, "SoftmaxCrossEntropy: targets")
        if y.ndim == 2 + len(steps) and y.shape[-1] == 1:
            y = y[..., 0]
        if y.ndim != 1 + len(steps) or y.shape[1:] != steps:
            raise DataError(f"{rule}, got shape {y.shape}: give one number an example"
                            + (" and step" if steps else ""))
        number = "for instance with numpy.unique(y, return_inverse=True)"
        if y.dtype.kind == "f":
            place = first_place(~np.isfinite(y))
            if place is not None:
                raise DataError(f"{rule}, got {y[place]} in {in_words(place)}: leave such rows out"
                                + ("" if self.ignore_index is None else
                                   f", or give {self.ignore_index}"))
        if y.dtype.kind not in "iubfUS":
            raise DataError(f"{rule}, {no_numbers(y)}")
        if y.dtype.kind in "US" or (y.dtype.kind == "f" and np.any(y != np.floor(y))):
            raise DataError(f"{rule}, got {y.dtype}: number the classes, {number}")
        known = (y >= 0) & (y < outputs)
        if self.ignore_index is not None:
            known |= y == self.ignore_index
        place = first_place(~known)
        if place is not None:
            raise DataError(f"{rule}, got {_range(y)}: {self._remedy(y, outputs)}")
        y = np.ascontiguousarray(y, dtype=np.int32)
        return y if steps else y[:, None]

    def _remedy(self, y: Any, outputs: int) -> str:
        """What to do about class numbers that there are not."""
        place = first_place(y < 0 if self.ignore_index is None else
                            (y < 0) & (y != self.ignore_index))
        if place is not None:
            value = int(y[place])
            return (f"{value} in {in_words(place)} is no class; number the classes from 0, or, "
                    f"where it says that a row does not count, give the loss ignore_index={value}")
        return f"the last layer needs {int(y.max()) + 1} units, or the classes other numbers"

    def counted(self, y: Any, shape: Shape, run: Run) -> Any:
        counts = super().counted(y, shape, run)
        if self.ignore_index is None:
            return counts
        known = (np.asarray(y).reshape(counts.shape) != self.ignore_index) * 1.0
        return counts * mixed(known, unrecorded(run))

    def one_hot(self, target: ArrayLike, shape: Shape, run: Run) -> Any:
        rows = super().one_hot(target, shape, run)
        if self.ignore_index is None:
            return rows
        return rows * (target.reshape(shape[:-1])[..., None] != self.ignore_index)

    def probabilities(self, scores: Any) -> Any:
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def log_probabilities(self, scores: Any) -> Any:
        """The logarithms of the probabilities, exact where these are nearly 1 or nearly 0."""
        first = np.expand_dims(scores.argmax(axis=-1), -1)
        shifted = scores - np.take_along_axis(scores, first, axis=-1)
        powers = np.exp(shifted)
        np.put_along_axis(powers, first, 0, axis=-1)
        return shifted - np.log1p(powers.sum(axis=-1, keepdims=True))

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
class BinaryCrossEntropy(Loss):
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
    targets_are_classes: ClassVar[bool] = False
    counts_right_answers: ClassVar[bool] = True
    slope_formula: ClassVar[str] = "(p - t) / elements"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_smoothing(self, self.label_smoothing)
        pairs = _frozen_pairs(self, self.class_weights)
        if pairs is not None:
            object.__setattr__(self, "class_weights", pairs)
            return
        _freeze_weights(self, self.class_weights)
        if self.class_weights is not None and len(self.class_weights) != 2:
            raise ConfigurationError(
                "BinaryCrossEntropy: class_weights are two numbers, of no and of yes, or such a "
                f"pair for each column of the scores, got {self.class_weights!r}"
            )

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
        return {"label_smoothing": self.label_smoothing, **_weight_numbers(weights)}

    def prepare(self, y: Any, shape: Shape, dtype: Any) -> Any:
        y = as_values("BinaryCrossEntropy", y, shape, dtype)
        if y.size and not (y.min() >= 0 and y.max() <= 1):
            raise DataError(
                f"BinaryCrossEntropy: expects targets from 0 to 1, got {y.min()} to {y.max()}"
            )
        return y

    def probabilities(self, scores: Any) -> Any:
        return logistic(np, scores)

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


def _freeze_weights(loss: Any, weights: Any) -> None:
    """Class weights as a tuple, so that the loss stays a value."""
    if weights is None:
        return
    numeric = isinstance(weights, (tuple, list, np.ndarray)) and all(
        isinstance(w, numbers.Real) for w in weights
    )
    values = tuple(float(w) for w in weights) if numeric else ()
    fits = bool(values) and all(0 <= w < float("inf") for w in values) and sum(values) > 0
    expect(fits, loss, "class_weights are numbers of at least 0, not all of them 0", weights)
    object.__setattr__(loss, "class_weights", values)


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


def _weight_numbers(weights: Sequence[float] | None) -> dict[str, float]:
    return {f"class_weight_{c}": float(w) for c, w in enumerate(weights or ())}


def _range(y: Any) -> str:
    return f"{y.min():.0f} to {y.max():.0f}" if y.dtype.kind == "f" else f"{y.min()} to {y.max()}"


def without(xp: Any, rows: ArrayLike, columns: Any) -> ArrayLike:
    """The sum of each row without one of its numbers: (rows, 1)."""
    own = np.arange(rows.shape[1]) == np.asarray(columns)[:, None]
    return xp.sum(xp.where(own, 0, rows), axis=1, keepdims=True)
