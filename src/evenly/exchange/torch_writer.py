"""PyTorch modules from models."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from typing import Any, NoReturn

import numpy as np

from .. import layers as ours
from ..errors import ConfigurationError
from ..layers.base import Layer
from ..layers.containers import Joined, own_arrays
from ..layers.recurrent import Recurrent
from ..training import Model
from .layout import FIRST, LAST, Layout, missing_torch, pools_alike, torch_kernel
from .member_layers import WRITTEN
from .number_layers import NUMBERS, written_numbers


def to_torch(model: Model, *, channels_first: bool | None = None) -> Any:
    """Builds a PyTorch module from a model, with its weights and running averages: a
    ``torch.nn.Sequential``, in evaluation mode.

    Images, and sequences that go through convolutions or pooling first, have the channels first in
    PyTorch: (channels, height, width). Other sequences stay (steps, features).

    Arguments:
        model: what to convert; its arrays are copied.
        channels_first: whether PyTorch's sequences have their features first; None: where a
            convolution or pooling comes first. Images always have.

    Returns:
        A ``torch.nn.Sequential`` in the model's precision.

    Raises:
        ConfigurationError: PyTorch is missing, or a layer or one of its settings has no
            counterpart there; the message names it.

    Example:
        >>> import evenly as ev
        >>> model = ev.init(ev.Sequential([ev.Dense(8), ev.ReLU()]), 4)
        >>> to_torch(model)                                                 # doctest: +SKIP
        Sequential(
          (0): Linear(in_features=4, out_features=8, bias=True)
          (1): ReLU()
        )
    """
    try:
        import torch
    except ImportError:
        raise ConfigurationError(missing_torch("to_torch")) from None
    if not isinstance(model, Model):
        raise ConfigurationError(f"to_torch: expects a Model, as fit gives it, got {model!r}")
    shape = model.input_shape
    layout = Layout(shape, _first_layout(model, channels_first))
    dtype = {"float32": torch.float32, "float64": torch.float64}[model.engine.program.dtype]
    arrays = dict(model.weights)
    modules = _convert_all(model.net.named, arrays, layout, torch)
    if layout.order is not None:
        raise ConfigurationError(
            "to_torch: the network ends with flattened positions, which PyTorch has in another "
            "order; behind them must come a Dense layer, which can be put in that order"
        )
    return torch.nn.Sequential(*modules).to(dtype).eval()


def _convert_all(net: Layer, arrays: Any, layout: Layout, torch: Any) -> list[Any]:
    modules = []
    layers = net.layers if isinstance(net, ours.Sequential) else (net,)
    for layer in layers:
        if isinstance(layer, ours.Sequential):
            modules += _convert_all(layer, arrays, layout, torch)
            continue
        where = f"to_torch: {type(layer).__name__} '{layer.name}'"
        if isinstance(layer, Joined):
            modules.append(_joined(layer, arrays, layout, torch))
        else:
            rule = next((_RULES[kind] for kind in type(layer).__mro__ if kind in _RULES), None)
            if rule is None:
                raise ConfigurationError(
                    f"{where}: PyTorch has no such module: leave it out, or replace it"
                )
            place = _Place(layer, arrays, layout, torch, where)
            modules += rule(place)
        layout.shape = layer.output_shape(layout.shape)
    return modules


def _joined(layer: Joined, arrays: Any, layout: Layout, torch: Any) -> Any:
    from . import torch_modules as modules

    branches, ends = [], []
    for part in layer.parts:
        own = copy(layout)
        branches.append(torch.nn.Sequential(*_convert_all(part, arrays, own, torch)))
        ends.append(own)
    first = ends[0]
    if any(end.torch != first.torch for end in ends if len(end.shape) > 1) or any(
        (end.order is None) != (first.order is None) for end in ends
    ):
        raise ConfigurationError(
            f"to_torch: {type(layer).__name__} '{layer.name}': its branches end in other "
            "orders of axes in PyTorch, so they cannot be joined there"
        )
    if layer.join != "sum" and first.order is not None:
        raise ConfigurationError(
            f"to_torch: {type(layer).__name__} '{layer.name}': flattened branches stand in another "
            "order in PyTorch: put a Dense layer behind each Flatten"
        )
    layout.torch, layout.order = first.torch, first.order
    if isinstance(layer, ours.Ensemble):
        if first.torch == FIRST and len(first.shape) > 1:
            raise ConfigurationError(
                f"to_torch: Ensemble '{layer.name}': its members end with the channels first in "
                "PyTorch, and answers are averaged along the last axis: end each with Dense"
            )
        return modules.Averaged(branches, layer.of, layer.levels, layer.anchor)
    dim = 1 if first.torch == FIRST and len(first.shape) > 1 else -1
    return modules.Joined(branches, None if layer.join == "sum" else dim)


def _first_layout(model: Model, channels_first: bool | None) -> str:
    """Whether PyTorch will have the channels first at the input."""
    shape = model.input_shape
    if len(shape) == 1:
        return LAST
    if len(shape) == 3:
        return FIRST
    if channels_first is not None:
        return FIRST if channels_first else LAST
    for _, layer in model.net.named_layers():
        if isinstance(layer, (ours.Conv1D, ours.DepthwiseConv1D, ours.MaxPool1D,
                              ours.AveragePool1D)):
            return FIRST
        if isinstance(layer, (Recurrent, ours.Embedding, ours.Flatten)):
            return LAST
    return LAST


class _Place:
    """A layer where it stands, and what turns it into a module."""

    def __init__(self, layer: Any, arrays: Any, layout: Layout, torch: Any, where: str) -> None:
        self.layer, self.layout, self.torch, self.where = layer, layout, torch, where
        self.all, self.arrays = arrays, own_arrays(arrays, layer.name)

    def refuse(self, why: str) -> NoReturn:
        raise ConfigurationError(f"{self.where}: {why}")

    def load(self, module: Any, **values: Any) -> Any:
        """The module with these parameters and buffers."""
        module = module.to(self.torch.float64)  # whoever asked for less gets it at the end
        with self.torch.no_grad():
            for name, value in values.items():
                target = module
                *path, last = name.split("__")
                for part in path:
                    target = getattr(target, part)
                getattr(target, last).copy_(self.torch.tensor(np.ascontiguousarray(value)))
        return module

    def spread(self, module: Any) -> Any:
        """A module that reads channels first, where they stand."""
        from . import torch_modules as modules

        last = self.layout.torch == LAST and len(self.layout.shape) > 1
        return modules.ChannelsLast(module) if last else module

    def load_affine(self, module: Any, change: Callable[[Any], Any], **values: Any) -> Any:
        """The module with gamma and beta; PyTorch often has both or none, and then one that the
        layer lacks is frozen at 1 or 0."""
        names = {"gamma": "weight", "beta": "bias"}
        own = {their: change(self.arrays[our]) for our, their in names.items()
               if our in self.arrays}
        for name in names.values():
            if name not in own and getattr(module, name, None) is not None:
                getattr(module, name).requires_grad_(False)
        return self.load(module, **own, **values)


def _dense(place: _Place) -> list[Any]:
    layer, nn = place.layer, place.torch.nn
    kernel = place.layout.to_torch(place.arrays["kernel"])
    module = nn.Linear(kernel.shape[0], layer.units, bias=layer.bias)
    bias = {"bias": place.arrays["bias"]} if layer.bias else {}
    place.layout.order = None
    return [place.load(module, weight=kernel.T, **bias)]


def _conv(place: _Place) -> list[Any]:
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


def _pool(place: _Place) -> list[Any]:
    layer, nn = place.layer, place.torch.nn
    axes = layer.windows(place.layout.shape)
    size, stride = tuple(a.window for a in axes), tuple(a.stride for a in axes)
    padding = tuple(axis.before for axis in axes)
    counted = getattr(layer, "count_padding", False)
    ceil = next((ceil for ceil in (layer.ceil_mode, not layer.ceil_mode)
                 if all(pools_alike(axis, ceil, counted) for axis in axes)), None)
    if ceil is None:
        place.refuse("PyTorch pads both sides alike, by at most half the window: use padding that "
                     "is the same on both sides")
    if isinstance(layer, (ours.MaxPool1D, ours.MaxPool2D)):
        module = (nn.MaxPool1d, nn.MaxPool2d)[layer.rank - 1](
            size, stride, padding, ceil_mode=ceil)
    else:
        module = (nn.AvgPool1d, nn.AvgPool2d)[layer.rank - 1](
            size, stride, padding, ceil_mode=ceil, count_include_pad=counted)
    return [place.spread(module)]


def _global(place: _Place) -> list[Any]:
    from . import torch_modules as modules

    module = modules.GlobalMean(place.layout.torch == LAST,
                                isinstance(place.layer, ours.GlobalMaxPool))
    place.layout.torch = LAST
    return [module]


def _batch_norm(place: _Place) -> list[Any]:
    layer, nn, layout = place.layer, place.torch.nn, place.layout
    if getattr(layer, "frozen", False):
        place.refuse("frozen=True has no counterpart: PyTorch freezes by module.eval()")
    kinds = {3: nn.BatchNorm2d, 4: nn.BatchNorm3d}
    make = kinds.get(len(layout.shape), nn.BatchNorm1d)
    affine = layer.center or layer.scale
    module = make(layout.shape[-1], layer.epsilon, 1 - layer.decay, affine=affine)
    return [place.spread(place.load_affine(
        module, layout.to_torch, running_mean=layout.to_torch(place.arrays["running_mean"]),
        running_var=layout.to_torch(place.arrays["running_variance"]),
    ))]


def _layer_norm(place: _Place) -> list[Any]:
    layer, nn, layout = place.layer, place.torch.nn, place.layout
    axes = layer.axes
    shape = layout.shape[len(layout.shape) - axes :]
    first = layout.torch == FIRST and len(layout.shape) > 1
    if first and axes < len(layout.shape):
        place.refuse("PyTorch normalizes its last axes, which hold positions here, not channels")
    theirs = (shape[-1], *shape[:-1]) if first else shape

    def change(array: Any) -> Any:
        return np.moveaxis(array, -1, 0) if first else layout.to_torch(array)

    if isinstance(layer, ours.RMSNorm):
        module = nn.RMSNorm(theirs, layer.epsilon, layer.scale)
    else:
        module = nn.LayerNorm(theirs, layer.epsilon, layer.center or layer.scale, layer.center)
    return [place.load_affine(module, change)]


def _grouped(place: _Place) -> list[Any]:
    layer, nn, shape = place.layer, place.torch.nn, place.layout.shape
    if place.layout.order is not None:
        place.refuse("groups of flattened features do not stand side by side in PyTorch")
    affine = layer.center or layer.scale
    if isinstance(layer, ours.InstanceNorm):
        make = nn.InstanceNorm2d if len(shape) == 3 else nn.InstanceNorm1d
        module = make(shape[-1], layer.epsilon, affine=affine)
    else:
        module = nn.GroupNorm(layer.groups, shape[-1], layer.epsilon, affine)
    return [place.spread(place.load_affine(module, lambda a: a))]


def _flatten(place: _Place) -> list[Any]:
    shape = place.layout.shape
    place.layout.flatten()
    place.layout.shape = shape
    return [place.torch.nn.Flatten()]


def _reshape(place: _Place) -> list[Any]:
    shape, layout = place.layer.output_shape(place.layout.shape), place.layout
    plain = len(layout.shape) == 1 and layout.order is None
    if plain and math.prod(shape[:-1]) == 1:
        layout.torch = FIRST if len(shape) == 3 else LAST
        theirs = (shape[-1], *shape[:-1]) if layout.torch == FIRST else shape
        return [place.torch.nn.Unflatten(1, theirs)]
    if plain and len(shape) == 2:
        layout.torch = LAST
        return [place.torch.nn.Unflatten(1, shape)]
    place.refuse("the same numbers stand in another order in PyTorch")
    return []


def _prelu(place: _Place) -> list[Any]:
    slope = place.layout.to_torch(place.arrays["slope"]) if not place.layer.shared else (
        place.arrays["slope"])
    return [place.spread(place.load(place.torch.nn.PReLU(len(slope)), weight=slope))]


def _softmax(place: _Place) -> list[Any]:
    first = place.layout.torch == FIRST and len(place.layout.shape) > 1
    return [place.torch.nn.Softmax(dim=1 if first else -1)]


def _embedding(place: _Place) -> list[Any]:
    from .torch_modules import Embedding

    module = Embedding(place.layer.vocabulary, place.layer.units, place.layer.padding)
    place.layout.torch = LAST
    return [place.load(module, weight=place.arrays["table"])]


def _recurrent(place: _Place) -> list[Any]:
    from . import torch_modules as modules

    layer, nn, shape = place.layer, place.torch.nn, place.layout.shape
    if layer.recurrent_dropout or layer.stateful or layer.reverse:
        place.refuse("recurrent_dropout, stateful and reverse have no counterpart")
    if isinstance(layer, ours.GRU) and layer.reset == "before":
        place.refuse("PyTorch's reset gate works behind the product: reset='before' cannot")
    if place.layout.torch == FIRST and len(shape) > 1:
        place.refuse("reads the features last, but here PyTorch has them first")
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
    place.layout.torch = LAST
    return [modules.RecurrentOutput(place.load(module, **values), layer.sequences)]


def _spatial(place: _Place) -> list[Any]:
    nn = place.torch.nn
    make = nn.Dropout2d if len(place.layout.shape) == 3 else nn.Dropout1d
    flat = len(place.layout.shape) == 1
    return [nn.Dropout(place.layer.rate) if flat else place.spread(make(place.layer.rate))]


def _dropout(place: _Place) -> list[Any]:
    if place.layer.classic:
        place.refuse("classic dropout has no counterpart: PyTorch scales in training")
    return [place.torch.nn.Dropout(place.layer.rate)]


def _plain(make: Callable[[Any, Any], Any]) -> Callable[[_Place], list[Any]]:
    """A module without arrays that is the same in any layout."""
    return lambda place: [make(place.torch.nn, place.layer)]


def _hard_sigmoid(place: _Place) -> list[Any]:
    if (place.layer.slope, place.layer.shift) != (1 / 6, 0.5):
        place.refuse("PyTorch's Hardsigmoid has slope 1/6 and shift 1/2 alone")
    return [place.torch.nn.Hardsigmoid()]


_RULES: dict[type, Callable[[_Place], list[Any]]] = {
    ours.Dense: _dense, ours.Conv1D: _conv, ours.Conv2D: _conv,
    ours.DepthwiseConv1D: _conv, ours.DepthwiseConv2D: _conv,
    ours.MaxPool1D: _pool, ours.MaxPool2D: _pool,
    ours.AveragePool1D: _pool, ours.AveragePool2D: _pool,
    ours.GlobalAveragePool: _global, ours.GlobalMaxPool: _global,
    ours.BatchNorm: _batch_norm, ours.LayerNorm: _layer_norm, ours.RMSNorm: _layer_norm,
    ours.GroupNorm: _grouped, ours.InstanceNorm: _grouped,
    ours.Flatten: _flatten, ours.Reshape: _reshape,
    ours.Embedding: _embedding, Recurrent: _recurrent,
    **dict.fromkeys(NUMBERS, written_numbers),
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
