"""What is read off one array: outputs, weights with their gradients. Summaries alone leave here."""

from __future__ import annotations

import math
from collections import deque
from typing import Any, NamedTuple

import numpy as np

# Rows enough for means; few enough that a look stays cheap.
_MOST_NUMBERS = 2**17
_RANK_ROWS, _RANK_UNITS = 32, 32
# A slope below this share of the largest counts as saturated.
_SATURATED = 0.01
# Probes over which a unit must have been 0 to be dead.
WINDOW = 8
# Columns that differ by less than this share of their length count as equal.
_EQUAL = 1e-5
_MOST_TWIN_NUMBERS, _TWIN_ROWS = 2**22, 32


class Outputs(NamedTuple):
    """What the outputs of a layer are like.

    Attributes:
        told: by the names of :class:`evenly.records.LayerProbe`.
        zero_units: which units were 0 for every row.
    """

    told: dict[str, float | int | None]
    zero_units: Any


def measure_outputs(y: Any, kind: str, dropped: float = 0.0, scale: float = 1.0) -> Outputs:
    """Statistics of outputs (rows, ..., units).

    Arguments:
        y: the outputs; whoever calls may lend a buffer, nothing of it is kept.
        kind: of the layer, by the names of the records.
        dropped: the share of them that dropout behind the layer has set to 0.
        scale: by which it has multiplied the others.
    """
    if y.ndim == 1:
        y = y[:, None]
    zero_units = ~np.asarray(y.reshape(-1, y.shape[-1]).any(axis=0))
    not_finite = count_not_finite(y)
    if not_finite:
        return Outputs({"not_finite": not_finite}, zero_units)
    part = _spread(y, max(8, _MOST_NUMBERS // max(1, y[0].size)))
    part = part.astype(np.float64)
    if dropped:
        return Outputs(_behind_dropout(part, kind, dropped, scale), zero_units)
    flat = part.reshape(len(part), -1)
    mean = float(flat.mean())
    told: dict[str, float | int | None] = {
        "mean": mean, "deviation": float(flat.std()), "largest": float(np.abs(flat).max()),
        "zero_share": float((flat == 0).mean()), "not_finite": 0,
        "saturated_share": saturated_share(part, kind),
    }
    if len(part) > 1:
        units = np.sqrt(flat.var(axis=0).reshape(-1, part.shape[-1]).mean(axis=0))
        told["unit_deviation"] = float(np.median(units))
        told["constant_share"] = float((units <= 1e-6 * told["largest"]).mean()) \
            if told["largest"] else 1.0
        told["rank"] = effective_rank(flat)
    return Outputs(told, zero_units)


def _behind_dropout(
    part: Any, kind: str, dropped: float, scale: float
) -> dict[str, float | int | None]:
    """Of the outputs in front of dropout, as far as what it has left of them tells."""
    kept = part / scale
    share = 1 - dropped
    mean = float(kept.mean()) / share
    square = float((kept**2).mean()) / share
    told: dict[str, float | int | None] = {
        "mean": mean, "deviation": math.sqrt(max(0.0, square - mean * mean)),
        "largest": float(np.abs(kept).max()), "not_finite": 0,
        "zero_share": max(0.0, (float((kept == 0).mean()) - dropped) / share),
    }
    if kind in ("sigmoid", "tanh", "softsign", "hard_sigmoid"):
        told["saturated_share"] = saturated_share(kept[kept != 0], kind)
        told["zero_share"] = 0.0
    if len(part) > 1:
        # E[x^2] and E[x] of each unit; the mask's own variance drops out.
        means = kept.mean(axis=0) / share
        variance = np.maximum((kept**2).mean(axis=0) / share - means**2, 0)
        units = np.sqrt(variance.reshape(-1, part.shape[-1]).mean(axis=0))
        told["unit_deviation"] = float(np.median(units))
        largest = told["largest"]
        told["constant_share"] = float((units <= 1e-6 * largest).mean()) if largest else 1.0
    return told


def saturated_share(y: Any, kind: str) -> float | None:
    """The share of outputs where the slope of a sigmoid or a tanh is below 1 % of its largest."""
    if not y.size:
        return None
    if kind == "sigmoid":
        slope = 4 * y * (1 - y)
    elif kind == "tanh":
        slope = 1 - y * y
    elif kind == "softsign":
        slope = (1 - np.abs(y)) ** 2
    elif kind == "hard_sigmoid":
        slope = ((y > 0) & (y < 1)) * 1.0
    else:
        return None
    return float((slope < _SATURATED).mean())


def effective_rank(flat: Any) -> float | None:
    """The exponential of the entropy of the squared singular values' shares, over the largest that
    it can be; of at most 32 rows and columns. None of zeros.

    Source: Roy and Vetterli 2007, "The effective rank", of squared singular values.
    """
    rows = _spread(flat, _RANK_ROWS)
    columns = rows[:, _places(rows.shape[1], _RANK_UNITS)]
    small = columns.T @ columns if columns.shape[1] < len(columns) else columns @ columns.T
    values = np.maximum(np.linalg.eigvalsh(small), 0)
    total = values.sum()
    if not total > 0:
        return None
    shares = values[values > 0] / total
    return float(np.exp(-(shares * np.log(shares)).sum()) / len(small))


def count_not_finite(values: Any) -> int:
    """How many numbers are NaN or infinite."""
    flat = values.reshape(-1)
    with np.errstate(all="ignore"):
        if np.isfinite(np.dot(flat, flat)):  # as fast as reading allows
            return 0
    return int(values.size - np.isfinite(values).sum())


def output_gradient(d_y: Any) -> float:
    """The root mean square of a gradient on outputs, times the rows."""
    return root_mean_square(_spread(d_y, max(8, _MOST_NUMBERS // max(1, d_y[0].size)))) * len(d_y)


def root_mean_square(values: Any) -> float:
    """Over all numbers; 0 of none."""
    flat = values.reshape(-1)
    if not flat.size:
        return 0.0
    with np.errstate(all="ignore"):
        square = float(np.dot(flat, flat))
        if flat.dtype != np.float64 and not 1e-25 < square < 1e30:
            # Its own type may not hold the squares.
            square = float((flat.astype(np.float64) ** 2).sum())
    return math.sqrt(square / flat.size) if square >= 0 else math.nan


def measure_weights(
    kernels: list[Any], gradients: list[Any]
) -> dict[str, float | int | None]:
    """Norms of a layer's kernels and of their gradients.

    Arguments:
        kernels: the arrays.
        gradients: of as many of them as have one.
    """
    told: dict[str, float | int | None] = {}
    size = sum(kernel.size for kernel in kernels)
    if not size:
        return told
    weight = math.sqrt(sum(root_mean_square(k) ** 2 * k.size for k in kernels))
    told["weight_norm"] = weight
    told["weight_rms"] = weight / math.sqrt(size)
    told["weight_mean"] = sum(float(k.mean()) * k.size for k in kernels) / size
    if gradients:
        size = sum(g.size for g in gradients)
        norm = math.sqrt(sum(root_mean_square(g) ** 2 * g.size for g in gradients))
        told["gradient_norm"], told["gradient_rms"] = norm, norm / math.sqrt(max(1, size))
    return told


def norm_of_change(before: list[Any], after: list[Any]) -> float | None:
    """The norm of what was added to some arrays over their norm before."""
    was = math.sqrt(sum(root_mean_square(k) ** 2 * k.size for k in before))
    if not was > 0:
        return None
    change = (root_mean_square(b - a) ** 2 * a.size for a, b in zip(before, after, strict=True))
    return math.sqrt(sum(change)) / was


def twin_share(weights: Any, gradients: Any) -> float | None:
    """The share of units whose incoming weights and gradients both equal another unit's.

    Arguments:
        weights, gradients: (numbers of a unit, units).
    """
    rows, units = weights.shape
    if units < 2 or weights.size > _MOST_TWIN_NUMBERS:
        return None
    # Equal columns have equal products with any vector: only neighbours in order need a look.
    some = weights[_places(rows, _TWIN_ROWS)]
    products = np.cos(np.arange(1, len(some) + 1, dtype=some.dtype) ** 1.5) @ some
    lengths = np.sqrt((some * some).sum(axis=0))
    order = np.argsort(products, kind="stable")
    first, second = order[:-1], order[1:]
    near = np.abs(products[first] - products[second]) <= (
        _EQUAL * np.maximum(lengths[first], lengths[second])
    )
    twins = np.zeros(units, bool)
    for a, b in zip(first[near], second[near], strict=True):
        if _equal(weights[:, a], weights[:, b]) and _equal(gradients[:, a], gradients[:, b]):
            twins[a] = twins[b] = True
    return float(twins.mean())


def _equal(a: Any, b: Any) -> bool:
    limit = _EQUAL * max(float(np.abs(a).max()), float(np.abs(b).max()))
    return bool(np.abs(a - b).max() <= limit)


def means_of_parts(values: Any, most: int) -> tuple[float, ...]:
    """The means of consecutive values, in at most so many parts that are alike in length."""
    count = min(len(values), most)
    if not count:
        return ()
    edges = np.arange(count + 1) * len(values) // count
    sums = np.add.reduceat(values, edges[:-1])
    means: list[float] = (sums / np.diff(edges)).tolist()
    return tuple(means)


class DeadUnits:
    """Which units were 0 for every row of the last probes, layer by layer."""

    def __init__(self) -> None:
        self._windows: dict[str, deque[Any]] = {}

    def share(self, name: str, zero_units: Any) -> float:
        """Takes a probe in; returns the share of units that were 0 in all of the window."""
        window = self._windows.setdefault(name, deque(maxlen=WINDOW))
        window.append(zero_units)
        return float(np.logical_and.reduce(list(window)).mean())


def _spread(values: Any, most: int) -> Any:
    """All rows, or of many evenly spaced ones."""
    return values if len(values) <= most else values[_places(len(values), most)]


def _places(count: int, most: int) -> Any:
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)
