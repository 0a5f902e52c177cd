"""Scales of inputs and targets in ONNX, in float64 whatever the network computes in."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ...scaling import RobustScaler, Standardizer
from ...tails import FARTHEST, NormalScaler, SmoothClipScaler
from .graph import Graph, Value

# Farther places are at the limit of the clip by all digits.
_FAR = 1e100


def scaled_columns(g: Graph, scaler: Any, constants: Any, x: str) -> str:
    """Rows of an estimator, (batch, columns) float64, as its network reads them."""
    still = constants.still
    if scaler is None:
        return g("Where", g.constant(still), np.where(still, constants.low, 0.0), x) \
            if still.any() else x
    kind = type(scaler).__name__
    if kind == "Moments":
        apart = g("Sub", x, scaler.mean) if scaler.center else x
        return _divided(g, apart, scaler.deviation, still)
    middle, kept = scaler.middle, scaler.indicator
    if kind == "RobustColumns":
        y = _bent(g, x, middle, scaler.width, FARTHEST, still)
    else:
        assert kind == "NormalColumns"
        y = _by_rank(g, x, scaler.values, scaler.scores, scaler.starts, still)
    return g("Where", g.constant(kept), _divided(g, g("Sub", x, middle), np.ones(len(kept)), still),
             y) if kept.any() else y


def scaled_by(g: Graph, scaler: Any, value: Value) -> Value:
    """Examples behind one of the public scalers, in the type of the network."""
    columns = value.shape[-1] if scaler.channels else int(np.prod(value.shape))
    kept, g.dtype = g.dtype, np.dtype(np.float64)
    g.scope = type(scaler).__name__
    x = value.form(value.ours)
    if len(value.shape) > 1:
        x = g("Reshape", x, g.whole(-1, columns))
    flat = {name: getattr(scaler, name, None) for name in ("mean", "deviation", "median", "range")}
    flat = {name: None if array is None else array.reshape(-1) for name, array in flat.items()}
    still = np.zeros(columns, bool) if scaler.constant is None else scaler.constant.reshape(-1)
    if isinstance(scaler, Standardizer):
        y = _divided(g, g("Sub", x, flat["mean"]), flat["deviation"], still)
    elif isinstance(scaler, RobustScaler):
        y = _divided(g, g("Sub", x, flat["median"]), flat["range"], still)
    elif isinstance(scaler, SmoothClipScaler):
        y = _bent(g, x, flat["median"], flat["range"], scaler.limit, still)
    else:
        assert isinstance(scaler, NormalScaler)
        y = _by_rank(g, x, scaler.values, scaler.scores, scaler.starts, still)
    if len(value.shape) > 1:
        y = g("Reshape", y, g.whole(-1, *value.shape))
    g.dtype = kept
    return Value(g, value.shape, {value.ours: cast(g, y, kept)})


def cast(g: Graph, x: str, dtype: Any, of: Any = np.float64) -> str:
    """The same numbers in another type, of float64 unless it is said."""
    if np.dtype(dtype) == np.dtype(of):
        return x
    return g("Cast", x, to=g.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def in_units(g: Graph, scaler: Any, y: str, axes: int = 0) -> str:
    """Predictions in the targets' own units; behind the targets come so many axes."""
    if scaler is None:
        return y
    still = scaler.constant
    width = next(getattr(scaler, name) for name in ("width", "deviation", "_unit")
                 if hasattr(scaler, name))
    middle = next((getattr(scaler, name) for name in ("middle",) if hasattr(scaler, name)), 0.0)
    if not hasattr(scaler, "middle"):  # a scale of means moves nothing
        middle = np.where(still, scaler.low, 0.0)
    shape = (-1, *(1,) * axes)
    product = g("Mul", y, np.where(still, 0.0, width).reshape(shape))
    return g("Add", product, np.asarray(middle, np.float64).reshape(shape))


def _divided(g: Graph, x: str, width: Any, still: Any) -> str:
    """Columns over their widths; those that never varied are 0: numbers over infinity."""
    return g("Div", x, np.where(still, np.inf, width))


def _bent(g: Graph, x: str, middle: Any, width: Any, limit: float, still: Any) -> str:
    z = _divided(g, g("Sub", x, middle), width, still)
    z = g("Max", g("Min", z, _FAR), -_FAR)
    part = g("Div", z, float(limit))
    return g("Div", z, g("Sqrt", g("Add", g("Mul", part, part), 1.0)))


def _by_rank(g: Graph, x: str, values: Any, scores: Any, starts: Any, still: Any) -> str:
    """Interpolated between knots, which are found by halving."""
    ends = list(pairwise(starts.tolist()))
    first, last = values[starts[:-1]], values[starts[1:] - 1]
    size = 1 << int(max(2, *(end - start for start, end in ends))).bit_length()
    knots = np.full((len(ends), size), np.inf)
    answers = np.zeros((len(ends), size))
    for c, (start, end) in enumerate(ends):
        knots[c, : end - start], answers[c, : end - start] = values[start:end], scores[start:end]
        if end - start == 1:
            knots[c, 1], answers[c, 1] = np.nextafter(values[start], np.inf), scores[start]
    searched = knots.copy()
    searched[:, 0] = -np.inf
    x = g("Min", g("Max", x, first), last)
    table, begin = g.constant(searched.ravel()), np.arange(len(ends)) * size
    int64 = g.onnx.TensorProto.INT64
    # How many knots lie below: 0 of all columns to begin with.
    below = g("Cast", g("Mul", x, 0.0), to=int64)
    step = size // 2
    while step:
        knot = g("Gather", table, g("Add", below, g.whole(*(begin + step - 1).tolist())), axis=0)
        more = g("Cast", g("Less", knot, x), to=int64)
        below = g("Add", below, g("Mul", more, g.whole(step)))
        step //= 2
    above = g("Add", below, g.whole(*begin.tolist()))
    under = g("Sub", above, g.whole(1))
    k, s = g.constant(knots.ravel()), g.constant(answers.ravel())
    low, high = (g("Gather", k, place, axis=0) for place in (under, above))
    left, right = (g("Gather", s, place, axis=0) for place in (under, above))
    share = g("Div", g("Sub", x, low), g("Sub", high, low))
    y = g("Add", left, g("Mul", share, g("Sub", right, left)))
    return _divided(g, y, np.ones(len(ends)), still) if still.any() else y
