"""Layers that PyTorch has no module for, as modules of our own and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import layers as ours
from ...errors import ConfigurationError
from ...layers.base import Layer
from ..layout import FIRST, LAST, Layout

NOISE = {ours.GaussianNoise: "deviation", ours.GaussianDropout: "rate",
         ours.StochasticDepth: "rate"}


def written_numbers(place: Any) -> list[Any]:
    """The module of a layer that makes several numbers of each, scales it, or leaves some out."""
    from . import modules as modules

    layer, features = place.layer, place.layout.shape[-1]
    before = place.in_our_order()
    if isinstance(layer, ours.Scale):
        module: Any = modules.Scale(features)
    elif isinstance(layer, ours.Periodic):
        module = modules.Periodic(features, layer.frequencies, layer.units)
    elif isinstance(layer, ours.Slice):
        module = modules.Slice(layer.start, layer.stop)
    else:
        module = modules.PiecewiseLinear(features, layer.bins)
    return [*before, place.features_last(place.load(module, **place.arrays))]


def written_noise(place: Any) -> list[Any]:
    from . import noise as torch_noise

    kind = type(place.layer)
    return [getattr(torch_noise, kind.__name__)(getattr(place.layer, NOISE[kind]))]


def written_steps(place: Any) -> Any:
    """A recurrent layer of one direction that PyTorch's module cannot be."""
    from .recurrent import Steps

    layer = place.layer
    settings = {name: getattr(layer, name) for name in _SETTINGS if hasattr(layer, name)}
    module = Steps(type(layer).__name__, place.layout.shape[-1], layer.units, **settings)
    return place.load(module, **place.arrays)


_SETTINGS = ("sequences", "reverse", "bias", "recurrent_dropout", "activation", "reset")


def _steps(module: Any) -> Layer:
    settings: dict[str, Any] = {"bias": module.bias is not None}
    if module.kind == "RNN":
        settings["activation"] = module.activation
    if module.kind == "GRU":
        settings["reset"] = module.reset
    made: Layer = getattr(ours, module.kind)(
        module.units, sequences=module.sequences, reverse=module.reverse,
        recurrent_dropout=module.recurrent_dropout, **settings,
    )
    return made


# Modules of our own, by the layers that they are. Those of the first table read the features last.
ON_FEATURES: dict[str, Callable[[Any], Layer]] = {
    "Scale": lambda m: ours.Scale(),
    "Periodic": lambda m: ours.Periodic(m.units, len(m.frequency)),
    "PiecewiseLinear": lambda m: ours.PiecewiseLinear(len(m.edge)),
    "Slice": lambda m: ours.Slice(m.start, m.stop),
    "Steps": _steps,
}
ANYWHERE: dict[str, Callable[[Any], Layer]] = {
    "GaussianNoise": lambda m: ours.GaussianNoise(m.deviation),
    "GaussianDropout": lambda m: ours.GaussianDropout(m.rate),
    "StochasticDepth": lambda m: ours.StochasticDepth(m.rate),
    "ClassicDropout": lambda m: ours.Dropout(m.rate, classic=True),
    "HardSigmoid": lambda m: ours.HardSigmoid(m.slope, m.shift),
}


def read_own(module: Any, layout: Layout, where: str) -> list[tuple[Layer, dict[str, Any]]]:
    """The layer of such a module, and its arrays."""
    name = type(module).__name__
    if name in ANYWHERE:
        return [(ANYWHERE[name](module), {})]
    expect_features_last(layout, where)
    arrays = {**module._parameters, **module._buffers}
    own = {f".{key}": value.detach().cpu().double().numpy() for key, value in arrays.items()
           if value is not None}
    return [(ON_FEATURES[name](module), own)]


def expect_features_last(layout: Layout, where: str) -> None:
    if layout.order is not None or (layout.torch == FIRST and len(layout.shape) > 1):
        raise ConfigurationError(
            f"{where}: reads the features last, but here PyTorch has them in another order: put a "
            "Linear in front of it"
        )
    if len(layout.shape) > 1:
        layout.torch = LAST
