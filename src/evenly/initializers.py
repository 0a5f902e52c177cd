"""First values of arrays.

``fan_in`` and ``fan_out`` are the numbers of connections into and out of one unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


class Initializer(Protocol):
    """Gives an array's first values.

    ``sample(generator, shape, fan)`` returns float64 values of that shape; ``fan`` is
    (fan_in, fan_out).
    """

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any: ...


@dataclass(frozen=True)
class Zeros:
    """All zeros. Right for biases. A layer whose kernel starts at zero keeps all its units equal:
    they get the same gradient at every step, so nothing ever tells them apart."""

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        return np.zeros(shape)


@dataclass(frozen=True)
class Constant:
    """One value everywhere.

    Arguments:
        value: that value.
    """

    value: float

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        return np.full(shape, float(self.value))


@dataclass(frozen=True)
class Normal:
    """Normal, mean 0.

    Arguments:
        deviation: its standard deviation.
    """

    deviation: float = 1.0

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        return _normal(generator, shape, self.deviation**2)


def _normal(generator: np.random.Generator, shape: tuple[int, ...], variance: float) -> Any:
    return generator.standard_normal(shape) * math.sqrt(variance)


def _uniform(generator: np.random.Generator, shape: tuple[int, ...], variance: float) -> Any:
    limit = math.sqrt(3.0 * variance)
    return generator.uniform(-limit, limit, shape)


def _xavier(fan: tuple[int, int]) -> float:
    return 2.0 / (fan[0] + fan[1])


def _he(fan: tuple[int, int]) -> float:
    return 2.0 / fan[0]


@dataclass(frozen=True)
class XavierNormal:
    """Normal, mean 0, variance ``2 / (fan_in + fan_out)``: keeps the variance of activations and
    of gradients through linear and tanh layers.

    Source: Glorot and Bengio 2010, equation 12.
    """

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        return _normal(generator, shape, _xavier(fan))


@dataclass(frozen=True)
class XavierUniform:
    """Uniform on +-``sqrt(6 / (fan_in + fan_out))``: variance ``2 / (fan_in + fan_out)``.

    Source: Glorot and Bengio 2010, equation 16.
    """

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        return _uniform(generator, shape, _xavier(fan))


@dataclass(frozen=True)
class HeNormal:
    """Normal, mean 0, variance ``2 / fan_in``: keeps the variance through ReLU layers.

    Source: He, Zhang, Ren and Sun 2015, equation 10.
    """

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        return _normal(generator, shape, _he(fan))


@dataclass(frozen=True)
class HeUniform:
    """Uniform on +-``sqrt(6 / fan_in)``: variance ``2 / fan_in``.

    Source: He, Zhang, Ren and Sun 2015, equation 10.
    """

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        return _uniform(generator, shape, _he(fan))


@dataclass(frozen=True)
class Orthogonal:
    """Orthogonal rows or columns, whichever are fewer: ``kernel' kernel = gain^2 I``. Keeps the
    length of whatever passes through, step after step.

    Arguments:
        gain: the length that a vector of length 1 gets, > 0.

    Source: Saxe, McClelland and Ganguli 2014, "Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks", section 3.

    Example:
        >>> kernel = Orthogonal().sample(np.random.default_rng(0), (3, 3), (3, 3))
        >>> bool(np.allclose(kernel @ kernel.T, np.eye(3)))
        True
    """

    gain: float = 1.0

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        rows, columns = math.prod(shape[:-1]), shape[-1]
        normal = generator.standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(normal)
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)  # else some rotations would be likelier
        q = q if rows >= columns else q.T
        return self.gain * q.reshape(shape)


@dataclass(frozen=True)
class GateBias:
    """Zeros, but one value for the units of one gate: a forget gate's bias of 1 lets an LSTM
    remember from the start.

    Arguments:
        gate: which, counted from 0.
        gates: how many lie side by side.
        value: of that gate's biases.

    Source: Gers, Schmidhuber and Cummins 2000, section 4; Jozefowicz, Zaremba and Sutskever 2015.

    Example:
        >>> GateBias(1, 4, 1.0).sample(np.random.default_rng(0), (8,), (1, 2))
        array([0., 0., 1., 1., 0., 0., 0., 0.])
    """

    gate: int
    gates: int
    value: float

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        values = np.zeros(shape)
        units = shape[-1] // self.gates
        values[..., self.gate * units : (self.gate + 1) * units] = self.value
        return values
