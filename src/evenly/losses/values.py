"""Targets that are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DataError
from ..layers.base import Shape


def as_values(name: str, y: Any, shape: Shape, dtype: Any) -> Any:
    """Targets as numbers of the scores' shape, or a DataError that says what is wrong."""
    y = np.asarray(y)
    if y.dtype.kind not in "iubf":
        raise DataError(f"{name}: expects numbers as targets, got {y.dtype}")
    came = y.shape
    if y.ndim == len(shape) and shape[-1] == 1:
        y = y[..., None]
    if len(shape) == 1 and y.ndim > 1:
        y = y.reshape(len(y), -1)
    if y.shape[1:] != shape:
        wanted = ", ".join(["n", *map(str, shape)])
        units = y.shape[-1] if y.ndim > 1 else 1
        raise DataError(
            f"{name}: expects targets of shape ({wanted}), got {came}: "
            f"the last layer needs {units} units"
        )
    if not np.all(np.isfinite(y)):
        raise DataError(f"{name}: the targets hold NaN or infinity: leave those rows out")
    with np.errstate(over="ignore"):
        cast = np.ascontiguousarray(y, dtype=dtype)
    if not np.all(np.isfinite(cast)):
        raise DataError(
            f"{name}: the targets hold numbers too large for {dtype}: divide them by a constant, "
            "or use dtype='float64'"
        )
    return cast
