"""How each layer of ours becomes PyTorch modules: a function for each kind, and their table."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import layers as ours
from ...layers.base import own_arrays
from ...layers.containers import with_name
from ...layers.recurrent import Recurrent
from ..layout import FIRST, LAST, pools_alike, torch_kernel
from .members import WRITTEN
from .own import written_noise, written_numbers, written_steps
from .place import Place


def _dense(place: Place) -> list[Any]:
    layer, nn = place.layer, place.torch.nn
    kernel = place.layout.to_torch(place.arrays["kernel"])
    module = nn.Linear(kernel.shape[0], layer.units, bias=layer.bias)
    bias = {"bias": place.arrays["bias"]} if layer.bias else {}
    place.layout.order = None
    return [place.load(module, weight=kernel.T, **bias)]


def _conv(place: Place) -> list[Any]:
    layer, nn, shape = place.layer, place.torch.nn, place.layout.shape
    kernel, bias = place.arrays["kernel"], place.arrays.get("bias")
    own = {} if bias is None else {"bias": bias}
    axes = layer.windows(shape)
    if layer.rank == 1 and place.layout.torch == LAST and kernel.shape[0] == 1 and (
        axes[0].stride == 1 and axes[0].before == axes[0].after == 0
        and layer.group_count(shape[-1]) == 1
    ):
        # A window of one step, on sequences with the features last, is a linear layer.
        linear = nn.Linear(shape[-1], kernel.shape[-1], bias=bias is not None)
        return [place.load(linear, weight=kernel[0].T, **own)]
    make = (nn.Conv1d, nn.Conv2d)[layer.rank - 1]
    padding: Any = tuple(axis.before for axis in axes)
    before: list[Any] = []
    if any(axis.before != axis.after for axis in axes):
        # PyTorch's own padding is the same on both sides.
        before = [_zero_padding(axes, nn)]
        padding = 0
    module = make(shape[-1], kernel.shape[-1], tuple(a.window for a in axes),
                  tuple(a.stride for a in axes), padding, tuple(a.dilation for a in axes),
                  layer.group_count(shape[-1]), bias is not None)
    place.load(module, weight=torch_kernel(kernel), **own)
    return [place.spread(nn.Sequential(*before, module) if before else module)]


def _zero_padding(axes: Any, nn: Any) -> Any:
    sizes = tuple(n for axis in reversed(axes) for n in (axis.before, axis.after))
    return (nn.ConstantPad1d, nn.ConstantPad2d)[len(axes) - 1](sizes, 0.0)


def _pool(place: Place) -> list[Any]:
    from . import modules as modules

    layer, nn = place.layer, place.torch.nn
    axes = layer.windows(place.layout.shape)
    size, stride = tuple(a.window for a in axes), tuple(a.stride for a in axes)
    padding = tuple(axis.before for axis in axes)
    counted = getattr(layer, "count_padding", False)
    ceil = next((ceil for ceil in (layer.ceil_mode, not layer.ceil_mode)
                 if all(pools_alike(axis, ceil, counted) for axis in axes)), None)
    gaps = tuple(axis.dilation for axis in axes)
    most = isinstance(layer, (ours.MaxPool1D, ours.MaxPool2D))
    if ceil is None or (not most and max(gaps) > 1):
        names = ["pool_size", "stride", "padding", "ceil_mode", "dilation"]
        names += [] if most else ["count_padding"]
        own = tuple((a.window, a.stride, a.dilation, a.before, a.after, a.extra) for a in axes)
        return [place.spread(modules.Pooled(
            type(layer).__name__, {name: getattr(layer, name) for name in names}, own))]
    if most:
        module = (nn.MaxPool1d, nn.MaxPool2d)[layer.rank - 1](
            size, stride, padding, gaps, ceil_mode=ceil)
    else:
        module = (nn.AvgPool1d, nn.AvgPool2d)[layer.rank - 1](
            size, stride, padding, ceil_mode=ceil, count_include_pad=counted)
    return [place.spread(module)]


def _global(place: Place) -> list[Any]:
    from . import modules as modules

    module = modules.GlobalMean(place.layout.torch == LAST,
                                isinstance(place.layer, ours.GlobalMaxPool))
    place.layout.torch = LAST
    return [module]


def _batch_norm(place: Place) -> list[Any]:
    from . import modules as modules

    layer, nn, layout = place.layer, place.torch.nn, place.layout
    kinds = {3: nn.BatchNorm2d, 4: nn.BatchNorm3d}
    make = kinds.get(len(layout.shape), nn.BatchNorm1d)
    affine = layer.center or layer.scale
    module = make(layout.shape[-1], layer.epsilon, 1 - layer.decay, affine=affine)
    module = place.load_affine(
        module, layout.to_torch, running_mean=layout.to_torch(place.arrays["running_mean"]),
        running_var=layout.to_torch(place.arrays["running_variance"]),
    )
    return [place.spread(modules.Frozen(module) if layer.frozen else module)]


def _layer_norm(place: Place) -> list[Any]:
    layer, nn, layout = place.layer, place.torch.nn, place.layout
    axes = layer.axes
    shape = layout.shape[len(layout.shape) - axes :]
    first = layout.torch == FIRST and len(layout.shape) > 1
    inner = first and axes < len(layout.shape)
    first = first and not inner
    theirs = (shape[-1], *shape[:-1]) if first else shape

    def change(array: Any) -> Any:
        return np.moveaxis(array, -1, 0) if first else layout.to_torch(array)

    if isinstance(layer, ours.RMSNorm):
        module = nn.RMSNorm(theirs, layer.epsilon, layer.scale)
    else:
        module = nn.LayerNorm(theirs, layer.epsilon, layer.center or layer.scale, layer.center)
    module = place.load_affine(module, change)
    return [place.features_last(module) if inner else module]


def _grouped(place: Place) -> list[Any]:
    layer, nn, shape = place.layer, place.torch.nn, place.layout.shape
    before = place.in_our_order()
    affine = layer.center or layer.scale
    if isinstance(layer, ours.InstanceNorm):
        make = nn.InstanceNorm2d if len(shape) == 3 else nn.InstanceNorm1d
        module = make(shape[-1], layer.epsilon, affine=affine)
    else:
        module = nn.GroupNorm(layer.groups, shape[-1], layer.epsilon, affine)
    return [*before, place.spread(place.load_affine(module, lambda a: a))]


def _flatten(place: Place) -> list[Any]:
    shape = place.layout.shape
    place.layout.flatten()
    place.layout.shape = shape
    return [place.torch.nn.Flatten()]


def _reshape(place: Place) -> list[Any]:
    from . import modules as modules

    shape, layout = place.layer.output_shape(place.layout.shape), place.layout
    plain = len(layout.shape) == 1 and layout.order is None
    if plain and math.prod(shape[:-1]) == 1:
        layout.torch = FIRST if len(shape) == 3 else LAST
        theirs = (shape[-1], *shape[:-1]) if layout.torch == FIRST else shape
        return [place.torch.nn.Unflatten(1, theirs)]
    if plain and len(shape) == 2:
        layout.torch = LAST
        return [place.torch.nn.Unflatten(1, shape)]
    made = [*place.in_our_axes(), modules.Reshaped(shape)]
    if len(shape) == 3:  # an image, for convolutions
        layout.torch = FIRST
        made.append(modules.Moved(last=False))
    return made


def _prelu(place: Place) -> list[Any]:
    slope = place.layout.to_torch(place.arrays["slope"]) if not place.layer.shared else (
        place.arrays["slope"])
    return [place.spread(place.load(place.torch.nn.PReLU(len(slope)), weight=slope))]


def _softmax(place: Place) -> list[Any]:
    first = place.layout.torch == FIRST and len(place.layout.shape) > 1
    return [place.torch.nn.Softmax(dim=1 if first else -1)]


def _embedding(place: Place) -> list[Any]:
    from .modules import Embedding

    module = Embedding(place.layer.vocabulary, place.layer.units, place.layer.padding)
    return [*place.in_our_axes(), place.load(module, weight=place.arrays["table"])]


def fits(layer: Recurrent) -> bool:
    """Whether PyTorch's own module can be it."""
    return not (layer.recurrent_dropout or layer.reverse
                or getattr(layer, "reset", "after") == "before")


def _recurrent(place: Place) -> list[Any]:
    from . import modules as modules

    layer, nn, shape = place.layer, place.torch.nn, place.layout.shape
    if layer.stateful:
        place.refuse("stateful=True keeps states from batch to batch in evenly's engine, and a "
                     "module has none: make the layer anew without it")
    before = place.in_our_axes()
    if not fits(layer):
        return [*before, written_steps(place)]
    settings = {"nonlinearity": layer.activation} if isinstance(layer, ours.RNN) else {}
    kind = type(layer).__name__
    module = getattr(nn, kind)(shape[-1], layer.units, layer.layers, bias=layer.bias,
                               batch_first=True,
                               dropout=layer.dropout, bidirectional=layer.bidirectional, **settings)
    values = {}
    for depth in range(layer.layers):
        for reverse in ("", "_reverse") if layer.bidirectional else ("",):
            name = layer.name if layer.is_single else f"{layer.name}_{depth + 1}{reverse}"
            own, tail = own_arrays(place.all, name), f"l{depth}{reverse}"
            values[f"weight_ih_{tail}"] = own["input_kernel"].T
            values[f"weight_hh_{tail}"] = own["recurrent_kernel"].T
            if layer.bias:
                inner = np.zeros_like(own["bias"])
                if kind == "GRU":
                    inner[2 * layer.units :] = own["recurrent_bias"]
                values[f"bias_ih_{tail}"], values[f"bias_hh_{tail}"] = own["bias"], inner
    return [*before, modules.RecurrentOutput(place.load(module, **values), layer.sequences)]


def _spatial(place: Place) -> list[Any]:
    nn = place.torch.nn
    if len(place.layout.shape) == 1:
        return [nn.Dropout(place.layer.rate)]
    make = {2: nn.Dropout1d, 3: nn.Dropout2d}.get(len(place.layout.shape), nn.Dropout3d)
    return [place.spread(make(place.layer.rate))]


def _dropout(place: Place) -> list[Any]:
    from .noise import ClassicDropout

    return [(ClassicDropout if place.layer.classic else place.torch.nn.Dropout)(place.layer.rate)]


def _parametric(place: Place) -> list[Any]:
    from . import modules as modules

    inside = with_name(place.layer.layer, place.layer.name)
    inner = Place(inside, {}, place.layout, place.torch, place.where)
    (activation,) = RULES[type(inside)](inner)
    before = place.in_our_order()
    module = modules.Parametric(place.layout.shape[-1], activation)
    return [*before, place.features_last(place.load(module, **place.arrays))]


def _made_kernel(place: Place) -> list[Any]:
    """A layer around a linear one: PyTorch makes the weight by a parametrization of its module."""
    from .noise import DropConnect

    layer, torch = place.layer, place.torch
    arrays = {f"{place.layer.name}.{name}": value for name, value in place.arrays.items()}
    arrays[f"{layer.name}.kernel"] = place.arrays.get("direction", place.arrays.get("kernel"))
    inner = Place(with_name(layer.layer, layer.name), arrays, place.layout, torch, place.where)
    made = RULES[type(layer.layer)](inner)
    (module,) = (part for part in made[-1].modules() if hasattr(part, "weight"))
    if isinstance(layer, ours.DropConnect):
        torch.nn.utils.parametrize.register_parametrization(
            module, "weight", DropConnect(layer.rate))
        return made
    torch.nn.utils.parametrizations.weight_norm(module)
    length = module.parametrizations.weight.original0
    with torch.no_grad():
        length.copy_(torch.tensor(place.arrays["gain"]).reshape(length.shape))
    return made


def _plain(make: Callable[[Any, Any], Any]) -> Callable[[Place], list[Any]]:
    """A module without arrays that is the same in any layout."""
    return lambda place: [make(place.torch.nn, place.layer)]


def _hard_sigmoid(place: Place) -> list[Any]:
    from . import modules as modules

    if (place.layer.slope, place.layer.shift) != (1 / 6, 0.5):
        return [modules.HardSigmoid(place.layer.slope, place.layer.shift)]
    return [place.torch.nn.Hardsigmoid()]


RULES: dict[type, Callable[[Place], list[Any]]] = {
    ours.Dense: _dense, ours.Conv1D: _conv, ours.Conv2D: _conv,
    ours.DepthwiseConv1D: _conv, ours.DepthwiseConv2D: _conv,
    ours.MaxPool1D: _pool, ours.MaxPool2D: _pool,
    ours.AveragePool1D: _pool, ours.AveragePool2D: _pool,
    ours.GlobalAveragePool: _global, ours.GlobalMaxPool: _global,
    ours.BatchNorm: _batch_norm, ours.LayerNorm: _layer_norm, ours.RMSNorm: _layer_norm,
    ours.GroupNorm: _grouped, ours.InstanceNorm: _grouped,
    ours.Flatten: _flatten, ours.Reshape: _reshape,
    ours.Embedding: _embedding, Recurrent: _recurrent,
    **dict.fromkeys((ours.Scale, ours.Periodic, ours.PiecewiseLinear, ours.Slice), written_numbers),
    **dict.fromkeys((ours.GaussianNoise, ours.GaussianDropout, ours.StochasticDepth),
                    written_noise),
    ours.WeightNorm: _made_kernel, ours.DropConnect: _made_kernel, ours.Parametric: _parametric,
    **WRITTEN, ours.PReLU: _prelu, ours.Softmax: _softmax,
    ours.Dropout: _dropout, ours.SpatialDropout: _spatial,
    ours.AlphaDropout: _plain(lambda nn, layer: nn.AlphaDropout(layer.rate)),
    ours.ReLU: _plain(lambda nn, layer: nn.ReLU()),
    ours.LeakyReLU: _plain(lambda nn, layer: nn.LeakyReLU(layer.slope)),
    ours.ELU: _plain(lambda nn, layer: nn.ELU(layer.alpha)),
    ours.SELU: _plain(lambda nn, layer: nn.SELU()),
    ours.GELU: _plain(lambda nn, layer: nn.GELU("tanh" if layer.approximate else "none")),
    ours.SiLU: _plain(lambda nn, layer: nn.SiLU()),
    ours.Mish: _plain(lambda nn, layer: nn.Mish()),
    ours.Softplus: _plain(lambda nn, layer: nn.Softplus(layer.beta)),
    ours.Softsign: _plain(lambda nn, layer: nn.Softsign()),
    ours.Sigmoid: _plain(lambda nn, layer: nn.Sigmoid()),
    ours.Tanh: _plain(lambda nn, layer: nn.Tanh()),
    ours.HardSigmoid: _hard_sigmoid,
    ours.HardSwish: _plain(lambda nn, layer: nn.Hardswish()),
}
