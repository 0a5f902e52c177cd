"""What answers without a network are worth: a constant, the nearest row's, a linear model's."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..records import LossInfo, TargetSummary

CLASS_LOSSES = ("softmax_cross_entropy", "focal_cross_entropy", "cross_entropy_of_probabilities",
                "nll")
LABEL_LOSSES = ("binary_cross_entropy", "binary_focal_cross_entropy",
                "binary_cross_entropy_of_probabilities")

_NEIGHBOUR_ROWS, _LINEAR_ROWS = 1000, 2000
# A linear model of more columns than this is solved by rows instead, of which so many are taken.
_PRIMAL_COLUMNS, _DUAL_ROWS = 128, 300
_MOST_COLUMNS, _MOST_NUMBERS = 4096, 2**18
_MOST_CLASSES = 1000
_STRENGTHS = (1e-4, 1e-2, 1.0)


def best_constant_loss(y: Any, targets: TargetSummary, loss: LossInfo | None) -> float | None:
    """The loss of the best answer that is the same for every row; None where that is not known,
    or where the lowest loss is not 0."""
    if loss is None or "focal" in loss.kind:
        return None
    smoothing = float(loss.settings.get("label_smoothing") or 0.0)
    if targets.kind in ("classes", "labels"):
        if loss.settings.get("class_weights"):
            return None
        shares = np.array(targets.shares)
        if targets.kind == "labels":
            shares = shares * (1 - smoothing) + smoothing / 2
            shares = np.clip(shares, 0, 1)
            both = np.stack([shares, 1 - shares])
            return float(_entropy(both).sum(axis=0).mean())
        return float(_entropy(shares * (1 - smoothing) + smoothing / len(shares)).sum())
    if not np.isfinite(y).all():
        return None
    columns = y.reshape(-1, y.shape[-1])
    total = columns.shape[-1] if loss.settings.get("reduction") == "sum" else 1
    if loss.kind == "squared_error":
        return float(columns.var(axis=0).mean() * total)
    if loss.kind == "absolute_error":
        return float(np.abs(columns - np.median(columns, axis=0)).mean() * total)
    if loss.kind in ("quantile", "quantiles"):
        levels = [float(level) for level in str(loss.settings["levels"]).split()]
        below = [(j, levels[j % len(levels)]) for j in range(columns.shape[-1])]
        return float(np.mean([_best_pinball(columns[:, j], level) for j, level in below]))
    if loss.kind == "huber":
        delta = float(loss.settings.get("delta") or 1.0)
        return float(_best_huber(columns, delta).mean() * total)
    return None


def _entropy(shares: Any) -> Any:
    return -shares * np.log(np.where(shares > 0, shares, 1))


def _best_pinball(column: Any, level: float) -> float:
    error = column - np.quantile(column, level)
    return float(np.maximum(level * error, (level - 1) * error).mean())


def _best_huber(columns: Any, delta: float) -> Any:
    """By bisection: the slope rises with the answer."""
    low, high = columns.min(axis=0), columns.max(axis=0)
    for _ in range(60):
        middle = (low + high) / 2
        rises = np.clip(middle - columns, -delta, delta).sum(axis=0) > 0
        low, high = np.where(rises, low, middle), np.where(rises, middle, high)
    error = np.abs(columns - (low + high) / 2)
    return np.where(error <= delta, error**2 / 2, delta * (error - delta / 2)).mean(axis=0)


def scores_without_a_network(
    x: Any, y: Any, targets: TargetSummary
) -> tuple[float | None, float | None, float]:
    """(nearest other row's, linear model's, constant answer's): accuracy, or R^2 of numbers. The
    first two are None without inputs, or where there is too little to tell."""
    constant = _constant_score(targets)
    if x is None or len(x) < 4 or targets.outputs > _MOST_CLASSES or not np.isfinite(y).all():
        return None, None, constant
    size = int(np.prod(x.shape[1:], dtype=np.int64))
    near = _spread_rows(len(x), min(_NEIGHBOUR_ROWS, max(_DUAL_ROWS, _MOST_NUMBERS // size)))
    linear = _spread_rows(len(x), _LINEAR_ROWS if size <= _PRIMAL_COLUMNS else _DUAL_ROWS)
    neighbour = _nearest(_standardized(x, near), _goals(y, targets)[near])
    goals, columns = _goals(y, targets), _standardized(x, linear)
    return (
        _score(goals[near][neighbour], goals[near], targets),
        _linear_score(columns, goals[linear], targets),
        constant,
    )


def _constant_score(targets: TargetSummary) -> float:
    if targets.kind == "classes":
        return max(targets.shares)
    if targets.kind == "labels":
        return float(np.mean([max(share, 1 - share) for share in targets.shares]))
    return 0.0


def _spread_rows(rows: int, most: int) -> Any:
    return np.linspace(0, rows - 1, min(rows, most)).astype(np.int64)


def _standardized(x: Any, at: Any) -> Any:
    """Some rows, flat, each column to mean 0 and deviation 1; those that do not vary are left
    out."""
    flat = x[at].reshape(len(at), -1)
    if flat.shape[1] > _MOST_COLUMNS:
        flat = flat[:, np.linspace(0, flat.shape[1] - 1, _MOST_COLUMNS).astype(np.int64)]
    flat = flat.astype(np.float64)
    flat -= flat.mean(axis=0)
    deviation = flat.std(axis=0)
    varies = deviation > 0
    return flat[:, varies] / deviation[varies]


def _goals(y: Any, targets: TargetSummary) -> Any:
    """Targets as a linear model has them: classes one-hot, labels and numbers as they are."""
    if targets.kind == "classes":
        return (y[:, None] == np.arange(targets.outputs)) * 1.0
    return y


def _nearest(columns: Any, goals: Any) -> Any:
    """The nearest other row of each."""
    squares = (columns**2).sum(axis=1)
    distances = squares - 2 * (columns @ columns.T)
    np.fill_diagonal(distances, np.inf)
    return distances.argmin(axis=1)


def _linear_score(columns: Any, goals: Any, targets: TargetSummary) -> float | None:
    """Leave-one-out, of the best of a few strengths of ridge regression.

    With the hat matrix H, the answer for a row of a model that has not seen it is
    ``y - (y - H y) / (1 - H_ii)``.

    Source: Allen 1974, "The relationship between variable selection and data augmentation and a
    method for prediction" (PRESS).
    """
    rows = len(columns)
    if columns.shape[1] == 0:
        return None
    centered = goals - goals.mean(axis=0)
    wide = columns.shape[1] > rows
    products = columns @ columns.T if wide else columns.T @ columns
    best = None
    for strength in _STRENGTHS:
        inverse = np.linalg.inv(products + strength * rows * np.eye(len(products)))
        if wide:  # 1 - H = strength rows (X X' + strength rows)^-1: the factor cancels
            left = (inverse @ centered) / np.diagonal(inverse)[:, None]
        else:
            sides = columns @ inverse
            diagonal = np.einsum("ij,ij->i", sides, columns) + 1 / rows
            errors = centered - sides @ (columns.T @ centered)
            left = errors / np.maximum(1 - diagonal, 1e-9)[:, None]
        score = _score(goals - left, goals, targets)
        best = score if best is None or (score is not None and score > best) else best
    return best


def _score(answers: Any, goals: Any, targets: TargetSummary) -> float | None:
    if targets.kind == "classes":
        return float((answers.argmax(axis=1) == goals.argmax(axis=1)).mean())
    if targets.kind == "labels":
        return float(((answers > 0.5) == (goals > 0.5)).mean())
    spread = float(((goals - goals.mean(axis=0)) ** 2).sum())
    return 1 - float(((answers - goals) ** 2).sum()) / spread if spread > 0 else None
