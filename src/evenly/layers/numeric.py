"""Numbers as more than themselves: waves of several frequencies, and shares of bins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np

from ..initializers import Normal, Uniform
from .base import ArrayLike, Arrays, ArraySpec, Gradients, Layer, Run, Shape, expect, sum_like

# Where the outermost bins of a standard normal distribution end.
_FAR = 3.0


@dataclass(frozen=True)
class Periodic(Layer):
    """Gives each feature some learned functions of it beside itself, made of waves::

        wave_j = cos(2 pi frequency_j x + phase_j)
        y = (x, sum_j kernel_j1 wave_j + bias_1, sum_j kernel_j2 wave_j + bias_2, ...)

    each feature by frequencies, phases, kernel and bias of its own. In front of a network it lets
    the first layer see what is neither linear nor smooth in a feature.

    Gradients, with ``d_angle = -sin(2 pi frequency x + phase) sum_u kernel_u d_y_u``: ``d_kernel``
    sums d_y wave, ``d_bias`` d_y, ``d_phase`` d_angle, ``d_frequency`` 2 pi x d_angle over the
    rows; ``d_x`` is d_y's own share and the sum of 2 pi frequency d_angle over the waves.

    Arguments:
        units: functions of each feature, beside itself.
        frequencies: waves of each feature.
        deviation: of the first frequencies, which are drawn from N(0, deviation^2), per unit of x:
            0.1 suits inputs within -3 and 3. The larger, the finer what is seen, and the sooner it
            is learned by heart.
        name: the layer's name; by default ``periodic_1``, ...

    Shapes: (batch, ..., features) to (batch, ..., (units + 1) features): the features, then the
    first function of each, then the second, ... ``frequency`` and ``phase`` are (frequencies,
    features), ``kernel`` (frequencies, units features), ``bias`` (units features).

    Raises:
        ConfigurationError: no units, no frequencies, or a deviation that is not above 0.

    Source: Gorishniy, Rubachev and Babenko 2022, "On embeddings for numerical features in tabular
    deep learning", section 3.3; with cosines, biases and the feature itself (PBLD): Holzmueller,
    Grinsztajn and Steinwart 2024, "Better by default: strong pre-tuned MLPs and boosted trees on
    tabular data", section 3.

    Example:
        >>> arrays = {"frequency": np.array([[0.5]]), "phase": np.array([[0.0]]),
        ...           "kernel": np.array([[2.0, 4.0]]), "bias": np.array([0.0, 1.0])}
        >>> layer = Periodic(units=2, frequencies=1)
        >>> layer.forward(np.array([[1.0]]), arrays, Run(training=True))[0]
        array([[ 1., -2., -3.]])
    """

    units: int = 3
    frequencies: int = 16
    deviation: float = 0.1
    name: str | None = None

    kernel: ClassVar[str | None] = "periodic"

    def __post_init__(self) -> None:
        expect(self.units >= 1, self, "units must be at least 1", self.units)
        expect(self.frequencies >= 1, self, "frequencies must be at least 1", self.frequencies)
        expect(self.deviation > 0, self, "deviation must be above 0", self.deviation)

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], (self.units + 1) * shape[-1])

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        features, made = shape[-1], self.units * shape[-1]
        far, fan = 1 / math.sqrt(self.frequencies), (self.frequencies, self.units)
        return {
            "frequency": ArraySpec((self.frequencies, features), Normal(self.deviation)),
            "phase": ArraySpec((self.frequencies, features), Uniform(-math.pi, math.pi)),
            "kernel": ArraySpec((self.frequencies, made), Uniform(-far, far), decays=True, fan=fan),
            "bias": ArraySpec((made,), Uniform(-far, far)),
        }

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"features": shape[-1], "units": self.units, "frequencies": self.frequencies}

    def _by_unit(self, arrays: Arrays) -> Any:
        kernel = arrays["kernel"]
        return kernel.reshape(self.frequencies, self.units, -1)

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        xp = run.xp
        angle = 2 * math.pi * x[..., None, :] * arrays["frequency"] + arrays["phase"]
        angle = run.note("angle", angle, "2 pi frequency x + phase")
        wave = run.note("wave", xp.cos(angle), "cos(angle)")
        made = xp.sum(wave[..., :, None, :] * self._by_unit(arrays), axis=-3)
        made = made.reshape((*x.shape[:-1], -1)) + arrays["bias"]
        made = run.note("made", made, "sum of kernel wave over the waves, and bias")
        y = run.note("y", xp.concatenate([x, made], axis=-1), "x, and what was made of it")
        return y, (x, angle, wave)

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        xp, (x, angle, wave) = run.xp, saved
        features, axes = x.shape[-1], x.ndim - 1
        d_made = d_y[..., features:]
        d_bias = run.note("d_bias", sum_like(xp, d_made, axes), "sum of d_y")
        by_unit = d_made.reshape((*x.shape[:-1], 1, self.units, features))
        d_kernel = sum_like(xp, wave[..., :, None, :] * by_unit, axes)
        d_kernel = run.note("d_kernel", d_kernel.reshape(arrays["kernel"].shape),
                            "sum of wave d_y")
        d_wave = run.note("d_wave", xp.sum(by_unit * self._by_unit(arrays), axis=-2),
                          "sum of kernel d_y over the units")
        d_angle = run.note("d_angle", -xp.sin(angle) * d_wave, "-sin(angle) d_wave")
        d_phase = run.note("d_phase", sum_like(xp, d_angle, axes), "sum of d_angle")
        d_frequency = sum_like(xp, 2 * math.pi * x[..., None, :] * d_angle, axes)
        d_frequency = run.note("d_frequency", d_frequency, "sum of 2 pi x d_angle")
        through = xp.sum(2 * math.pi * arrays["frequency"] * d_angle, axis=-2)
        d_x = run.note("d_x", d_y[..., :features] + through,
                       "d_y of x, and sum of 2 pi frequency d_angle over the waves")
        return d_x, {"frequency": d_frequency, "phase": d_phase, "kernel": d_kernel,
                     "bias": d_bias}


@dataclass(frozen=True)
class _NormalBins:
    """Edges and slopes of bins that hold as much of a standard normal distribution each, or `slope`
    of them."""

    slope: bool = False

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...],
               fan: tuple[int, int]) -> Any:
        inner = [NormalDist().inv_cdf(i / shape[0]) for i in range(1, shape[0])]
        edges = np.array([-_FAR, *inner, _FAR])
        values = 1 / np.diff(edges) if self.slope else edges[:-1]
        return np.repeat(values[:, None], shape[1], axis=1)


@dataclass(frozen=True)
class PiecewiseLinear(Layer):
    """Encodes each feature by the shares of bins that lie below it::

        y_t = slope_t (x - edge_t), at least 0 but in the first bin, at most 1 but in the last

    so that a bin below x is 1, a bin above it 0, and the bin that holds x the share that x has
    covered: what a linear layer makes of it is any broken line with a kink at each edge. Beyond the
    outermost edges it goes on as it was. A bin of slope 0 is empty, and is 0 always; the bin in
    front of empty ones counts as the last.

    Nothing is trained. Edges and slopes are arrays, as running statistics are: they begin as bins
    that hold as much of a standard normal distribution each; :meth:`bins_of` gives those that hold
    as many training rows each. Gradient: ``d_x`` is the sum of slope d_y over the bins where y is
    within its bounds.

    Arguments:
        bins: of each feature.
        name: the layer's name; by default ``piecewise_linear_1``, ...

    Shapes: (batch, ..., features) to (batch, ..., bins features): the first bin of each feature,
    then the second of each, ... ``edge`` (the lower end) and ``slope`` (1 / width) are (bins,
    features).

    Raises:
        ConfigurationError: no bins.

    Source: Gorishniy, Rubachev and Babenko 2022, "On embeddings for numerical features in tabular
    deep learning", section 3.2.

    Example:
        >>> arrays = {"edge": np.array([[0.0], [1.0]]), "slope": np.array([[1.0], [0.5]])}
        >>> layer = PiecewiseLinear(bins=2)
        >>> layer.forward(np.array([[-1.0], [0.5], [2.0], [5.0]]), arrays, Run(training=True))[0]
        array([[-1. ,  0. ],
               [ 0.5,  0. ],
               [ 1. ,  0.5],
               [ 1. ,  2. ]])
    """

    bins: int = 16
    name: str | None = None

    kernel: ClassVar[str | None] = "piecewise"

    def __post_init__(self) -> None:
        expect(self.bins >= 1, self, "bins must be at least 1", self.bins)

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.bins * shape[-1])

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        size = (self.bins, shape[-1])
        return {"edge": ArraySpec(size, _NormalBins(), trainable=False),
                "slope": ArraySpec(size, _NormalBins(slope=True), trainable=False)}

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"features": shape[-1], "bins": self.bins}

    def bins_of(self, x: Any) -> dict[str, Any]:
        """The arrays whose bins hold as many rows each: of x, (rows, features). Equal edges are
        one, so a feature of few values has fewer bins."""
        x = np.asarray(x, np.float64)
        edge, slope = (np.zeros((self.bins, x.shape[-1])) for _ in range(2))
        for c in range(x.shape[-1]):
            ends = np.unique(np.quantile(x[:, c], np.linspace(0, 1, self.bins + 1)))
            with np.errstate(divide="ignore", over="ignore"):
                steep = 1 / np.diff(ends)
            kept = np.isfinite(steep)
            edge[: kept.sum(), c], slope[: kept.sum(), c] = ends[:-1][kept], steep[kept]
        return {"edge": edge, "slope": slope}

    def _bounds(self, arrays: Arrays, xp: Any) -> tuple[Any, Any]:
        slope = arrays["slope"]
        first = np.arange(self.bins)[:, None] == 0
        last = np.concatenate([slope[1:] == 0, np.ones((1, slope.shape[1]), bool)])
        return np.where(first, -np.inf, 0.0), np.where(last, np.inf, 1.0)

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        xp, (low, high) = run.xp, self._bounds(arrays, run.xp)
        z = run.note("z", arrays["slope"] * (x[..., None, :] - arrays["edge"]), "slope (x - edge)")
        y = xp.minimum(xp.maximum(z, low), high)
        y = y.reshape((*x.shape[:-1], -1))
        inside = (z > low) & (z < high)
        return run.note("y", y, "z, within 0 and 1 but for the outermost bins"), (x, inside)

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        x, inside = saved
        share = d_y.reshape((*x.shape[:-1], self.bins, x.shape[-1])) * arrays["slope"]
        share = run.note("share", run.xp.where(inside, share, 0), "slope d_y where y is within")
        return run.note("d_x", run.xp.sum(share, axis=-2), "sum of the shares over the bins"), {}
