"""What the losses of classification share: targets that are classes, and yes-or-no targets."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ..augmentation import mixed
from ..errors import ConfigurationError, DataError, ShapeError
from ..given import as_array, first_place, in_words, no_numbers
from ..layers.base import ArrayLike, Run, Shape, expect
from ..layers.special import logistic
from .base import Loss, unrecorded
from .values import as_values


class ClassLoss(Loss):
    """Base of losses on the softmax of the scores, whose targets are class numbers."""

    class_weights: Sequence[float] | None
    ignore_index: int | None

    targets_are_classes: ClassVar[bool] = True
    counts_right_answers: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        freeze_weights(self, self.class_weights)
        given = self.ignore_index
        whole = isinstance(given, numbers.Integral) and not isinstance(given, bool)
        fits = given is None or (whole and -(2**31) <= given < 2**31)
        expect(fits, self, "ignore_index is a whole number of 32 bits, or None", given)

    def check(self, shape: Shape) -> None:
        super().check(shape)
        weights = self.class_weights
        if weights is not None and len(weights) != shape[-1]:
            raise ShapeError(
                f"{type(self).__name__}: expects one class weight for each of the {shape[-1]} "
                f"outputs, got {len(weights)}: give as many as the last layer has units"
            )

    def numbers(self, outputs: int) -> dict[str, float]:
        ignored = {} if self.ignore_index is None else {"ignored": float(self.ignore_index)}
        return {**weight_numbers(self.class_weights), **ignored}

    def prepare(self, y: Any, shape: Shape, dtype: Any) -> Any:
        name, outputs, steps = type(self).__name__, shape[-1], shape[:-1]
        wanted = ", ".join(["n", *map(str, steps)]) if steps else "n,"
        rule = f"{name}: expects class numbers 0 to {outputs - 1}, shape ({wanted})"
        if self.ignore_index is not None:
            rule = rule.replace(", shape", f" or {self.ignore_index} to ignore, shape")
        y = as_array(y, f"{name}: targets")
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

    @property
    def averaging(self) -> dict[str, Any]:
        return {"of": "classes"}

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


class YesNoLoss(Loss):
    """Base of losses on the logistic function of the scores, whose targets are from 0 to 1."""

    class_weights: Sequence[float] | Sequence[Sequence[float]] | None

    targets_are_classes: ClassVar[bool] = False
    counts_right_answers: ClassVar[bool] = True
    weights_are: ClassVar[str] = "two numbers, of no and of yes"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._freeze_class_weights()

    def _freeze_class_weights(self) -> None:
        freeze_weights(self, self.class_weights)
        if self.class_weights is not None and len(self.class_weights) != 2:
            raise ConfigurationError(
                f"{type(self).__name__}: class_weights are {self.weights_are}, got "
                f"{self.class_weights!r}"
            )

    def numbers(self, outputs: int) -> dict[str, float]:
        weights: Any = self.class_weights
        return weight_numbers(weights)

    def prepare(self, y: Any, shape: Shape, dtype: Any) -> Any:
        y = as_values(type(self).__name__, y, shape, dtype)
        if y.size and not (y.min() >= 0 and y.max() <= 1):
            raise DataError(
                f"{type(self).__name__}: expects targets from 0 to 1, got {y.min()} to {y.max()}"
            )
        return y

    @property
    def averaging(self) -> dict[str, Any]:
        return {"of": "labels"}

    def probabilities(self, scores: Any) -> Any:
        return logistic(np, scores)


def freeze_weights(loss: Any, weights: Any) -> None:
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


def weight_numbers(weights: Sequence[float] | None) -> dict[str, float]:
    return {f"class_weight_{c}": float(w) for c, w in enumerate(weights or ())}


def _range(y: Any) -> str:
    return f"{y.min():.0f} to {y.max():.0f}" if y.dtype.kind == "f" else f"{y.min()} to {y.max()}"


def without(xp: Any, rows: ArrayLike, columns: Any) -> ArrayLike:
    """The sum of each row without one of its numbers: (rows, 1)."""
    own = np.arange(rows.shape[1]) == np.asarray(columns)[:, None]
    return xp.sum(xp.where(own, 0, rows), axis=1, keepdims=True)
