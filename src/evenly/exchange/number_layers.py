"""The layers that read features last and make others of them, as PyTorch modules and back."""

from __future__ import annotations

from typing import Any

from .. import layers as ours
from ..errors import ConfigurationError
from .layout import FIRST, LAST, Layout

NUMBERS = (ours.Scale, ours.Periodic, ours.PiecewiseLinear, ours.Slice)


def written_numbers(place: Any) -> list[Any]:
    """The module of such a layer where it stands."""
    from . import torch_modules as modules

    layer, features = place.layer, place.layout.shape[-1]
    features_last(place.layout, place.where)
    if isinstance(layer, ours.Scale):
        module: Any = modules.Scale(features)
    elif isinstance(layer, ours.Periodic):
        module = modules.Periodic(features, layer.frequencies, layer.units)
    elif isinstance(layer, ours.Slice):
        module = modules.Slice(layer.start, layer.stop)
    else:
        module = modules.PiecewiseLinear(features, layer.bins)
    return [place.load(module, **place.arrays)]


def read_numbers(module: Any, layout: Layout, where: str) -> list[tuple[Any, dict[str, Any]]]:
    """The layer of such a module, and its arrays."""
    features_last(layout, where)
    kind, arrays = type(module).__name__, {**module._parameters, **module._buffers}
    own = {f".{name}": value.detach().cpu().double().numpy() for name, value in arrays.items()}
    if kind == "Scale":
        return [(ours.Scale(), own)]
    if kind == "Periodic":
        return [(ours.Periodic(module.units, len(module.frequency)), own)]
    if kind == "Slice":
        return [(ours.Slice(module.start, module.stop), own)]
    return [(ours.PiecewiseLinear(len(module.edge)), own)]


def features_last(layout: Layout, where: str) -> None:
    """Raises ConfigurationError where PyTorch has the features in another order."""
    if layout.order is not None or (layout.torch == FIRST and len(layout.shape) > 1):
        raise ConfigurationError(
            f"{where}: reads the features last, but here PyTorch has them in another order: put a "
            "Dense layer in front of it"
        )
    if len(layout.shape) > 1:
        layout.torch = LAST
