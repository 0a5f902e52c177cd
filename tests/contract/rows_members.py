"""Layers of members within one network, and PyTorch's words for them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st

import evenly as ev

widths = st.one_of(st.integers(1, 40), st.sampled_from([127, 129, 257]))
of_members = st.tuples(st.integers(1, 7), widths)
LAYERS = [
    ev.BatchEnsemble(7), ev.BatchEnsemble(1, bias=False), ev.BatchEnsemble(130, scale_inputs=False),
    ev.MemberDense(5), ev.MemberDense(1, bias=False), ev.MemberDense(40),
]
SLOTS = ("kernel", "input_scale", "output_scale", "bias", "factor")
WAYS = {
    "numbers": {"of": "numbers"}, "logs": {"of": "logs"}, "classes": {"of": "classes"},
    "labels": {"of": "labels"}, "quantiles": {"of": "quantiles", "levels": 3, "anchor": 1},
}
scores = st.tuples(st.integers(1, 7), st.sampled_from([3, 6, 9, 39]))


class Theirs(torch.nn.Module):
    """A layer by einsum."""

    def __init__(self, layer: Any, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.layer, self.own = layer, layer.arrays(shape)
        for name, spec in self.own.items():
            zeros = torch.zeros(spec.shape, dtype=torch.float64)
            self.register_parameter(name, torch.nn.Parameter(zeros))

    def forward(self, x: Any) -> Any:
        own = self.layer
        if isinstance(own, ev.Members):
            return torch.einsum("nf,kf->nkf", x, self.factor)
        if isinstance(own, ev.BatchEnsemble):
            r = self.input_scale if own.scale_inputs else torch.ones_like(x[0])
            y = torch.einsum("nkf,kf,fu,ku->nku", x, r, self.kernel, self.output_scale)
            return y + self.bias if own.bias else y
        kernel = self.kernel.unflatten(1, (x.shape[1], own.units))
        y = torch.einsum("nkf,fku->nku", x, kernel)
        return y + self.bias.unflatten(0, (x.shape[1], own.units)) if own.bias else y


def theirs(layer: Any) -> Callable[[tuple[int, ...]], Any]:
    return lambda shape: Theirs(layer, shape)


class Mean(torch.nn.Module):
    """The mean of answers, and its inverse."""

    def __init__(self, of: str, levels: int = 1, anchor: int = 0) -> None:
        super().__init__()
        self.of, self.levels, self.anchor = of, levels, anchor

    def forward(self, x: Any) -> Any:
        count = math.log(x.shape[1])
        if self.of == "numbers":
            return x.mean(1)
        if self.of == "logs":
            return x.logsumexp(1) - count
        if self.of == "classes":
            return x.log_softmax(-1).logsumexp(1) - count
        if self.of == "labels":
            sigmoid = torch.nn.functional.logsigmoid
            return sigmoid(x).logsumexp(1) - sigmoid(-x).logsumexp(1)
        gap = torch.log(torch.expm1(torch.log1p(torch.exp(x)).mean(1)))
        return torch.where(torch.arange(x.shape[-1]) % self.levels == self.anchor, x.mean(1), gap)
