"""PyTorch modules for what PyTorch has none of. Imported only where PyTorch is there."""

from __future__ import annotations

import math
from typing import Any

import torch


class RecurrentOutput(torch.nn.Module):
    """A recurrent module's output without its states: of all steps, or of the last one (for both
    directions side by side)."""

    def __init__(self, recurrent: Any, sequences: bool) -> None:
        super().__init__()
        self.recurrent, self.sequences = recurrent, sequences

    def forward(self, x: Any) -> Any:
        y, states = self.recurrent(x)
        if self.sequences:
            return y
        h = states[0] if isinstance(states, tuple) else states
        return torch.cat(list(h[-2:]), dim=-1) if self.recurrent.bidirectional else h[-1]


class ChannelsLast(torch.nn.Module):
    """A module that reads channels first, on data that has them last."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Any) -> Any:
        return self.module(x.movedim(-1, 1)).movedim(1, -1)


class ChannelsFirst(torch.nn.Module):
    """A module that reads the features last, on data that has the channels first."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Any) -> Any:
        return self.module(x.movedim(1, -1)).movedim(-1, 1)


class Moved(torch.nn.Module):
    """The channels from the first axis behind the batch to the last one, or back."""

    def __init__(self, last: bool) -> None:
        super().__init__()
        self.last = last

    def forward(self, x: Any) -> Any:
        return x.movedim(1, -1) if self.last else x.movedim(-1, 1)


class Reordered(torch.nn.Module):
    """Features that were flattened channels first, in the order of channels last."""

    order: torch.Tensor

    def __init__(self, order: Any) -> None:
        super().__init__()
        self.register_buffer("order", torch.as_tensor(order))

    def forward(self, x: Any) -> Any:
        return x.index_select(1, self.order)


class Reshaped(torch.nn.Module):
    """The same numbers in the same order, in another shape of each example."""

    def __init__(self, shape: Any) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Any) -> Any:
        return x.reshape(len(x), *self.shape)


class Frozen(torch.nn.Module):
    """A batch normalization that uses its running averages in training too."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def train(self, mode: bool = True) -> Any:
        super().train(mode)
        self.module.train(False)
        return self

    def forward(self, x: Any) -> Any:
        return self.module(x)


class Pooled(torch.nn.Module):
    """Pooling whose padding differs before and behind, or whose mean is over windows with gaps.

    `axes`: of each, (window, stride, dilation, before, after, extra), where extra positions lie
    behind the padding and never count; `settings` are those of the layer called `layer`.
    """

    def __init__(self, layer: str, settings: Any, axes: Any) -> None:
        super().__init__()
        self.layer, self.settings, self.axes = layer, dict(settings), tuple(axes)

    def forward(self, x: Any) -> Any:
        functional = torch.nn.functional
        window, stride, dilation, before, after, extra = zip(*self.axes, strict=True)
        two = len(self.axes) == 2
        outer = [n for b, a, e in zip(before, after, extra, strict=True) for n in (a + e, b)][::-1]
        if self.layer.startswith("Max"):
            pool: Any = functional.max_pool2d if two else functional.max_pool1d
            padded = functional.pad(x, outer, value=-math.inf)
            return pool(padded, window, stride, 0, dilation)
        convolve: Any = functional.conv2d if two else functional.conv1d
        inner = [n for b, a in zip(before, after, strict=True) for n in (a, b)][::-1]
        behind = [n for e in extra[::-1] for n in (0, e)]
        # PyTorch takes the sizes of the last axis first.
        ones = torch.ones_like(x[:1, :1])
        counted = functional.pad(ones, inner, value=float(self.settings["count_padding"]))
        counted = functional.pad(counted, behind)
        kernel = x.new_ones(x.shape[1], 1, *window)
        total = convolve(functional.pad(x, outer), kernel, None, stride, 0, dilation, x.shape[1])
        return total / convolve(counted, kernel[:1], None, stride, 0, dilation)


class HardSigmoid(torch.nn.Module):
    """A sigmoid of three straight pieces, of any slope."""

    def __init__(self, slope: float, shift: float) -> None:
        super().__init__()
        self.slope, self.shift = slope, shift

    def forward(self, x: Any) -> Any:
        return (self.slope * x + self.shift).clamp(0, 1)


class Parametric(torch.nn.Module):
    """An activation of which each feature takes a learned share: features last."""

    def __init__(self, features: int, activation: Any) -> None:
        super().__init__()
        self.activation, self.share = activation, torch.nn.Parameter(torch.ones(features))

    def forward(self, x: Any) -> Any:
        return (1 - self.share) * x + self.share * self.activation(x)


class Joined(torch.nn.Module):
    """Branches that read the same input; their outputs are summed, or concatenated along `dim`."""

    def __init__(self, branches: Any, dim: int | None) -> None:
        super().__init__()
        self.branches, self.dim = torch.nn.ModuleList(branches), dim

    def forward(self, x: Any) -> Any:
        outputs = [branch(x) for branch in self.branches]
        return sum(outputs[1:], outputs[0]) if self.dim is None else torch.cat(outputs, self.dim)


class Averaged(Joined):
    """Members that read the same input; the mean of their answers, as evenly's Ensemble has it."""

    def __init__(self, members: Any, of: str, levels: int, anchor: int) -> None:
        super().__init__(members, None)
        self.of, self.levels, self.anchor = of, levels, anchor

    def forward(self, x: Any) -> Any:
        outputs = torch.stack([branch(x) for branch in self.branches])
        return averaged(outputs, self.of, self.levels, self.anchor)


def averaged(outputs: Any, of: str, levels: int, anchor: int) -> Any:
    """The mean of members' answers, which lie one behind the other."""
    if of == "numbers":
        return outputs.mean(dim=0)
    if of == "logs":
        return _log_mean_exp(outputs)
    if of == "classes":
        return _log_mean_exp(outputs.log_softmax(dim=-1))
    if of == "labels":
        return _log_mean_exp(-_softplus(-outputs)) - _log_mean_exp(-_softplus(outputs))
    gap = _softplus(outputs).mean(dim=0)
    far = outputs.amax(dim=0) < -37
    safe = torch.where(far, torch.ones_like(gap), gap)
    gap = torch.where(far, _log_mean_exp(outputs), safe + (-torch.expm1(-safe)).log())
    columns = torch.arange(outputs.shape[-1], device=outputs.device)
    return torch.where(columns % levels == anchor, outputs.mean(dim=0), gap)


def _softplus(x: Any) -> Any:
    # PyTorch's own is x itself from 20 on.
    return torch.nn.functional.softplus(x, threshold=1000)


def _log_mean_exp(x: Any) -> Any:
    return x.logsumexp(dim=0) - math.log(len(x))


class GlobalMean(torch.nn.Module):
    """The mean, or the largest number, of each channel over all positions."""

    def __init__(self, channels_last: bool, largest: bool) -> None:
        super().__init__()
        self.channels_last, self.largest = channels_last, largest

    def forward(self, x: Any) -> Any:
        rows = x.flatten(1, -2) if self.channels_last else x.flatten(2).movedim(1, -1)
        return rows.amax(dim=1) if self.largest else rows.mean(dim=1)


class Scale(torch.nn.Module):
    """A factor for each feature, features last."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.factor = torch.nn.Parameter(torch.ones(features))

    def forward(self, x: Any) -> Any:
        return x * self.factor


class Slice(torch.nn.Module):
    """The features from one place to another, features last."""

    def __init__(self, start: int, stop: int | None) -> None:
        super().__init__()
        self.start, self.stop = start, stop

    def forward(self, x: Any) -> Any:
        return x[..., self.start : self.stop]


class Embedding(torch.nn.Embedding):
    """PyTorch's, for row numbers that come as floating-point numbers too, beside quantities."""

    def forward(self, x: Any) -> Any:
        return super().forward(x.long() if x.is_floating_point() else x)


class Periodic(torch.nn.Module):
    """Each feature, and learned functions of it that are made of waves: features last."""

    def __init__(self, features: int, frequencies: int, units: int) -> None:
        super().__init__()
        self.units = units
        self.frequency = torch.nn.Parameter(torch.zeros(frequencies, features))
        self.phase = torch.nn.Parameter(torch.zeros(frequencies, features))
        self.kernel = torch.nn.Parameter(torch.zeros(frequencies, units * features))
        self.bias = torch.nn.Parameter(torch.zeros(units * features))

    def forward(self, x: Any) -> Any:
        wave = torch.cos(2 * torch.pi * x.unsqueeze(-2) * self.frequency + self.phase)
        kernel = self.kernel.reshape(len(self.kernel), self.units, -1)
        made = (wave.unsqueeze(-2) * kernel).sum(-3).flatten(-2) + self.bias
        return torch.cat([x, made], dim=-1)


class PiecewiseLinear(torch.nn.Module):
    """Each feature's shares of bins: features last."""

    edge: torch.Tensor
    slope: torch.Tensor

    def __init__(self, features: int, bins: int) -> None:
        super().__init__()
        self.register_buffer("edge", torch.zeros(bins, features))
        self.register_buffer("slope", torch.ones(bins, features))

    def forward(self, x: Any) -> Any:
        far = torch.full_like(self.edge[:1], float("inf"))
        low, last = torch.cat([-far, 0 * self.edge[1:]]), (self.slope[1:] == 0)
        high = torch.cat([torch.where(last, far, torch.ones_like(far)), far])
        z = self.slope * (x.unsqueeze(-2) - self.edge)
        return torch.minimum(torch.maximum(z, low), high).flatten(-2)
