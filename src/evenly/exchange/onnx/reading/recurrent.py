"""RNN, LSTM and GRU."""

from __future__ import annotations

from typing import Any

import numpy as np

from .... import layers as ours
from ....layers.base import Layer
from .axes import THE_BATCH, Made, Value, atoms, flat, grouped, size, told
from .call import Call, Lengths
from .fold import Filled

# Where our gates stand among ONNX's: h; i, f, g, o among i, o, f, c; r, z, n among z, r, h.
_GATES = {"RNN": [0], "LSTM": [0, 2, 3, 1], "GRU": [1, 0, 2]}
_CURVES = {"RNN": ["Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"]}


def recurrent(call: Call) -> tuple[Any, ...]:
    """The outputs: of all steps, and of the last one; each a layer of its own, of which the network
    takes one."""
    settings, op = call.settings, call.node.op
    value = call.numbers(0)
    if len(value.theirs) != 3:
        call.refuse(f"reads sequences of three axes, and {told(value.dims)} come")
    steps, batch, features = (value.theirs[i] for i in ((1, 0, 2) if settings.get("layout") else
                                                        (0, 1, 2)))
    if batch != (THE_BATCH,) or THE_BATCH in steps + features:
        call.refuse("has the examples on another axis than the batch: transpose in front of it")
    if flat(value.ours) != steps + features:
        call.refuse("reads (steps, features), which stand in another order with us")
    value = grouped(value, [steps, features], call.node.where)
    w, r, b = call.constant(1, 3), call.constant(2, 3), call.constant(3)
    both, gates = settings["direction"] == "bidirectional", len(_GATES[op])
    units = r.shape[2]
    layer_settings: dict[str, Any] = _settings(call, both, units, size(steps), gates, (w, r, b))
    arrays = _arrays(call, both, gates, (w, r, b))

    def made(sequences: bool) -> Made:
        layer: Layer = getattr(ours, op)(units, sequences=sequences, bias=b is not None,
                                         **layer_settings)
        layer.check(value.made.shape, layer.type_name)
        return Made(layer, (value.made,), arrays, layer.output_shape(value.made.shape),
                    call.node.where)

    ways, unit = atoms(1 + both, units)
    each = {"t": steps, "b": batch, "d": ways, "u": unit}
    orders = ("btdu", "bdu") if settings.get("layout") else ("tdbu", "dbu")
    every, last = (tuple(each[axis] for axis in order) for order in orders)
    return (Value(made(True), (steps, ways + unit), every),
            Value(made(False), (ways + unit,), last), None)


def _settings(call: Call, both: bool, units: int, steps: int, gates: int,
              weights: tuple[Any, Any, Any]) -> dict[str, Any]:
    """Those of the layer; refuses what it has no counterpart of."""
    settings, op, (w, r, b) = call.settings, call.node.op, weights
    ways = 1 + both
    shapes = ((ways, gates * units, w.shape[2]), (ways, gates * units, units),
              (ways, 2 * gates * units))
    if units < 1 or settings.get("hidden_size", units) != units or any(
        array is not None and array.shape != shape
        for array, shape in zip(weights, shapes, strict=True)
    ):
        call.refuse(f"its weights have shapes {w.shape}, {r.shape} and "
                    f"{None if b is None else b.shape}, not {', '.join(map(str, shapes))}")
    # By default the operator names those of two directions, whatever their number.
    curves = list(settings.get("activations", _CURVES[op] * ways))[: len(_CURVES[op]) * ways]
    made: dict[str, Any] = {}
    if op == "RNN" and curves == ["Relu"] * ways:
        made["activation"] = "relu"
    elif curves != _CURVES[op] * ways:
        call.refuse(f"activations={curves}: only {_CURVES[op]} can be" +
                    (", or Relu" if op == "RNN" else ""))
    for name in ("clip", "input_forget", "activation_alpha", "activation_beta"):
        if settings.get(name):
            call.refuse(f"{name}={settings[name]} has no counterpart")
    for place, what in ((5, "first state"), (6, "first cell"), (7, "peepholes")):
        first = call.args[place] if place < len(call.args) else None
        zero = first is None or (isinstance(first, Filled) and first.number == 0) or (
            isinstance(first, np.ndarray) and not first.any())
        if not zero:
            call.refuse(f"its {what} is not zero: sequences begin with zeros here")
    lengths = call.args[4]
    if isinstance(lengths, Lengths):
        call.at.lengths = True
    elif lengths is not None and not (isinstance(lengths, np.ndarray) and (lengths == steps).all()):
        call.refuse("its lengths are no input of the graph")
    if op == "GRU":
        made["reset"] = "after" if settings.get("linear_before_reset") else "before"
    if settings["direction"] not in ("forward", "reverse", "bidirectional"):
        call.refuse(f"direction={settings['direction']!r} is none")
    return {**made, "bidirectional": both, "reverse": settings["direction"] == "reverse"}


def _arrays(call: Call, both: bool, gates: int, weights: tuple[Any, Any, Any]) -> dict[str, Any]:
    op, arrays = call.node.op, {}

    def ordered(array: Any) -> Any:
        return array.reshape(gates, -1, *array.shape[1:])[_GATES[op]].reshape(array.shape)

    for way in range(1 + both):
        prefix = "" if not both else ("_1", "_1_reverse")[way]
        w, r = weights[0][way], weights[1][way]
        arrays[f"{prefix}.input_kernel"] = ordered(w).T
        arrays[f"{prefix}.recurrent_kernel"] = ordered(r).T
        if weights[2] is None:
            continue
        outer, inner = (ordered(half) for half in np.split(weights[2][way], 2))
        if op == "GRU" and call.settings.get("linear_before_reset"):
            units = r.shape[1]
            arrays[f"{prefix}.recurrent_bias"] = inner[2 * units :]
            inner = np.concatenate([inner[: 2 * units], np.zeros(units, inner.dtype)])
        arrays[f"{prefix}.bias"] = outer + inner
    return arrays
