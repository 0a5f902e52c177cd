"""What each layer is in ONNX: a small function a layer. Recurrent ones are in a file of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import layers as ours
from ...errors import ConfigurationError
from ...layers.activations import SELU_ALPHA, SELU_SCALE
from ...layers.base import Layer, Run, own_arrays
from ...layers.containers import Joined, with_name
from ...layers.conv import Convolution
from ...layers.recurrent import Recurrent
from ..layout import torch_kernel
from .graph import Graph, Value
from .math import elu, leaky, soft_plus
from .members import MEMBERS, averaged
from .norms import batch_norm, grouped, layer_norm
from .recurrent import recurrent


class Place:
    """A layer where it stands.

    Arguments:
        graph: what is written.
        layer: with a name.
        arrays: of the whole network, by name.
        value: what it reads.
        lengths: the input that says how long sequences are, or None.
    """

    def __init__(self, graph: Graph, layer: Any, arrays: Any, value: Value,
                 lengths: str | None) -> None:
        self.graph, self.layer, self.value, self.lengths = graph, layer, value, lengths
        self.every = arrays
        self.arrays = own_arrays(arrays, layer.name)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def constant(self, name: str, array: Any = None) -> str:
        """An array of the layer, under its name."""
        return self.graph.constant(self.arrays[name] if array is None else array,
                                   f"{self.layer.name}.{name}")

    def affine(self, name: str, order: tuple[int, ...]) -> str:
        """One number a channel, as it meets the channels."""
        return self.constant(name, self.value.along(self.arrays[name], order))

    def result(self, name: str, order: tuple[int, ...] | None = None) -> Value:
        shape = self.layer.output_shape(self.shape)
        return Value(self.graph, shape, {order or tuple(range(len(shape) + 1)): name})


def write(graph: Graph, layer: Layer, arrays: Any, value: Value, lengths: str | None) -> Value:
    """Writes a layer with all that is in it; returns what comes out."""
    if isinstance(layer, ours.Sequential):
        for part in layer.layers:
            value = write(graph, part, arrays, value, lengths)
        return value
    if isinstance(layer, Joined):
        parts = [write(graph, part, arrays, value, lengths) for part in layer.parts]
        with graph.within(layer.name):
            return _joined(graph, layer, parts, layer.output_shape(value.shape))
    if layer.inference_is_identity:
        return value
    rule = WRITERS.get(type(layer))
    if rule is None:
        raise ConfigurationError(
            f"to_onnx: {type(layer).__name__} '{layer.name}': is none of the layers that have a "
            "counterpart in ONNX: replace it by one of Evenly's"
        )
    with graph.within(layer.name):
        return rule(Place(graph, layer, arrays, value, lengths))


# Containers -------------------------------------------------------------------------------------


def _joined(graph: Graph, layer: Any, parts: Sequence[Value], shape: tuple[int, ...]) -> Value:
    orders = parts[0].forms if all(part.forms for part in parts) else {}
    shared = [order for order in orders if all(order in part.forms for part in parts)]
    order = shared[0] if shared else parts[0].ours
    names = [part.form(order) for part in parts]
    if layer.join == "average":
        order = parts[0].ours
        names = [part.form(order) for part in parts]
        return Value(graph, shape, {order: averaged(graph, layer, names, shape)})
    if layer.join == "concatenate":
        name = graph("Concat", *names, axis=order.index(len(shape)))
        return Value(graph, shape, {order: name})
    name = names[0]
    for other in names[1:]:
        name = graph("Add", name, other)
    return Value(graph, shape, {order: name}) if len(names) > 1 else parts[0]


# Numbers by themselves --------------------------------------------------------------------------


def _gelu(g: Graph, layer: Any, x: str) -> str:
    if layer.approximate:
        cube = g("Mul", g("Mul", x, g("Mul", x, x)), 0.044715)
        curve = g("Tanh", g("Mul", g("Add", x, cube), math.sqrt(2 / math.pi)))
    else:
        curve = g("Erf", g("Div", x, math.sqrt(2)))
    return g("Mul", g("Mul", x, g("Add", curve, 1.0)), 0.5)


def _softplus(g: Graph, layer: Any, x: str) -> str:
    inner = x if layer.beta == 1 else g("Mul", x, float(layer.beta))
    y = soft_plus(g, inner) if g.dtype == np.float64 else g("Softplus", inner)
    return y if layer.beta == 1 else g("Div", y, float(layer.beta))


def _hard_sigmoid(g: Graph, x: str, slope: float, shift: float) -> str:
    if g.dtype != np.float64:
        return g("HardSigmoid", x, alpha=float(slope), beta=float(shift))
    line = g("Add", g("Mul", x, float(slope)), float(shift))
    return g("Min", g("Max", line, 0.0), 1.0)


def _softsign(g: Graph, layer: Any, x: str) -> str:
    if g.dtype != np.float64:
        return g("Softsign", x)
    return g("Div", x, g("Add", g("Abs", x), 1.0))


Activation = Callable[[Graph, Any, str], str]
ACTIVATIONS: dict[type[Layer], Activation] = {
    ours.ReLU: lambda g, layer, x: g("Relu", x),
    ours.Sigmoid: lambda g, layer, x: g("Sigmoid", x),
    ours.Tanh: lambda g, layer, x: g("Tanh", x),
    ours.LeakyReLU: lambda g, layer, x: leaky(g, x, layer.slope),
    ours.ELU: lambda g, layer, x: elu(g, x, layer.alpha),
    ours.SELU: lambda g, layer, x: (
        g("Selu", x, alpha=SELU_ALPHA, gamma=SELU_SCALE) if g.dtype != np.float64
        else g("Mul", elu(g, x, SELU_ALPHA), SELU_SCALE)),
    ours.Softplus: _softplus,
    ours.Softsign: _softsign,
    ours.GELU: _gelu,
    ours.SiLU: lambda g, layer, x: g("Mul", x, g("Sigmoid", x)),
    ours.Mish: lambda g, layer, x: g("Mul", x, g("Tanh", soft_plus(g, x))),
    ours.HardSigmoid: lambda g, layer, x: _hard_sigmoid(g, x, layer.slope, layer.shift),
    ours.HardSwish: lambda g, layer, x: g("Mul", x, _hard_sigmoid(g, x, 1 / 6, 0.5)),
    ours.Dropout: lambda g, layer, x: g("Mul", x, 1.0 - layer.rate),  # the classic one
}


def _activation(place: Place) -> Value:
    x, order = place.value.any()
    return place.result(ACTIVATIONS[type(place.layer)](place.graph, place.layer, x), order)


def _parametric(place: Place) -> Value:
    g, (x, order) = place.graph, place.value.any()
    f = ACTIVATIONS[type(place.layer.layer)](g, place.layer.layer, x)
    share = place.value.along(place.arrays["share"], order)
    kept = g("Mul", x, place.constant("rest", 1 - share))
    return place.result(g("Add", kept, g("Mul", f, place.constant("share", share))), order)


def _prelu(place: Place) -> Value:
    g, (x, order) = place.graph, place.value.any()
    return place.result(leaky(g, x, place.affine("slope", order)), order)


def _scale(place: Place) -> Value:
    x, order = place.value.any()
    return place.result(place.graph("Mul", x, place.affine("factor", order)), order)


def _softmax(place: Place) -> Value:
    value = place.value
    return place.result(place.graph("Softmax", value.form(value.ours), axis=value.axes))


# Linear layers ----------------------------------------------------------------------------------


def _dense(place: Place) -> Value:
    g, value, kernel = place.graph, place.value, place.arrays["kernel"]
    inner = value.unflat
    name, order = ("", (1,)) if inner is None or value.forms else inner.any()
    if inner is not None and order[0] == 0 and inner.ours not in inner.forms:
        # The kernel's rows go where the numbers stand: nothing is transposed.
        x = g("Flatten", name, axis=1)
        shaped = kernel.reshape(*inner.shape, -1)
        kernel = shaped.transpose(*(axis - 1 for axis in order[1:]), inner.axes)
        kernel = kernel.reshape(-1, shaped.shape[-1])
    else:
        x = value.form(value.ours)
    own = place.constant("kernel", kernel)
    if "bias" not in place.arrays:
        return place.result(g("MatMul", x, own))
    return place.result(g("Gemm", x, own, place.constant("bias")))


def _padding(axes: Any) -> dict[str, Any]:
    """Windows as ONNX has them. Behind the end stands what the last window needs and no more."""
    behind = [max(0, (a.outputs - 1) * a.stride + a.reach - a.before - a.size) for a in axes]
    gaps = [a.dilation for a in axes]
    return {"pads": [*(a.before for a in axes), *behind], "strides": [a.stride for a in axes],
            "kernel_shape": [a.window for a in axes],
            **({"dilations": gaps} if max(gaps) > 1 else {})}


def _convolution(place: Place) -> Value:
    layer, value = place.layer, place.value
    axes = layer.windows(value.shape)
    kernel = place.constant("kernel", torch_kernel(place.arrays["kernel"]))
    inputs = [value.form(value.first), kernel]
    if "bias" in place.arrays:
        inputs.append(place.constant("bias"))
    name = place.graph("Conv", *inputs, group=layer.group_count(value.shape[-1]), **_padding(axes))
    return place.result(name, value.first)


def _made_kernel(place: Place) -> Value:
    kernel, _ = place.layer.make(place.arrays, Run(training=False))
    inner = Place(place.graph, with_name(place.layer.layer, place.layer.name), place.every,
                  place.value, None)
    inner.arrays = {**place.arrays, "kernel": kernel}
    return WRITERS[type(inner.layer)](inner)


# Windows ----------------------------------------------------------------------------------------


def _around(g: Graph, x: str, windows: dict[str, Any], by: float) -> str:
    """The input with its padding, which the windows then have no more: ONNX Runtime takes none that
    is as wide as a window, however far its gaps reach."""
    half = len(windows["pads"]) // 2
    before, behind = windows["pads"][:half], windows["pads"][half:]
    windows["pads"] = [0] * 2 * half
    return g("Pad", x, g.whole(0, 0, *before, 0, 0, *behind), by)


def _max_pool(place: Place) -> Value:
    g, value = place.graph, place.value
    windows, x = _padding(place.layer.windows(value.shape)), value.form(value.first)
    if any(pad >= size for pad, size in zip(windows["pads"], 2 * windows["kernel_shape"],
                                            strict=True)):
        x = _around(g, x, windows, -math.inf)
    return place.result(g("MaxPool", x, **windows), value.first)


def _share(axis: Any, counted: bool) -> Any:
    """Of each window on an axis, the share of its places that count."""
    places = np.arange(axis.outputs)[:, None] * axis.stride - axis.before + (
        np.arange(axis.window) * axis.dilation)
    before, after = (axis.before, axis.after) if counted else (0, 0)
    return ((places >= -before) & (places < axis.size + after)).mean(axis=1)


def _average_pool(place: Place) -> Value:
    g, layer, value = place.graph, place.layer, place.value
    axes, x = layer.windows(value.shape), value.form(value.first)
    windows, counted = _padding(axes), layer.count_padding
    if any(axis.dilation > 1 or (counted and axis.extra) for axis in axes):
        # Some of the zeros in a window may count, and others not.
        mean = g("AveragePool", _around(g, x, windows, 0.0), **windows)
        share = math.prod(np.ix_(*(_share(axis, counted) for axis in axes)))
        return place.result(g("Div", mean, g.constant(np.asarray(share))), value.first)
    name = g("AveragePool", x, count_include_pad=int(counted), **windows)
    return place.result(name, value.first)


def _global_pool(place: Place) -> Value:
    x, order = place.value.any()
    op = "ReduceMax" if isinstance(place.layer, ours.GlobalMaxPool) else "ReduceMean"
    positions = sorted(order.index(axis) for axis in range(1, place.value.axes))
    return place.result(place.graph(op, x, axes=positions, keepdims=0))


# Shapes, tables, and numbers as several ---------------------------------------------------------


def _flatten(place: Place) -> Value:
    shape = place.layer.output_shape(place.shape)
    return place.value if shape == place.shape else Value(place.graph, shape, {}, place.value)


def _reshape(place: Place) -> Value:
    g, value = place.graph, place.value
    shape = place.layer.output_shape(place.shape)
    return place.result(g("Reshape", value.form(value.ours), g.whole(0, *shape)))


def _embedding(place: Place) -> Value:
    g, value, table = place.graph, place.value, place.arrays["table"]
    if place.layer.padding is not None:
        table = np.array(table)
        table[place.layer.padding] = 0
    index = value.form(value.ours)
    if not place.graph.indices:
        index = g("Cast", index, to=g.onnx.TensorProto.INT64)
    return place.result(g("Gather", place.constant("table", table), index, axis=0))


def _slice(place: Place) -> Value:
    g, value = place.graph, place.value
    stop = place.layer.start + place.layer.output_shape(value.shape)[-1]
    return place.result(g("Slice", value.form(value.ours), g.whole(place.layer.start),
                          g.whole(stop), g.whole(value.axes)))


def _periodic(place: Place) -> Value:
    g, value, layer = place.graph, place.value, place.layer
    x, positions = value.form(value.ours), value.shape[:-1]
    waves, units = layer.frequencies, layer.units
    angle = g("Mul", g("Unsqueeze", x, axes=[value.axes]),
              place.constant("frequency", 2 * math.pi * place.arrays["frequency"].astype(float)))
    wave = g("Cos", g("Add", angle, place.constant("phase")))
    kernel = place.constant("kernel", place.arrays["kernel"].reshape(waves, units, -1))
    each = g("Mul", g("Unsqueeze", wave, axes=[value.axes + 1]), kernel)
    made = g("ReduceSum", each, axes=[value.axes], keepdims=0)
    made = g("Reshape", made, g.whole(0, *positions, units * value.shape[-1]))
    return place.result(g("Concat", x, g("Add", made, place.constant("bias")), axis=value.axes))


def _piecewise(place: Place) -> Value:
    g, value, layer = place.graph, place.value, place.layer
    low, high = layer._bounds(place.arrays, np)
    apart = g("Sub", g("Unsqueeze", value.form(value.ours), axes=[value.axes]),
              place.constant("edge"))
    z = g("Mul", apart, place.constant("slope"))
    y = g("Min", g("Max", z, place.constant("low", low)), place.constant("high", high))
    return place.result(g("Reshape", y, g.whole(0, *layer.output_shape(value.shape))))


WRITERS: dict[type[Layer], Callable[[Any], Value]] = {
    **dict.fromkeys(ACTIVATIONS, _activation),
    ours.Parametric: _parametric, ours.PReLU: _prelu, ours.Scale: _scale, ours.Softmax: _softmax,
    ours.Dense: _dense, ours.WeightNorm: _made_kernel, ours.DropConnect: _made_kernel,
    ours.Conv1D: _convolution, ours.Conv2D: _convolution, ours.DepthwiseConv1D: _convolution,
    ours.DepthwiseConv2D: _convolution,
    ours.MaxPool1D: _max_pool, ours.MaxPool2D: _max_pool,
    ours.AveragePool1D: _average_pool, ours.AveragePool2D: _average_pool,
    ours.GlobalMaxPool: _global_pool, ours.GlobalAveragePool: _global_pool,
    ours.Flatten: _flatten, ours.Reshape: _reshape, ours.Embedding: _embedding,
    ours.Periodic: _periodic, ours.PiecewiseLinear: _piecewise, ours.Slice: _slice, **MEMBERS,
    ours.BatchNorm: batch_norm, ours.LayerNorm: layer_norm, ours.RMSNorm: layer_norm,
    ours.GroupNorm: grouped, ours.InstanceNorm: grouped,
    ours.RNN: recurrent, ours.LSTM: recurrent, ours.GRU: recurrent,
}

# Those that ONNX Runtime has in float32 alone.
FLOAT32_ALONE = (Convolution, Recurrent, ours.AveragePool1D, ours.AveragePool2D, ours.GELU)


def precision(net: Any, asked: str | None) -> str:
    """In which an estimator's network is written."""
    if asked is not None:
        return asked
    return "float32" if any(_in_float32(layer) for _, layer in net.named_layers()) else "float64"


def _in_float32(layer: Any) -> bool:
    inner = layer.layer if hasattr(layer, "layer") else layer
    return isinstance(inner, FLOAT32_ALONE) and not getattr(inner, "approximate", False)
