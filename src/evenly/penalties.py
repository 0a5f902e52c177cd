"""Penalties: what is added to the cost for the size of the weights."""

from __future__ import annotations

from dataclasses import dataclass

from .layers.base import ArrayLike, Run, expect


@dataclass(frozen=True)
class L2:
    """The squared size of the kernels: ``strength / 2 sum(w^2)`` is added to the cost, and
    ``strength w`` to the gradient.

    It touches kernels, not biases or the gains of normalizations. With plain descent it equals
    PyTorch's ``weight_decay``; with Adam it does not (see :class:`AdamW`).

    Arguments:
        strength: >= 0.

    Source: Krogh and Hertz 1992, equation 2.

    Example:
        >>> L2(0.1).cost(np.array([2.0]), Run(True))
        np.float64(0.2)
    """

    strength: float

    def __post_init__(self) -> None:
        expect(self.strength >= 0, self, "strength must not be negative", self.strength)

    def cost(self, value: ArrayLike, run: Run) -> ArrayLike:
        """``strength / 2 sum(w^2)`` of one kernel."""
        return run.note("penalty", self.strength / 2 * run.xp.sum(value * value),
                        "strength / 2 sum(w^2)")

    def gradient(self, value: ArrayLike, run: Run) -> ArrayLike:
        """``strength w``."""
        return run.note("d_penalty", self.strength * value, "strength w")
