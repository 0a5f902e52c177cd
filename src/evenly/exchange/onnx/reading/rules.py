"""How each operator of the graph becomes a layer, or moves axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .... import layers as ours
from ...layout import our_kernel
from .affine import RULES as BY_NUMBER
from .axes import (
    BATCH,
    Group,
    Value,
    atoms,
    flat,
    grouped,
    reshaped,
    size,
    told,
    with_last,
)
from .call import Call, Lengths, Picked, joined, pooled, short
from .curves import Expression
from .fold import axes_of, checked_axis, ints, slices
from .norms import batch_norm, group_norm, instance_norm, layer_norm
from .recurrent import recurrent

# Linear layers and convolutions ------------------------------------------------------------------


def _linear(call: Call, kernel: Any, bias: Any) -> Value:
    """x kernel + bias on the graph's last axis, at each of our positions."""
    value = call.numbers(0)
    if not value.theirs or size(value.theirs[-1]) != kernel.shape[0]:
        call.refuse(f"has a kernel of shape {kernel.shape} for {told(value.dims[-1:])} features")
    if kernel.shape[1] < 1:
        call.refuse("has no outputs")
    value, order = with_last(value, value.theirs[-1], call.node.where)
    units = kernel.shape[1]
    (out,) = atoms(units)
    kernel = kernel if order is None else kernel[order]
    front = value.ours[:-1]
    if len(front) > 2:
        front = (flat(front),)
        value = grouped(value, [*front, value.ours[-1]], call.node.where)
    arrays = {".kernel": kernel.reshape(*[1] * len(front), *kernel.shape)}
    if bias is not None:
        arrays[".bias"] = np.broadcast_to(bias.reshape(-1), (units,))
    make = (lambda: ours.Dense(units, bias is not None),
            lambda: ours.Conv1D(units, 1, bias=bias is not None),
            lambda: ours.Conv2D(units, 1, bias=bias is not None))[len(front)]
    return call.behind(value, make(), arrays, ours=(*front, out), theirs=(*value.theirs[:-1], out))


def _gemm(call: Call) -> Value:
    settings, kernel, bias = call.settings, call.constant(1, 2), call.constant(2)
    if settings["transA"]:
        call.refuse("transA=1 reads the examples as features: transpose in front of it")
    kernel = kernel.T if settings["transB"] else kernel
    if bias is not None and bias.size not in (1, kernel.shape[1]):
        call.refuse(f"its bias of shape {bias.shape} differs from example to example")
    if bias is not None:
        bias = bias * np.float32(settings["beta"])
    if settings["alpha"] != 1:
        kernel = kernel * np.float32(settings["alpha"])
    return _linear(call, kernel, bias)


def _matmul(call: Call) -> Value:
    return _linear(call, call.constant(1, 2), None)


def _pads(call: Call, sizes: tuple[int, ...], window: list[int], stride: list[int],
          dilation: list[int]) -> tuple[tuple[int, int], ...]:
    """(before, after) on each axis."""
    rank, kind = len(sizes), call.settings.get("auto_pad", "NOTSET")
    if kind in ("SAME_UPPER", "SAME_LOWER"):
        pads = []
        for n, w, s, d in zip(sizes, window, stride, dilation, strict=True):
            total = max((-(-n // s) - 1) * s + d * (w - 1) + 1 - n, 0)
            small = total // 2
            pads.append((small, total - small) if kind == "SAME_UPPER" else (total - small, small))
        return tuple(pads)
    given = call.settings.get("pads", [0] * 2 * rank)
    if len(given) != 2 * rank or kind not in ("NOTSET", "VALID") or min(given) < 0:
        call.refuse(f"pads={given} with auto_pad={kind!r} cannot be")
    if kind == "VALID":
        return ((0, 0),) * rank
    return tuple(zip(given[:rank], given[rank:], strict=True))


def _steps(call: Call, name: str, rank: int) -> list[int]:
    steps = call.settings.get(name, [1] * rank)
    if len(steps) != rank or min(steps, default=1) < 1:
        call.refuse(f"{name}={steps} is not one positive number for each of its {rank} axes")
    return list(steps)


def _images(call: Call, value: Value) -> tuple[Value, Group]:
    """A value whose axes of ours are the graph's positions and then its channels."""
    channels = call.channels(value)
    value, order = with_last(value, channels, call.node.where)
    if order is not None:
        call.refuse("reads channels that stand in another order with us: flatten behind it")
    positions = value.theirs[2:]
    if flat(positions) != flat(value.ours[:-1]):
        call.refuse("reads positions in another order than ours")
    return grouped(value, [*positions, value.ours[-1]], call.node.where), channels


def _convolution(call: Call) -> Value:
    value, kernel, bias = call.numbers(0), call.constant(1), call.constant(2)
    rank = len(value.theirs) - 2
    if kernel.ndim != rank + 2 or rank < 1 or min(kernel.shape) < 1:
        call.refuse(f"has a kernel of shape {kernel.shape} for {len(value.theirs)} axes")
    window = list(kernel.shape[2:])
    if call.settings.get("kernel_shape", window) != window:
        call.refuse(f"kernel_shape={call.settings['kernel_shape']} is not its kernel's")
    stride, dilation = _steps(call, "strides", rank), _steps(call, "dilations", rank)
    channels = call.channels(value)
    sizes, zeros = value.dims[2:], value.padding or ((0, 0),) * rank
    if value.padding and call.settings.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        call.refuse("pads by itself behind padding")
    pads = _pads(call, sizes, window, stride, dilation)
    pads = tuple((a + c, b + d) for (a, b), (c, d) in zip(pads, zeros, strict=True))
    value = replace(value, padding=())
    value, kept, gone = _without_lines(value, window, pads)
    kernel = kernel.reshape(*kernel.shape[:2], *(window[i] for i in kept))
    if len(kept) > 2:
        call.refuse("has three axes of positions; convolution has one or two here")
    value, _ = _images(call, value)
    group = call.settings["group"]
    if kernel.shape[1] * group != size(channels):
        call.refuse(f"reads {kernel.shape[1]} channels in each of {group} groups, and there are "
                    f"{size(channels)}")

    def of(numbers: Any) -> Any:
        return tuple(numbers[i] for i in kept)

    make = (ours.Conv1D, ours.Conv2D)[len(kept) - 1]
    layer = make(kernel.shape[0], of(window), of(stride), of(pads), of(dilation), group,
                 bias is not None)
    arrays = {".kernel": our_kernel(kernel)}
    if bias is not None:
        if bias.shape != kernel.shape[:1]:
            call.refuse(f"its bias has shape {bias.shape}, and there are {kernel.shape[0]} filters")
        arrays[".bias"] = bias
    return _slid(call, value, layer, arrays, kernel.shape[0], gone)


def _without_lines(value: Value, window: list[int], pads: tuple[tuple[int, int], ...]) -> Any:
    """An axis of one position that is only looked at is none (images of one line are sequences):
    the value without such axes, those that are left, and those that are gone."""
    sizes = value.dims[2:]
    kept = [i for i, n in enumerate(sizes) if (n, window[i], pads[i]) != (1, 1, (0, 0))]
    kept = kept or [len(sizes) - 1]
    gone = [i for i in range(len(sizes)) if i not in kept]
    theirs = tuple(group for i, group in enumerate(value.theirs) if i - 2 not in gone)
    return replace(value, theirs=theirs), kept, gone


def _slid(call: Call, value: Value, layer: Any, arrays: dict[str, Any], channels: int,
          gone: list[int]) -> Value:
    """The output of windows; its axes are new."""
    layer.check(value.made.shape, layer.type_name)
    shape = layer.output_shape(value.made.shape)
    positions, (last,) = atoms(*shape[:-1]), atoms(channels)
    theirs = [value.theirs[0], last, *positions]
    for i in gone:
        theirs.insert(2 + i, ())
    return call.behind(value, layer, arrays, ours=(*positions, last), theirs=tuple(theirs))


def _pool(make: tuple[Any, Any], **wanted: Any) -> Callable[[Call], Value]:
    def rule(call: Call) -> Value:
        value, settings = call.numbers(0), call.settings
        window = list(settings["kernel_shape"])
        rank = len(value.theirs) - 2
        if rank not in (1, 2) or len(window) != rank or min(window) < 1:
            call.refuse(f"pools {rank} axes by a window of {window}; one or two can be here")
        if settings.get("storage_order"):
            call.refuse("storage_order=1 is of positions that are given out, which none are here")
        stride, gaps = _steps(call, "strides", rank), _steps(call, "dilations", rank)
        pads = _pads(call, value.dims[2:], window, stride, gaps)
        value, kept, gone = _without_lines(value, window, pads)
        value, channels = _images(call, value)
        more = {ours_is: bool(settings.get(theirs)) for ours_is, theirs in wanted.items()}
        layer = make[len(kept) - 1](
            *(tuple(numbers[i] for i in kept) for numbers in (window, stride, pads)),
            ceil_mode=bool(settings.get("ceil_mode")),
            dilation=tuple(gaps[i] for i in kept), **more)
        return _slid(call, value, layer, {}, size(channels), gone)

    return rule


def _global(layer: type) -> Callable[[Call], Value]:
    def rule(call: Call) -> Value:
        value = call.numbers(0)
        call.channels(value)
        theirs = (*value.theirs[:2], *[()] * (len(value.theirs) - 2))
        return pooled(value, theirs, layer(), call.node)

    return rule


def _pad(call: Call) -> Value:
    value, settings = call.numbers(0), call.settings
    rank = len(value.theirs)
    pads = settings["pads"] if "pads" in settings else ints(call.node, call.args[1], "pads")
    fill = settings.get("value", 0.0) if "pads" in settings else call.args[2]
    if call.args[3] is not None and "pads" not in settings:
        axes = axes_of(call.node, call.args, 3, rank)
        if len(pads) != 2 * len(axes):
            call.refuse("has no padding for each of its axes")
        full = [0] * 2 * rank
        for i, axis in enumerate(axes):
            full[axis], full[rank + axis] = pads[i], pads[len(axes) + i]
        pads = full
    if settings["mode"] != "constant" or (fill is not None and np.any(np.asarray(fill) != 0)):
        call.refuse("pads with something else than zeros")
    if len(pads) != 2 * rank or min(pads) < 0:
        call.refuse(f"pads={list(pads)} cannot be")
    if not any(pads):
        return value
    ends = tuple(zip(pads[:rank], pads[rank:], strict=True))
    call.channels(value)
    if any(map(any, ends[:2])) or value.padding:
        call.refuse("pads examples or channels, or what is padded already")
    return replace(value, padding=ends[2:])


# The rest ----------------------------------------------------------------------------------------


def _softmax(call: Call) -> Value:
    value = call.numbers(0)
    axis = checked_axis(call.node, call.settings["axis"], len(value.theirs))
    if call.at.version < 13 and any(n > 1 for n in value.dims[axis + 1 :]):
        call.refuse("is over several axes at once, as it was before version 13")
    value, _ = with_last(value, value.theirs[axis], call.node.where)
    return call.behind(value, ours.Softmax(), {})


def _dropout(call: Call) -> Value:
    value = call.numbers(0)
    rate, training = call.constant(1), call.args[2]
    if training is not None and (not isinstance(training, np.ndarray) or training.any()):
        call.refuse("drops in inference too (training_mode): export for inference")
    if len(call.node.outputs) > 1 and call.node.outputs[1] and call.at.uses[call.node.outputs[1]]:
        call.refuse("its mask is read, which no layer hands out")
    if rate is not None and rate.size != 1:
        call.refuse("has several rates")
    given = call.settings.get("ratio", 0.5) if rate is None else float(rate.reshape(-1)[0])
    return call.behind(value, ours.Dropout(short(given)), {})


def _gather(call: Call) -> Any:
    table, index = call.args[:2]
    if isinstance(table, np.ndarray):
        table, value = call.constant(0, 2), call.value(1)
        if call.settings["axis"] not in (0, -2) or min(table.shape) < 1:
            call.refuse("reads columns of a table; an Embedding reads rows")
        (row,) = atoms(table.shape[1])
        return call.behind(value, ours.Embedding(*table.shape), {".table": table},
                           ours=(*value.ours, row), theirs=(*value.theirs, row))
    value = call.numbers(0)
    if not isinstance(index, np.ndarray) or index.size != 1 or index.ndim > 1:
        call.refuse("takes several positions out of an axis, which no layer does")
    axis = checked_axis(call.node, call.settings["axis"], len(value.theirs))
    return _one(call, value, axis, int(index.reshape(-1)[0]), bool(index.ndim))


def _one(call: Call, value: Value, axis: int, index: int, keeps: bool) -> Any:
    n = size(value.theirs[axis])
    if call.at.lengths:
        call.refuse("takes one step of sequences that end at different steps: read Y_h instead")
    if n % BATCH == 0 or not -n <= index < n:
        call.refuse(f"takes position {index} of an axis that has it not, or of the examples")
    if n == 1:
        left = value.theirs if keeps else (*value.theirs[:axis], *value.theirs[axis + 1 :])
        return replace(value, theirs=left)
    return Picked(value, axis, index % n, keeps)


def _slice(call: Call) -> Any:
    value = call.numbers(0)
    parts = [(axis, taken) for axis, taken in slices(call.node, call.args, value.dims)
             if taken != range(size(value.theirs[axis]))]
    if not parts:
        return value
    (axis, taken), several = parts[0], len(parts) > 1
    if several or len(taken) != 1:
        call.refuse("takes a part of an axis, which no layer does")
    return _one(call, value, axis, taken[0], True)


def _concat(call: Call) -> Value:
    args = [arg for arg in call.args if arg is not None]
    axis = call.settings["axis"]
    if args and all(isinstance(arg, Picked) and not arg.keeps for arg in args):
        return _put_together(call, args, axis)
    values = [call.numbers(i) for i in range(len(args))]
    axis = checked_axis(call.node, axis, len(values[0].theirs))
    if any(len(value.theirs) != len(values[0].theirs) for value in values):
        call.refuse("joins activations of other numbers of axes")
    return values[0] if len(values) == 1 else joined(values, "concatenate", axis, call.node)


def _put_together(call: Call, picked: list[Picked], axis: int) -> Value:
    """All positions of one axis side by side on another: the two become one."""
    value, at = picked[0].value, picked[0].axis
    whole = [one.index for one in picked] == list(range(size(value.theirs[at])))
    if not whole or any(one.value.theirs != value.theirs or one.value.made is not value.made
                        or one.axis != at for one in picked):
        call.refuse("joins some positions of an axis: all of them, in order, can be")
    left = [group for i, group in enumerate(value.theirs) if i != at]
    axis = checked_axis(call.node, axis, len(left))
    left[axis] = value.theirs[at] + left[axis]
    return replace(value, theirs=tuple(left))


def _reshape(call: Call) -> Value:
    value = call.value(0)
    shape = (call.settings["shape"] if "shape" in call.settings else
             ints(call.node, call.args[1], "sizes"))
    if not call.settings.get("allowzero"):
        shape = [value.dims[i] if n == 0 and i < len(value.dims) else n
                 for i, n in enumerate(shape)]
    return reshaped(value, shape, call.at.batch, call.node.where)


def _flatten(call: Call) -> Value:
    value = call.value(0)
    axis = call.settings["axis"]
    if not -len(value.theirs) <= axis <= len(value.theirs):
        call.refuse(f"has no axis {axis}")
    cut = axis % len(value.theirs) if axis < len(value.theirs) else axis
    return replace(value, theirs=(flat(value.theirs[:cut]), flat(value.theirs[cut:])))


def _transpose(call: Call) -> Value:
    value = call.value(0)
    rank = len(value.theirs)
    order = call.settings.get("perm", list(range(rank))[::-1])
    if sorted(order) != list(range(rank)):
        call.refuse(f"perm={order} is no order of {rank} axes")
    return replace(value, theirs=tuple(value.theirs[i] for i in order))


def _squeeze(call: Call) -> Value:
    value = call.value(0)
    axes = axes_of(call.node, call.args, 1, len(value.theirs))
    if call.args[1] is None and "axes" not in call.settings:
        axes = [i for i in axes if value.dims[i] == 1]
    if any(value.dims[i] != 1 for i in axes):
        call.refuse(f"leaves out axes {axes} of {told(value.dims)}, which are not of one position")
    return replace(value, theirs=tuple(g for i, g in enumerate(value.theirs) if i not in axes))


def _unsqueeze(call: Call) -> Value:
    value = call.value(0)
    given = call.settings.get("axes") or ints(call.node, call.args[1], "axes")
    rank = len(value.theirs) + len(given)
    axes = sorted(checked_axis(call.node, axis, rank) for axis in given)
    theirs = list(value.theirs)
    for axis in axes:
        theirs.insert(axis, ())
    return replace(value, theirs=tuple(theirs))


def _cast(call: Call) -> Any:
    import onnx

    to, kinds = call.settings["to"], onnx.TensorProto
    if isinstance(call.args[0], Lengths):
        return call.args[0]
    if to in (kinds.FLOAT, kinds.DOUBLE):
        if isinstance(call.args[0], Expression):
            return call.args[0]
        return replace(call.value(0), whole=False)
    if to not in (kinds.INT64, kinds.INT32):
        call.refuse("makes numbers of another type than float, double, int32 and int64")
    return replace(call.value(0), whole=True)


def _shape(call: Call) -> Any:
    dims = call.args[0].dims if isinstance(call.args[0], Expression) else call.value(0).dims
    start, end = call.settings.get("start", 0), call.settings.get("end")
    return np.array(dims[start:end], np.int64)


RULES: dict[str, Callable[[Call], Any]] = {
    **BY_NUMBER,
    "Gemm": _gemm, "MatMul": _matmul, "Conv": _convolution,
    "MaxPool": _pool((ours.MaxPool1D, ours.MaxPool2D)),
    "AveragePool": _pool((ours.AveragePool1D, ours.AveragePool2D),
                         count_padding="count_include_pad"),
    "GlobalAveragePool": _global(ours.GlobalAveragePool),
    "GlobalMaxPool": _global(ours.GlobalMaxPool), "Pad": _pad,
    "BatchNormalization": batch_norm, "LayerNormalization": layer_norm,
    "RMSNormalization": layer_norm, "GroupNormalization": group_norm,
    "InstanceNormalization": instance_norm,
    "Softmax": _softmax, "Dropout": _dropout, "Gather": _gather, "Slice": _slice,
    "Concat": _concat, "Reshape": _reshape, "Flatten": _flatten, "Transpose": _transpose,
    "Squeeze": _squeeze, "Unsqueeze": _unsqueeze, "Cast": _cast, "Shape": _shape,
    "Identity": lambda call: call.args[0],
    **dict.fromkeys(("RNN", "LSTM", "GRU"), recurrent),
}
