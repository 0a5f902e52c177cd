from __future__ import annotations

import math

import pytest
from scipy import stats

from evenly.study.records import EpochPoint
from evenly.study.statistics import epochs_to, holm, interval, p_value, spread, standard_error

VALUES = [0.91, 0.94, 0.90, 0.97, 0.93]
DIFFERENCES = [0.02, 0.05, -0.01, 0.04, 0.03]


def test_without_overlap_the_interval_is_the_plain_t_interval() -> None:
    found = interval(VALUES, test_ratio=0.0)
    mean = sum(VALUES) / 5
    low, high = stats.t.interval(0.95, 4, loc=mean, scale=stats.sem(VALUES))
    assert found.mean == pytest.approx(mean)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.count == 5


def test_without_overlap_the_test_is_the_paired_t_test() -> None:
    expected = stats.ttest_1samp(DIFFERENCES, 0.0).pvalue
    assert p_value(DIFFERENCES, test_ratio=0.0) == pytest.approx(expected)


def test_overlap_widens_by_the_formula_of_nadeau_and_bengio() -> None:
    # By hand: s² = 0.00053, J = 5, a quarter of the rows tests: (1/5 + 1/3) s² = 0.000282667.
    deviation = spread(DIFFERENCES)
    assert deviation is not None
    assert deviation**2 == pytest.approx(0.00053)
    error = standard_error(deviation, 5, 1 / 3)
    assert error**2 == pytest.approx(0.00028266667)
    # The 97.5 % point of Student's t with 4 degrees of freedom is 2.776445.
    found = interval(DIFFERENCES, 1 / 3)
    assert found.mean == pytest.approx(0.026)
    assert found.half_width == pytest.approx(2.776445 * math.sqrt(0.00028266667), rel=1e-6)
    p = p_value(DIFFERENCES, 1 / 3)
    assert p == pytest.approx(2 * stats.t.sf(0.026 / error, 4))


def test_an_interval_excludes_zero_exactly_when_p_is_below_five_percent() -> None:
    for shift in (0.0, 0.01, 0.02, 0.03, 0.05):
        moved = [value + shift for value in DIFFERENCES]
        found, p = interval(moved, 0.25), p_value(moved, 0.25)
        assert p is not None
        assert (found.low > 0) == (p < 0.05)


@pytest.mark.parametrize("values", [[0.9], [0.5, 0.5, 0.5], [0.1 + 0.2, 0.3]])
def test_no_spread_gives_no_interval_and_no_p(values: list[float]) -> None:
    found = interval(values, 1 / 3)
    assert found.half_width is None
    assert found.low == found.high == found.mean == pytest.approx(values[0])
    assert p_value(values, 1 / 3) is None


def test_holm_on_the_textbook_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_never_exceeds_one_and_keeps_the_order() -> None:
    assert holm([0.9, 0.8, 0.001]) == pytest.approx([1.0, 1.0, 0.003])
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


def test_epochs_to_takes_the_first_epoch_at_the_target() -> None:
    scores = [0.5, 0.8, 0.9, 0.85, 0.95]
    points = [EpochPoint(i, 1.0, None, None, score, 0.0) for i, score in enumerate(scores, 1)]
    assert epochs_to(points, 0.9) == 3
    assert epochs_to(points, 0.91) == 5
    assert epochs_to(points, 0.96) is None
    assert epochs_to([EpochPoint(1, 1.0, 0.99, None, None, 0.0)], 0.5) is None
