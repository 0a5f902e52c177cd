"""Rows of the table: convolution and pooling."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st

import evenly as ev

_channels = st.one_of(st.integers(1, 9), st.sampled_from([16, 17, 33, 40]))


def _multiples(of: int) -> Any:
    return _channels.map(lambda c: min(c, 40 // of) * of)


def sequences(smallest: int, multiple: int = 1) -> Any:
    """(steps, channels) of at least so many steps, the channels a multiple."""
    return st.tuples(st.integers(smallest, 14), _multiples(multiple))


def images(smallest: int, multiple: int = 1) -> Any:
    """(height, width, channels)."""
    return st.tuples(st.integers(smallest, 9), st.integers(smallest, 11), _multiples(multiple))


def tiled(rows: int = 0, columns: int = 0) -> Any:
    """Images whose convolutions go by tiles: outputs of 7 or 8 rows and columns, and as many
    more of the input."""
    outputs = st.sampled_from([7, 8])
    return st.tuples(outputs.map(lambda n: n + rows), outputs.map(lambda n: n + columns),
                     st.sampled_from([16, 17]))


class ChannelsLast(torch.nn.Module):
    """A PyTorch module on (batch, positions..., channels), after explicit padding."""

    def __init__(self, module: Any, padding: Any = (), value: float = 0.0) -> None:
        super().__init__()
        self.module, self.padding, self.value = module, padding, value

    def forward(self, x: Any) -> Any:
        x = x.movedim(-1, 1)
        flat = [n for pair in reversed(self.padding) for n in pair]
        return self.module(torch.nn.functional.pad(x, flat, value=self.value)).movedim(1, -1)


def _pairs(layer: Any, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(axis.before, axis.after) for axis in layer.windows(shape)]


def conv(layer: Any) -> Any:
    """PyTorch's convolution with our padding in front."""
    def make(shape: tuple[int, ...]) -> Any:
        kind = (torch.nn.Conv1d, torch.nn.Conv2d)[layer.rank - 1]
        axes = layer.windows(shape)
        return ChannelsLast(
            kind(shape[-1], layer.filter_count(shape[-1]), tuple(a.window for a in axes),
                 tuple(a.stride for a in axes), dilation=tuple(a.dilation for a in axes),
                 groups=layer.group_count(shape[-1]), bias=layer.bias, dtype=torch.float64),
            _pairs(layer, shape),
        )

    return make


def _to_torch(kernel: Any) -> Any:
    """(positions..., channels, filters) to (filters, channels, positions...)."""
    rank = kernel.ndim - 2
    return kernel.transpose(rank + 1, rank, *range(rank)).copy()


CONV = {"kernel": ("module.weight", _to_torch), "bias": ("module.bias", lambda a: a)}

CONVOLUTIONS = [
    (ev.Conv2D(7, 3), images(3)),
    (ev.Conv2D(20, 3, padding="same"), images(1)),
    (ev.Conv2D(5, (2, 4), stride=(2, 1), padding="same", bias=False), images(1)),
    (ev.Conv2D(3, 3, stride=3, padding=((0, 2), (1, 0))), images(3)),
    (ev.Conv2D(18, 1), images(1)),
    (ev.Conv2D(9, 3, stride=2, padding=1, dilation=2), images(3)),
    (ev.Conv2D(6, 2, padding=3), images(1)),
    (ev.Conv2D(6, 3, padding="same", groups=3), images(1, 3)),
    (ev.Conv2D(4, (1, 3), stride=(1, 2), groups=2), images(3, 2)),
    (ev.Conv2D(17, 3, padding="same"), tiled()),
    (ev.Conv2D(19, 3, padding=((0, 2), (2, 1)), bias=False), tiled(0, -1)),
    (ev.DepthwiseConv2D(3, padding="same"), images(1)),
    (ev.DepthwiseConv2D(2, stride=2, padding=1, bias=False), images(2)),
    (ev.DepthwiseConv2D(3, dilation=(1, 2), padding="same", multiplier=2), images(1)),
    (ev.Conv1D(8, 3), sequences(3)),
    (ev.Conv1D(17, 5, stride=2, padding="same", dilation=2), sequences(1)),
    (ev.Conv1D(4, 2, padding=(3, 0), bias=False), sequences(1)),
    (ev.DepthwiseConv1D(4, padding="same"), sequences(1)),
]


def max_pool(layer: Any) -> Any:
    def make(shape: tuple[int, ...]) -> Any:
        kind = (torch.nn.MaxPool1d, torch.nn.MaxPool2d)[layer.rank - 1]
        if layer.ceil_mode:  # whose last window depends on where the padding is
            before = tuple(axis.before for axis in layer.windows(shape))
            return ChannelsLast(kind(layer.pool_size, layer.stride, before, layer.dilation,
                                     ceil_mode=True))
        return ChannelsLast(kind(layer.pool_size, layer.stride, dilation=layer.dilation),
                            _pairs(layer, shape), -float("inf"))

    return make


def average_pool(layer: Any) -> Any:
    """PyTorch's, where its padding is the same on both sides."""
    def make(shape: tuple[int, ...]) -> Any:
        kind = (torch.nn.AvgPool1d, torch.nn.AvgPool2d)[layer.rank - 1]
        before = tuple(axis.before for axis in layer.windows(shape))
        return ChannelsLast(kind(layer.pool_size, layer.stride, before, layer.ceil_mode,
                                 layer.count_padding))

    return make


POOLS = [
    (ev.MaxPool2D(2), images(2), max_pool),
    (ev.MaxPool2D(3, stride=2, padding="same"), images(1), max_pool),
    (ev.MaxPool2D((2, 3), stride=1, padding=((1, 0), (0, 2))), images(3), max_pool),
    (ev.MaxPool2D(16, padding=15), images(1), max_pool),
    (ev.MaxPool1D(2), sequences(2), max_pool),
    (ev.MaxPool1D(3, stride=4), sequences(3), max_pool),
    (ev.AveragePool2D(2), images(2), average_pool),
    (ev.AveragePool2D(3, stride=2, padding=1), images(1), average_pool),
    (ev.AveragePool2D(3, stride=1, padding=1, count_padding=True), images(1), average_pool),
    (ev.AveragePool2D((2, 3), stride=(1, 2), padding="same"), images(1), None),
    (ev.AveragePool1D(3, stride=2), sequences(3), average_pool),
    (ev.MaxPool2D(2, ceil_mode=True), images(1), max_pool),
    (ev.MaxPool2D((3, 2), stride=(2, 3), padding=1, ceil_mode=True), images(1), max_pool),
    (ev.MaxPool2D(17, stride=3, padding=8, ceil_mode=True), images(1), max_pool),
    (ev.MaxPool2D(3, stride=2, padding="same", ceil_mode=True), images(1), None),
    (ev.MaxPool2D(3, stride=2, padding=((0, 1), (2, 0)), ceil_mode=True), images(2), None),
    (ev.MaxPool1D(3, stride=4, ceil_mode=True), sequences(3), max_pool),
    (ev.AveragePool2D(2, ceil_mode=True), images(1), average_pool),
    (ev.AveragePool2D(3, stride=2, padding=1, ceil_mode=True), images(2), average_pool),
    (ev.AveragePool2D((4, 3), stride=3, padding=(2, 1), ceil_mode=True, count_padding=True),
     images(1), average_pool),
    (ev.AveragePool2D(3, stride=2, padding=((0, 1), (2, 0)), ceil_mode=True, count_padding=True),
     images(2), None),
    (ev.AveragePool1D(4, stride=3, padding=1, ceil_mode=True, count_padding=True), sequences(2),
     average_pool),
    (ev.AveragePool1D(2, ceil_mode=True), sequences(1), average_pool),
    (ev.MaxPool2D((2, 3), stride=2, dilation=(3, 2), padding=1), images(5), max_pool),
    (ev.MaxPool2D(2, stride=3, dilation=2, ceil_mode=True), images(3), max_pool),
    (ev.MaxPool1D(17, stride=1, dilation=2, padding=16), sequences(5), max_pool),
    (ev.AveragePool2D((3, 2), stride=(1, 2), dilation=2, padding=1), images(4), None),
    (ev.AveragePool1D(2, stride=3, dilation=3, padding=1, ceil_mode=True, count_padding=True),
     sequences(4), None),
]


class OverPositions(torch.nn.Module):
    """A function over all positions of (batch, positions..., channels)."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Any) -> Any:
        return self.function(x.reshape(x.shape[0], -1, x.shape[-1]))


GLOBAL = [
    (ev.GlobalMaxPool(), lambda rows: rows.max(dim=1).values),
    (ev.GlobalAveragePool(), lambda rows: rows.mean(dim=1)),
]
global_shapes = st.one_of(sequences(1), images(1), st.just((300, 2)))


def label(layer: Any) -> str:
    """The layer as it was written, without what is as by default."""
    fields = {k: v for k, v in vars(layer).items() if k in (
        "filters", "kernel_size", "pool_size", "stride", "padding", "dilation", "groups", "bias",
        "multiplier", "count_padding", "ceil_mode")}
    return f"{type(layer).__name__}({', '.join(f'{k}={v}' for k, v in fields.items())})"
