"""Ensembles in ONNX, and the layers of members within one network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import layers as ours
from ...layers.base import Layer
from .graph import Graph, Value
from .math import soft_plus


def averaged(g: Graph, layer: Any, names: Sequence[str], shape: tuple[int, ...]) -> str:
    """The mean of what members answer, of examples of a shape."""
    axis, width = len(shape), shape[-1]

    def stacked(parts: Sequence[str]) -> str:
        each = [g("Unsqueeze", part, axes=[0]) for part in parts]
        return g("Concat", *each, axis=0)

    def mean(parts: Sequence[str]) -> str:
        return g("ReduceMean", stacked(parts), axes=[0], keepdims=0)

    def log_mean_exp(parts: Sequence[str]) -> str:
        total = g("ReduceLogSumExp", stacked(parts), axes=[0], keepdims=0)
        return g("Sub", total, math.log(len(parts)))

    if layer.of == "numbers":
        return mean(names)
    if layer.of == "logs":
        return log_mean_exp(names)
    if layer.of == "classes":
        return log_mean_exp([g("LogSoftmax", name, axis=axis) for name in names])
    if layer.of == "labels":
        yes = [g("Neg", soft_plus(g, g("Neg", name))) for name in names]
        no = [g("Neg", soft_plus(g, name)) for name in names]
        return g("Sub", log_mean_exp(yes), log_mean_exp(no))
    # The inverse of softplus, log(exp(gap) - 1): by tanh, which keeps the digits of small gaps.
    gap = mean([soft_plus(g, name) for name in names])
    half = g("Tanh", g("Mul", gap, 0.5))
    part = g("Div", g("Mul", half, 2.0), g("Add", half, 1.0))
    inverse = g("Add", gap, g("Log", part))
    anchors = np.arange(width) % layer.levels == layer.anchor
    return g("Where", g.constant(anchors), mean(names), inverse)


def _members(place: Any) -> Value:
    x = place.graph("Unsqueeze", place.value.form(place.value.ours), axes=[1])
    return _made(place, place.graph("Mul", x, place.constant("factor")))


def _batch_ensemble(place: Any) -> Value:
    g, name = place.graph, place.value.form(place.value.ours)
    if place.layer.scale_inputs:
        name = g("Mul", name, place.constant("input_scale"))
    name = g("Mul", g("MatMul", name, place.constant("kernel")), place.constant("output_scale"))
    return _made(place, g("Add", name, place.constant("bias")) if place.layer.bias else name)


def _member_dense(place: Any) -> Value:
    g, units = place.graph, place.layer.units
    members, features = place.shape
    kernel = place.arrays["kernel"].reshape(features, members, units).transpose(1, 0, 2)
    rows = g("Unsqueeze", place.value.form(place.value.ours), axes=[2])
    name = g("Squeeze", g("MatMul", rows, place.constant("kernel", kernel)), axes=[2])
    if place.layer.bias:
        bias = place.arrays["bias"].reshape(members, units)
        name = g("Add", name, place.constant("bias", bias))
    return _made(place, name)


def _member_mean(place: Any) -> Value:
    g, layer, x = place.graph, place.layer, place.value.form(place.value.ours)
    each = [g("Gather", x, g.constant(np.int64(i)), axis=1) for i in range(place.shape[0])]
    return _made(place, averaged(g, layer, each, layer.output_shape(place.shape)))


def _made(place: Any, name: str) -> Value:
    made: Value = place.result(name)
    return made


MEMBERS: dict[type[Layer], Callable[[Any], Value]] = {
    ours.Members: _members, ours.BatchEnsemble: _batch_ensemble,
    ours.MemberDense: _member_dense, ours.MemberMean: _member_mean,
}
