"""What inputs and targets are like, as far as a training can suffer from it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DataError
from ..records import ColumnSummary, DataSummary, LossInfo, TargetSummary
from ..records.data import MOST_COLUMNS
from .baselines import CLASS_LOSSES, LABEL_LOSSES, best_constant_loss, scores_without_a_network

# All rows are read of arrays up to so many numbers; of larger ones as many evenly spaced rows.
# Equal rows are looked for among more: a sample of them rarely holds both of a pair.
_MOST_NUMBERS, _MOST_COMPARED, _COMPARED_COLUMNS = 2**21, 2**23, 64
_QUARTILE_ROWS = 2000
_MOST_DISTINCT = 1000


def summarize(
    x: Any, y: Any, loss: LossInfo | None = None, *, indices: bool = False,
    constant_loss: float | None = None,
) -> DataSummary:
    """A summary of inputs and targets, in well under a second whatever their size.

    Arguments:
        x: (rows, features...).
        y: (rows, ...).
        loss: that is trained with: it says what the targets are.
        indices: whether the inputs are row numbers of an embedding.
        constant_loss: of the best constant answer, where the caller knows it better.

    Raises:
        DataError: not as many targets as inputs, or no rows.

    Example:
        >>> x = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
        >>> summary = summarize(x, np.array([0, 0, 1, 1]))
        >>> summary.columns[1].deviation, summary.targets.shares
        (0.0, (0.5, 0.5))
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim < 1 or y.ndim < 1 or len(x) != len(y) or not len(x):
        raise DataError(f"x has shape {x.shape} and y {y.shape}: expects as many rows in both, at "
                        "least one")
    rows = len(x)
    if x.ndim == 1:
        x = x[:, None]
    equal, contradicting = _equal_rows(*sampled(x, y, _MOST_COMPARED))
    x, y = sampled(x, y)
    targets, y = summary_of_targets(y, loss)
    not_finite = 0 if x.dtype.kind in "iub" else int(x.size - np.isfinite(x).sum())
    if constant_loss is None:
        constant_loss = best_constant_loss(y, targets, loss)
    features = x.shape[-1]
    neighbour = linear = constant = None
    if y.ndim == (1 if targets.kind == "classes" else 2):
        usable = not indices and not not_finite
        neighbour, linear, constant = scores_without_a_network(x if usable else None, y, targets)
    return DataSummary(
        rows=rows, columns=() if indices else _columns(x), features=features, targets=targets,
        not_finite=not_finite, indices=indices, equal_rows=equal, contradictions=contradicting,
        neighbour_score=neighbour, linear_score=linear, constant_score=constant,
        constant_loss=constant_loss,
    )


def sampled(x: Any, y: Any, numbers: int = _MOST_NUMBERS) -> tuple[Any, Any]:
    """All rows, or of many evenly spaced ones."""
    most = max(1000, numbers // max(1, int(np.prod(x.shape[1:], dtype=np.int64))))
    if len(x) <= most:
        return x, y
    at = np.linspace(0, len(x) - 1, most).astype(np.int64)
    return x[at], y[at]


def shared_rows(train: Any, validation: Any) -> float:
    """The share of validation rows whose inputs equal a row of the training set, which are looked
    up as they are: no row is equal by chance of rounding."""
    train, validation = np.asarray(train), np.asarray(validation)
    if train.shape[1:] != validation.shape[1:]:
        return 0.0
    validation, _ = sampled(validation, validation, _MOST_COMPARED)
    dtype = np.result_type(train, validation)
    train, validation = train.astype(dtype, copy=False), validation.astype(dtype, copy=False)
    # Long rows are compared by some of their numbers first.
    short, own = _keys(_some_columns(train)), _keys(_some_columns(validation))
    there, here = set(short), set(own)
    train = train[[key in here for key in short]]
    near = validation[[key in there for key in own]]
    known = set(_keys(train))
    return sum(key in known for key in _keys(near)) / max(1, len(validation))


def summary_of_targets(y: Any, loss: LossInfo | None = None) -> tuple[TargetSummary, Any]:
    """What targets are like, and the targets as they count: of classes whole numbers, of others
    (rows, outputs)."""
    y = np.asarray(y)
    kind = loss.kind if loss is not None else ""
    values = y.astype(np.float64, copy=False)
    finite = bool(np.isfinite(values).all())
    whole = finite and bool((values == np.floor(values)).all())
    distinct = len(np.unique(values[:: max(1, len(values) // 20_000)]))
    one_hot = (finite and y.ndim == 2 and y.shape[1] > 1 and bool((values.sum(axis=1) == 1).all())
               and bool(((values == 0) | (values == 1)).all()))
    numbers: dict[str, Any] = {
        "mean": float(values.mean()), "deviation": float(values.std()),
        "smallest": float(values.min()), "largest": float(values.max()),
        "distinct": min(distinct, _MOST_DISTINCT), "whole": whole, "one_hot": one_hot,
    }
    is_vector = y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1)
    if kind in CLASS_LOSSES or (
        not kind and whole and is_vector and 2 < distinct <= _MOST_DISTINCT and values.min() >= 0
    ) or (not kind and whole and is_vector and distinct <= 2 and set(np.unique(values)) <= {0, 1}):
        probabilities = y.ndim == 2 and y.shape[1] > 1 and kind != "" and (
            one_hot or not whole)
        classes = values.argmax(axis=1) if probabilities else values
        if finite and classes.min() >= 0 and classes.max() < 2**20:
            classes = classes.astype(np.int64)
            shares = np.bincount(classes.ravel()) / classes.size
            return TargetSummary(
                "classes", len(shares), tuple(shares.tolist()), **numbers
            ), classes if classes.ndim == 1 or classes.shape[1] > 1 else classes[:, 0]
    flat = values.reshape(len(values), -1) if y.ndim <= 2 else values
    if kind in LABEL_LOSSES:
        shares = flat.reshape(-1, flat.shape[-1]).mean(axis=0)
        return TargetSummary("labels", flat.shape[-1], tuple(shares.tolist()), **numbers), flat
    return TargetSummary("numbers", flat.shape[-1], **numbers), flat


def _columns(x: Any) -> tuple[ColumnSummary, ...]:
    features = x.shape[-1]
    chosen = np.unique(np.linspace(0, features - 1, min(features, MOST_COLUMNS)).astype(np.int64))
    rows = x.reshape(-1, features)
    if len(chosen) < features:
        rows = rows[:, chosen]
    with np.errstate(invalid="ignore", over="ignore"):
        mean = rows.mean(axis=0, dtype=np.float64)
        # Around a mean of the rows' own type, so that a large offset swallows no small spread.
        near = rows - mean.astype(rows.dtype if rows.dtype.kind == "f" else np.float64)
        deviation = np.sqrt(np.maximum(
            np.einsum("ij,ij->j", near, near, dtype=np.float64) / len(near)
            - near.mean(axis=0, dtype=np.float64) ** 2, 0))
        low, high = rows.min(axis=0), rows.max(axis=0)
        few = rows[:: max(1, len(rows) // _QUARTILE_ROWS)][:_QUARTILE_ROWS]
        quartiles = np.quantile(few, (0.25, 0.5, 0.75), axis=0).T
    ordered = np.sort(few, axis=0)
    distinct = 1 + (ordered[1:] != ordered[:-1]).sum(axis=0)
    deviation = np.where(low == high, 0.0, deviation)  # no rounding error in what is constant
    return tuple(
        ColumnSummary(int(index), float(mean[i]), float(deviation[i]), float(low[i]),
                      float(high[i]), (float(q[0]), float(q[1]), float(q[2])), int(distinct[i]))
        for i, (index, q) in enumerate(zip(chosen, quartiles, strict=True))
    )


def _keys(rows: Any) -> list[int]:
    """A number for each row, equal for equal rows."""
    flat = np.ascontiguousarray(_flat(rows))
    if flat.dtype.kind == "f":
        flat = flat + 0  # -0 equals 0
    return [hash(row.tobytes()) for row in flat]


def _flat(rows: Any) -> Any:
    """Each row flat, also where there is none."""
    return rows.reshape(len(rows), int(np.prod(rows.shape[1:], dtype=np.int64)))


def _some_columns(rows: Any) -> Any:
    """Of long rows some numbers, spread without a pattern: equal rows have them equal."""
    flat = _flat(rows)
    if flat.shape[1] <= _COMPARED_COLUMNS:
        return flat
    return flat[:, np.sort(np.random.default_rng(0).permutation(flat.shape[1])[:_COMPARED_COLUMNS])]


def _equal_rows(x: Any, y: Any) -> tuple[float, float]:
    """(share of rows that have an equal one, share of rows that have one with another target)."""
    rows, y = len(x), np.asarray(y)
    # Long rows are compared by some of their numbers first.
    for some in (_some_columns, np.asarray):
        keys = np.array(_keys(some(x)), dtype=np.int64)
        _, group, counts = np.unique(keys, return_inverse=True, return_counts=True)
        equal = counts[group] > 1
        if not equal.any():
            return 0.0, 0.0
        x, y, group = x[equal], y[equal], group[equal]
    own = np.array(_keys(y), dtype=np.int64)
    members = group
    low = np.full(len(counts), np.iinfo(np.int64).max)
    high = np.full(len(counts), np.iinfo(np.int64).min)
    np.minimum.at(low, members, own)
    np.maximum.at(high, members, own)
    return len(x) / rows, float((low[members] != high[members]).sum() / rows)
