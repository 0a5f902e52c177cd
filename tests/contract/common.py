"""Data, definitions and comparisons that the suites share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import evenly as ev

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


def values(seed: int, shape: tuple[int, ...], dtype: str = "float64") -> Any:
    """Normal data that no kink is near: ReLU's is at 0, those of the hard sigmoids at -3, -2, 3."""
    x = np.random.default_rng(seed).standard_normal(shape)
    x = np.where(np.abs(x) < 1e-3, 0.5, x)
    x = np.where(np.abs(x - np.round(x)) < 1e-3, x + 0.05, x)
    return x.astype(dtype)


def arrays_for(net: ev.Layer, shape: tuple[int, ...], seed: int, dtype: str) -> dict[str, Any]:
    """Arrays of a net with values that are not the initial ones: gains of 1 would hide them."""
    rng = np.random.default_rng(seed + 1)
    arrays = {}
    for name, spec in net.arrays(shape).items():
        value = 0.5 + rng.random(spec.shape) if "variance" in name else rng.standard_normal(
            spec.shape
        )
        if spec.decays:
            value = value / np.sqrt(spec.shape[0])
        arrays[name] = value.astype(dtype)
    return arrays


def error(got: Any, wanted: Any, scale: float = 0.0) -> float:
    """The largest difference, relative to the largest value wanted (or to `scale`)."""
    got, wanted = np.asarray(got, dtype=np.float64), np.asarray(wanted, dtype=np.float64)
    assert got.shape == wanted.shape, f"{got.shape} instead of {wanted.shape}"
    largest = max(float(np.abs(wanted).max(initial=0.0)), scale)
    return float(np.abs(got - wanted).max(initial=0.0)) / largest if largest else 0.0


def definition(
    net: ev.Layer, x: Any, arrays: dict[str, Any], d_y: Any, run: ev.Run
) -> tuple[Any, Any, dict[str, Any]]:
    """Forward and backward of the definition in float64."""
    exact = {name: array.astype(np.float64) for name, array in arrays.items()}
    y, saved = net.forward(x.astype(np.float64), exact, run)
    d_x, gradients = net.backward(d_y.astype(np.float64).reshape(y.shape), exact, saved, run)
    return y, d_x, gradients


class TorchParametric(torch.nn.Module):
    """A parametric activation of PyTorch's functions."""

    def __init__(self, name: str, channels: int) -> None:
        super().__init__()
        self.function = getattr(torch.nn.functional, name)
        self.more = {"negative_slope": 0.2} if name == "leaky_relu" else {}
        self.weight = torch.nn.Parameter(torch.zeros(channels, dtype=torch.float64))

    def forward(self, x: Any) -> Any:
        return x + self.weight * (self.function(x, **self.more) - x)
