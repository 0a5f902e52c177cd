"""Gradient clipping: what is done to gradients that are too large, before the update.

The penalty's gradient is part of what is clipped. Records hold the norm before clipping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .layers.base import ArrayLike, Declared, Run, expect
from .layers.statistics import length, scale_for_squares


class Clip(Declared):
    """Base of all clipping rules."""

    # The number that tells the kernels the limit.
    kernel_number: ClassVar[str]

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            expect(value > 0, self, f"{name} must be positive", value)

    @property
    def numbers(self) -> dict[str, float]:
        """The limit, under the name that the kernels know it by."""
        (limit,) = vars(self).values()
        return {self.kernel_number: limit}

    def clip(self, gradients: Mapping[str, Any], run: Run) -> dict[str, Any]:
        """The clipped gradients, by name."""
        raise NotImplementedError(f"{type(self).__name__} needs a clip method")


@dataclass(frozen=True)
class ClipGlobalNorm(Clip):
    """Clips by the norm of all gradients together: ``g *= min(1, max_norm / |g|)``, where |g| is
    the root of the sum of squares over every parameter. The direction of the step stays.

    Arguments:
        max_norm: > 0.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Pascanu, Mikolov and Bengio 2013, algorithm 1.

    Example:
        >>> clipped = ClipGlobalNorm(1.0).clip({"w": np.array([3.0, 4.0])}, Run(True))
        >>> clipped["w"].round(6)
        array([0.6, 0.8])
    """

    max_norm: float

    kernel_number: ClassVar[str] = "clip_norm"

    def clip(self, gradients: Mapping[str, Any], run: Run) -> dict[str, Any]:
        xp = run.xp
        parts = [length(g, None, run) for g in gradients.values() if _needs_scale(g)]
        parts += [xp.sqrt(sum(xp.sum(g * g) for g in gradients.values() if not _needs_scale(g)))]
        norm = parts[0] if len(parts) == 1 else length(np.array(parts, np.float64), None, run)
        norm = run.note("norm", norm, "sqrt(sum of squares)")
        factor = _factor(self.max_norm, norm, run)
        return {name: _clipped(factor, g, run.at(name)) for name, g in gradients.items()}


@dataclass(frozen=True)
class ClipNorm(Clip):
    """Clips each parameter's gradient by its own norm: ``g *= min(1, max_norm / |g|)``, where |g|
    is the root of the sum of squares over that one array.

    Arguments:
        max_norm: > 0.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Pascanu, Mikolov and Bengio 2013, algorithm 1, array by array.

    Example:
        >>> gradients = {"w": np.array([3.0, 4.0]), "b": np.array([0.5])}
        >>> clipped = ClipNorm(1.0).clip(gradients, Run(True))
        >>> clipped["w"].round(6), clipped["b"]
        (array([0.6, 0.8]), array([0.5]))
    """

    max_norm: float

    kernel_number: ClassVar[str] = "clip_each_norm"

    def clip(self, gradients: Mapping[str, Any], run: Run) -> dict[str, Any]:
        return {name: self._one(g, run.at(name)) for name, g in gradients.items()}

    def _one(self, gradient: ArrayLike, run: Run) -> ArrayLike:
        norm = run.note("norm", length(gradient, None, run), "sqrt(sum of squares)")
        return _clipped(_factor(self.max_norm, norm, run), gradient, run)


@dataclass(frozen=True)
class ClipValue(Clip):
    """Clips each number of the gradient by itself, to -limit .. limit. The direction of the step
    changes.

    Arguments:
        limit: > 0.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Mikolov 2012, "Statistical language models based on neural networks", chapter 3.

    Example:
        >>> ClipValue(1.0).clip({"w": np.array([-3.0, 0.5])}, Run(True))["w"]
        array([-1. ,  0.5])
    """

    limit: float

    kernel_number: ClassVar[str] = "clip_value"

    def clip(self, gradients: Mapping[str, Any], run: Run) -> dict[str, Any]:
        xp = run.xp
        return {
            name: run.at(name).note(
                "clipped", xp.minimum(xp.maximum(g, -self.limit), self.limit),
                "min(max(g, -limit), limit)")
            for name, g in gradients.items()
        }


def _needs_scale(gradient: ArrayLike) -> bool:
    return scale_for_squares(gradient, None) is not None


def _factor(max_norm: float, norm: Any, run: Run) -> Any:
    factor = run.xp.minimum(1, max_norm / norm) if norm > 0 else 1
    return run.note("factor", factor, "min(1, max_norm / norm)")


def _clipped(factor: Any, gradient: ArrayLike, run: Run) -> ArrayLike:
    return run.note("clipped", factor * gradient, "g min(1, max_norm / norm)")
