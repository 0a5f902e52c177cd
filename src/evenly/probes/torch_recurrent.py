"""The gates of PyTorch's recurrent modules, which keep them to themselves: computed once more."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import saturated_share

_MOST_ROWS = 64


def saturated_gates(module: Any, x: Any, y: Any) -> float | None:
    """The saturated share of the gates of an LSTM or a GRU of one layer in one direction, of some
    rows of its batch. None of others."""
    name = type(module).__name__
    if name not in ("LSTM", "GRU") or module.num_layers > 1 or module.bidirectional or (
        getattr(module, "proj_size", 0) or not hasattr(x, "ndim") or x.ndim != 3
    ):
        return None
    x, y = x.detach(), y.detach()
    if not module.batch_first:
        x, y = x.transpose(0, 1), y.transpose(0, 1)
    x, y = x[:_MOST_ROWS].float(), y[:_MOST_ROWS].float()
    before = y.roll(1, dims=1)
    before[:, 0] = 0  # as where no first state was given
    inner = before @ module.weight_hh_l0.detach().float().T
    outer = x @ module.weight_ih_l0.detach().float().T
    if module.bias:
        outer, inner = outer + module.bias_ih_l0.detach(), inner + module.bias_hh_l0.detach()
    units = module.hidden_size
    if name == "LSTM":
        gates = (outer + inner).numpy(force=True)
        sigmoids = np.concatenate(
            [gates[..., : 2 * units], gates[..., 3 * units :]], axis=-1
        )
        tanhs = gates[..., 2 * units : 3 * units]
    else:
        sigmoids = (outer + inner)[..., : 2 * units].numpy(force=True)
        reset = 1 / (1 + np.exp(-sigmoids[..., :units]))
        tanhs = outer[..., 2 * units :].numpy(force=True) + reset * (
            inner[..., 2 * units :].numpy(force=True)
        )
    parts = ((1 / (1 + np.exp(-sigmoids)), "sigmoid"), (np.tanh(tanhs), "tanh"))
    total = sum(values.size for values, _ in parts)
    return float(sum((saturated_share(values, kind) or 0.0) * values.size
                     for values, kind in parts) / total)
