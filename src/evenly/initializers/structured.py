"""First values that depend on each other."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ShapeError, expect
from .base import expect_number, expect_positive


@dataclass(frozen=True)
class Orthogonal:
    """Orthogonal rows or columns, whichever are fewer: ``kernel' kernel = gain^2 I``. Keeps the
    length of whatever passes through, step after step.

    Arguments:
        gain: the length that a vector of length 1 gets, > 0.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Saxe, McClelland and Ganguli 2014, "Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks", section 3.

    Example:
        >>> kernel = Orthogonal().sample(np.random.default_rng(0), (3, 3), (3, 3))
        >>> bool(np.allclose(kernel @ kernel.T, np.eye(3)))
        True
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        expect_positive(self, "gain")

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        rows, columns = math.prod(shape[:-1]), shape[-1]
        normal = generator.standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(normal)
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)  # else some rotations would be likelier
        q = q if rows >= columns else q.T
        return self.gain * q.reshape(shape)


@dataclass(frozen=True)
class Identity:
    """The identity times `gain`: whatever comes in goes on. In the recurrent kernel of a ReLU
    :class:`RNN` the state is kept from step to step until training changes it. A kernel that is not
    square has ones as far as its diagonal goes; with several gates each has its own.

    Arguments:
        gain: on the diagonal, not 0.

    Raises:
        ShapeError: the array has another number of axes than two.

    Source: Le, Jaitly and Hinton 2015, "A simple way to initialize recurrent networks of rectified
    linear units", section 2.

    Example:
        >>> Identity(2.0).sample(np.random.default_rng(0), (2, 3), (2, 3))
        array([[2., 0., 0.],
               [0., 2., 0.]])
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        expect_number(self, "gain")
        expect(self.gain != 0, self, "gain must not be 0", self.gain)

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        if len(shape) != 2:
            raise ShapeError(
                f"Identity: fits kernels of two axes, those of Dense and of recurrent layers, got "
                f"shape {shape}: use Orthogonal()"
            )
        rows, columns = shape
        gates = columns // fan[1] if columns % fan[1] == 0 else 1
        return self.gain * np.tile(np.eye(rows, columns // gates), (1, gates))


@dataclass(frozen=True)
class GateBias:
    """Zeros, but one value for the units of one gate: a forget gate's bias of 1 lets an LSTM
    remember from the start.

    Arguments:
        gate: which, counted from 0.
        gates: how many lie side by side.
        value: of that gate's biases.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Gers, Schmidhuber and Cummins 2000, section 4; Jozefowicz, Zaremba and Sutskever 2015.

    Example:
        >>> GateBias(1, 4, 1.0).sample(np.random.default_rng(0), (8,), (1, 2))
        array([0., 0., 1., 1., 0., 0., 0., 0.])
    """

    gate: int
    gates: int
    value: float

    def __post_init__(self) -> None:
        for name in ("gate", "gates"):
            number = getattr(self, name)
            whole = isinstance(number, numbers.Integral) and not isinstance(number, bool)
            expect(whole, self, f"{name} must be a whole number", number)
        expect(0 <= self.gate < self.gates, self, f"gate is one of {self.gates}, counted from 0",
                self.gate)
        expect_number(self, "value")

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        values = np.zeros(shape)
        units = shape[-1] // self.gates
        values[..., self.gate * units : (self.gate + 1) * units] = self.value
        return values
