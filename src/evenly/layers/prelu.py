"""The rectifier whose slope is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..initializers import Constant
from .base import ArrayLike, Arrays, ArraySpec, Gradients, Layer, Run, Shape


@dataclass(frozen=True)
class PReLU(Layer):
    """The parametric ReLU: ``y = x`` where x > 0, else ``slope x``, with trained slopes.

    Gradients: ``d_x = d_y`` where x > 0, else ``slope d_y``; ``d_slope`` is the sum of ``d_y x``
    over where x <= 0. Penalties do not touch the slope: they would draw it to ReLU.

    Arguments:
        init: first value of each slope.
        shared: one slope for all instead of one for each channel.
        name: the layer's name; by default ``prelu_1``, ...

    Shapes: (batch, ..., channels), unchanged. ``slope`` is (channels,), or (1,) where shared:
    PyTorch's ``PReLU.weight`` with ``num_parameters`` = channels or 1.

    Source: He, Zhang, Ren and Sun 2015, "Delving deep into rectifiers", section 2.1.

    Example:
        >>> arrays = {"slope": np.array([0.5])}
        >>> y, _ = PReLU().forward(np.array([[-1.0], [2.0]]), arrays, Run(training=True))
        >>> y
        array([[-0.5],
               [ 2. ]])
    """

    init: float = 0.25
    shared: bool = False
    name: str | None = None

    kernel: ClassVar[str | None] = "prelu"

    @property
    def type_name(self) -> str:
        return "prelu"

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        return {"slope": ArraySpec((1,) if self.shared else shape[-1:], Constant(self.init))}

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"shared": float(self.shared)}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        y = run.xp.where(x > 0, x, arrays["slope"] * x)
        return run.note("y", y, "x, or slope x below 0"), x

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        xp, x = run.xp, saved
        share = run.note("share", xp.where(x > 0, 0, d_y * x), "d_y x where x <= 0")
        if self.shared:
            d_slope = xp.sum(share).reshape(1)
        else:
            d_slope = xp.sum(share, axis=tuple(range(x.ndim - 1)))
        d_slope = run.note("d_slope", d_slope, "sum of the shares")
        d_x = run.note("d_x", xp.where(x > 0, d_y, arrays["slope"] * d_y), "d_y, or slope d_y")
        return d_x, {"slope": d_slope}
