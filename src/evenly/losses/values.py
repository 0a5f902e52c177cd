"""Targets that are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DataError
from ..given import as_array, cast, first_place, in_words, no_numbers
from ..layers.base import Shape


def as_values(name: str, y: Any, shape: Shape, dtype: Any, units_each: int = 1) -> Any:
    """Targets as numbers of the scores' shape, or a DataError that says what is wrong. Each target
    has so many outputs of the network."""
    y = as_array(y, f"{name}: targets")
    if y.dtype.kind not in "iubf":
        raise DataError(f"{name}: expects numbers as targets, {no_numbers(y)}")
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
            f"the last layer needs {units * units_each} units"
        )
    place = first_place(~np.isfinite(y))
    if place is not None:
        raise DataError(f"{name}: the targets hold {y[place]} in {in_words(place)}: leave such "
                        "rows out")
    return cast(y, dtype, f"{name}: the targets hold")
