"""Dropout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..random import stream_of
from .base import ArrayLike, Arrays, Gradients, Layer, Run, expect


@dataclass(frozen=True)
class Dropout(Layer):
    """Inverted dropout: in training each number is set to 0 with probability `rate`, and those
    kept are divided by the keep probability ``1 - rate``, so that the expected output is the
    input. In inference nothing happens.

    ``y = x keep / (1 - rate)``, ``d_x = d_y keep / (1 - rate)``. The mask is drawn from (seed,
    layer name, step, element), and never stored as numbers: at most a bit of each is kept.

    Classic dropout scales at the other end: ``y = x keep`` in training, and in inference
    ``y = (1 - rate) x``: times the keep probability, not the rate.

    Arguments:
        rate: fraction dropped, 0 <= rate < 1.
        classic: whether it is classic dropout, as the paper's section 4 has it, rather than the
            inverted one of its section 10.
        name: the layer's name; by default ``dropout_1``, ...

    Shapes: any, unchanged.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014, sections 4 and 10.

    Example:
        >>> y, _ = Dropout(0.5).forward(np.ones((1, 4)), {}, Run(training=False))
        >>> y
        array([[1., 1., 1., 1.]])
    """

    rate: float
    classic: bool = False
    name: str | None = None

    kernel: ClassVar[str | None] = "elementwise"
    drops: ClassVar[bool] = True

    def __post_init__(self) -> None:
        rule = "rate is the fraction dropped: at least 0 and below 1"
        expect(0 <= self.rate < 1, self, rule, self.rate)

    @property
    def inference_is_identity(self) -> bool:
        return not self.classic

    def epilogue_numbers(self, name: str, training: bool) -> dict[str, float]:
        """The numbers that a kernel needs to run it, alone or behind another layer."""
        if not training:
            return {"inference_scale": 1 - self.rate} if self.classic else {}
        numbers = {"dropout_rate": self.rate, "dropout_stream": float(stream_of(name))}
        return numbers | ({"dropout_classic": 1.0} if self.classic else {})

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        if not run.training:
            return run.note("y", x * (1 - self.rate), "(1 - rate) x") if self.classic else x, None
        rate = run.dropped(self.rate)
        keep = run.keep(x.shape, rate)
        factor = keep * 1.0 if self.classic else keep / (1 - rate)
        factor = run.note("mask", factor, "keep" if self.classic else "keep / (1 - rate)")
        return run.note("y", x * factor, "x mask"), factor

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        return run.note("d_x", d_y * saved, "d_y mask"), {}
