"""Convolutional and recurrent networks in PyTorch: images in channels_last memory format."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .case import RATE
from .stack import GATES, Part, Stack

_RECURRENT = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Last(nn.Module):
    """A recurrent layer's last state."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0][:, -1]


def module(stack: Stack) -> nn.Sequential:
    network = nn.Sequential(*(_layer(part, shape) for part, shape in stack.walk()))
    return network.to(memory_format=torch.channels_last) if stack.is_images else network


def tensors(stack: Stack) -> list[tuple[Tensor, Tensor]]:
    """The batches. Images, channels last in memory, get the shape that PyTorch wants."""
    pairs = [(torch.from_numpy(x), torch.from_numpy(y).long()) for x, y in stack.batches()]
    return [(x.permute(0, 3, 1, 2) if stack.is_images else x, y) for x, y in pairs]


def parameters(stack: Stack, network: nn.Module) -> int:
    """Values that are trained, of PyTorch's two biases of a gate only one.

    It adds one to the input's product and one to the state's; only a GRU's third gate needs both.
    """
    count = sum(p.numel() for p in network.parameters())
    twice = sum((2 if p.kind == "gru" else GATES[p.kind]) * p.units
                for p in stack.parts if p.kind in GATES)
    return count - twice


def _layer(part: Part, shape: tuple[int, ...]) -> nn.Module:
    inputs = shape[-1]
    if part.kind == "conv":
        return nn.Conv2d(inputs, part.units, 3, padding="same", bias=False)
    if part.kind == "batch_norm":
        return nn.BatchNorm2d(inputs)
    if part.kind == "dense":
        return nn.Linear(inputs, part.units)
    if part.kind == "global_average_pool":
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    if part.kind in _RECURRENT:
        return Last(_RECURRENT[part.kind](inputs, part.units, batch_first=True))
    plain = {"relu": nn.ReLU, "flatten": nn.Flatten}
    return {"max_pool": lambda: nn.MaxPool2d(2), "dropout": lambda: nn.Dropout(RATE), **plain}[
        part.kind]()
