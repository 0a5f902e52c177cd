"""How Keras's layers with kernels, and its pooling, become ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ... import layers as ours
from ...errors import ConfigurationError
from ...layers.base import Layer
from ..layout import FIRST, LAST
from ..made import Made, rate, refuse, require
from .rules import (
    ACTIVATIONS,
    RULES,
    Place,
    activation_of,
    array,
    arrays,
    expect_format,
    expect_last,
)
from .tables import PLAIN, RECURRENT, SWAPPED


def _dense(layer: Any, place: Place) -> Made:
    expect_last(place)
    rank = len(place.shape)
    kernel, own = array(layer.kernel), arrays(layer, bias="bias")
    name, bias = place.name, bool(own)
    if rank == 1:
        kernel = place.to_ours(kernel)
        made: Layer = ours.Dense(layer.units, bias=bias, name=name)
    elif rank <= 3:
        # On sequences and images a linear layer works on each position: a window of one.
        kernel = kernel.reshape((1,) * (rank - 1) + kernel.shape)
        make = ours.Conv1D if rank == 2 else ours.Conv2D
        made = make(layer.units, 1, bias=bias, name=name)
    else:
        raise ConfigurationError(f"{place.where}: examples of {rank} axes cannot be converted here")
    place.torch, place.order = LAST, None
    return [(made, {".kernel": kernel, **own}), *activation_of(layer.activation, place)]


def _window(layer: Any, place: Place) -> dict[str, Any]:
    """The settings that all convolutions have."""
    expect_format(layer, place)
    padding, zeros = layer.padding, place.padding
    place.padding = ()
    if padding == "causal":
        before = layer.dilation_rate[0] * (layer.kernel_size[0] - 1)
        padding, (first,) = "valid", zeros or ((0, 0),)
        zeros = ((first[0] + before, first[1]),)
    if zeros and padding != "valid":
        refuse(place.where, "padding", padding, "there is other padding in front of it")
    return {"kernel_size": tuple(layer.kernel_size), "stride": tuple(layer.strides),
            "padding": zeros or padding, "dilation": tuple(layer.dilation_rate)}


def _conv(layer: Any, place: Place) -> Made:
    make = ours.Conv1D if len(layer.kernel_size) == 1 else ours.Conv2D
    own = {".kernel": array(layer.kernel), **arrays(layer, bias="bias")}
    made = make(layer.filters, groups=layer.groups, bias=layer.use_bias, name=place.name,
                **_window(layer, place))
    return [(made, own), *activation_of(layer.activation, place)]


def _depthwise_layer(layer: Any, place: Place, kernel: Any, bias: bool, name: str | None) -> Layer:
    make = ours.DepthwiseConv1D if len(layer.kernel_size) == 1 else ours.DepthwiseConv2D
    return make(bias=bias, multiplier=kernel.shape[-1], name=name, **_window(layer, place))


def _side_by_side(kernel: Any) -> Any:
    """A kernel (window, channels, filters of each) as (window, 1, channels filters)."""
    return kernel.reshape(*kernel.shape[:-2], 1, -1)


def _depthwise(layer: Any, place: Place) -> Made:
    kernel, own = array(layer.kernel), arrays(layer, bias="bias")
    made = _depthwise_layer(layer, place, kernel, layer.use_bias, place.name)
    return [(made, {".kernel": _side_by_side(kernel), **own}),
            *activation_of(layer.activation, place)]


def _separable(layer: Any, place: Place) -> Made:
    depthwise, pointwise = array(layer.depthwise_kernel), array(layer.pointwise_kernel)
    first = _depthwise_layer(layer, place, depthwise, False, f"{place.name}_depthwise")
    make = ours.Conv1D if pointwise.ndim == 3 else ours.Conv2D
    second = make(layer.filters, 1, bias=layer.use_bias, name=place.name)
    return [(first, {".kernel": _side_by_side(depthwise)}),
            (second, {".kernel": pointwise, **arrays(layer, bias="bias")}),
            *activation_of(layer.activation, place)]


def _zero_padding(layer: Any, place: Place) -> Made:
    if hasattr(layer, "data_format"):
        expect_format(layer, place)
    ends = np.reshape(np.array(layer.padding), (-1, 2)).tolist()
    place.padding = tuple((int(a), int(b)) for a, b in ends)
    return []


def _pool(layer: Any, place: Place) -> Made:
    expect_format(layer, place)
    kind = type(layer).__name__
    make = getattr(ours, kind.replace("ing", ""))
    size, stride = tuple(layer.pool_size), tuple(layer.strides)
    zeros, place.padding = place.padding, ()
    if not zeros:
        return [(make(size, stride, layer.padding, place.name), {})]
    if kind.startswith("Max") or layer.padding != "valid":
        raise ConfigurationError(f"{place.where}: the zeros in front of it would take part in it, "
                                 "as our padding does not: use padding='same'")
    return [(make(size, stride, zeros, place.name, count_padding=True), {})]


def _global(layer: Any, place: Place) -> Made:
    expect_format(layer, place)
    kind, _ = PLAIN[f"{type(layer).__name__[:-2]}1D"]
    made: Made = [(kind(name=place.name), {})]  # type: ignore[call-arg]
    if layer.keepdims:
        ones = (1,) * (len(place.shape) - 1)
        return [*made, (ours.Reshape((*ones, place.shape[-1])), {})]
    place.torch = LAST
    return made


# Walking through time -----------------------------------------------------------------------------


def _one_way(layer: Any, place: Place, reverse: bool, name: str | None) -> Made:
    """A recurrent layer in one direction, and the dropout of its input in front."""
    kind, cell = type(layer).__name__, layer.cell
    activations = ["tanh", "relu"] if kind == "SimpleRNN" else ["tanh"]
    settings: dict[str, Any] = {"reverse": reverse, "sequences": layer.return_sequences,
                                "bias": cell.use_bias, "name": name}
    for setting, wanted in (("activation", activations), ("recurrent_activation", ["sigmoid"])):
        function = getattr(cell, setting, None)
        if hasattr(cell, setting) and _keras_name(function) not in wanted:
            refuse(place.where, setting, getattr(function, "__name__", function),
                   f"only {' or '.join(wanted)} can")
    require(place.where, layer, return_state=False, stateful=False)
    for setting in ("dropout", "recurrent_dropout"):
        rate(place.where, getattr(cell, setting), setting)
    if cell.recurrent_dropout and kind != "SimpleRNN":
        refuse(place.where, "recurrent_dropout", cell.recurrent_dropout,
               "Keras draws a mask for each gate, with us all gates read the same state")
    kernel, inner = array(cell.kernel), array(cell.recurrent_kernel)
    own = {".input_kernel": kernel, ".recurrent_kernel": inner, **arrays(cell, bias="bias")}
    if kind == "GRU":
        own = {slot: swapped(value) for slot, value in own.items()}
        settings["reset"] = "after" if cell.reset_after else "before"
        if cell.use_bias and cell.reset_after:
            bias, recurrent = own[".bias"]
            gates = 2 * layer.units
            own[".recurrent_bias"] = recurrent[gates:]
            own[".bias"] = np.concatenate([bias[:gates] + recurrent[:gates], bias[gates:]])
    elif kind == "SimpleRNN":
        settings |= {"activation": _keras_name(cell.activation),
                     "recurrent_dropout": cell.recurrent_dropout}
    made: Made = [(RECURRENT[kind](layer.units, **settings), own)]
    if not cell.dropout:
        return made
    if getattr(cell, "dropout_mask_count", 1) not in (None, 1):
        refuse(place.where, "dropout", cell.dropout, "with implementation=1 Keras draws a mask for "
               "each gate, with us all gates read the same input")
    # One mask for all steps of an example: whole features are dropped.
    return [(ours.SpatialDropout(cell.dropout, f"{name}_input_dropout"), {}), *made]


def swapped(gates: Any) -> Any:
    """A GRU's array with the first two gates' columns exchanged."""
    parts = np.split(gates, 3, axis=-1)
    return np.concatenate([parts[i] for i in SWAPPED], axis=-1)


def _keras_name(function: Any) -> str:
    import keras

    name = str(getattr(function, "__name__", ""))
    return name if getattr(keras.activations, name, None) is function else ""


def _expect_steps(place: Place) -> None:
    if place.torch == FIRST:
        raise ConfigurationError(f"{place.where}: reads the features last, but here Keras has them "
                                 "first: put Permute((2, 1)) in front of it")


def _recurrent(layer: Any, place: Place) -> Made:
    _expect_steps(place)
    # Keras gives the outputs in the order in which it walked, ours stay at their places.
    reverse = layer.go_backwards != place.flipped
    place.flipped = reverse and layer.return_sequences
    return _one_way(layer, place, reverse, place.name)


def _bidirectional(layer: Any, place: Place) -> Made:
    _expect_steps(place)
    ways = layer.forward_layer, layer.backward_layer
    if place.flipped or any(type(way).__name__ not in RECURRENT for way in ways):
        raise ConfigurationError(f"{place.where}: only {', '.join(RECURRENT)} on sequences in "
                                 "their own order can be converted")
    if layer.merge_mode != "concat":
        refuse(place.where, "merge_mode", layer.merge_mode, "only 'concat' can")
    made = [_one_way(way, place, way.go_backwards, name) for way, name in
            zip(ways, (place.name, f"{place.name}_reverse"), strict=True)]
    ahead: Any
    back: Any
    (ahead, own), (back, others) = (parts[-1] for parts in made)
    if len(made[0]) + len(made[1]) > 2:
        refuse(place.where, "dropout", ways[0].dropout, "each direction has masks of its own: put "
               "SpatialDropout1D in front of it")
    if ahead.reverse or replace(back, reverse=False, name=ahead.name) != ahead:
        raise ConfigurationError(f"{place.where}: both directions must have the same settings, "
                                 "and the first walk ahead")
    slots = {f"_1{slot}": value for slot, value in own.items()}
    slots |= {f"_1_reverse{slot}": value for slot, value in others.items()}
    return [(replace(ahead, bidirectional=True), slots)]


def _time_distributed(layer: Any, place: Place) -> Made:
    inner = type(layer.layer).__name__
    if inner != "Dense" and inner not in ACTIVATIONS:
        raise ConfigurationError(f"{place.where}: only Dense and activations can be converted "
                                 f"within it, not {inner}")
    return KERNELS[inner](layer.layer, place)


def _both(prefix: str, rule: Callable[[Any, Place], Made]) -> dict[str, Callable[..., Made]]:
    return {f"{prefix}1D": rule, f"{prefix}2D": rule}


# Those that take zeros in front of them into their own padding.
PADDED: dict[str, Callable[..., Made]] = {
    **_both("Conv", _conv), **_both("DepthwiseConv", _depthwise),
    **_both("SeparableConv", _separable),
    **_both("MaxPooling", _pool), **_both("AveragePooling", _pool),
}
KERNELS: dict[str, Callable[..., Made]] = {
    **RULES, **PADDED, "Dense": _dense, **_both("ZeroPadding", _zero_padding),
    **_both("GlobalAveragePooling", _global), **_both("GlobalMaxPooling", _global),
    "GlobalAveragePooling3D": _global, "GlobalMaxPooling3D": _global,
    **dict.fromkeys(RECURRENT, _recurrent), "Bidirectional": _bidirectional,
    "TimeDistributed": _time_distributed,
}
