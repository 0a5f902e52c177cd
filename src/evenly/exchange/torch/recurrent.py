"""A recurrent PyTorch module for what PyTorch's own do not have. Imported only where PyTorch is
there."""

from __future__ import annotations

from typing import Any

import torch


class Steps(torch.nn.Module):
    """An RNN, LSTM or GRU of one layer in one direction, step by step: walking backwards, with
    recurrent dropout, or with the reset gate in front of the product. Its arrays are evenly's."""

    def __init__(self, kind: str, features: int, units: int, *, sequences: bool, reverse: bool,
                 bias: bool, recurrent_dropout: float, activation: str = "tanh",
                 reset: str = "after") -> None:
        super().__init__()
        self.kind, self.units, self.sequences, self.reverse = kind, units, sequences, reverse
        self.recurrent_dropout, self.activation, self.reset = recurrent_dropout, activation, reset
        wide = units * {"RNN": 1, "GRU": 3, "LSTM": 4}[kind]
        self.input_kernel = torch.nn.Parameter(torch.zeros(features, wide))
        self.recurrent_kernel = torch.nn.Parameter(torch.zeros(units, wide))
        self.bias = torch.nn.Parameter(torch.zeros(wide)) if bias else None
        inner = bias and kind == "GRU" and reset == "after"
        self.recurrent_bias = torch.nn.Parameter(torch.zeros(units)) if inner else None

    def forward(self, x: Any) -> Any:
        pre = x @ self.input_kernel
        pre = pre if self.bias is None else pre + self.bias
        h = c = x.new_zeros(len(x), self.units)
        mask = torch.nn.functional.dropout(torch.ones_like(h), self.recurrent_dropout,
                                           self.training)
        outputs = []
        for a in reversed(pre.unbind(1)) if self.reverse else pre.unbind(1):
            h, c = getattr(self, f"_{self.kind.lower()}")(a, h, h * mask, c)
            outputs.append(h)
        if not self.sequences:
            return h
        return torch.stack(outputs[::-1] if self.reverse else outputs, dim=1)

    def _rnn(self, a: Any, h: Any, dropped: Any, c: Any) -> Any:
        a = a + dropped @ self.recurrent_kernel
        return (a.relu() if self.activation == "relu" else a.tanh()), c

    def _lstm(self, a: Any, h: Any, dropped: Any, c: Any) -> Any:
        i, f, g, o = (a + dropped @ self.recurrent_kernel).chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    def _gru(self, a: Any, h: Any, dropped: Any, c: Any) -> Any:
        two = 2 * self.units
        both, last = self.recurrent_kernel[:, :two], self.recurrent_kernel[:, two:]
        gates, a = a[:, :two], a[:, two:]
        r, z = (gates + dropped @ both).sigmoid().chunk(2, dim=1)
        if self.reset == "before":
            n = (a + (r * dropped) @ last).tanh()
        else:
            inner = dropped @ last
            inner = inner if self.recurrent_bias is None else inner + self.recurrent_bias
            n = (a + r * inner).tanh()
        return (1 - z) * n + z * h, c
