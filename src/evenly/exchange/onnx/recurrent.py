"""Recurrent layers in ONNX: steps first, gates in another order, both directions in one node."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layers.base import own_arrays
from .graph import BATCH, Graph, Value

STEPS_FIRST = (1, 0, 2)
# Where ONNX's gates stand among ours: i o f c, and z r h.
GATES = {"RNN": (0,), "LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}


def recurrent(place: Any) -> Value:
    g, layer, value = place.graph, place.layer, place.value
    x = value.form(STEPS_FIRST)
    for number in range(1, layer.layers + 1):
        name = layer.name if layer.is_single else f"{layer.name}_{number}"
        names = [name, f"{name}_reverse"] if layer.bidirectional else [name]
        whole = layer.sequences or number < layer.layers
        with g.within(name):
            x = _walk(place, names, x, whole)
    return place.result(x, STEPS_FIRST if layer.sequences else None)  # type: ignore[no-any-return]


def _walk(place: Any, names: list[str], x: str, whole: bool) -> str:
    """One layer, in one direction or both: all steps (steps, batch, units), or the last state."""
    layer, kind = place.layer, type(place.layer).__name__
    g: Graph = place.graph
    parts = [_arrays(own_arrays(place.every, name), kind, layer.units) for name in names]
    inputs = [g.constant(np.stack(arrays), f"{names[0]}.{what}") if layer.bias or what != "bias"
              else "" for what, arrays in zip(
                  ("input_kernel", "recurrent_kernel", "bias"), zip(*parts, strict=True),
                  strict=True)]
    lengths = "" if place.lengths is None else place.lengths
    states = [_state(place, f"{names[0]}.{state}") for state in
              (layer.state_names if layer.stateful else ())]
    settings: dict[str, Any] = {"hidden_size": layer.units}
    if kind == "RNN":
        settings["activations"] = [layer.activation.capitalize()] * len(names)
    if kind == "GRU":
        settings["linear_before_reset"] = int(layer.reset == "after")
    if layer.reverse or layer.bidirectional:
        settings["direction"] = "reverse" if layer.reverse else "bidirectional"
    every, *last = g.several(kind, 1 + len(layer.state_names), x, *inputs, lengths, *states,
                             **settings)
    for state, end in zip(layer.state_names if layer.stateful else (), last, strict=False):
        g.output(g("Squeeze", end, axes=[0]), f"{names[0]}.{state}.next", g.dtype,
                 (BATCH, layer.units))
    chosen, axis = (every, 1) if whole else (last[0], 0)
    if len(names) == 1:
        return g("Squeeze", chosen, axes=[axis])
    beside = g("Transpose", chosen, perm=[0, 2, 1, 3] if whole else [1, 0, 2])
    return g("Reshape", beside, g.whole(*(0,) * (2 if whole else 1), 2 * layer.units))


def _state(place: Any, name: str) -> str:
    g: Graph = place.graph
    given = g.input(name, g.dtype, (BATCH, place.layer.units))
    return g("Unsqueeze", given, axes=[0])


def _arrays(arrays: Any, kind: str, units: int) -> tuple[Any, Any, Any]:
    """(input kernel, recurrent kernel, both biases) of one direction."""
    def ordered(array: Any) -> Any:
        parts = array.reshape(*array.shape[:-1], len(GATES[kind]), units)
        return parts[..., list(GATES[kind]), :].reshape(array.shape)

    kernel, inner = arrays["input_kernel"], arrays["recurrent_kernel"]
    bias = ordered(arrays["bias"]) if "bias" in arrays else np.zeros(kernel.shape[1], kernel.dtype)
    second = np.zeros_like(bias)
    if "recurrent_bias" in arrays:
        second[-units:] = arrays["recurrent_bias"]
    return ordered(kernel).T, ordered(inner).T, np.concatenate([bias, second])
