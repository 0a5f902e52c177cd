"""Operators that work number by number: activations, factors and shifts, sums of branches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np

from .... import layers as ours
from .axes import Group, Value, size, told, with_last
from .call import Call, affine, in_our_order, joined, last_axes, pooled, settled
from .curves import ELEMENTWISE, Expression, expression, too_long
from .fold import axes_of

_NORMS = (ours.LayerNorm, ours.RMSNorm, ours.GroupNorm, ours.InstanceNorm)
_LINEAR = (ours.Dense, ours.Conv1D, ours.Conv2D)


def elementwise(call: Call) -> Any:
    """An expression of what the operator reads; factors and shifts by channel are layers."""
    args = [arg for arg in call.args if arg is not None]
    parts = [_part(call, arg) for arg in args]
    arrays = [i for i, part in enumerate(parts) if isinstance(part, np.ndarray)]
    if arrays:
        return _by_channel(call, parts, arrays[0])
    shapes = [part for part in parts if not isinstance(part, float)]
    theirs = _broadcast(call, shapes)
    expr = expression(call.node, parts, theirs)
    if too_long(expr):
        parts = [part if isinstance(part, float) else settled(part, call.node) for part in parts]
        expr = expression(call.node, parts, theirs)
    return expr


def _part(call: Call, arg: Any) -> Any:
    if isinstance(arg, np.ndarray):
        if arg.dtype.kind not in "fiu":
            call.refuse("computes with a constant that holds no numbers")
        return float(arg.reshape(-1)[0]) if arg.size == 1 else arg
    return arg if isinstance(arg, Expression) else settled(arg, call.node)


def _broadcast(call: Call, parts: list[Any]) -> tuple[Group, ...]:
    rank = max(len(part.theirs) for part in parts)
    padded = [((),) * (rank - len(part.theirs)) + part.theirs for part in parts]
    result = []
    for groups in zip(*padded, strict=True):
        widest = max(groups, key=size)
        if any(size(group) not in (1, size(widest)) for group in groups):
            call.refuse("combines activations of other sizes")
        result.append(widest)
    return tuple(result)


def _by_channel(call: Call, parts: list[Any], place: int) -> Value:
    """x op array, with an array that differs along axes of x."""
    op, array = call.node.op, parts[place].astype(np.float64)
    if len(parts) != 2 or op not in ("Add", "Sub", "Mul", "Div") or (op == "Div" and place == 0):
        call.refuse("computes with a constant array in a way that no layer does")
    value, numbers = spread(call, call.numbers(1 - place), array)
    ones, zeros = np.ones_like(numbers), np.zeros_like(numbers)
    if op == "Div" and not numbers.all():
        call.refuse("divides by zero")
    if op in ("Mul", "Div"):
        factor, shift = (numbers if op == "Mul" else 1 / numbers), zeros
    elif op == "Sub":
        factor, shift = (ones, -numbers) if place else (-ones, numbers)
    else:
        factor, shift = ones, numbers
    if call.at.uses[call.node.inputs[1 - place]] == 1:
        taken = _taken_over(value, factor, shift, op in ("Mul", "Div"))
        if taken is not None:
            return taken
    if numbers.ndim > 1:
        call.refuse("multiplies or adds an array over several axes: only a normalization over them "
                    "in front of it could take it")
    return affine(value, factor, shift, call.node.where)


def spread(call: Call, value: Value, array: Any) -> tuple[Value, Any]:
    """A value, cut such that an array differs along whole last axes of ours; and the array so."""
    rank = len(value.theirs)
    if array.ndim > rank:
        if any(n != 1 for n in array.shape[: array.ndim - rank]):
            call.refuse(f"combines shape {array.shape} with an activation of fewer axes")
        array = array.reshape(array.shape[array.ndim - rank :])
    sizes = (1,) * (rank - array.ndim) + array.shape
    theirs: Group = ()
    for n, group in zip(sizes, value.theirs, strict=True):
        if n != 1 and n != size(group):
            call.refuse(f"combines shape {array.shape} with sizes {told(value.dims)}")
        if n != 1:
            theirs += group
    norm = isinstance(value.made.layer, _NORMS)
    axes = 1
    if norm:
        value, axes = last_axes(value, set(theirs), call.node)
    else:
        value, _ = with_last(value, theirs, call.node.where)
    return value, in_our_order(value, theirs, axes, array)


def _taken_over(value: Value, factor: Any, shift: Any, scales: bool) -> Value | None:
    """The layer in front with its bias, gamma or beta, where it has none yet."""
    made = value.made
    layer, anew = made.layer, cast(Any, made.layer)
    new: Any
    numbers, centers = shift, getattr(layer, "center", False)
    if not scales and (factor == 1).all():
        if isinstance(layer, _LINEAR) and not layer.bias:
            new, slot = replace(layer, bias=True), ".bias"
        elif isinstance(layer, _NORMS) and not centers and hasattr(layer, "center"):
            new, slot = replace(anew, center=True), ".beta"
        elif isinstance(layer, ours.Scale):
            return affine(replace(value, made=made.inputs[0]), made.arrays[".factor"], shift,
                          made.where)
        else:
            return None
    elif scales and isinstance(layer, _NORMS) and not (centers or layer.scale):
        new, slot, numbers = replace(layer, scale=True), ".gamma", factor
    else:
        return None
    if isinstance(new, ours.LayerNorm) and numbers.ndim == 1 < new.axes == len(made.shape):
        # All of an example as one group, with a number a channel.
        new = ours.GroupNorm(1, new.epsilon, new.center, new.scale)
    wanted = new.arrays(made.inputs[0].shape)[slot[1:]].shape
    if wanted != numbers.shape:
        return None
    other = replace(made, layer=new, arrays={**made.arrays, slot: numbers})
    return replace(value, made=other)


def summed(call: Call) -> Any:
    """Sum of several activations."""
    args = [arg for arg in call.args if arg is not None]
    if len(args) == 1:
        return args[0]
    if len(args) == 2:
        return elementwise(call)
    return joined([call.numbers(i) for i in range(len(args))], "sum", None, call.node)


def reduced(call: Call) -> Any:
    """A mean over axes, which is global pooling or a part of a normalization."""
    arg = call.args[0]
    if not isinstance(arg, Expression):
        arg = call.numbers(0)
    axes = axes_of(call.node, call.args, 1, len(arg.theirs))
    keeps = call.settings["keepdims"]
    theirs = tuple(() if i in axes else group for i, group in enumerate(arg.theirs)
                   if keeps or i not in axes)
    if keeps:
        return expression(call.node, [arg], theirs)
    return pooled(settled(arg, call.node), theirs, ours.GlobalAveragePool(), call.node)


def largest(call: Call) -> Value:
    value = call.numbers(0)
    axes = axes_of(call.node, call.args, 1, len(value.theirs))
    theirs = tuple(() if i in axes else group for i, group in enumerate(value.theirs)
                   if call.settings["keepdims"] or i not in axes)
    return pooled(value, theirs, ours.GlobalMaxPool(), call.node)


def clipped(call: Call) -> Any:
    """Its limits may be left out."""
    low, high = call.args[1:3]
    limits = [np.array(-np.inf) if low is None else low, np.array(np.inf) if high is None else high]
    if "max" in call.settings:
        return elementwise(call)
    return elementwise(replace(call, args=[call.args[0], *limits]))


def parametric(call: Call) -> Value:
    """PRelu: a slope for each channel, or one for all."""
    value, slope = call.numbers(0), call.constant(1)
    if slope.size == 1:
        return call.behind(value, ours.PReLU(shared=True), {".slope": slope.reshape(1)})
    if call.at.version < 7 and slope.ndim == 1:
        slope = slope.reshape(-1, *[1] * (len(value.theirs) - 2))
    value, numbers = spread(call, value, slope)
    return call.behind(value, ours.PReLU(), {".slope": numbers})


RULES = {
    **dict.fromkeys(ELEMENTWISE - {"Clip"}, elementwise), "Clip": clipped, "Sum": summed,
    "ReduceMean": reduced, "ReduceMax": largest, "PRelu": parametric,
}
