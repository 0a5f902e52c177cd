"""PyTorch's words for the layers in front of a network of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

import evenly as ev

WAVES = ("frequency", "phase", "kernel", "bias")


class Factors(torch.nn.Module):
    """A trained factor for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.factor = torch.nn.Parameter(torch.ones(channels, dtype=torch.float64))

    def forward(self, x: Any) -> Any:
        return x * self.factor


class Part(torch.nn.Module):
    """Some of the features."""

    def __init__(self, layer: ev.Slice) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Any) -> Any:
        stop = x.shape[-1] if self.layer.stop is None else self.layer.stop
        return x.narrow(-1, self.layer.start, stop - self.layer.start)


class Waves(torch.nn.Module):
    """Learned functions of each feature, of cosines."""

    def __init__(self, layer: ev.Periodic, features: int) -> None:
        super().__init__()
        self.units = layer.units
        for name, spec in layer.arrays((features,)).items():
            zeros = torch.zeros(spec.shape, dtype=torch.float64)
            self.register_parameter(name, torch.nn.Parameter(zeros))

    def forward(self, x: Any) -> Any:
        wave = torch.cos(2 * math.pi * torch.einsum("...f,kf->...kf", x, self.frequency)
                         + self.phase)
        kernel = self.kernel.unflatten(1, (self.units, x.shape[-1]))
        made = torch.einsum("...kf,kuf->...uf", wave, kernel).flatten(-2) + self.bias
        return torch.cat([x, made], dim=-1)


def waves(layer: ev.Periodic) -> Callable[[tuple[int, ...]], Any]:
    return lambda shape: Waves(layer, shape[-1])


class Bins(torch.nn.Module):
    """Shares of bins, by clamp."""

    def __init__(self, bins: int, features: int) -> None:
        super().__init__()
        for name in ("edge", "slope"):
            self.register_buffer(name, torch.zeros(bins, features, dtype=torch.float64))

    def forward(self, x: Any) -> Any:
        z = (x.unsqueeze(-2) - self.edge) * self.slope
        parts = []
        for t in range(len(self.edge)):
            part = z[..., t, :] if t == 0 else z[..., t, :].clamp(min=0)
            parts.append(part if t == len(self.edge) - 1 else part.clamp(max=1))
        return torch.cat(parts, dim=-1)


def bins(count: int) -> Callable[[tuple[int, ...]], Any]:
    return lambda shape: Bins(count, shape[-1])
