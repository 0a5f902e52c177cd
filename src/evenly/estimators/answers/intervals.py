"""Intervals that hold the target with a probability that is said."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ...errors import DataError
from ..fits.held_out import Held
from ..fits.in_parts import TrainsInParts
from ..names import is_number, wrong
from ..settings import share

# Rows that early stopping watched make intervals too narrow; so many of them, by next to nothing.
ENOUGH_WATCHED = 200


def conformal_rank(rows: int, coverage: float) -> int:
    """Which of so many errors, in rising order and counted from 1, is the half width: the
    ``ceil((rows + 1) coverage)``-th, exactly, of the decimal number that `coverage` is written as.

    Raises:
        DataError: there are too few.

    Example:
        >>> conformal_rank(19, 0.9), conformal_rank(9, 0.9)
        (18, 9)
    """
    exact = Fraction(repr(float(coverage)))
    rank = math.ceil((rows + 1) * exact)
    if rank > rows:
        least = math.ceil(exact / (1 - exact))
        most = math.floor(1000 * rows / (rows + 1)) / 1000
        raise DataError(
            f"predict_interval: coverage={coverage} needs at least {least} held-out rows, and "
            f"there are {rows}: hold out more, or ask for at most {most}"
        )
    return rank


class HasIntervals(TrainsInParts):
    """What a regressor learns from held-out rows.

    Attributes:
        conformal_: (rows, targets): how far predictions were from the targets, each column rising;
            None where no rows were held out.
    """

    interval_fraction: Any
    early_stopping: Any
    conformal_: Any = None
    _one_axis: Any
    # Whether early stopping has seen these rows.
    _watched: Any = None

    def predict(self, X: Any) -> Any:
        raise NotImplementedError

    def _point(self, answers: Any) -> Any:
        """The one answer to a target that an interval is around."""
        raise NotImplementedError

    def _check_before(self, held: Held | None) -> None:
        if self.interval_fraction is not None:
            share("interval_fraction", self.interval_fraction)

    def _from_held(self, twin: Any, held: Held | None, apart: Held | None) -> dict[str, Any]:
        rows = held if apart is None else apart
        if rows is None:
            return {}
        predicted = twin._point(twin.predict(rows.X))
        errors = np.abs(rows.y - predicted.reshape(rows.y.shape))
        watched = apart is None and bool(self.early_stopping)
        return {"conformal_": np.sort(errors, axis=0), "_watched": watched}

    def _from_refit(
        self, told: dict[str, Any], twin: Any, apart: Held | None
    ) -> dict[str, Any]:
        # Errors on rows that were trained on in the end say nothing of new ones.
        others = {name: value for name, value in told.items()
                  if name not in ("conformal_", "_watched")}
        return {**others, **(self._from_held(twin, None, apart) if apart is not None else {})}

    def predict_interval(self, X: Any, coverage: float = 0.9) -> Any:
        """Intervals that hold the target of a new row with the probability `coverage`, whatever the
        network is worth: split conformal prediction.

        All are as wide: twice the ``ceil((n + 1) coverage)``-th smallest of the absolute errors on
        n held-out rows. A new row that is drawn as these were lies within with a probability from
        `coverage` to ``coverage + 1 / (n + 1)``, on average over the draws of all rows. Of several
        targets each has its own interval, and that probability.

        This holds for rows that took no part in the training: those of ``interval_fraction``, of a
        validation set without early stopping, or else those that early stopping watched. The last
        were part of the choice of the epoch, so their errors are a little too small; fewer than
        200 of them are warned of. Sample weights that are whole numbers repeat rows here too;
        others do not count. After a refit they are those of ``interval_fraction`` alone.

        Arguments:
            X: the rows.
            coverage: the probability, above 0 and below 1.

        Returns:
            (rows, 2): lower and upper ends; of several targets (rows, targets, 2).

        Raises:
            DataError: no rows were held out, or too few for the coverage.

        Source: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, "Distribution-free predictive
        inference for regression".
        """
        check_is_fitted(self, "model_")
        if not is_number(coverage) or not 0 < coverage < 1:
            raise wrong("coverage", "a probability above 0 and below 1", coverage)
        errors = self.conformal_
        if errors is None and self.refit_history_ is not None:
            raise DataError(
                "predict_interval: refit=True has trained on the held-out rows too, so that none "
                "are left that could say how wide an interval is: give interval_fraction=0.1, say, "
                "whose rows are never trained on, and fit"
            )
        if errors is None:
            raise DataError(
                "predict_interval: no rows were held out that could say how wide an interval is: "
                "give interval_fraction=0.1, say, and fit (partial_fit holds none out)"
            )
        rank = conformal_rank(len(errors), float(coverage))
        if self._watched and len(errors) < ENOUGH_WATCHED:
            warnings.warn(
                f"predict_interval: the {len(errors)} rows that the widths come from are those "
                "that early stopping watched, so the intervals cover somewhat less than they say: "
                "interval_fraction=0.1 holds out rows of their own",
                UserWarning, stacklevel=2,
            )
        width = errors[rank - 1]
        middle = self._point(self.predict(X))
        if self._one_axis:
            width = width[0]
        return np.stack([middle - width, middle + width], axis=-1)
