"""Rows of the table: recurrent layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

import evenly as ev

sequences = st.tuples(st.integers(1, 9), st.sampled_from([1, 2, 3, 7, 16, 33]))

LAYERS = [
    ev.RNN(5),
    ev.RNN(17, activation="relu", sequences=True),
    ev.RNN(6, reverse=True, bias=False),
    ev.LSTM(1),
    ev.LSTM(6, sequences=True),
    ev.LSTM(19, reverse=True, sequences=True),
    ev.LSTM(4, layers=2, bidirectional=True),
    ev.GRU(7),
    ev.GRU(33, sequences=True),
    ev.GRU(5, layers=3, sequences=True, bias=False),
    ev.GRU(6, reset="before"),
    ev.GRU(18, reset="before", sequences=True, reverse=True),
]
DROPPING = [
    ev.RNN(9, recurrent_dropout=0.4),
    ev.LSTM(20, recurrent_dropout=0.5, sequences=True),
    ev.GRU(6, recurrent_dropout=0.3),
    ev.GRU(35, recurrent_dropout=0.3, reset="before"),
    ev.LSTM(4, layers=2, dropout=0.4, bidirectional=True),
]


class TorchRecurrent(torch.nn.Module):
    """PyTorch's module, walking backwards or giving the last states alone where ours does."""

    def __init__(self, layer: Any, inputs: int) -> None:
        super().__init__()
        kind = {"RNN": torch.nn.RNN, "LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU}
        settings = {"nonlinearity": layer.activation} if isinstance(layer, ev.RNN) else {}
        self.layer = layer
        self.module = kind[type(layer).__name__](
            inputs, layer.units, layer.layers, bias=layer.bias, batch_first=True,
            bidirectional=layer.bidirectional, dtype=torch.float64, **settings,
        )

    def forward(self, x: Any) -> Any:
        x = x.flip(1) if self.layer.reverse else x
        y, states = self.module(x)
        if not self.layer.sequences:
            h = states[0] if isinstance(states, tuple) else states
            return torch.cat(list(h[-2:]), dim=-1) if self.layer.bidirectional else h[-1]
        return y.flip(1) if self.layer.reverse else y


def make(layer: Any) -> Any:
    if isinstance(layer, ev.GRU) and layer.reset == "before":
        return None  # PyTorch has no such GRU
    return lambda shape: TorchRecurrent(layer, shape[-1])


def load(module: Any, arrays: dict[str, Any]) -> dict[str, str]:
    """Gives a PyTorch module our arrays; returns its parameter for each of ours. Its second bias
    is 0, but for the part that is a GRU's recurrent_bias."""
    state, theirs = {key: torch.zeros_like(v) for key, v in module.state_dict().items()}, {}
    for name, array in arrays.items():
        layer, slot = name.rsplit(".", 1)
        parts = layer.split("_")
        reverse = parts[-1] == "reverse"
        numbers = [part for part in parts if part.isdigit()]
        depth = int(numbers[1]) - 1 if len(numbers) > 1 else 0
        tail = f"l{depth}" + ("_reverse" if reverse else "")
        word = {"input_kernel": "weight_ih", "recurrent_kernel": "weight_hh", "bias": "bias_ih",
                "recurrent_bias": "bias_hh"}[slot]
        key = f"module.{word}_{tail}"
        if slot == "recurrent_bias":
            state[key][-len(array) :] = torch.tensor(array)
        else:
            state[key] = torch.tensor(np.ascontiguousarray(array.T))
        theirs[name] = key
    module.load_state_dict(state)
    return theirs


def gradient(module: Any, key: str, slot: str) -> Any:
    """PyTorch's gradient in our layout."""
    value = module.get_parameter(key).grad.numpy()
    return value[-len(value) // 3 :] if slot == "recurrent_bias" else value.T


def label(layer: Any) -> str:
    fields = ("units", "layers", "bidirectional", "reverse", "sequences", "activation", "reset",
              "bias", "dropout", "recurrent_dropout")
    given = [f"{k}={getattr(layer, k)}" for k in fields if hasattr(layer, k)]
    return f"{type(layer).__name__}({', '.join(given)})"
