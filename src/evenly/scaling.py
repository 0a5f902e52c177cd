"""Inputs on a common scale, measured on the training set alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import DataError


@dataclass(frozen=True)
class Standardizer:
    """Shifts and scales each feature to mean 0 and deviation 1: ``(x - mean) / deviation``.

    ``fit`` returns a new, fitted one. Fit it on the training set and apply it unchanged to
    everything else: statistics of test data would tell the network about the test.

    Attributes:
        mean, deviation: (features...,) float64 arrays once fitted, else None. A feature that never
            varies has deviation 1, so it becomes 0.

    Raises:
        DataError: not fitted, no rows, values that are not finite, or other features than those
            it was fitted on.

    Source: LeCun, Bottou, Orr and Mueller 1998, "Efficient BackProp", section 4.3.

    Example:
        >>> scaler = Standardizer().fit(np.array([[1.0], [3.0]]))
        >>> scaler.transform(np.array([[5.0]]))
        array([[3.]])
    """

    mean: Any = None
    deviation: Any = None

    def fit(self, x: Any) -> Standardizer:
        """Statistics of `x`, shape (rows, features...)."""
        x = np.asarray(x)
        if x.ndim < 1 or len(x) == 0:
            raise DataError("Standardizer: expects at least one row, got none")
        if not np.all(np.isfinite(x)):
            raise DataError(
                "Standardizer: the data hold NaN or infinity: fill the gaps first, "
                "for instance with sklearn.impute.SimpleImputer"
            )
        mean = x.mean(axis=0, dtype=np.float64)
        deviation = np.sqrt(((x - mean) ** 2).mean(axis=0))
        # A constant column's computed deviation is rounding, not signal.
        constant = deviation <= 8 * np.finfo(np.float64).eps * np.abs(mean)
        return Standardizer(mean, np.where(constant, 1.0, deviation))

    def transform(self, x: Any) -> Any:
        """`x` on the training set's scale; float32 stays float32."""
        if self.mean is None:
            raise DataError("Standardizer: call fit on the training set before transform")
        x = np.asarray(x)
        if x.shape[1:] != self.mean.shape:
            raise DataError(
                f"Standardizer: was fitted on features of shape {self.mean.shape}, "
                f"got {x.shape[1:]}"
            )
        scaled = (x - self.mean) / self.deviation
        return scaled.astype(np.float32) if x.dtype == np.float32 else scaled
