"""Normalizations."""

from __future__ import annotations

from typing import Any

import numpy as np

import evenly as ev

from .cases import Case
from .running import channels_first, channels_last, engine, outputs


def _batch_norm(case: Case) -> tuple[ev.BatchNorm, Any, dict[str, Any]]:
    x, gamma, beta, mean, variance = case.inputs[:5]
    layer = ev.BatchNorm(decay=case.attributes["momentum"], epsilon=case.attributes["epsilon"],
                         name="it")
    return layer, channels_last(x), {"gamma": gamma, "beta": beta, "running_mean": mean,
                                     "running_variance": variance}


def batch_norm(case: Case) -> list[Any]:
    layer, x, arrays = _batch_norm(case)
    return [channels_first(engine(layer, x, arrays).predict(x))]


def batch_norm_training(case: Case) -> list[Any]:
    """The running averages move in a step of training. Ours hold the unbiased variance, ONNX's the
    biased one."""
    assert case.attributes["training_mode"]
    layer, x, arrays = _batch_norm(case)
    y = engine(layer, x, arrays).forward(x)
    steps = x.reshape(len(x), -1, x.shape[-1])  # losses take no images
    ours = engine(layer, steps, arrays, loss=ev.MeanSquaredError(), optimizer=ev.SGD(0.1))
    ours.step(steps, np.zeros_like(steps))
    n = x.size // x.shape[-1]
    kept = layer.decay * arrays["running_variance"]
    variance = kept + (ours.arrays["it.running_variance"] - kept) * (n - 1) / n
    return [channels_first(y), ours.arrays["it.running_mean"], variance]


def _last_axes(case: Case) -> tuple[Any, int]:
    """The input, and over how many of its last axes the statistics are: where over all, it is one
    example."""
    x = case.inputs[0]
    axes = -case.attributes["axis"] % x.ndim or x.ndim
    return x[None] if axes == x.ndim else x, axes


def layer_norm(case: Case) -> list[Any]:
    """The operator's further outputs are the statistics."""
    (x, axes), (gamma, beta) = _last_axes(case), case.inputs[1:3]
    layer = ev.LayerNorm(axes=axes, epsilon=case.attributes["epsilon"], name="it")
    y = outputs(layer, x, {"gamma": gamma, "beta": beta})
    return [y.reshape(case.inputs[0].shape), None, None]


def rms_norm(case: Case) -> list[Any]:
    x, axes = _last_axes(case)
    layer = ev.RMSNorm(axes=axes, epsilon=case.attributes["epsilon"], name="it")
    return [outputs(layer, x, {"gamma": case.inputs[1]}).reshape(case.inputs[0].shape)]


def group_norm(case: Case) -> list[Any]:
    settings = case.attributes
    layer = ev.GroupNorm(settings["num_groups"], epsilon=settings["epsilon"], name="it")
    return [_channels(case, layer)]


def instance_norm(case: Case) -> list[Any]:
    return [_channels(case, ev.InstanceNorm(epsilon=case.attributes["epsilon"], name="it"))]


def _channels(case: Case, layer: ev.Layer) -> Any:
    x, gamma, beta = case.inputs[:3]
    return channels_first(outputs(layer, channels_last(x), {"gamma": gamma, "beta": beta}))
