"""An activation of which each channel takes as much as it learns to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ..errors import ConfigurationError
from ..initializers import Constant
from .base import ArrayLike, Arrays, ArraySpec, Gradients, Layer, Run, Shape


@dataclass(frozen=True)
class Parametric(Layer):
    """A parametric activation: ``y = (1 - share) x + share f(x)``, with a trained share for each
    channel: at 1 the activation itself, at 0 nothing. It may leave these bounds.

    Gradients: ``d_x = (1 - share) d_y + share f'(x) d_y``; ``d_share`` is the sum of ``d_y (f(x) -
    x)`` over all but the last axis. Penalties do not touch the share. Where it is trained at a
    tenth of the rate, as in the source: :class:`evenly.ArrayRates` of ``{"*.share": 0.1}``.

    Arguments:
        layer: the activation, of each number by itself: ``Mish()``, ``SELU()``, ...
        init: first value of each share.
        name: the layer's name; by default ``parametric_1``, ...

    Shapes: (batch, ..., channels), unchanged; ``share`` is (channels,).

    Raises:
        ConfigurationError: another layer than such an activation.

    Source: Holzmüller, Grinsztajn and Steinwart 2024, "Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data", section 3.

    Example:
        >>> from evenly.layers import ReLU
        >>> arrays = {"share": np.array([0.75])}
        >>> y, _ = Parametric(ReLU()).forward(np.array([[-1.0], [2.0]]), arrays, Run(training=True))
        >>> y
        array([[-0.25],
               [ 2.  ]])
    """

    layer: Layer
    init: float = 1.0
    name: str | None = None

    kernel: ClassVar[str | None] = "parametric"

    def __post_init__(self) -> None:
        if not isinstance(self.layer, Layer) or not self.layer.activation_code:
            raise ConfigurationError(
                "Parametric: layer must be an activation of each number by itself, such as Mish(), "
                f"got {self.layer!r}" + ("; call it" if isinstance(self.layer, type) else "")
            )

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        return {"share": ArraySpec(shape[-1:], Constant(self.init))}

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"activation": self.layer.activation_code or 0, **self.layer.numbers(shape)}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        inner, share = replace(run, recorder=None), arrays["share"]
        f, saved = self.layer.forward(x, {}, inner)
        f = run.note("f", f, type(self.layer).__name__)
        y = run.note("y", (1 - share) * x + share * f, "(1 - share) x + share f")
        return y, (x, f, saved)

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        x, f, kept = saved
        share = arrays["share"]
        d_share = run.xp.sum(d_y * (f - x), axis=tuple(range(x.ndim - 1)))
        d_share = run.note("d_share", d_share, "sum of d_y (f - x)")
        d_f, _ = self.layer.backward(d_y, {}, kept, replace(run, recorder=None))
        d_f = run.note("d_f", d_f, "d_y f'(x)")
        d_x = run.note("d_x", (1 - share) * d_y + share * d_f, "(1 - share) d_y + share d_f")
        return d_x, {"share": d_share}
