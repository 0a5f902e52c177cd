"""How each PyTorch module becomes layers of ours: a function for each kind, and their table."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import layers as ours
from ...errors import ConfigurationError
from ...layers.base import Layer
from ..layout import FIRST, LAST, Layout
from ..made import Made, rate, refuse, require
from .checks import array_of, expect_channels_first
from .members import READ
from .own import ANYWHERE, ON_FEATURES, read_own
from .reader_windows import RULES as WINDOWS

SAME_NUMBERS = "the same numbers stand in another order with us"
AMBIGUOUS = ("nothing says whether PyTorch's sequences have their features first or last here: "
             "give from_torch channels_first=True or False")


def _linear(module: Any, layout: Layout, where: str) -> Made:
    kernel = layout.to_ours(array_of(module.weight).T)
    own = {} if module.bias is None else {".bias": array_of(module.bias)}
    if len(layout.shape) == 1:
        layer: Layer = ours.Dense(module.out_features, bias=bool(own))
    elif len(layout.shape) in (2, 3) and layout.torch != FIRST:
        # On positions a linear layer works on each: a convolution with a window of one.
        make, ones = ((ours.Conv1D, (1,)), (ours.Conv2D, (1, 1)))[len(layout.shape) - 2]
        layer = make(module.out_features, 1, bias=bool(own))
        kernel = kernel.reshape(*ones, *kernel.shape)
    else:
        raise ConfigurationError(f"{where}: works on PyTorch's last axis, which is not the "
                                 "channels here: put Flatten before it")
    layout.torch, layout.order = LAST, None
    return [(layer, {".kernel": kernel, **own})]


def _affine(module: Any, change: Callable[[Any], Any]) -> dict[str, Any]:
    own = {}
    for slot, name, neutral in ((".gamma", "weight", 1), (".beta", "bias", 0)):
        tensor = getattr(module, name, None)
        if tensor is None:
            continue
        array = array_of(tensor)
        # PyTorch often has both or none; one that is frozen and does nothing is none.
        if tensor.requires_grad or (array != neutral).any():
            own[slot] = change(array)
    return own


def _batch_norm(module: Any, layout: Layout, where: str) -> Made:
    require(where, module, track_running_stats=True)
    if module.momentum is None:
        refuse(where, "momentum", None, "a cumulative average; give a number")
    if len(layout.shape) > 1:
        expect_channels_first(layout, where)
    own = {**_affine(module, layout.to_ours),
           ".running_mean": layout.to_ours(array_of(module.running_mean)),
           ".running_variance": layout.to_ours(array_of(module.running_var))}
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
        expect_channels_first(layout, where)
    own = _affine(module, lambda a: a)
    return [(ours.GroupNorm(module.num_groups, module.eps, ".beta" in own, ".gamma" in own), own)]


def _instance_norm(module: Any, layout: Layout, where: str) -> Made:
    require(where, module, track_running_stats=False)
    expect_channels_first(layout, where)
    own = _affine(module, lambda a: a)
    return [(ours.InstanceNorm(module.eps, ".beta" in own, ".gamma" in own), own)]


def _flatten(module: Any, layout: Layout, where: str) -> Made:
    require(where, module, start_dim=1, end_dim=-1)
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
        refuse(where, "unflattened_size", sizes, SAME_NUMBERS)
    layout.torch = FIRST if len(sizes) == 3 else LAST
    return [(ours.Reshape((*sizes[1:], sizes[0]) if len(sizes) == 3 else sizes), {})]


def _moved(module: Any, layout: Layout, where: str) -> Made:
    """The axes move in PyTorch alone: ours stay."""
    there, then = (FIRST, LAST) if module.last else (LAST, FIRST)
    if layout.torch in (there, ""):
        layout.torch = then
        return []
    raise ConfigurationError(f"{where}: moves the channels, which PyTorch does not have there")


def _reordered(module: Any, layout: Layout, where: str) -> Made:
    order = module.order.cpu().numpy()
    if layout.order is None or not np.array_equal(order, layout.order):
        raise ConfigurationError(f"{where}: puts features in another order, which no layer does")
    layout.order = None
    return []


def _reshaped(module: Any, layout: Layout, where: str) -> Made:
    if layout.order is not None or (layout.torch == FIRST and len(layout.shape) > 1):
        raise ConfigurationError(f"{where}: {SAME_NUMBERS}")
    layout.torch = LAST
    return [(ours.Reshape(module.shape), {})]


def _prelu(module: Any, layout: Layout, where: str) -> Made:
    slope = array_of(module.weight)
    shared = len(slope) == 1
    if not shared and len(layout.shape) > 1:
        expect_channels_first(layout, where)
    own = {".slope": slope if shared else layout.to_ours(slope)}
    return [(ours.PReLU(shared=shared), own)]


def _softmax(module: Any, layout: Layout, where: str) -> Made:
    if not layout.torch:
        layout.torch = LAST if module.dim in (-1, len(layout.shape)) else FIRST
    last = layout.torch == LAST or len(layout.shape) == 1
    dims = (-1, len(layout.shape)) if last else (1, -len(layout.shape))
    if module.dim not in dims:
        refuse(where, "dim", module.dim, f"only the channels can, {dims[0]} here")
    return [(ours.Softmax(), {})]


def _softmax_2d(module: Any, layout: Layout, where: str) -> Made:
    expect_channels_first(layout, where)
    return [(ours.Softmax(), {})]


def _softplus(module: Any, where: str) -> Layer:
    if module.threshold < 20:
        refuse(where, "threshold", module.threshold,
                "ours bends everywhere, which makes no difference from the default, 20, on")
    return ours.Softplus(module.beta)


def _spatial(module: Any, layout: Layout, where: str) -> Made:
    axes = int(type(module).__name__[-2])
    if len(layout.shape) != axes + 1:
        raise ConfigurationError(
            f"{where}: drops channels of examples with {axes + 1} axes, here they have "
            f"{len(layout.shape)}: use Dropout, or the one for that many axes"
        )
    expect_channels_first(layout, where)
    return [(ours.SpatialDropout(rate(where, module.p)), {})]


def _embedding(module: Any, layout: Layout, where: str) -> Made:
    require(where, module, max_norm=None, scale_grad_by_freq=False, sparse=False)
    layout.torch = LAST
    padding = module.padding_idx
    if padding is not None and array_of(module.weight)[padding].any():
        refuse(where, "padding_idx", padding, "its row is not zero, as ours is: set it to zero")
    layer = ours.Embedding(module.num_embeddings, module.embedding_dim, module.padding_idx)
    return [(layer, {".table": array_of(module.weight)})]


def recurrent(module: Any, layout: Layout, where: str, sequences: bool = True) -> Made:
    if not module.batch_first:
        refuse(where, "batch_first", False, "our sequences have the batch first")
    require(where, module, proj_size=0)
    if layout.torch == FIRST:
        raise ConfigurationError(f"{where}: reads the features last, but here PyTorch has them "
                                 "first: a transposition between the two cannot be converted")
    layout.torch = LAST
    kind = type(module).__name__
    settings: dict[str, Any] = {"activation": module.nonlinearity} if kind == "RNN" else {}
    layer = getattr(ours, kind)(
        module.hidden_size, sequences=sequences, layers=module.num_layers,
        bidirectional=module.bidirectional, dropout=rate(where, module.dropout),
        bias=module.bias, **settings,
    )
    own = {}
    for depth in range(module.num_layers):
        for reverse in ("", "_reverse") if module.bidirectional else ("",):
            prefix = "" if layer.is_single else f"_{depth + 1}{reverse}"
            tail = f"l{depth}{reverse}"
            own[f"{prefix}.input_kernel"] = array_of(getattr(module, f"weight_ih_{tail}")).T
            own[f"{prefix}.recurrent_kernel"] = array_of(getattr(module, f"weight_hh_{tail}")).T
            if module.bias:
                inner = array_of(getattr(module, f"bias_hh_{tail}"))
                bias = array_of(getattr(module, f"bias_ih_{tail}"))
                if kind == "GRU":
                    units = module.hidden_size
                    own[f"{prefix}.recurrent_bias"] = inner[2 * units :]
                    inner = np.concatenate([inner[: 2 * units], np.zeros(units)])
                own[f"{prefix}.bias"] = bias + inner
    return [(layer, own)]


def _outputs(module: Any, layout: Layout, where: str) -> Made:
    return recurrent(module.recurrent, layout, where, sequences=module.sequences)


def _plain(make: Callable[[Any, str], Layer]) -> Callable[..., Made]:
    """A layer without arrays that is the same in any layout."""
    return lambda module, layout, where: [(make(module, where), {})]


def _leaky(module: Any, where: str) -> Layer:
    return ours.LeakyReLU(module.negative_slope)


RULES: dict[str, Callable[..., Made]] = {
    "Identity": lambda module, layout, where: [],
    "Flatten": _flatten, "Unflatten": _unflatten,
    "Linear": _linear,
    **WINDOWS,
    "BatchNorm1d": _batch_norm, "BatchNorm2d": _batch_norm, "BatchNorm3d": _batch_norm,
    "SyncBatchNorm": _batch_norm,
    "LayerNorm": _layer_norm, "RMSNorm": _layer_norm,
    "GroupNorm": _group_norm,
    "InstanceNorm1d": _instance_norm, "InstanceNorm2d": _instance_norm,
    "Dropout": _plain(lambda m, where: ours.Dropout(rate(where, m.p))),
    "Dropout1d": _spatial, "Dropout2d": _spatial, "Dropout3d": _spatial,
    "AlphaDropout": _plain(lambda m, where: ours.AlphaDropout(rate(where, m.p))),
    "Embedding": _embedding,
    "RNN": recurrent, "LSTM": recurrent, "GRU": recurrent,
    "RecurrentOutput": _outputs,
    "PReLU": _prelu,
    **dict.fromkeys((*ANYWHERE, *ON_FEATURES), read_own),
    **READ, "Moved": _moved, "Reordered": _reordered, "Reshaped": _reshaped,
    "Softmax": _softmax, "Softmax2d": _softmax_2d,
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
