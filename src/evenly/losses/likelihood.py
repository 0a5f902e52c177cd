"""Losses of counts and of positive quantities: the network gives the logarithm of their mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import DataError
from ..given import first_place, in_words
from ..layers.base import ArrayLike, Run, Shape, expect
from .base import Loss
from .values import as_values


@dataclass(frozen=True)
class _Likelihood(Loss):
    reduction: str = "mean"

    targets_are_classes: ClassVar[bool] = False
    counts_right_answers: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self.reduction in ("mean", "sum"), self, "reduction is 'mean' or 'sum'",
               self.reduction)

    @property
    def in_target_units(self) -> bool:
        return False

    @property
    def averaging(self) -> dict[str, Any]:
        return {"of": "logs"}

    def numbers(self, outputs: int) -> dict[str, float]:
        return {"divisor": outputs if self.reduction == "mean" else 1}

    def prepare(self, y: Any, shape: Shape, dtype: Any) -> Any:
        y = as_values(type(self).__name__, y, shape, dtype)
        self.check_targets(y, type(self).__name__)
        return y

    def predicted(self, scores: Any) -> Any:
        """The means: ``exp(s)``."""
        with np.errstate(over="ignore"):
            return np.exp(scores)

    def each(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[Any, Any, Any]:
        divisor = scores.shape[1] if self.reduction == "mean" else 1
        elements, saved = self.value(scores, target, run)
        losses = run.note("losses", run.xp.sum(elements, axis=1) / divisor,
                          f"{self.reduction} over the outputs")
        return losses, None, (saved, target, divisor)

    def slope(self, saved: Any, run: Run) -> ArrayLike:
        own, target, divisor = saved
        return self.derivative(own, target) / divisor

    def value(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[Any, Any]:
        """The loss of each number, and what its derivative needs."""
        raise NotImplementedError

    def derivative(self, saved: Any, target: ArrayLike) -> ArrayLike:
        """Of each number's loss on its score."""
        raise NotImplementedError


@dataclass(frozen=True)
class Poisson(_Likelihood):
    """The negative log-likelihood of counts, of which the scores s are the logarithms of the means.

    ``loss = mean of exp(s) - y s`` over all elements of the batch: that of Poisson's distribution
    without ``log(y!)``, which no score changes. It is lowest at ``exp(s) = y``, and may be
    negative. The gradient is ``(exp(s) - y) / elements``. ``predicted`` gives the means, and the
    score is their R^2.

    Targets need not be whole: the mean that comes out is right for whatever is not negative.
    A score of minus infinity is a mean of 0: with a target of 0 it costs nothing.

    Arguments:
        reduction: ``"mean"`` or ``"sum"`` over the outputs.

    Shapes: scores (batch, k) or (batch, steps, k), targets (batch,) or of the scores' shape, none
    below 0.

    Raises:
        DataError: targets below 0, of another shape, or not finite.

    Source: McCullagh and Nelder 1989, "Generalized linear models", chapter 6.

    Example:
        >>> scores, target = np.zeros((1, 1)), np.array([[3.0]])
        >>> loss, saved = Poisson().forward(scores, target, Run(True))
        >>> float(loss), Poisson().backward(saved, Run(True)).tolist()
        (1.0, [[-2.0]])
    """

    kernel: ClassVar[str] = "poisson"
    slope_formula: ClassVar[str] = "(exp(s) - y) / elements"

    def check_targets(self, y: Any, who: str) -> None:
        place = first_place(np.asarray(y) < 0)
        if place is not None:
            raise DataError(
                f"{who}: expects targets of at least 0, got {y[place]} in {in_words(place)}: a "
                "count cannot be negative; for quantities of either sign take a squared error"
            )

    def value(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[Any, Any]:
        xp, note = run.xp, run.note
        with np.errstate(over="ignore", invalid="ignore"):
            mean = note("mean", xp.exp(scores), "exp(s)")
            told = scores * target
            if (abs(scores) == np.inf).any():
                told = xp.where(target == 0, 0, told)
            elements = mean - told
            if (mean == np.inf).any():
                elements = xp.where(mean == np.inf, mean, elements)
        return note("elements", elements, "exp(s) - y s"), mean

    def derivative(self, saved: Any, target: ArrayLike) -> ArrayLike:
        return saved - target


@dataclass(frozen=True)
class Gamma(_Likelihood):
    """The negative log-likelihood of positive quantities, of which the scores s are the logarithms
    of the means.

    ``loss = mean of s + y exp(-s)`` over all elements of the batch: half the deviance of the gamma
    distribution, but for ``1 + log(y)``, which no score changes. It is lowest at ``exp(s) = y``.
    The gradient is ``(1 - y exp(-s)) / elements``: an error counts as a share of the mean, so large
    targets weigh no more than small ones. ``predicted`` gives the means, and the score is their
    R^2.

    Arguments:
        reduction: ``"mean"`` or ``"sum"`` over the outputs.

    Shapes: scores (batch, k) or (batch, steps, k), targets (batch,) or of the scores' shape, all
    above 0.

    Raises:
        DataError: targets of 0 or below, of another shape, or not finite.

    Source: McCullagh and Nelder 1989, "Generalized linear models", chapter 8.

    Example:
        >>> scores, target = np.zeros((1, 1)), np.array([[3.0]])
        >>> loss, saved = Gamma().forward(scores, target, Run(True))
        >>> float(loss), Gamma().backward(saved, Run(True)).tolist()
        (3.0, [[-2.0]])
    """

    kernel: ClassVar[str] = "gamma"
    slope_formula: ClassVar[str] = "(1 - y exp(-s)) / elements"

    def check_targets(self, y: Any, who: str) -> None:
        place = first_place(~(np.asarray(y) > 0))
        if place is not None:
            what = "where 0 can happen, take Poisson" if y[place] == 0 else \
                "for quantities of either sign take a squared error"
            raise DataError(f"{who}: expects targets above 0, got {y[place]} in "
                            f"{in_words(place)}: leave such rows out; {what}")

    def value(self, scores: ArrayLike, target: ArrayLike, run: Run) -> tuple[Any, Any]:
        xp, note = run.xp, run.note
        with np.errstate(over="ignore", invalid="ignore"):
            share = note("share", target * xp.exp(-scores), "y exp(-s)")
            elements = scores + share
            if (share == np.inf).any():
                elements = xp.where(share == np.inf, share, elements)
        return note("elements", elements, "s + share"), share

    def derivative(self, saved: Any, target: ArrayLike) -> ArrayLike:
        return 1 - saved
