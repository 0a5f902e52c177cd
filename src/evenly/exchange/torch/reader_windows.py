"""How PyTorch's convolutions and pooling become layers of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import layers as ours
from ...errors import ConfigurationError
from ...layers.base import Layer
from ..layout import FIRST, LAST, Layout, our_kernel
from ..made import Made, refuse, require
from .checks import array_of, expect_channels_first


def convolution(module: Any, layout: Layout, where: str) -> Made:
    require(where, module, padding_mode="zeros")
    expect_channels_first(layout, where)
    make = ours.Conv1D if len(module.kernel_size) == 1 else ours.Conv2D
    padding = module.padding
    if not isinstance(padding, str):
        zeros = layout.padding or ((0, 0),) * len(padding)
        padding = tuple((n + a, n + b) for n, (a, b) in zip(padding, zeros, strict=True))
    elif padding == "valid" and layout.padding:
        padding = layout.padding
    elif layout.padding:
        refuse(where, "padding", padding, "there is other padding in front of it")
    layout.padding = ()
    own = {} if module.bias is None else {".bias": array_of(module.bias)}
    layer = make(module.out_channels, module.kernel_size, module.stride, padding,
                 module.dilation, module.groups, bool(own))
    return [(layer, {".kernel": our_kernel(array_of(module.weight)), **own})]


def _zero_padding(module: Any, layout: Layout, where: str) -> Made:
    if getattr(module, "value", 0) != 0 or min(module.padding) < 0:
        refuse(where, "padding", module.padding, "only zeros can")
    expect_channels_first(layout, where)
    ends = list(module.padding)
    layout.padding = tuple((ends[i], ends[i + 1]) for i in range(len(ends) - 2, -1, -2))
    return []


def _global_mean(module: Any, layout: Layout, where: str) -> Made:
    if layout.torch not in (LAST if module.channels_last else FIRST, ""):
        raise ConfigurationError(f"{where}: was made for channels_last={module.channels_last}, and "
                                 f"PyTorch has the {layout.torch} here")
    layout.torch = LAST
    return [(ours.GlobalMaxPool() if module.largest else ours.GlobalAveragePool(), {})]


def _max_pool(module: Any, layout: Layout, where: str) -> Made:
    require(where, module, return_indices=False)
    expect_channels_first(layout, where)
    make = ours.MaxPool1D if type(module).__name__.endswith("1d") else ours.MaxPool2D
    return [(make(module.kernel_size, module.stride, _pool_padding(module),
                  ceil_mode=bool(module.ceil_mode), dilation=module.dilation), {})]


def _pooled(module: Any, layout: Layout, where: str) -> Made:
    expect_channels_first(layout, where)
    return [(getattr(ours, module.layer)(**module.settings), {})]


def _average_pool(module: Any, layout: Layout, where: str) -> Made:
    require(where, module, divisor_override=None)
    expect_channels_first(layout, where)
    one = type(module).__name__.endswith("1d")
    # PyTorch keeps tuples for one axis here, and numbers there.
    make = ours.AveragePool1D if one else ours.AveragePool2D
    return [(make(module.kernel_size, module.stride, _pool_padding(module),
                  count_padding=module.count_include_pad, ceil_mode=bool(module.ceil_mode)), {})]


def _pool_padding(module: Any) -> Any:
    padding = module.padding
    return tuple((n, n) for n in padding) if isinstance(padding, tuple) else padding


def _global_pool(whole: Callable[[], Layer], *kinds: Callable[..., Layer]) -> Callable[..., Made]:
    def rule(module: Any, layout: Layout, where: str) -> Made:
        expect_channels_first(layout, where)
        positions, size = layout.shape[:-1], module.output_size
        each = size if isinstance(size, (tuple, list)) else (size,) * len(positions)
        if set(each) == {1}:
            ones = (1,) * len(positions)
            return [(whole(), {}), (ours.Reshape((*ones, layout.shape[-1])), {})]
        outputs = [n if want is None else want for n, want in zip(positions, each, strict=False)]
        if len(each) != len(positions) or any(
            n % want for n, want in zip(positions, outputs, strict=True)
        ):
            refuse(where, "output_size", size, f"its windows differ in size on {positions} "
                    "positions; only a size that divides them can")
        window = tuple(n // want for n, want in zip(positions, outputs, strict=True))
        return [(kinds[len(positions) - 1](window), {})]

    return rule


_AVERAGE = _global_pool(ours.GlobalAveragePool, ours.AveragePool1D, ours.AveragePool2D)
_LARGEST = _global_pool(ours.GlobalMaxPool, ours.MaxPool1D, ours.MaxPool2D)


RULES: dict[str, Callable[..., Made]] = {
    "Conv1d": convolution, "Conv2d": convolution,
    "ConstantPad1d": _zero_padding, "ConstantPad2d": _zero_padding,
    "ZeroPad1d": _zero_padding, "ZeroPad2d": _zero_padding,
    "GlobalMean": _global_mean, "Pooled": _pooled,
    "MaxPool1d": _max_pool, "MaxPool2d": _max_pool,
    "AvgPool1d": _average_pool, "AvgPool2d": _average_pool,
    "AdaptiveAvgPool1d": _AVERAGE, "AdaptiveAvgPool2d": _AVERAGE,
    "AdaptiveMaxPool1d": _LARGEST, "AdaptiveMaxPool2d": _LARGEST,
}
