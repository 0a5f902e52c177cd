"""PyTorch modules for noise in training that PyTorch has none of: the same distributions as here,
drawn by PyTorch's generator. Imported only where PyTorch is there."""

from __future__ import annotations

import math
from typing import Any

import torch


class _Noise(torch.nn.Module):
    """A number says how much, under the name that evenly's layer gives it."""

    number = "rate"

    def __init__(self, amount: float) -> None:
        super().__init__()
        setattr(self, self.number, amount)

    @property
    def amount(self) -> Any:
        return getattr(self, self.number)

    def extra_repr(self) -> str:
        return f"{self.number}={self.amount}"

    def forward(self, x: Any) -> Any:
        return self.noisy(x) if self.training else self.still(x)

    def still(self, x: Any) -> Any:
        return x

    def noisy(self, x: Any) -> Any:
        raise NotImplementedError


class GaussianNoise(_Noise):
    """A normal number is added to each."""

    number = "deviation"

    def noisy(self, x: Any) -> Any:
        return x + self.amount * torch.randn_like(x)


class GaussianDropout(_Noise):
    """Each number is multiplied by a normal one around 1."""

    def noisy(self, x: Any) -> Any:
        return x * (1 + math.sqrt(self.amount / (1 - self.amount)) * torch.randn_like(x))


class StochasticDepth(_Noise):
    """Whole examples are dropped; those kept grow."""

    def noisy(self, x: Any) -> Any:
        ones = x.new_ones(len(x), *(1 for _ in x.shape[1:]))
        return x * torch.nn.functional.dropout(ones, self.amount)


class ClassicDropout(_Noise):
    """Dropout that scales in evaluation."""

    def noisy(self, x: Any) -> Any:
        return x * torch.nn.functional.dropout(torch.ones_like(x), self.amount).sign()

    def still(self, x: Any) -> Any:
        return (1 - self.amount) * x


class DropConnect(_Noise):
    """Single weights are dropped: a parametrization of a module's weight."""

    def noisy(self, x: Any) -> Any:
        return torch.nn.functional.dropout(x, self.amount)
