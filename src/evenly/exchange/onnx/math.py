"""Functions of numbers that are written out: those that ONNX lacks, and those that ONNX Runtime has
in float32 alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph import Graph


def soft_plus(g: Graph, x: str) -> str:
    """``log(1 + exp(x))`` with the digits of small results: with ``e = exp(-|x|)`` and ``u`` what
    ``1 + e`` rounds to, ``log(1 + e) = log(u) - (u - 1 - e) / u`` to the last digits."""
    e = g("Exp", g("Neg", g("Abs", x)))
    u = g("Add", e, 1.0)
    lost = g("Div", g("Sub", g("Sub", u, 1.0), e), u)
    return g("Add", g("Max", x, 0.0), g("Sub", g("Log", u), lost))


def elu(g: Graph, x: str, alpha: float) -> str:
    """``x`` above 0, ``alpha (exp(x) - 1)`` below."""
    if g.dtype != np.float64:
        return g("Elu", x, alpha=float(alpha))
    below = g("Sub", g("Exp", g("Min", x, 0.0)), 1.0)
    return g("Add", g("Max", x, 0.0), g("Mul", below, float(alpha)))


def leaky(g: Graph, x: str, slope: Any) -> str:
    """``x`` above 0, ``slope x`` below; the slope is a number, or the name of an array."""
    if g.dtype != np.float64:
        return g("PRelu", x, slope) if isinstance(slope, str) else (
            g("LeakyRelu", x, alpha=float(slope)))
    below = g("Mul", g("Min", x, 0.0), slope if isinstance(slope, str) else float(slope))
    return g("Add", g("Max", x, 0.0), below)
