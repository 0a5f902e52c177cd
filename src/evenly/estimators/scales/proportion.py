"""Whether a validation set is on the scale of the training set."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ...rows.sources import is_sparse

# Fewer rows of a validation and a training set say too little.
LEAST_ROWS, LEAST_TRAINING_ROWS = 10, 20
# One column may hold next to nothing but one value; so many do not at once.
LEAST_COLUMNS = 3
# Rows that are looked at; no more are needed to tell.
MOST_ROWS = 2000
# A column is far where nearly all its numbers lie as many times the training rows' range away.
FAR = 3
# A column is narrow where the middle four fifths of its numbers span less than this share of the
# middle half of the training rows.
NARROW = 0.2


def warn_of_other_scale(X: Any, X_val: Any) -> None:
    """Warns where a validation set is out of all proportion to the training set.

    That is so where more than half of its numbers lie outside of what their columns hold in
    training; or nearly all numbers of a column lie outside by three times the range of the column;
    or more than half of three columns or more are narrow, their middle four fifths spanning less
    than a fifth of the middle half in training. For rows drawn from one distribution, whatever it
    is, a number lies outside with a chance of ``2 / (training rows + 1)`` at most. Columns that
    never vary do not count; fewer than 10 rows, or 20 training rows, are not judged. Of sparse
    tables only the entries that lie far outside count.

    Arguments:
        X: training rows, an array or CSR.
        X_val: rows of the validation set.
    """
    if X.shape[0] < LEAST_TRAINING_ROWS or X_val.shape[0] < LEAST_ROWS:
        return
    low, high = X.min(axis=0), X.max(axis=0)
    if is_sparse(X):
        low, high = (part.toarray().ravel() for part in (low, high))
    X_val = X_val[:: max(1, X_val.shape[0] // MOST_ROWS)]
    told = _sparse(low, high, X_val) if is_sparse(X_val) else _dense(low, high, X, X_val)
    if told:
        warnings.warn(
            f"X_val is out of proportion to X: {told}. The loss on it then means little: give both "
            "on one scale; a Pipeline hands it on as it is, unless made with "
            "transform_input=['X_val']",
            UserWarning, stacklevel=5,
        )


def _dense(low: Any, high: Any, X: Any, X_val: Any) -> str:
    varies = low < high
    if not varies.any():
        return ""
    values = np.asarray(X_val[:, varies], np.float64)
    low, high = low[varies].astype(np.float64), high[varies].astype(np.float64)
    outside = float(np.mean((values < low) | (values > high)))
    if outside > 0.5:
        return f"{outside:.0%} of its numbers lie outside of the range of their columns in X"
    apart = np.maximum(low - values, values - high) > FAR * (high - low)
    far = int((apart.mean(axis=0) > 0.9).sum())
    if far:
        return f"{far} of its columns lie far outside of their range in X"
    if is_sparse(X) or len(low) < LEAST_COLUMNS:
        return ""
    rows = np.asarray(X[:: max(1, len(X) // MOST_ROWS), varies], np.float64)
    first, third = np.quantile(rows, (0.25, 0.75), axis=0)
    below, above = np.quantile(values, (0.1, 0.9), axis=0, method="nearest")
    judged = (first < third) & (below < above)
    narrow = judged & (above - below < NARROW * (third - first))
    if 2 * narrow.sum() > len(low):
        return f"in {int(narrow.sum())} of {len(low)} columns it varies by far less than X"
    return ""


def _sparse(low: Any, high: Any, X_val: Any) -> str:
    # Of many small counts a good part is new: only what is far says something.
    columns, values = X_val.indices, X_val.data.astype(np.float64)
    low, high = low[columns].astype(np.float64), high[columns].astype(np.float64)
    counts = low < high
    far = counts & (np.maximum(low - values, values - high) > FAR * (high - low))
    if far.sum() > max(LEAST_ROWS, 0.5 * counts.sum()):
        return f"{far.sum() / counts.sum():.0%} of its entries lie far outside of their range in X"
    return ""
