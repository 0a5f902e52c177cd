"""Constraints: what holds for the weights after every update.

A unit's weights are its column of the kernel: all axes but the last. Constraints touch kernels, not
biases or the gains of normalizations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .layers.base import ArrayLike, Declared, Run, expect
from .layers.statistics import length


class Constraint(Declared):
    """Base of all constraints."""

    kernel: ClassVar[str]

    @property
    def numbers(self) -> dict[str, float]:
        """The numbers that the kernel needs."""
        return {}

    def apply(self, value: ArrayLike, run: Run) -> ArrayLike:
        """A kernel (..., units) with the constraint in force."""
        raise NotImplementedError(f"{type(self).__name__} needs an apply method")


def _norms(value: ArrayLike, run: Run) -> ArrayLike:
    columns = value.reshape(-1, value.shape[-1])
    return run.note("norms", length(columns, 0, run),
                    "sqrt(sum of squares of a unit's weights)")


@dataclass(frozen=True)
class MaxNorm(Constraint):
    """No unit's weights are longer than a limit: ``w *= min(1, limit / |w|)`` for each unit, after
    every update. The usual companion of dropout with a large learning rate.

    Arguments:
        limit: > 0; usually 3 to 4.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Srebro, Rennie and Jaakkola 2004; Srivastava, Hinton, Krizhevsky, Sutskever and
    Salakhutdinov 2014, "Dropout", section 5.1.

    Example:
        >>> MaxNorm(1.0).apply(np.array([[3.0, 0.3], [4.0, 0.4]]), Run(True)).round(6)
        array([[0.6, 0.3],
               [0.8, 0.4]])
    """

    limit: float

    kernel: ClassVar[str] = "max_norm"

    def __post_init__(self) -> None:
        expect(self.limit > 0, self, "limit must be positive", self.limit)

    @property
    def numbers(self) -> dict[str, float]:
        return {"limit": self.limit}

    def apply(self, value: ArrayLike, run: Run) -> ArrayLike:
        norms = _norms(value, run)
        too_long = norms > self.limit
        factors = run.xp.where(too_long, self.limit / run.xp.where(too_long, norms, 1), 1)
        return run.note("value", value * factors, "w min(1, limit / |w|)")


@dataclass(frozen=True)
class UnitNorm(Constraint):
    """Every unit's weights have length 1: ``w /= |w|`` for each unit, after every update. A unit
    whose weights are all zero stays as it is.

    Source: Salimans and Kingma 2016, section 2, with the gain fixed at 1.

    Example:
        >>> UnitNorm().apply(np.array([[3.0], [4.0]]), Run(True))
        array([[0.6],
               [0.8]])
    """

    kernel: ClassVar[str] = "unit_norm"

    def apply(self, value: ArrayLike, run: Run) -> ArrayLike:
        norms = _norms(value, run)
        lengths = run.xp.where(norms > 0, norms, 1)
        return run.note("value", value / lengths, "w / |w|")
