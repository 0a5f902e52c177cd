"""What the rules that read PyTorch modules share: arrays, and settings that must be as given."""

from __future__ import annotations

from typing import Any

from ..errors import ConfigurationError
from ..layers.base import Layer
from .layout import FIRST, LAST, Layout

# Of each layer made: the layer, and its arrays by their names behind the layer's own.
Made = list[tuple[Layer, dict[str, Any]]]


def array_of(tensor: Any) -> Any:
    return tensor.detach().cpu().double().numpy()


def refuse(where: str, setting: str, value: Any, wanted: str) -> None:
    raise ConfigurationError(f"{where}: {setting}={value!r} cannot be converted: {wanted}")


def require(where: str, module: Any, **settings: Any) -> None:
    """Settings that must be as given here."""
    for setting, wanted in settings.items():
        value = getattr(module, setting, wanted)
        same = value == wanted if not isinstance(value, tuple) else set(value) == {wanted}
        if not same:
            refuse(where, setting, value, f"only {wanted!r} can")


def rate(where: str, p: float) -> float:
    if p >= 1:
        refuse(where, "p", p, "a rate of 1 drops everything; it must be below 1")
    return float(p)


def expect_channels_first(layout: Layout, where: str) -> None:
    if layout.torch == LAST:
        raise ConfigurationError(
            f"{where}: reads the channels first, but here PyTorch has them last"
        )
    layout.torch = FIRST
