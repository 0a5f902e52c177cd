"""A layer where it stands in a network, on its way to PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ...errors import ConfigurationError
from ...layers.base import own_arrays
from ..layout import FIRST, LAST, Layout


def in_our_order(layout: Layout) -> list[Any]:
    """What puts flattened features in our order behind a layout, which goes on so."""
    from . import modules as modules

    if layout.order is None:
        return []
    order, layout.order = layout.order, None
    return [modules.Reordered(order)]


class Place:
    """A layer where it stands, and what turns it into a module."""

    def __init__(self, layer: Any, arrays: Any, layout: Layout, torch: Any, where: str) -> None:
        self.layer, self.layout, self.torch, self.where = layer, layout, torch, where
        self.all, self.arrays = arrays, own_arrays(arrays, layer.name)

    def refuse(self, why: str) -> NoReturn:
        raise ConfigurationError(f"{self.where}: {why}")

    def load(self, module: Any, **values: Any) -> Any:
        """The module with these parameters and buffers."""
        module = module.to(self.torch.float64)  # whoever asked for less gets it at the end
        with self.torch.no_grad():
            for name, value in values.items():
                target = module
                *path, last = name.split("__")
                for part in path:
                    target = getattr(target, part)
                getattr(target, last).copy_(self.torch.tensor(np.ascontiguousarray(value)))
        return module

    def spread(self, module: Any) -> Any:
        """A module that reads channels first, where they stand."""
        from . import modules as modules

        last = self.layout.torch == LAST and len(self.layout.shape) > 1
        return modules.ChannelsLast(module) if last else module

    def features_last(self, module: Any) -> Any:
        """A module that reads the features last, where they stand."""
        from . import modules as modules

        first = self.layout.torch == FIRST and len(self.layout.shape) > 1
        return modules.ChannelsFirst(module) if first else module

    def in_our_order(self) -> list[Any]:
        """What puts flattened features in our order, which goes on from here."""
        return in_our_order(self.layout)

    def in_our_axes(self) -> list[Any]:
        """What puts features and axes in our order, which goes on from here."""
        from . import modules as modules

        before = self.in_our_order()
        if self.layout.torch == FIRST and len(self.layout.shape) > 1:
            before.append(modules.Moved(last=True))
        self.layout.torch = LAST
        return before

    def load_affine(self, module: Any, change: Callable[[Any], Any], **values: Any) -> Any:
        """The module with gamma and beta; PyTorch often has both or none, and then one that the
        layer lacks is frozen at 1 or 0."""
        names = {"gamma": "weight", "beta": "bias"}
        own = {their: change(self.arrays[our]) for our, their in names.items()
               if our in self.arrays}
        for name in names.values():
            if name not in own and getattr(module, name, None) is not None:
                getattr(module, name).requires_grad_(False)
        return self.load(module, **own, **values)
