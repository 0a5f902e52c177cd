"""Gated linear units by hand: one linear layer lets another through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...layers import Sigmoid, SiLU
from ...layers.special import logistic
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import Draft, sizes_of
from ..friendly import not_zero, whole


@dataclass(frozen=True)
class _Kind:
    """A gated unit.

    Attributes:
        gate: the layer that makes the gate of its own linear layer.
        formula: of the gate, of the number s before it.
        slope: hint towards its slope.
    """

    gate: Callable[[], Any]
    formula: str
    slope: str


def _draw(rng: np.random.Generator, level: int, examples: int, width: int, units: int) -> Inputs:
    """Small whole numbers whose gates are neither shut nor open."""
    while True:
        x = not_zero(rng, 2, (examples, width))
        kernels = [whole(rng, 1, (width, units)) for _ in range(2)]
        biases = [whole(rng, 2, units) for _ in range(2)]
        s, value = (x @ kernel + bias for kernel, bias in zip(kernels, biases, strict=True))
        if abs(s).max() <= 3 and value.all(axis=0).any() and len(np.unique(s)) > 1 \
                and all(kernel.any(axis=0).all() for kernel in kernels):
            return {"x": x, "gate_kernel": kernels[0], "gate_bias": biases[0],
                    "kernel": kernels[1], "bias": biases[1],
                    "d_y": not_zero(rng, 3, (examples, units))}


def _solve(inputs: Inputs, level: int, kind: _Kind) -> Solution:
    n, *_ = sizes_of(inputs, x="n width", gate_kernel="width units", gate_bias="units",
                     kernel="width units", bias="units", d_y="n units")
    draft = Draft(n)
    x = draft.given("x", inputs["x"], "The examples, a row each")
    arrays = {name: draft.given(name, inputs[name], words) for name, words in (
        ("gate_kernel", "Kernel of the gate's linear layer"), ("gate_bias", "Its bias (gate)"),
        ("kernel", "Kernel of the linear layer that is let through"), ("bias", "Its bias"))}
    run = draft.run("forward")
    s = run.note("s", x @ arrays["gate_kernel"] + arrays["gate_bias"], "x gate_kernel + gate_bias")
    value = run.note("value", x @ arrays["kernel"] + arrays["bias"], "x kernel + bias")
    sigmoid = logistic(run.xp, s)
    swish = kind.gate is SiLU
    gate = run.note("gate", s * sigmoid if swish else sigmoid, kind.formula)
    run.note("y", value * gate, "value gate")
    draft.say(f"A gated linear unit has two linear layers side by side: y = value gate, number by "
              f"number, with value = x kernel + bias and gate = {kind.formula}, where s = x "
              "gate_kernel + gate_bias.",
              "Use a calculator, and give four digits behind the point.")
    draft.ask(
        Ask("s", "The gate's linear layer: s", "Each row times the kernel, plus the bias."),
        Ask("value", "The linear layer that is let through: value", "Likewise, with its own."),
        Ask("gate", "The gate", "exp(-1) is 0.3679; 1 / (1 + exp(-s)) at -s is 1 minus that "
            "at s."),
        Ask("y", "The output", "Number by number."))
    if level > 1:
        _backward(draft, kind, arrays, x, s, value, gate, inputs, level)
    axes: dict[str, tuple[str, ...]] = dict.fromkeys(
        ("gate_kernel", "kernel", "d_gate_kernel", "d_kernel"), ("in", "unit"))
    axes |= dict.fromkeys(("gate_bias", "bias", "d_gate_bias", "d_bias"), ("unit",))
    return draft.solution({"": ("example", "feature"), **axes}, decimals=True)


def _backward(draft: Draft, kind: _Kind, arrays: Any, x: Any, s: Any, value: Any, gate: Any,
              inputs: Inputs, level: int) -> None:
    d_y = draft.given("d_y", inputs["d_y"], "The gradient of the loss on the output")
    back = draft.run("backward")
    sigmoid = logistic(back.xp, s)
    slope = gate * (1 - gate) if kind.gate is Sigmoid else sigmoid + gate * (1 - sigmoid)
    d_value = back.note("d_value", d_y * gate, "d_y gate")
    d_gate = back.note("d_gate", d_y * value, "d_y value")
    slope = back.note("slope", slope, "slope of the gate at s")
    d_s = back.note("d_s", d_gate * slope, "d_gate slope")
    draft.ask(
        Ask("d_value", "The gradient on the value", "What multiplies the value in y?", "backward"),
        Ask("d_gate", "The gradient on the gate", "What multiplies the gate in y?", "backward"),
        Ask("slope", "The slope of the gate", kind.slope, "backward"),
        Ask("d_s", "The gradient on s", "The chain rule.", "backward"))
    if level < 3:
        return
    for kernel, bias, d in (("gate_kernel", "gate_bias", d_s), ("kernel", "bias", d_value)):
        back.note(f"d_{kernel}", x.T @ d, "x, transposed, times the gradient")
        back.note(f"d_{bias}", back.xp.sum(d, axis=0), "sum of the column")
        name = "gate's " if kernel.startswith("gate") else ""
        draft.ask(Ask(f"d_{kernel}", f"The gradient of the {name}kernel",
                      "x, transposed, times the gradient behind it.", "backward"),
                  Ask(f"d_{bias}", f"The gradient of the {name}bias", "Add up each column.",
                      "backward"))
    back.note("d_x", d_s @ arrays["gate_kernel"].T + d_value @ arrays["kernel"].T,
              "d_s gate_kernel^T + d_value kernel^T")
    draft.ask(Ask("d_x", "The gradient on the input", "x was used twice: add both.", "backward"))


_KINDS = {
    "glu": ("Gated linear unit (GLU)", "A linear layer times the sigmoid of another",
            _Kind(Sigmoid, "1 / (1 + exp(-s))", "The gate times what is missing to 1.")),
    "swiglu": ("SwiGLU", "A linear layer times the SiLU (swish) of another",
               _Kind(SiLU, "s / (1 + exp(-s))", "With p = 1 / (1 + exp(-s)): p + gate (1 - p).")),
}
TOPICS = by_name(*(Topic(
    name, title, f"{about}: y = (x kernel + bias) gate, gate = {kind.formula}, "
    "s = x gate_kernel + gate_bias.", ("forward", "and backward through the gate",
                                       "and the gradients of both linear layers"),
    (Size("examples", 2, 1, 4), Size("width", 2, 2, 4), Size("units", 3, 2, 4)),
    _draw, partial(_solve, kind=kind),
    {"x": "(examples, width)", "gate_kernel": "(width, units)", "gate_bias": "(units,)",
     "kernel": "(width, units)", "bias": "(units,)", "d_y": "(examples, units), from level 2 on"},
) for name, (title, about, kind) in _KINDS.items()))
