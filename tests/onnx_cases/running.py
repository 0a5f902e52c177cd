"""Running one layer, natively, on data that has ONNX's layout."""

from __future__ import annotations

from typing import Any

import numpy as np

import evenly as ev


def channels_last(x: Any) -> Any:
    """(batch, channels, positions...) to ours, (batch, positions..., channels)."""
    return np.moveaxis(x, 1, -1)


def channels_first(y: Any) -> Any:
    """And back."""
    return np.moveaxis(y, -1, 1)


def engine(layer: ev.Layer, x: Any, arrays: dict[str, Any] | None = None, **settings: Any) -> Any:
    """An engine for one layer, named "it", with these arrays; a name with a dot is the whole name,
    of a layer within the layer."""
    program = ev.compile(ev.Sequential([layer]), x.shape[1:], batch=len(x), **settings)
    assert not program.has_python, "it should run in kernels"
    named = {name if "." in name else f"it.{name}": value for name, value in (arrays or {}).items()}
    missing = program.arrays.keys() - named.keys()
    assert not missing, f"the mapping leaves {missing} as they were drawn"
    return ev.Engine(program, weights=named)


def outputs(layer: ev.Layer, x: Any, arrays: dict[str, Any] | None = None) -> Any:
    """What a layer gives for x: in inference, and the same in training."""
    ours = engine(layer, x, arrays)
    y = ours.predict(x)
    np.testing.assert_allclose(ours.forward(x), y, rtol=1e-5, atol=1e-7)
    return y
