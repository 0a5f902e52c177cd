"""Normalizations in ONNX.

Those over an example's own numbers are written out, not as LayerNormalization and its kin: runtimes
compute these by the mean of squares, which loses the digits of data that lie far from 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import layers as ours
from .graph import Graph, Value

# As many deviations from 0 may a mean lie, and the operator's own arithmetic be good enough.
NEAR = 8.0


def batch_norm(place: Any) -> Value:
    g, value, layer = place.graph, place.value, place.layer
    order = value.first
    x, mean = value.form(order), place.arrays["running_mean"]
    variance = place.arrays["running_variance"]
    deviation = np.sqrt(variance.astype(float) + layer.epsilon)
    gamma = place.arrays.get("gamma", np.ones_like(mean))
    beta = place.arrays.get("beta", np.zeros_like(mean))
    if (np.abs(mean) > NEAR * deviation).any():
        x = g("Sub", x, place.constant("running_mean", value.along(mean, order)))
        mean = np.zeros_like(mean)
    if g.dtype == np.float64:
        # The attribute holds epsilon as float32: the variance makes up for what that rounds.
        variance = variance + (layer.epsilon - float(np.float32(layer.epsilon)))
    name = g("BatchNormalization", x, place.constant("gamma", gamma), place.constant("beta", beta),
             place.constant("running_mean", mean), place.constant("running_variance", variance),
             epsilon=float(layer.epsilon))
    return place.result(name, order)  # type: ignore[no-any-return]


def _normalized(g: Graph, x: str, axes: list[int], epsilon: float, center: bool) -> str:
    """``(x - mean) / sqrt(variance + epsilon)``; without the mean where nothing is centred."""
    for _ in range(2 if center else 0):
        # Twice: the first mean is rounded, and what is left of it is small.
        x = g("Sub", x, g("ReduceMean", x, axes=axes, keepdims=1))
    square = g("ReduceMean", g("Mul", x, x), axes=axes, keepdims=1)
    return g("Div", x, g("Sqrt", g("Add", square, float(epsilon))))


def layer_norm(place: Any) -> Value:
    g, value, layer = place.graph, place.value, place.layer
    axes = list(range(value.axes - layer.axes + 1, value.axes + 1))
    centred = isinstance(layer, ours.LayerNorm)
    y = _normalized(g, value.form(value.ours), axes, layer.epsilon, centred)
    for op, name in (("Mul", "gamma"), ("Add", "beta")):
        y = g(op, y, place.constant(name)) if name in place.arrays else y
    return place.result(y)  # type: ignore[no-any-return]


def grouped(place: Any) -> Value:
    g, value, layer = place.graph, place.value, place.layer
    x, order = value.any()
    if order not in (value.ours, value.first):
        order = value.ours
        x = value.form(order)
    groups, channels = layer.group_count(value.shape), value.shape[-1]
    sizes = [(0, *value.shape)[axis] for axis in order]
    if groups == channels:
        axes = sorted(order.index(axis) for axis in range(1, value.axes))
        y = _normalized(g, x, axes, layer.epsilon, True)
    else:
        first = order.index(value.axes) == 1
        inner = (0, groups, -1) if first else (
            0, math.prod(value.shape[:-1]), groups, channels // groups)
        parts = g("Reshape", x, g.whole(*inner))
        y = _normalized(g, parts, [2] if first else [1, 3], layer.epsilon, True)
        y = g("Reshape", y, g.whole(*sizes))
    for op, name in (("Mul", "gamma"), ("Add", "beta")):
        y = g(op, y, place.affine(name, order)) if name in place.arrays else y
    return place.result(y, order)  # type: ignore[no-any-return]
