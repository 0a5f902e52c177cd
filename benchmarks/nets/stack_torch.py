"""The networks of ``stacks.py`` in PyTorch: images in channels_last memory format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .case import RATE
from .stack import DEEP, GATES, Part, Stack, walk

_RECURRENT = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
_PLAIN = {"relu": nn.ReLU, "flatten": nn.Flatten, "dropout": lambda: nn.Dropout(RATE),
          "max_pool": lambda: nn.MaxPool2d(2),
          # In training each member is judged by itself.
          "member_mean": nn.Identity}


class Last(nn.Module):
    """A recurrent layer's last state, in both directions where it has two."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        if not self.layer.bidirectional:
            return self.layer(x)[0][:, -1]
        _, (h, _) = self.layer(x)
        return torch.cat((h[-2], h[-1]), 1)


class Residual(nn.Module):
    def __init__(self, inner: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.inner, self.shortcut = inner, shortcut

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + self.shortcut(x)


class Embeddings(nn.Module):
    """A table for each category, beside the numbers."""

    def __init__(self, vocabularies: Sequence[int], units: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(rows, units) for rows in vocabularies)

    def forward(self, x: tuple[Tensor, Tensor]) -> Tensor:
        numbers, codes = x
        looked_up = [table(codes[:, i]) for i, table in enumerate(self.tables)]
        return torch.cat((numbers, *looked_up), 1)


class Members(nn.Module):
    def __init__(self, members: int, inputs: int) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.randn(members, inputs).sign())

    def forward(self, x: Tensor) -> Tensor:
        return x[:, None] * self.factor


class BatchEnsemble(nn.Module):
    def __init__(self, members: int, inputs: int, units: int, scales_inputs: bool) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(inputs, units) * (2 / inputs) ** 0.5)
        self.input_scale = nn.Parameter(torch.ones(members, inputs)) if scales_inputs else None
        self.output_scale = nn.Parameter(torch.ones(members, units))
        self.bias = nn.Parameter(torch.zeros(members, units))

    def forward(self, x: Tensor) -> Tensor:
        if self.input_scale is not None:
            x = x * self.input_scale
        return torch.addcmul(self.bias, x @ self.kernel, self.output_scale)


class MemberDense(nn.Module):
    def __init__(self, members: int, inputs: int, units: int) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(members, inputs, units) * (2 / inputs) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(members, units))

    def forward(self, x: Tensor) -> Tensor:
        return torch.bmm(x.transpose(0, 1), self.kernel).transpose(0, 1) + self.bias


def module(stack: Stack) -> nn.Sequential:
    network = _sequence(stack.parts, stack.shape)
    return network.to(memory_format=torch.channels_last) if stack.is_images else network


def tensors(stack: Stack) -> list[tuple[Any, Tensor]]:
    """The batches. Images, channels last in memory, get the shape that PyTorch wants; it looks up
    numbers of 64 bits."""
    found: list[tuple[Any, Tensor]] = []
    for x, y in stack.parted():
        if isinstance(x, tuple):
            given: Any = torch.from_numpy(x[0]), torch.from_numpy(x[1]).long()
        else:
            given = torch.from_numpy(x)
            given = given.permute(0, 3, 1, 2) if stack.is_images else given
        found.append((given, torch.from_numpy(y).long()))
    return found


def parameters(stack: Stack, network: nn.Module) -> int:
    """Values that are trained, of PyTorch's two biases of a gate only one.

    It adds one to the input's product and one to the state's; only a GRU's third gate needs both.
    """
    twice = {"rnn": 1, "lstm": GATES["lstm"], "gru": 2, "bi_lstm": 2 * DEEP * GATES["lstm"]}
    count = sum(p.numel() for p in network.parameters())
    return count - sum(twice[p.kind] * p.units for p in stack.parts if p.kind in twice)


def load(
    parts: Sequence[Part], shape: tuple[int, ...], network: nn.Sequential,
    values: Sequence[dict[str, Any]],
) -> None:
    """Copies first values into a network, and holds the second of two equal biases at 0."""
    image: tuple[int, ...] = ()
    for (part, before), layer, own in zip(walk(parts, shape), network, values, strict=True):
        if part.kind == "residual":
            load(part.inner, before, layer.inner, own["inner"])
            load(part.shortcut, before, layer.shortcut, own["shortcut"])
        elif part.kind == "flatten":
            image = before
        elif part.kind == "embeddings":
            for table, each in zip(layer.tables, own["tables"], strict=True):
                _copy(table.weight, each["table"])
        elif part.kind in (*GATES, "bi_lstm"):
            _load_recurrent(layer.layer, own.get("layers", [own]))
        elif part.kind == "conv":
            _copy(layer.weight, own["kernel"].transpose(3, 2, 0, 1))
        elif part.kind == "dense":
            kernel = own["kernel"]
            if image:
                # What PyTorch flattens has its channels in front.
                kernel = kernel.reshape(*image, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
                image = ()
            _copy(layer.weight, kernel.T)
            _copy(layer.bias, own["bias"])
        elif part.kind == "batch_norm":
            _copy(layer.weight, own["gamma"])
            _copy(layer.bias, own["beta"])
        else:
            for name, value in own.items():
                _copy(getattr(layer, name), value)


def _load_recurrent(layer: nn.RNNBase, values: Sequence[dict[str, Any]]) -> None:
    for weights, own in zip(layer.all_weights, values, strict=True):
        input_kernel, recurrent_kernel, bias, second = weights
        _copy(input_kernel, own["input_kernel"].T)
        _copy(recurrent_kernel, own["recurrent_kernel"].T)
        _copy(bias, own["bias"])
        needed = len(own.get("recurrent_bias", ()))
        trained = torch.zeros(len(second))
        trained[len(second) - needed:] = 1
        _copy(second, np.zeros(len(second), np.float32))
        second.register_hook(lambda gradient, trained=trained: gradient * trained)


def _copy(parameter: Tensor, value: Any) -> None:
    parameter.data.copy_(torch.from_numpy(np.ascontiguousarray(value)))


def _sequence(parts: Sequence[Part], shape: tuple[int, ...]) -> nn.Sequential:
    return nn.Sequential(*(_layer(part, before) for part, before in walk(parts, shape)))


def _layer(part: Part, shape: tuple[int, ...]) -> nn.Module:
    inputs, units = shape[-1], part.units
    match part.kind:
        case "conv":
            return nn.Conv2d(inputs, units, part.size, part.stride, part.size // 2, bias=False)
        case "batch_norm":
            return nn.BatchNorm2d(inputs)
        case "dense":
            return nn.Linear(inputs, units)
        case "global_average_pool":
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case "rnn" | "lstm" | "gru":
            return Last(_RECURRENT[part.kind](inputs, units, batch_first=True))
        case "bi_lstm":
            return Last(nn.LSTM(inputs, units, DEEP, batch_first=True, bidirectional=True))
        case "residual":
            return Residual(_sequence(part.inner, shape), _sequence(part.shortcut, shape))
        case "embeddings":
            return Embeddings(part.vocabularies, units)
        case "members":
            return Members(units, inputs)
        case "batch_ensemble":
            return BatchEnsemble(*shape, units, part.scales_inputs)
        case "member_dense":
            return MemberDense(*shape, units)
    return _PLAIN[part.kind]()
