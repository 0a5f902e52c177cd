"""Gradient clipping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .layers.base import Run, expect


@dataclass(frozen=True)
class ClipGlobalNorm:
    """Clips by the norm of all gradients together: ``g *= min(1, max_norm / |g|)``, where |g| is
    the root of the sum of squares over every parameter, the penalty's gradient included.

    Arguments:
        max_norm: > 0.

    Source: Pascanu, Mikolov and Bengio 2013, algorithm 1.

    Example:
        >>> clipped = ClipGlobalNorm(1.0).clip({"w": np.array([3.0, 4.0])}, Run(True))
        >>> clipped["w"].round(6)
        array([0.6, 0.8])
    """

    max_norm: float

    def __post_init__(self) -> None:
        expect(self.max_norm > 0, self, "max_norm must be positive", self.max_norm)

    def clip(self, gradients: Mapping[str, Any], run: Run) -> dict[str, Any]:
        """The clipped gradients, by name."""
        xp = run.xp
        norm = run.note("norm", xp.sqrt(sum(xp.sum(g * g) for g in gradients.values())),
                        "sqrt(sum of squares)")
        factor = min(1, self.max_norm / norm) if norm > 0 else 1
        return {name: factor * g for name, g in gradients.items()}
