"""A trained factor for each input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from ..initializers import Constant
from .base import ArrayLike, Arrays, ArraySpec, Gradients, Layer, Run, Shape, expect, sum_like


@dataclass(frozen=True)
class Scale(Layer):
    """Multiplies each channel by a trained factor: ``y = factor x``.

    In front of a network the factors say how much each input counts: training turns down what does
    not help. Gradients: ``d_x = factor d_y``; ``d_factor`` is the sum of ``d_y x``. Penalties do
    not touch the factors.

    Arguments:
        init: first value of each factor.
        name: the layer's name; by default ``scale_1``, ...

    Shapes: (batch, ..., channels), unchanged. ``factor`` is (channels,).

    Raises:
        ConfigurationError: an `init` that is not finite.

    Source: Holzmueller, Grinsztajn and Steinwart 2024, "Better by default: strong pre-tuned MLPs
    and boosted trees on tabular data", section 3 (scaling layer).

    Example:
        >>> arrays = {"factor": np.array([2.0, 0.5])}
        >>> Scale().forward(np.array([[1.0, 4.0]]), arrays, Run(training=True))[0]
        array([[2., 2.]])
    """

    init: float = 1.0
    name: str | None = None

    kernel: ClassVar[str | None] = "scale"

    def __post_init__(self) -> None:
        expect(math.isfinite(self.init), self, "init must be finite", self.init)

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        return {"factor": ArraySpec(shape[-1:], Constant(self.init))}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        return run.note("y", arrays["factor"] * x, "factor x"), x

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        share = run.note("share", d_y * saved, "d_y x")
        d_factor = sum_like(run.xp, share, saved.ndim - 1)
        d_factor = run.note("d_factor", d_factor, "sum of the shares")
        return run.note("d_x", arrays["factor"] * d_y, "factor d_y"), {"factor": d_factor}
