"""Whether probabilities are what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.calibration import calibration_curve

from ...errors import ConfigurationError, DataError


@dataclass(frozen=True, eq=False)
class Reliability:
    """The points of a reliability curve, one for each bin that has rows.

    Attributes:
        predicted: (bins,) the mean probability of a bin's rows.
        observed: (bins,) the share of them for which it came true.
        rows: (bins,) how many there are.
        error: the expected calibration error: the mean over all rows of ``|observed - predicted|``
            of their bin.
    """

    predicted: Any
    observed: Any
    rows: Any
    error: float


def reliability(y: Any, probabilities: Any, bins: int = 10) -> Reliability:
    """How far probabilities are from what comes true.

    Arguments:
        y: of one probability a row: (rows,) True or 1 where it came true, else False or 0. Of
            several: (rows,) the number of the right column; or (rows, labels) of 0 and 1.
        probabilities: (rows,) of the second of two classes; (rows, classes) that sum to 1: then
            those of the likeliest class are judged; or (rows, labels) of several labels, all of
            which are judged.
        bins: of equal width from 0 to 1, >= 1.

    Raises:
        DataError: shapes that do not fit, probabilities outside 0 to 1.

    Source: Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks",
    section 2.

    Example:
        >>> told = reliability([0, 1, 1, 1], [0.1, 0.9, 0.9, 0.9], bins=2)
        >>> told.observed.tolist(), told.rows.tolist(), round(told.error, 3)
        ([0.0, 1.0], [1, 3], 0.1)
    """
    if isinstance(bins, bool) or not isinstance(bins, (int, np.integer)) or bins < 1:
        raise ConfigurationError(f"reliability: bins must be a whole number >= 1, got {bins!r}")
    y, p = np.asarray(y), np.asarray(probabilities, np.float64)
    if not p.size or not ((p >= 0) & (p <= 1)).all():
        raise DataError("reliability: expects probabilities from 0 to 1, and at least one")
    if p.ndim == 2 and y.shape == p.shape:
        y, p = y.ravel(), p.ravel()
    elif p.ndim == 2 and y.shape == p.shape[:1]:
        if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= p.shape[1]:
            raise DataError(
                f"reliability: with {p.shape[1]} probabilities a row y holds column numbers, from "
                f"0 to {p.shape[1] - 1}: np.searchsorted(net.classes_, y) makes them of labels"
            )
        best = p.argmax(axis=1)
        y, p = best == y, p[np.arange(len(p)), best]
    elif p.ndim != 1 or y.shape != p.shape:
        raise DataError(
            f"reliability: y of shape {y.shape} does not fit probabilities of shape {p.shape}"
        )
    if not np.isin(y, (0, 1)).all():
        raise DataError(
            "reliability: y must be True or False (or 1 and 0) for each probability: y == "
            "net.classes_[1], say"
        )
    y = y.astype(np.int64)
    observed, predicted = calibration_curve(y, p, n_bins=bins)
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    counts = np.bincount(np.searchsorted(inner, p), minlength=bins)
    counts = counts[counts > 0]
    error = float(counts @ np.abs(observed - predicted) / len(p))
    return Reliability(predicted, observed, counts, error)
