"""Functions that the array namespaces lack, or that need care far from zero."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .base import ArrayLike

_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def erfc(xp: Any, x: ArrayLike) -> ArrayLike:
    """The complementary error function: the namespace's own where it has one (NumPy has none)."""
    return xp.erfc(x) if hasattr(xp, "erfc") else _erfc(x)


def normal_cdf(xp: Any, x: ArrayLike) -> ArrayLike:
    """``P(N(0, 1) < x) = erfc(-x / sqrt(2)) / 2``, accurate far below 0 too."""
    return erfc(xp, -x / math.sqrt(2)) / 2


def logistic(xp: Any, x: ArrayLike) -> ArrayLike:
    """``1 / (1 + exp(-x))``, by exp of a number that is never positive: it cannot overflow."""
    small = xp.exp(-abs(x))
    return xp.where(x >= 0, 1 / (1 + small), small / (1 + small))


def softplus(xp: Any, x: ArrayLike) -> ArrayLike:
    """``log(1 + exp(x))``, without overflow."""
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-abs(x)))
