"""Operators that normalize."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .... import layers as ours
from .axes import THE_BATCH, Value, flat, order_of, size, told, with_last
from .call import Call, in_our_order, last_axes, short
from .fold import checked_axis


def batch_norm(call: Call) -> Value:
    value, settings = call.numbers(0), call.settings
    if settings.get("training_mode") or sum(map(bool, call.node.outputs)) > 1:
        call.refuse("is in training mode: export the network for inference (eval mode)")
    if settings.get("spatial", 1) != 1:
        call.refuse("normalizes each position by itself (spatial=0)")
    channels = call.channels(value)
    value, order = with_last(value, channels, call.node.where)
    arrays = {f".{name}": call.per_channel(call.constant(i), channels, order, name)
              for i, name in enumerate(("gamma", "beta", "running_mean", "running_variance"), 1)}
    before: Any = value.made.layer
    if isinstance(before, ours.BatchNorm) and before.frozen and before.epsilon == 0 and (
        (value.made.arrays[".gamma"] == 1).all() and not arrays[".running_mean"].any()
    ):
        # A mean that was subtracted in front of it.
        arrays[".running_mean"] = -value.made.arrays[".beta"]
        value = replace(value, made=value.made.inputs[0])
    return call.behind(value, ours.BatchNorm(short(settings["momentum"]),
                                             short(settings["epsilon"])), arrays)


def layer_norm(call: Call) -> Value:
    value, settings = call.numbers(0), call.settings
    first = checked_axis(call.node, settings["axis"], len(value.theirs))
    if len([name for name in call.node.outputs if name and call.at.uses[name]]) > 1:
        call.refuse("its statistics are read, which no layer hands out")
    theirs = flat(value.theirs[first:])
    if THE_BATCH in theirs:
        call.refuse("normalizes over the examples")
    value, axes = last_axes(value, set(theirs), call.node)
    arrays = {}
    for place, name in ((1, ".gamma"), (2, ".beta")):
        array = call.constant(place)
        if array is not None:
            try:
                array = np.broadcast_to(array, value.dims[first:])
            except ValueError:
                call.refuse(f"its {name[1:]} has shape {array.shape}, not "
                            f"{told(value.dims[first:])}")
            arrays[name] = in_our_order(value, theirs, axes, array)
    epsilon = short(settings["epsilon"])
    if call.node.op == "RMSNormalization":
        return call.behind(value, ours.RMSNorm(axes, epsilon, ".gamma" in arrays), arrays)
    return call.behind(value, ours.LayerNorm(axes, epsilon, ".beta" in arrays,
                                             ".gamma" in arrays), arrays)


def _grouped_norm(call: Call, value: Value, groups: int, own: int, epsilon: float) -> Value:
    """`groups` of our channels, with gamma and beta of each channel, or of each group (repeated);
    where those are 1 and 0 everywhere, none."""
    gamma, beta = (np.repeat(call.constant(i, 1), own) for i in (1, 2))
    channels = value.made.shape[-1]
    if gamma.shape != (channels,) or beta.shape != (channels,):
        call.refuse(f"its scale and bias are not {channels} numbers")
    arrays = {".gamma": gamma, ".beta": beta}
    if (gamma == 1).all() and (beta == 0).all() and own > 1:
        arrays = {}
    whole = bool(arrays)
    layer = (ours.InstanceNorm(epsilon, whole, whole) if groups == channels else
             ours.GroupNorm(groups, epsilon, whole, whole))
    return call.behind(value, layer, arrays)


def group_norm(call: Call) -> Value:
    value, groups = call.numbers(0), call.settings["num_groups"]
    channels = call.channels(value)
    value, order = with_last(value, channels, call.node.where)
    if order is not None or groups < 1 or size(channels) % groups:
        call.refuse("its groups of channels do not stand side by side with us")
    own = size(channels) // groups if call.constant(1, 1).shape == (groups,) else 1
    return _grouped_norm(call, value, groups, own, short(call.settings["epsilon"]))


def instance_norm(call: Call) -> Value:
    """Over all but the channels; where the graph cut these into groups before, of each group."""
    value = call.numbers(0)
    groups, rest = call.channels(value), set(flat(value.theirs[2:]))
    last = value.ours[-1]
    epsilon = short(call.settings["epsilon"])
    if set(last) == set(groups) and rest:
        if order_of(groups, last) is not None:
            call.refuse("its channels stand in another order with us")
        return _grouped_norm(call, value, size(groups), 1, epsilon)
    if last[: len(groups)] != groups or len(value.ours) < 2:
        call.refuse("normalizes over channels that do not stand side by side with us")
    return _grouped_norm(call, value, size(groups), size(last) // size(groups), epsilon)
