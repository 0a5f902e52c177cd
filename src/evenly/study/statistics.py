"""Means, intervals and tests over seeds whose splits overlap.

Every seed splits the same table anew, so the seeds' training parts share rows and their scores are
not independent. The plain t interval, with variance s²/J, is then too narrow and finds differences
that are not there. The corrected resampled t interval adds the part that the overlap hides:

    variance of the mean = (1/J + n_test/n_train) · s²,    J - 1 degrees of freedom

for J seeds, s² the unbiased variance over the seeds, and n_test and n_train the parts' rows.

Source: C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52,
239-281 (2003), section 3, equation for the corrected resampled t-test.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from .records import EpochPoint, Interval

CONFIDENCE = 0.95
# A spread this small beside the values is rounding, not spread.
ROUNDING = 1e-12


def spread(values: Sequence[float]) -> float | None:
    """The unbiased standard deviation; None for one value or for values that are all equal.

    Equal scores over a few seeds mean that the test part is small, not that nothing varies: they
    say nothing about the spread, so no interval is made of them.
    """
    if len(values) < 2:
        return None
    deviation = statistics.stdev(values)
    return deviation if deviation > ROUNDING * max(abs(value) for value in values) else None


def standard_error(deviation: float, count: int, test_ratio: float) -> float:
    """The corrected standard error of a mean: sqrt(1/J + n_test/n_train) · s.

    Args:
        deviation: s, the standard deviation over the seeds.
        count: J, the number of seeds.
        test_ratio: n_test / n_train; 0 gives the plain t interval of independent samples.
    """
    return deviation * math.sqrt(1 / count + test_ratio)


def interval(values: Sequence[float], test_ratio: float) -> Interval:
    """The mean of the seeds' values with its corrected 95 % interval (Student's t).

    Args:
        values: one value a seed, at least one.
        test_ratio: n_test / n_train.

    Example:
        >>> found = interval([0.91, 0.94, 0.90, 0.97, 0.93], test_ratio=1 / 3)
        >>> f"{found.mean:.3f}, from {found.low:.3f} to {found.high:.3f}"
        '0.930, from 0.874 to 0.986'
    """
    mean = statistics.fmean(values)
    deviation = spread(values)
    if deviation is None:
        return Interval(mean, None, len(values))
    from scipy import stats

    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    return Interval(
        mean, quantile * standard_error(deviation, len(values), test_ratio), len(values)
    )


def p_value(differences: Sequence[float], test_ratio: float) -> float | None:
    """The two-sided p-value of the corrected paired t-test; None where there is no spread.

    Args:
        differences: variant minus plain, one a seed.
        test_ratio: n_test / n_train.
    """
    deviation = spread(differences)
    if deviation is None:
        return None
    from scipy import stats

    error = standard_error(deviation, len(differences), test_ratio)
    t = abs(statistics.fmean(differences)) / error
    return float(2 * stats.t.sf(t, len(differences) - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction for asking several questions at once.

    The smallest of m p-values is multiplied by m, the next by m - 1, and so on; none may come out
    below one before it, nor above 1. Comparing the results with 0.05 keeps the chance of any false
    finding among all m at 5 % at most.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
    of Statistics 6, 65-70 (1979).
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    floor = 0.0
    for rank, i in enumerate(order):
        floor = max(floor, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = floor
    return adjusted


def epochs_to(points: Sequence[EpochPoint], target: float) -> int | None:
    """The first epoch after which the test score is at least `target`; None if none is."""
    for point in points:
        if point.test_score is not None and point.test_score >= target:
            return point.epoch
    return None
