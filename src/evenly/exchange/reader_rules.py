"""How each PyTorch module becomes layers of ours: a function for each kind, and their table."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import layers as ours
from ..errors import ConfigurationError
from ..layers.base import Layer
from .layout import FIRST, LAST, Layout, our_kernel
from .made import Made
from .made import rate as _rate
from .made import refuse as _refuse
from .made import require as _require
from .member_layers import READ
from .number_layers import read_numbers

AMBIGUOUS = ("nothing says whether PyTorch's sequences have their features first or last here: "
             "give from_torch channels_first=True or False")


def _array(tensor: Any) -> Any:
    return tensor.detach().cpu().double().numpy()


# Linear layers and convolutions ------------------------------------------------------------------


def _linear(module: Any, layout: Layout, where: str) -> Made:
    kernel = layout.to_ours(_array(module.weight).T)
    own = {} if module.bias is None else {".bias": _array(module.bias)}
    if len(layout.shape) == 1:
        layer: Layer = ours.Dense(module.out_features, bias=bool(own))
    elif len(layout.shape) == 2 and layout.torch != FIRST:
        # On sequences a linear layer works on each step: a convolution with a window of one.
        layer = ours.Conv1D(module.out_features, 1, bias=bool(own))
        kernel = kernel[None]
    else:
        raise ConfigurationError(f"{where}: works on PyTorch's last axis, which is not the "
                                 "channels here: put Flatten before it")
    layout.torch, layout.order = LAST, None
    return [(layer, {".kernel": kernel, **own})]


def convolution(module: Any, layout: Layout, where: str) -> Made:
    _require(where, module, padding_mode="zeros")
    _channels_first(layout, where)
    make = ours.Conv1D if len(module.kernel_size) == 1 else ours.Conv2D
    padding = module.padding
    if not isinstance(padding, str):
        zeros = layout.padding or ((0, 0),) * len(padding)
        padding = tuple((n + a, n + b) for n, (a, b) in zip(padding, zeros, strict=True))
    elif padding == "valid" and layout.padding:
        padding = layout.padding
    elif layout.padding:
        _refuse(where, "padding", padding, "there is other padding in front of it")
    layout.padding = ()
    own = {} if module.bias is None else {".bias": _array(module.bias)}
    layer = make(module.out_channels, module.kernel_size, module.stride, padding,
                 module.dilation, module.groups, bool(own))
    return [(layer, {".kernel": our_kernel(_array(module.weight)), **own})]


def _zero_padding(module: Any, layout: Layout, where: str) -> Made:
    if getattr(module, "value", 0) != 0 or min(module.padding) < 0:
        _refuse(where, "padding", module.padding, "only zeros can")
    _channels_first(layout, where)
    ends = list(module.padding)
    layout.padding = tuple((ends[i], ends[i + 1]) for i in range(len(ends) - 2, -1, -2))
    return []


def _global_mean(module: Any, layout: Layout, where: str) -> Made:
    layout.torch = LAST
    return [(ours.GlobalMaxPool() if module.largest else ours.GlobalAveragePool(), {})]


def _channels_first(layout: Layout, where: str) -> None:
    if layout.torch == LAST:
        raise ConfigurationError(
            f"{where}: reads the channels first, but here PyTorch has them last"
        )
    layout.torch = FIRST


def _max_pool(module: Any, layout: Layout, where: str) -> Made:
    _require(where, module, return_indices=False, dilation=1)
    _channels_first(layout, where)
    make = ours.MaxPool1D if type(module).__name__.endswith("1d") else ours.MaxPool2D
    return [(make(module.kernel_size, module.stride, _pool_padding(module),
                  ceil_mode=bool(module.ceil_mode)), {})]


def _average_pool(module: Any, layout: Layout, where: str) -> Made:
    _require(where, module, divisor_override=None)
    _channels_first(layout, where)
    one = type(module).__name__.endswith("1d")
    # PyTorch keeps tuples for one axis here, and numbers there.
    make = ours.AveragePool1D if one else ours.AveragePool2D
    return [(make(module.kernel_size, module.stride, _pool_padding(module),
                  count_padding=module.count_include_pad, ceil_mode=bool(module.ceil_mode)), {})]


def _pool_padding(module: Any) -> Any:
    padding = module.padding
    return tuple((n, n) for n in padding) if isinstance(padding, tuple) else padding


def _global_pool(make: Callable[[], Layer]) -> Callable[..., Made]:
    def rule(module: Any, layout: Layout, where: str) -> Made:
        size = module.output_size
        if set(size if isinstance(size, (tuple, list)) else (size,)) != {1}:
            _refuse(where, "output_size", size, "only 1 can")
        _channels_first(layout, where)
        ones = (1,) * (len(layout.shape) - 1)
        return [(make(), {}), (ours.Reshape((*ones, layout.shape[-1])), {})]

    return rule


# Normalization -----------------------------------------------------------------------------------


def _affine(module: Any, change: Callable[[Any], Any]) -> dict[str, Any]:
    own = {}
    for slot, name, neutral in ((".gamma", "weight", 1), (".beta", "bias", 0)):
        tensor = getattr(module, name, None)
        if tensor is None:
            continue
        array = _array(tensor)
        # PyTorch often has both or none; one that is frozen and does nothing is none.
        if tensor.requires_grad or (array != neutral).any():
            own[slot] = change(array)
    return own


def _batch_norm(module: Any, layout: Layout, where: str) -> Made:
    _require(where, module, track_running_stats=True)
    if module.momentum is None:
        _refuse(where, "momentum", None, "a cumulative average; give a number")
    if len(layout.shape) > 1:
        _channels_first(layout, where)
    own = {**_affine(module, layout.to_ours),
           ".running_mean": layout.to_ours(_array(module.running_mean)),
           ".running_variance": layout.to_ours(_array(module.running_var))}
    layer = ours.BatchNorm(1 - module.momentum, module.eps, ".beta" in own, ".gamma" in own)
    return [(layer, own)]


def _layer_norm(module: Any, layout: Layout, where: str) -> Made:
    axes = len(module.normalized_shape)
    if layout.torch == FIRST and axes < len(layout.shape):
        raise ConfigurationError(
            f"{where}: normalizes PyTorch's last axes, which hold positions here, not channels"
        )
    if axes < len(layout.shape):
        layout.torch = LAST
    elif not layout.torch:
        ours_is, theirs_is = layout.shape, (layout.shape[-1], *layout.shape[:-1])
        if ours_is == theirs_is and getattr(module, "weight", None) is not None:
            raise ConfigurationError(f"{where}: {AMBIGUOUS}")
        if ours_is != theirs_is:
            layout.torch = FIRST if tuple(module.normalized_shape) == theirs_is else LAST
    own = _affine(module, lambda a: layout.to_ours(
        np.moveaxis(a, 0, -1) if layout.torch == FIRST else a
    ))
    if type(module).__name__ == "RMSNorm":
        import torch

        kind = torch.float32 if module.weight is None else module.weight.dtype
        epsilon = torch.finfo(kind).eps if module.eps is None else module.eps
        return [(ours.RMSNorm(axes, epsilon, ".gamma" in own), own)]
    return [(ours.LayerNorm(axes=axes, epsilon=module.eps, center=".beta" in own,
                            scale=".gamma" in own), own)]


def _group_norm(module: Any, layout: Layout, where: str) -> Made:
    if layout.order is not None:
        raise ConfigurationError(
            f"{where}: groups of features that were flattened channels first do not stand side by "
            "side with us: put it before Flatten"
        )
    if len(layout.shape) > 1:
        _channels_first(layout, where)
    own = _affine(module, lambda a: a)
    return [(ours.GroupNorm(module.num_groups, module.eps, ".beta" in own, ".gamma" in own), own)]


def _instance_norm(module: Any, layout: Layout, where: str) -> Made:
    _require(where, module, track_running_stats=False)
    _channels_first(layout, where)
    own = _affine(module, lambda a: a)
    return [(ours.InstanceNorm(module.eps, ".beta" in own, ".gamma" in own), own)]


# The rest ----------------------------------------------------------------------------------------


def _flatten(module: Any, layout: Layout, where: str) -> Made:
    _require(where, module, start_dim=1, end_dim=-1)
    shape = layout.shape
    if not layout.torch and shape[-1] > 1 and math.prod(shape[:-1]) > 1:
        raise ConfigurationError(f"{where}: {AMBIGUOUS}")
    layout.flatten()
    layout.shape = shape  # the caller applies the layer itself
    return [(ours.Flatten(), {})]


def _unflatten(module: Any, layout: Layout, where: str) -> Made:
    sizes = tuple(module.unflattened_size)
    plain = len(layout.shape) == 1 and layout.order is None and module.dim in (1, -1)
    if not plain or len(sizes) not in (2, 3) or (len(sizes) == 3 and sizes[1] * sizes[2] != 1):
        _refuse(where, "unflattened_size", sizes, "the same numbers stand in another order with us")
    layout.torch = FIRST if len(sizes) == 3 else LAST
    return [(ours.Reshape((*sizes[1:], sizes[0]) if len(sizes) == 3 else sizes), {})]


def _prelu(module: Any, layout: Layout, where: str) -> Made:
    slope = _array(module.weight)
    shared = len(slope) == 1
    if not shared and len(layout.shape) > 1:
        _channels_first(layout, where)
    own = {".slope": slope if shared else layout.to_ours(slope)}
    return [(ours.PReLU(shared=shared), own)]


def _softmax(module: Any, layout: Layout, where: str) -> Made:
    if not layout.torch:
        layout.torch = LAST if module.dim in (-1, len(layout.shape)) else FIRST
    last = layout.torch == LAST or len(layout.shape) == 1
    dims = (-1, len(layout.shape)) if last else (1, -len(layout.shape))
    if module.dim not in dims:
        _refuse(where, "dim", module.dim, f"only the channels can, {dims[0]} here")
    return [(ours.Softmax(), {})]


def _softmax_2d(module: Any, layout: Layout, where: str) -> Made:
    _channels_first(layout, where)
    return [(ours.Softmax(), {})]


def _softplus(module: Any, where: str) -> Layer:
    if module.threshold < 20:
        _refuse(where, "threshold", module.threshold,
                "ours bends everywhere, which makes no difference from the default, 20, on")
    return ours.Softplus(module.beta)


def _spatial(module: Any, layout: Layout, where: str) -> Made:
    axes = int(type(module).__name__[-2])
    if len(layout.shape) != axes + 1:
        raise ConfigurationError(
            f"{where}: drops channels of examples with {axes + 1} axes, here they have "
            f"{len(layout.shape)}: use Dropout, or the one for that many axes"
        )
    _channels_first(layout, where)
    return [(ours.SpatialDropout(_rate(where, module.p)), {})]


def _embedding(module: Any, layout: Layout, where: str) -> Made:
    _require(where, module, max_norm=None, scale_grad_by_freq=False, sparse=False)
    layout.torch = LAST
    padding = module.padding_idx
    if padding is not None and _array(module.weight)[padding].any():
        _refuse(where, "padding_idx", padding, "its row is not zero, as ours is: set it to zero")
    layer = ours.Embedding(module.num_embeddings, module.embedding_dim, module.padding_idx)
    return [(layer, {".table": _array(module.weight)})]


def _recurrent(module: Any, layout: Layout, where: str, sequences: bool = True) -> Made:
    if not module.batch_first:
        _refuse(where, "batch_first", False, "our sequences have the batch first")
    _require(where, module, proj_size=0)
    if layout.torch == FIRST:
        raise ConfigurationError(f"{where}: reads the features last, but here PyTorch has them "
                                 "first: a transposition between the two cannot be converted")
    layout.torch = LAST
    kind = type(module).__name__
    settings: dict[str, Any] = {"activation": module.nonlinearity} if kind == "RNN" else {}
    layer = getattr(ours, kind)(
        module.hidden_size, sequences=sequences, layers=module.num_layers,
        bidirectional=module.bidirectional, dropout=_rate(where, module.dropout),
        bias=module.bias, **settings,
    )
    own = {}
    for depth in range(module.num_layers):
        for reverse in ("", "_reverse") if module.bidirectional else ("",):
            prefix = "" if layer.is_single else f"_{depth + 1}{reverse}"
            tail = f"l{depth}{reverse}"
            own[f"{prefix}.input_kernel"] = _array(getattr(module, f"weight_ih_{tail}")).T
            own[f"{prefix}.recurrent_kernel"] = _array(getattr(module, f"weight_hh_{tail}")).T
            if module.bias:
                inner = _array(getattr(module, f"bias_hh_{tail}"))
                bias = _array(getattr(module, f"bias_ih_{tail}"))
                if kind == "GRU":
                    units = module.hidden_size
                    own[f"{prefix}.recurrent_bias"] = inner[2 * units :]
                    inner = np.concatenate([inner[: 2 * units], np.zeros(units)])
                own[f"{prefix}.bias"] = bias + inner
    return [(layer, own)]


def _outputs(module: Any, layout: Layout, where: str) -> Made:
    return _recurrent(module.recurrent, layout, where, sequences=module.sequences)


def _plain(make: Callable[[Any, str], Layer]) -> Callable[..., Made]:
    """A layer without arrays that is the same in any layout."""
    return lambda module, layout, where: [(make(module, where), {})]


def _leaky(module: Any, where: str) -> Layer:
    return ours.LeakyReLU(module.negative_slope)


RULES: dict[str, Callable[..., Made]] = {
    "Identity": lambda module, layout, where: [],
    "Flatten": _flatten, "Unflatten": _unflatten,
    "Linear": _linear,
    "Conv1d": convolution, "Conv2d": convolution,
    "ConstantPad1d": _zero_padding, "ConstantPad2d": _zero_padding,
    "ZeroPad1d": _zero_padding, "ZeroPad2d": _zero_padding,
    "GlobalMean": _global_mean,
    "MaxPool1d": _max_pool, "MaxPool2d": _max_pool,
    "AvgPool1d": _average_pool, "AvgPool2d": _average_pool,
    "AdaptiveAvgPool1d": _global_pool(ours.GlobalAveragePool),
    "AdaptiveAvgPool2d": _global_pool(ours.GlobalAveragePool),
    "AdaptiveMaxPool1d": _global_pool(ours.GlobalMaxPool),
    "AdaptiveMaxPool2d": _global_pool(ours.GlobalMaxPool),
    "BatchNorm1d": _batch_norm, "BatchNorm2d": _batch_norm, "BatchNorm3d": _batch_norm,
    "LayerNorm": _layer_norm, "RMSNorm": _layer_norm,
    "GroupNorm": _group_norm,
    "InstanceNorm1d": _instance_norm, "InstanceNorm2d": _instance_norm,
    "Dropout": _plain(lambda m, where: ours.Dropout(_rate(where, m.p))),
    "Dropout1d": _spatial, "Dropout2d": _spatial,
    "AlphaDropout": _plain(lambda m, where: ours.AlphaDropout(_rate(where, m.p))),
    "Embedding": _embedding,
    "RNN": _recurrent, "LSTM": _recurrent, "GRU": _recurrent,
    "RecurrentOutput": _outputs,
    "PReLU": _prelu,
    **dict.fromkeys(("Scale", "Periodic", "PiecewiseLinear", "Slice"), read_numbers),
    **READ, "Softmax": _softmax, "Softmax2d": _softmax_2d,
    "ReLU": _plain(lambda m, where: ours.ReLU()),
    "LeakyReLU": _plain(_leaky),
    "ELU": _plain(lambda m, where: ours.ELU(m.alpha)),
    "SELU": _plain(lambda m, where: ours.SELU()),
    "GELU": _plain(lambda m, where: ours.GELU(approximate=m.approximate == "tanh")),
    "SiLU": _plain(lambda m, where: ours.SiLU()),
    "Mish": _plain(lambda m, where: ours.Mish()),
    "Softplus": _plain(_softplus),
    "Softsign": _plain(lambda m, where: ours.Softsign()),
    "Sigmoid": _plain(lambda m, where: ours.Sigmoid()),
    "Tanh": _plain(lambda m, where: ours.Tanh()),
    "Hardsigmoid": _plain(lambda m, where: ours.HardSigmoid()),
    "Hardswish": _plain(lambda m, where: ours.HardSwish()),
}
