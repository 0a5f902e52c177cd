"""A single operation that is measured, as a value that every peer reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Operation:
    """What is run, on an array of this shape."""

    kind: str
    shape: tuple[int, ...]

    @property
    def normalizes(self) -> bool:
        return "norm" in self.kind

    def arrays(self) -> tuple[Any, Any]:
        """An input and an output's gradient."""
        random = np.random.default_rng(0)
        shapes = self.shape, self.output_shape
        x, d_y = (random.standard_normal(shape, dtype=np.float32) for shape in shapes)
        return x, d_y

    @property
    def output_shape(self) -> tuple[int, ...]:
        if "pool" not in self.kind:
            return self.shape
        batch, height, width, channels = self.shape
        return batch, height // 2, width // 2, channels

    def classes(self) -> Any:
        return np.random.default_rng(1).integers(0, self.shape[1], self.shape[0], dtype=np.int32)


GROUPS = 32
RMS_EPSILON = 1e-6
