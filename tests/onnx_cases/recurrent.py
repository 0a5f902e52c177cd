"""RNN, LSTM and GRU.

The public cases give every gate of a cell the same weights: they cannot tell LSTM's gates from one
another. That is left to the comparison with PyTorch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import evenly as ev

from .cases import Case
from .running import engine, outputs

KINDS = {"RNN": ev.RNN, "LSTM": ev.LSTM, "GRU": ev.GRU}
# Where our gates stand among ONNX's: h; i, f, g, o among i, o, f, c; r, z, n among z, r, h.
GATES = {"RNN": [0], "LSTM": [0, 2, 3, 1], "GRU": [1, 0, 2]}
# What our cells have no counterpart of.
FOREIGN = {"activation_alpha", "activation_beta", "clip", "input_forget"}


def _gates(case: Case, array: Any) -> Any:
    """(gates units, ...) in our order."""
    order = GATES[case.operator]
    return array.reshape(len(order), -1, *array.shape[1:])[order].reshape(array.shape)


def _arrays(case: Case, direction: int) -> dict[str, Any]:
    w, r, b = (None if a is None else a[direction] for a in case.inputs[1:4])
    arrays = {"input_kernel": _gates(case, w).T, "recurrent_kernel": _gates(case, r).T}
    if b is not None:
        # The reset gate works in front of the product here: the two biases are one.
        assert not case.attributes.get("linear_before_reset")
        arrays["bias"] = sum(_gates(case, half) for half in np.split(b, 2))
    return arrays


def recurrent(case: Case) -> list[Any]:
    """The outputs Y and Y_h, and LSTM's Y_c, as far as they are asked for."""
    settings = case.attributes
    assert not any(settings.get(name) for name in FOREIGN)
    assert set(settings.get("activations", ())) <= {b"Tanh"}
    assert all(given is None for given in case.inputs[4:])
    x = case.inputs[0] if settings["layout"] else case.inputs[0].swapaxes(0, 1)
    numbers = {"reset": "before"} if case.operator == "GRU" else {}
    both = settings["direction"] == "bidirectional"
    reverse = settings["direction"] == "reverse"

    def layer(**other: Any) -> ev.Layer:
        return KINDS[case.operator](settings["hidden_size"], bias=case.inputs[3] is not None,
                                    name="it", **numbers, **other)

    def split(y: Any) -> Any:
        """(..., directions units) to (..., directions, units)."""
        return y.reshape(*y.shape[:-1], 1 + both, -1)

    arrays = _arrays(case, 0)
    if both:
        arrays = {f"it_1{suffix}.{name}": array for i, suffix in enumerate(("", "_reverse"))
                  for name, array in _arrays(case, i).items()}
    walk = {"bidirectional": both, "reverse": reverse}
    every = outputs(layer(sequences=True, **walk), x, arrays)
    last = outputs(layer(**walk), x, arrays)
    cells = []
    for direction in range(1 + both):
        ours = engine(layer(reverse=reverse or direction == 1, stateful=True), x,
                      _arrays(case, direction))
        ours.predict(x)
        # What is carried to the next batch: the last output, and LSTM's cell.
        np.testing.assert_allclose(ours.states["it.h"][: len(x)], split(last)[:, direction],
                                   rtol=1e-5)
        cells.append(ours.states["it.c" if case.operator == "LSTM" else "it.h"][: len(x)])
    if settings["layout"]:
        results = [split(every), split(last), np.stack(cells, axis=1)]
    else:
        results = [split(every).transpose(1, 2, 0, 3), split(last).swapaxes(0, 1), np.stack(cells)]
    return [None if wanted is None else got
            for got, wanted in zip(results, case.outputs, strict=False)]

