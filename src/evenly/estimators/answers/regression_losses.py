"""Which loss a regression is trained with, and the scale that its targets have for it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import ConfigurationError, DataError
from ...losses import (
    Gamma,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Quantile,
)
from ...losses.quantile import as_levels
from ..names import Make, named
from ..scales.moments import Moments
from ..scales.target_scales import MeanScale, RobustScale

LOSSES: Mapping[str, Make] = {
    "squared": MeanSquaredError, "absolute": MeanAbsoluteError, "huber": Huber,
    "quantile": Quantile, "poisson": Poisson, "gamma": Gamma,
}
# A target is far that is so many spreads from the median, and so many times as far as any other but
# the few that are farther still; together they have most of the squares.
FAR, APART, FEW, MOST = 100.0, 10.0, 0.01, 0.5
# The squares of what is more spreads away are beyond float32 before long.
FARTHEST = 1e12
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


def target_scale(loss: Loss, y: Any, weights: Any = None) -> Any:
    """An empty scale for targets of this loss.

    Of squares it is mean and deviation; but where a few targets lie so far out that the deviation
    is theirs alone, the others would all be nearly the same number, and what the network says of
    them noise: there it is median and quartile spread, which multiplies the loss by a constant.

    Arguments:
        loss: of the training.
        y: (rows, columns): the first targets.
        weights: (rows,) or None.
    """
    columns = y.shape[1]
    if isinstance(loss, (Poisson, Gamma)):
        return MeanScale(columns)
    if isinstance(loss, (MeanAbsoluteError, Huber, Quantile)):
        return RobustScale(columns)
    if far_targets(y, weights):
        scale = RobustScale(columns)
        scale.fold(y, weights)
        with np.errstate(over="ignore"):
            if np.abs(scale.scaled(y)).max() < FARTHEST:
                return RobustScale(columns)
    return Moments(columns)


def scale_fits(loss: Loss, scale: Any) -> bool:
    """Whether targets of this loss may be on such a scale; None is that of no scaling."""
    if scale is None:
        return True
    kinds: Any = (Moments, RobustScale)
    if isinstance(loss, (Poisson, Gamma)):
        kinds = MeanScale
    elif isinstance(loss, (MeanAbsoluteError, Huber, Quantile)):
        kinds = RobustScale
    return isinstance(scale, kinds)


def check_range(scaled: Any, y: Any, dtype: str, above_0: bool) -> None:
    """Raises DataError where the training's element type cannot hold targets beside each other.

    Arguments:
        scaled, y: the targets on their scale, and as they came.
        dtype: of the training.
        above_0: whether what is too small for it would count as 0, which is no target.
    """
    limits = np.finfo(dtype)
    large = ~(np.abs(scaled) <= float(limits.max))
    small = (scaled < float(limits.smallest_subnormal)) & above_0
    if not (large | small).any():
        return
    place = tuple(np.argwhere(large | small)[0])
    size = "large" if large[place] else "small"
    raise DataError(
        f"NetRegressor: the target {y[place]:g} is too {size} beside the others for {dtype}: mend "
        "it or leave it out" + (", or use dtype='float64'" if dtype == "float32" else "")
    )


def far_targets(y: Any, weights: Any) -> dict[int, Any]:
    """The columns in which a few rows have most of the squared error, whatever is predicted, and
    (rows,) which these are.

    That is so where at most one row in a hundred (one at least) has a target that is a hundred
    spreads (see :class:`RobustScale`) from the median and ten times as far as that of any other
    row, and together these have more than half of the squared distances. The long tail of a skewed
    target has no such gap. Where half of the targets are one number, as most claims are 0, there is
    no spread to go by, and nothing is far.

    Arguments:
        y: (rows, columns) targets.
        weights: (rows,) or None; rows of weight 0 do not count.
    """
    found: dict[int, Any] = {}
    own = np.ones(len(y)) if weights is None else np.asarray(weights, np.float64)
    if np.count_nonzero(own) < LEAST_ROWS:
        return found
    scale = RobustScale(y.shape[1])
    scale.fold(y[own > 0])
    with np.errstate(over="ignore", invalid="ignore"):
        apart = np.abs(scale.scaled(y)) * (own > 0)[:, None]
    low, high = np.quantile(y[own > 0], (0.25, 0.75), axis=0)
    for column in np.flatnonzero(~scale.constant & (high > low)).tolist():
        distances = apart[:, column]
        most = max(1, int(FEW * len(y)))
        top = np.sort(distances)[::-1][: most + 1]
        gaps = np.flatnonzero((top[:-1] > FAR) & (top[:-1] / APART > top[1:]))
        if not len(gaps):
            continue
        far = distances >= top[gaps[-1]]
        squares = own * (distances / distances.max()) ** 2
        if squares[far].sum() > MOST * squares.sum():
            found[column] = far
    return found


def warn_of_far_targets(y: Any, weights: Any, calls: int) -> None:
    """Warns of far targets, by their rows, in the name of who is so many calls above."""
    for column, far in far_targets(y, weights).items():
        warnings.warn(_told(y[:, column], far, y.shape[1] > 1, column), UserWarning,
                      stacklevel=calls + 1)


def _told(y: Any, far: Any, several: bool, column: int) -> str:
    rows = np.flatnonzero(far)
    order = rows[np.argsort(-np.abs(y[rows] - np.median(y)), kind="stable")]
    some = ", ".join(f"{y[row]:g} in row {row}" for row in order[:_NAMED])
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    low, high = np.quantile(y, (0.25, 0.75))
    of = f" of column {column}" if several else ""
    return (
        f"y{of}: {some}{more} lies far from the others, of which half are {low:g} to {high:g}, and "
        "has most of the squared error: the network is fitted to it, and not to the others. Mend "
        "it or leave it out where it is a mistake; else loss='huber' lets it count by its "
        "distance, not by its square"
    )
