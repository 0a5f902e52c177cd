"""Which loss a regression is trained with, and the scale that its targets have for it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..losses import (
    Gamma,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Quantile,
)
from ..losses.quantile import as_levels
from .moments import Moments
from .names import Make, named
from .target_scales import MeanScale, RobustScale

LOSSES: Mapping[str, Make] = {
    "squared": MeanSquaredError, "absolute": MeanAbsoluteError, "huber": Huber,
    "quantile": Quantile, "poisson": Poisson, "gamma": Gamma,
}
# A target so many spreads from the median is far, where few such have most of the squares.
FAR, FEW, MOST = 100.0, 0.01, 0.5
# Fewer rows say too little about what is far.
LEAST_ROWS = 20
# Rows that a warning names.
_NAMED = 5


def regression_loss(who: Any, loss: Any, quantiles: Any) -> Loss:
    """The loss of a regressor's arguments, with its mean over the rows.

    Raises:
        ConfigurationError: no loss of numbers; quantiles with another loss than theirs.
    """
    made: Loss = named("loss", loss, LOSSES, Loss, "a loss")
    if made.counts_right_answers:
        raise ConfigurationError(
            f"{type(who).__name__}: {type(made).__name__} is a loss of classes: take a "
            "NetClassifier, or a loss of numbers"
        )
    if quantiles is not None:
        if not isinstance(loss, str) or loss != "quantile":
            raise ConfigurationError(
                f"{type(who).__name__}: quantiles={quantiles!r} with loss={loss!r}: they are for "
                "loss='quantile'"
                + (", or in the loss itself" if isinstance(made, Quantile) else "")
            )
        made = Quantile(as_levels(who, "quantiles", quantiles))
    return replace(made, mean_over="rows")


def target_scale(loss: Loss, columns: int) -> Any:
    """An empty scale for targets of this loss."""
    if isinstance(loss, (Poisson, Gamma)):
        return MeanScale(columns)
    if isinstance(loss, (MeanAbsoluteError, Huber, Quantile)):
        return RobustScale(columns)
    return Moments(columns)


def warn_of_far_targets(y: Any, weights: Any) -> None:
    """Warns of a few rows that have most of the squared error, whatever is predicted.

    That is so where at most one row in a hundred (one at least) has a target that is a hundred
    spreads (see :class:`RobustScale`) from the median, and together these have more than half of
    the squared distances from it.

    Arguments:
        y: (rows, columns) targets.
        weights: (rows,) or None; rows of weight 0 do not count.
    """
    if len(y) < LEAST_ROWS:
        return
    scale = RobustScale(y.shape[1])
    scale.fold(y)
    own = np.ones(len(y)) if weights is None else weights
    with np.errstate(over="ignore", invalid="ignore"):
        apart = np.abs(scale.scaled(y)) * (own > 0)[:, None]
        varies = ~scale.constant
    for column in np.flatnonzero(varies):
        distances = apart[:, column]
        far = distances > FAR
        if not 0 < far.sum() <= max(1, FEW * len(y)):
            continue
        squares = own * (distances / distances.max()) ** 2
        if squares[far].sum() > MOST * squares.sum():
            warnings.warn(_told(y[:, column], far, y.shape[1] > 1, int(column)), UserWarning,
                          stacklevel=5)


def _told(y: Any, far: Any, several: bool, column: int) -> str:
    rows = np.flatnonzero(far)
    order = rows[np.argsort(-np.abs(y[rows] - np.median(y)), kind="stable")]
    some = ", ".join(f"{y[row]:g} in row {row}" for row in order[:_NAMED])
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    low, high = np.quantile(y, (0.25, 0.75))
    of = f" of column {column}" if several else ""
    return (
        f"y{of}: {some}{more} lies far from the others, of which half are {low:g} to {high:g}, and "
        "has most of the squared error: the network is fitted to it, and not to the others. Where "
        "it is a mistake, mend it or leave it out; else loss='huber' lets it count by its distance "
        "alone"
    )
