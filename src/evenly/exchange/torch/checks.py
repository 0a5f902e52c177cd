"""What the rules that read PyTorch modules share: arrays, and axes that must be as given."""

from __future__ import annotations

from typing import Any

from ...errors import ConfigurationError
from ..layout import FIRST, LAST, Layout


def array_of(tensor: Any) -> Any:
    return tensor.detach().cpu().double().numpy()


def expect_channels_first(layout: Layout, where: str) -> None:
    if layout.torch == LAST:
        raise ConfigurationError(
            f"{where}: reads the channels first, but here PyTorch has them last"
        )
    layout.torch = FIRST
