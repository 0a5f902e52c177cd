"""Activations, softmax, dropout and the linear layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import evenly as ev

from .cases import Case
from .running import channels_first, channels_last, engine, outputs


def activation(make: Callable[[dict[str, Any]], ev.Layer]) -> Callable[[Case], list[Any]]:
    """The mapping of an operator that is one function of each number; data of one axis is one
    example."""
    def run(case: Case) -> list[Any]:
        x = case.inputs[0]
        batch = x[None] if x.ndim == 1 else x
        return [outputs(make(case.attributes), batch).reshape(x.shape)]

    return run


elu = activation(lambda a: ev.ELU(alpha=a["alpha"], name="it"))
gelu = activation(lambda a: ev.GELU(approximate=a["approximate"] == "tanh", name="it"))
hard_sigmoid = activation(lambda a: ev.HardSigmoid(slope=a["alpha"], shift=a["beta"], name="it"))
hard_swish = activation(lambda a: ev.HardSwish(name="it"))
leaky_relu = activation(lambda a: ev.LeakyReLU(slope=a["alpha"], name="it"))
mish = activation(lambda a: ev.Mish(name="it"))
relu = activation(lambda a: ev.ReLU(name="it"))
selu = activation(lambda a: ev.SELU(name="it"))
sigmoid = activation(lambda a: ev.Sigmoid(name="it"))
softplus = activation(lambda a: ev.Softplus(name="it"))
softsign = activation(lambda a: ev.Softsign(name="it"))
silu = activation(lambda a: ev.SiLU(name="it"))
tanh = activation(lambda a: ev.Tanh(name="it"))


def prelu(case: Case) -> list[Any]:
    """Slopes of the last axis; where the operator is older, of the channels."""
    x, slope = case.inputs[:2]
    if case.version >= 7:
        return [outputs(ev.PReLU(name="it"), x, {"slope": slope})]
    layer = ev.PReLU(shared=slope.size == 1, name="it")
    return [channels_first(outputs(layer, channels_last(x), {"slope": slope}))]


def prelu_each(case: Case) -> list[Any]:
    """A slope for every number of the input: all of it is one example's channels."""
    x, slope = case.inputs[:2]
    y = outputs(ev.PReLU(name="it"), x.reshape(1, -1), {"slope": slope.reshape(-1)})
    return [y.reshape(x.shape)]


def softmax(case: Case) -> list[Any]:
    """Over one axis; where the operator is older, over all axes from one on, which is the same
    for the last."""
    x, axis = case.inputs[0], case.attributes["axis"]
    assert case.version >= 13 or axis in (-1, x.ndim - 1)
    moved = np.moveaxis(x, axis, -1)
    return [np.moveaxis(outputs(ev.Softmax(name="it"), moved), -1, axis)]


def gemm(case: Case) -> list[Any]:
    """``alpha a b + beta c``: alpha and beta are put into the kernel and the bias, which c has to
    be for every row alike."""
    a, b, c = case.inputs[:3]
    settings = case.attributes
    x = np.ascontiguousarray(a.T) if settings["transA"] else a
    arrays = {"kernel": settings["alpha"] * (b.T if settings["transB"] else b)}
    units = arrays["kernel"].shape[1]
    if c is not None:
        arrays["bias"] = np.broadcast_to(settings["beta"] * c.reshape(-1), (units,))
    return [outputs(ev.Dense(units, bias=c is not None, name="it"), x, arrays)]


def dropout_inference(case: Case) -> list[Any]:
    """The numbers as they are, at any rate; inference draws no mask that could be compared."""
    x, ratio = case.inputs[:2]
    rate = case.attributes.get("ratio", 0.5) if ratio is None else float(ratio)
    rows = x[None] if x.ndim == 1 else x
    y = engine(ev.Dropout(rate, name="it"), rows).predict(rows).reshape(x.shape)
    return [y, *[None] * (len(case.outputs) - 1)]


def dropout_nothing(case: Case) -> list[Any]:
    """Training at rate 0. Which numbers were kept is what their gradients tell."""
    x, ratio, training = case.inputs[:3]
    assert training
    assert math.isclose(ratio, 0)
    ours = engine(ev.Dropout(0.0, name="it"), x, input_gradient=True)
    y = ours.forward(x).copy()
    return [y, ours.backward(np.ones_like(x))[0] > 0][: len(case.outputs)]
