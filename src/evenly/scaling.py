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

    With ``channels``, the statistics of images (rows, height, width, channels) and sequences (rows,
    steps, features) are those of each channel over all rows and positions: the same channel has the
    same scale wherever it stands. Examples to transform may then have other heights or lengths.

    Attributes:
        mean, deviation: (features...,) or (channels,) float64 arrays once fitted, else None. A
            feature that never varies has deviation 1, so it becomes 0.
        channels: whether the last axis alone counts as features.

    Raises:
        DataError: not fitted, no rows, values that are not finite, or other features than those
            it was fitted on.

    Source: LeCun, Bottou, Orr and Mueller 1998, "Efficient BackProp", section 4.3.

    Example:
        >>> scaler = Standardizer().fit(np.array([[1.0], [3.0]]))
        >>> scaler.transform(np.array([[5.0]]))
        array([[3.]])
        >>> images = np.random.default_rng(0).normal(5.0, 2.0, (100, 8, 8, 3))
        >>> Standardizer(channels=True).fit(images).mean.shape
        (3,)
    """

    mean: Any = None
    deviation: Any = None
    channels: bool = False

    def fit(self, x: Any) -> Standardizer:
        """Statistics of `x`, shape (rows, features...)."""
        x = np.asarray(x)
        if x.ndim < 1 or len(x) == 0:
            raise DataError("Standardizer: expects at least one row, got none")
        if self.channels and (x.ndim < 2 or x.size == 0):
            raise DataError(
                "Standardizer: channels=True expects shape (rows, ..., channels) and at least one "
                f"position, got {x.shape}: add the axis that is missing"
            )
        if not np.all(np.isfinite(x)):
            raise DataError(
                "Standardizer: the data hold NaN or infinity: fill the gaps first, "
                "for instance with sklearn.impute.SimpleImputer"
            )
        axes = tuple(range(x.ndim - 1)) if self.channels else 0
        mean = x.mean(axis=axes, dtype=np.float64)
        mean = mean + (x - mean).mean(axis=axes)  # what rounding took from the sum of many
        deviation = np.sqrt(((x - mean) ** 2).mean(axis=axes))
        # A constant column's computed deviation is rounding, not signal.
        constant = deviation <= 8 * np.finfo(np.float64).eps * np.abs(mean)
        return Standardizer(mean, np.where(constant, 1.0, deviation), self.channels)

    def transform(self, x: Any) -> Any:
        """`x` on the training set's scale; float32 stays float32."""
        if self.mean is None:
            raise DataError("Standardizer: call fit on the training set before transform")
        x = np.asarray(x)
        features = x.shape[max(1, x.ndim - 1) :] if self.channels else x.shape[1:]
        if features != self.mean.shape:
            what = "channels" if self.channels else "features of shape"
            raise DataError(
                f"Standardizer: was fitted on {what} {self.mean.shape}, got {features}"
            )
        scaled = (x - self.mean) / self.deviation
        return scaled.astype(np.float32) if x.dtype == np.float32 else scaled
