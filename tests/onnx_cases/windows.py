"""Convolution and pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

import evenly as ev

from .cases import Case
from .running import channels_first, channels_last, engine, outputs

CONVOLUTIONS = {1: ev.Conv1D, 2: ev.Conv2D}
MAX_POOLS = {1: ev.MaxPool1D, 2: ev.MaxPool2D}
AVERAGE_POOLS = {1: ev.AveragePool1D, 2: ev.AveragePool2D}


def strides(case: Case) -> tuple[int, ...]:
    """From one window to the next; by default 1, for pools too."""
    rank = case.inputs[0].ndim - 2
    return tuple(case.attributes.get("strides", [1] * rank))


def padding(case: Case, window: tuple[int, ...]) -> Any:
    """As our layers have it. ``SAME_LOWER`` is padding given in numbers."""
    sizes, settings = case.inputs[0].shape[2:], case.attributes
    rank = len(sizes)
    if settings["auto_pad"] == "SAME_UPPER":
        return "same"
    steps = strides(case)
    if settings["auto_pad"] == "SAME_LOWER":
        totals = [max((-(-size // step) - 1) * step + reach - size, 0)
                  for size, step, reach in zip(sizes, steps, window, strict=True)]
        return tuple((total - total // 2, total // 2) for total in totals)
    pads = settings.get("pads", [0] * 2 * rank)
    return tuple(zip(pads[:rank], pads[rank:], strict=True))


def convolution(case: Case) -> list[Any]:
    x, kernel, bias = case.inputs[:3]
    rank, window = x.ndim - 2, kernel.shape[2:]
    layer = CONVOLUTIONS[rank](
        kernel.shape[0], window, stride=strides(case), padding=padding(case, window),
        dilation=tuple(case.attributes.get("dilations", [1] * rank)),
        groups=case.attributes["group"], bias=bias is not None, name="it",
    )
    # (filters, channels, window...) to (window..., channels, filters)
    arrays = {"kernel": np.moveaxis(kernel, (0, 1), (-1, -2))}
    if bias is not None:
        arrays["bias"] = bias
    return [channels_first(outputs(layer, channels_last(x), arrays))]


def depthwise(case: Case) -> list[Any]:
    """The same by the layers for it, whose filters are so many for each channel."""
    x, kernel, bias = case.inputs[:3]
    settings = case.attributes
    assert settings["group"] == x.shape[1]
    layer = ev.DepthwiseConv2D(
        kernel.shape[2:], multiplier=kernel.shape[0] // x.shape[1], stride=strides(case),
        padding=padding(case, kernel.shape[2:]), name="it",
    )
    arrays = {"kernel": np.moveaxis(kernel, (0, 1), (-1, -2)), "bias": bias}
    return [channels_first(outputs(layer, channels_last(x), arrays))]


def pool(case: Case, kinds: dict[int, Any], **settings: Any) -> ev.Layer:
    window = tuple(case.attributes["kernel_shape"])
    return kinds[len(window)](window, stride=strides(case), padding=padding(case, window),
                              dilation=tuple(case.attributes.get("dilations", [1] * len(window))),
                              ceil_mode=bool(case.attributes.get("ceil_mode")), name="it",
                              **settings)


def max_pool(case: Case) -> list[Any]:
    """Whole numbers are exact as float32 too."""
    x = case.inputs[0]
    y = outputs(pool(case, MAX_POOLS), channels_last(x))
    return [channels_first(y).astype(x.dtype)]


def max_pool_places(case: Case) -> list[Any]:
    """Where each output came from is where its gradient goes: counted over the positions, row by
    row or column by column."""
    x = case.inputs[0]
    assert x.shape[:2] == (1, 1)
    ours = engine(pool(case, MAX_POOLS), channels_last(x), input_gradient=True)
    y = ours.forward(channels_last(x)).copy()
    order = "F" if case.attributes["storage_order"] else "C"
    places = []
    for output in np.eye(y.size):
        d_x, _ = ours.backward(output.reshape(y.shape))
        (place,) = np.flatnonzero(d_x[0, :, :, 0].ravel(order))
        places.append(place)
    return [channels_first(y), np.reshape(places, case.outputs[1].shape)]


def average_pool(case: Case) -> list[Any]:
    counted = bool(case.attributes.get("count_include_pad"))
    layer = pool(case, AVERAGE_POOLS, count_padding=counted)
    return [channels_first(outputs(layer, channels_last(case.inputs[0])))]


def global_average_pool(case: Case) -> list[Any]:
    return [_whole(case, ev.GlobalAveragePool(name="it"))]


def global_max_pool(case: Case) -> list[Any]:
    return [_whole(case, ev.GlobalMaxPool(name="it"))]


def _whole(case: Case, layer: ev.Layer) -> Any:
    """The operators leave axes of one position behind."""
    return outputs(layer, channels_last(case.inputs[0])).reshape(case.outputs[0].shape)
