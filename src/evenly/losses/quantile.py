"""The loss of quantiles."""

from __future__ import annotations

import itertools
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import ShapeError
from ..given import as_array
from ..layers.base import ArrayLike, Run, Shape, expect
from ..layers.special import logistic, softplus
from .base import Loss
from .values import as_values


@dataclass(frozen=True)
class Quantile(Loss):
    """The pinball loss, for one or several quantiles of each target that never cross.

    Of a quantile q at the level a: ``(1 - a)(q - y)`` where q lies above the target, ``a (y - q)``
    where it lies below; the mean over all elements of the batch. It is lowest where a share a of
    the targets lies below q. At 1/2 it is half the absolute error.

    With one level the score is the quantile. With several, the network has an output for each level
    of each target (all levels of the first target, then of the next), and the quantiles are made of
    them so that they cannot cross. The level nearest 1/2 is the anchor m (the lower of two as
    near):

        ``q_m = s_m``,  ``q_j = q_(j-1) + softplus(s_j)`` above,
        ``q_j = q_(j+1) - softplus(s_j)`` below.

    A softplus is never negative, and rounding keeps order, so ``q_1 <= q_2 <= ...`` holds to the
    last bit whatever the network says, for every row. Nothing is lost: whatever quantiles rise are
    those of some scores, so the lowest point of the loss is where it is without the rule. The
    anchor is in the middle since there the data are dense; from the lowest quantile upward each
    would carry the errors of all gaps below.

    With g_i the slope of the pinball loss at q_i (``1 - a_i`` above the target, ``-a_i`` below, 0
    at it), the gradients on the scores are, each over the number of elements: on the anchor's the
    sum of all ``g_i``; on a gap's above ``logistic(s_j)`` times the sum of ``g_i`` from j on; on
    one below ``-logistic(s_j)`` times the sum of ``g_i`` up to j.

    ``predicted`` gives the quantiles. The score is the R^2 of the anchor's quantile; it says how
    good that is as an answer, and of levels far from 1/2 only the loss says how good they are.

    Arguments:
        levels: a number between 0 and 1, or several, rising.

    Shapes: scores (batch, k levels) or (batch, steps, k levels), targets (batch,), (batch, k) or
    (batch, steps, k); or of the scores' shape, a target for each output.

    Raises:
        ShapeError: outputs that are no multiple of the levels.
        DataError: targets of another shape, or not finite.

    Source: Koenker and Bassett 1978, "Regression quantiles". Quantiles from positive gaps: Gasthaus
    et al. 2019, "Probabilistic forecasting with spline quantile function RNNs".

    Example:
        >>> scores, target = np.array([[0.0, 2.0, 0.0]]), np.array([[2.0]])
        >>> loss = Quantile((0.1, 0.5, 0.9))
        >>> loss.predicted(scores).round(2).tolist()
        [[1.31, 2.0, 2.69]]
        >>> round(float(loss.forward(scores, loss.prepare(target, (3,), float), Run(True))[0]), 3)
        0.046
    """

    levels: float | Sequence[float] = 0.5

    kernel: ClassVar[str] = "quantile"
    targets_are_classes: ClassVar[bool] = False
    counts_right_answers: ClassVar[bool] = False
    slope_formula: ClassVar[str] = "slopes, through the gaps of several levels, / elements"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "levels", as_levels(self, "levels", self.levels))

    @property
    def several(self) -> tuple[float, ...]:
        """The levels, of one number too."""
        assert isinstance(self.levels, tuple)
        return self.levels

    @property
    def anchor(self) -> int:
        """The place of the level nearest 1/2."""
        return min(range(len(self.several)), key=lambda j: abs(self.several[j] - 0.5))

    @property
    def averaging(self) -> dict[str, Any]:
        count = len(self.several)
        if count == 1:
            return super().averaging
        return {"of": "quantiles", "levels": count, "anchor": self.anchor}

    @property
    def outputs_each(self) -> int:
        return len(self.several)

    @property
    def in_target_units(self) -> bool:
        return len(self.several) == 1

    def check(self, shape: Shape) -> None:
        super().check(shape)
        count = len(self.several)
        if shape[-1] % count:
            raise ShapeError(
                f"Quantile: expects an output for each of {count} levels of each target, a "
                f"multiple of {count}, got {shape[-1]}: end the network with "
                f"Dense({count} * targets)"
            )

    def numbers(self, outputs: int) -> dict[str, float]:
        own = {f"level_{j}": level for j, level in enumerate(self.several)}
        return {"levels": len(own), "anchor": self.anchor, **own}

    def prepare(self, y: Any, shape: Shape, dtype: Any) -> Any:
        y, count = as_array(y, "Quantile: targets"), len(self.several)
        if count == 1 or y.shape[1:] == shape:
            return as_values("Quantile", y, shape, dtype)
        y = as_values("Quantile", y, (*shape[:-1], shape[-1] // count), dtype, units_each=count)
        return np.repeat(y, count, axis=-1)

    def predicted(self, scores: Any) -> Any:
        """The quantiles, of the scores' shape: those of a target beside each other, rising."""
        return self._quantiles(np.asarray(scores), np)

    def judged(self, y: Any) -> Any:
        """Of predictions or targets, those of the anchor."""
        return y[..., self.anchor :: len(self.several)]

    def _quantiles(self, scores: ArrayLike, xp: Any) -> ArrayLike:
        count, m = len(self.several), self.anchor
        if count == 1:
            return scores
        parts = [scores[..., j::count] for j in range(count)]
        with np.errstate(invalid="ignore"):  # beside an infinite anchor no gap is a number
            for j in range(m + 1, count):
                parts[j] = parts[j - 1] + softplus(xp, parts[j])
            for j in range(m - 1, -1, -1):
                parts[j] = parts[j + 1] - softplus(xp, parts[j])
        return xp.stack(parts, axis=-1).reshape(scores.shape)

    def each(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[Any, Any, Any]:
        xp, note = run.xp, run.note
        quantiles = scores
        if len(self.several) > 1:
            quantiles = note("quantiles", self._quantiles(scores, xp),
                             "the anchor's score, and softplus of the others added or taken away")
        error = note("error", quantiles - target, "q - y")
        levels = self._of_columns(error.shape[1])
        elements = note("elements", xp.where(error > 0, (1 - levels) * error, -levels * error),
                        "(1 - a) error where error > 0, else -a error")
        losses = note("losses", xp.sum(elements, axis=1) / error.shape[1], "mean over the outputs")
        return losses, None, (scores, error)

    def _of_columns(self, columns: int) -> Any:
        """The level of each output."""
        return np.tile(np.array(self.several), columns // len(self.several))[None, :]

    def slope(self, saved: Any, run: Run) -> ArrayLike:
        scores, error = saved
        xp, count, m = run.xp, len(self.several), self.anchor
        levels = self._of_columns(error.shape[1])
        own = (error > 0) * (1 - levels) - (error < 0) * levels
        if (error != error).any():
            own = xp.where(error != error, np.nan, own)
        if count == 1:
            return own / error.shape[1]
        own = run.note("slopes", xp.asarray(own), "1 - a where error > 0, else -a")
        parts = [own[:, j::count] for j in range(count)]
        for j in range(count - 2, m, -1):
            parts[j] = parts[j] + parts[j + 1]
        for j in range(1, m):
            parts[j] = parts[j] + parts[j - 1]
        for j in (m - 1, m + 1):
            if 0 <= j < count:
                parts[m] = parts[m] + parts[j]
        for j in range(count):
            if j != m:
                gap = logistic(xp, scores[:, j::count])
                parts[j] = parts[j] * (gap if j > m else -gap)
        return xp.stack(parts, axis=-1).reshape(error.shape) / error.shape[1]


def as_levels(who: Any, what: str, given: Any) -> tuple[float, ...]:
    """Levels as a tuple, or the ConfigurationError that says what is wrong with them."""
    several = given if isinstance(given, (tuple, list, np.ndarray)) else (given,)
    numeric = len(several) > 0 and all(
        isinstance(a, numbers.Real) and not isinstance(a, bool) for a in several
    )
    values = tuple(float(a) for a in several) if numeric else ()
    fits = bool(values) and all(0 < a < 1 for a in values) and all(
        low < high for low, high in itertools.pairwise(values)
    )
    expect(fits, who, f"{what} are numbers between 0 and 1, rising", given)
    return values
