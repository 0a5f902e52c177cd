"""Whether probabilities are what they say: of 100 rows with probability 0.7, 70 should be so.

Source: Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML (2017).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .answers import Answers
from .records import Bin, Calibration

BINS = 10


def calibration(answers: Answers, given: Any, bins: int = BINS) -> Calibration:
    """The reliability curve in bins of equal width, and the expected calibration error.

    Of two classes it is of the second one's probability; of more, of the probability of the class
    that is answered.

    Arguments:
        answers: the rows, and what is true of them.
        given: (rows, classes): the probabilities that they got.
        bins: between 0 and 1; empty ones are left out.
    """
    from sklearn.calibration import calibration_curve

    given, truth = np.asarray(given), answers.codes
    if given.shape[1] == 2:
        said, so = given[:, 1], truth == 1
        of = f"'{answers.classes[1]}'"
    else:
        said, so = given.max(axis=1), given.argmax(axis=1) == truth
        of = "the answer"
    said = np.clip(said, 0.0, 1.0)
    seen, mean = calibration_curve(so, said, n_bins=bins, pos_label=True)
    # As calibration_curve has them.
    counts = np.bincount(np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], said), minlength=bins)
    counts = counts[counts > 0]
    error = float((np.abs(mean - seen) * counts).sum() / counts.sum())
    found = zip(mean, seen, counts, strict=True)
    return Calibration(of, tuple(Bin(float(m), float(s), int(n)) for m, s, n in found), error)
