"""Dropout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..random import dropout_keep, stream_of
from .base import ArrayLike, Arrays, Layer, Run, Shape, expect


@dataclass(frozen=True)
class Dropout(Layer):
    """Inverted dropout: in training each number is set to 0 with probability `rate`, and those
    kept are divided by the keep probability ``1 - rate``, so that the expected output is the
    input. In inference nothing happens.

    ``y = x keep / (1 - rate)``, ``d_x = d_y keep / (1 - rate)``. The mask is drawn from (seed,
    layer name, step, element) and never stored.

    Arguments:
        rate: fraction dropped, 0 <= rate < 1.
        name: the layer's name; by default ``dropout_1``, ...

    Shapes: any, unchanged.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014, sections 4 and 10.

    Example:
        >>> y, _ = Dropout(0.5).forward(np.ones((1, 4)), {}, Run(training=False))
        >>> y
        array([[1., 1., 1., 1.]])
    """

    rate: float
    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    inference_is_identity: ClassVar[bool] = True

    def __post_init__(self) -> None:
        expect(
            0 <= self.rate < 1,
            self,
            "rate is the fraction dropped: at least 0 and below 1",
            self.rate,
        )

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"dropout_rate": self.rate}

    def stream(self, name: str) -> float:
        """The number of the random stream that the kernel draws from."""
        return float(stream_of(name))

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        if not run.training:
            return x, None
        keep = dropout_keep(run.seed, run.layer, run.step, x.shape, self.rate)
        factor = run.note("mask", keep / (1 - self.rate), "keep / (1 - rate)")
        return run.note("y", x * factor, "x mask"), factor

    def backward(
        self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run
    ) -> tuple[ArrayLike, dict[str, ArrayLike]]:
        return run.note("d_x", d_y * saved, "d_y mask"), {}
