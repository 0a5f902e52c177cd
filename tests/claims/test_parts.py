"""The rule of the verdict, on numbers whose statistics are known."""

import math

import numpy as np
import pytest
from scipy import stats

from evenly.claims.parts import Part, less, more, same
from evenly.claims.parts import tested as student
from evenly.study import StudyError

VALUES = [-1.2, -0.7, -1.9, -0.4, -1.1, -1.6, -0.2, -0.9]


def part(expects="less", **more_of_it):
    return Part("it", lambda block: 0.0, expects, **more_of_it)


def test_the_interval_and_p_are_those_of_students_t():
    test = student(part(), VALUES, 0.0)
    found = stats.ttest_1samp(VALUES, 0.0)
    low, high = found.confidence_interval(0.95)
    np.testing.assert_allclose([test.mean, test.low, test.high], [np.mean(VALUES), low, high])
    np.testing.assert_allclose(test.p_holds, found.pvalue)
    np.testing.assert_allclose(test.p_fails, 1.0)


def test_more_is_less_turned_round():
    one, other = student(part("less"), VALUES, 0.0), student(part("more"), VALUES, 0.0)
    assert other.p_fails == one.p_holds
    assert other.p_holds == one.p_fails


def test_splits_that_overlap_widen_the_interval():
    alone, overlapping = student(part(), VALUES, 0.0), student(part(), VALUES, 1 / 3)
    wider = math.sqrt((1 / 8 + 1 / 3) / (1 / 8))
    np.testing.assert_allclose(overlapping.high - overlapping.low, wider * (alone.high - alone.low))
    assert overlapping.p_holds > alone.p_holds


@pytest.mark.parametrize(("shift", "holds", "fails"), [
    (0.0, True, False), (0.95, False, False), (1.0, False, False), (3.0, False, True),
    (-3.0, False, True),
])
def test_same_is_two_one_sided_tests_against_the_margin(shift, holds, fails):
    values = np.random.default_rng(0).normal(scale=0.2, size=20)
    values += shift - values.mean()
    test = student(part("same", margin=1.0), values, 0.0)
    assert (test.p_holds < 0.05, test.p_fails < 0.05) == (holds, fails)
    low, high = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    # The rule in words: within the margin, or outside it, is the whole interval.
    assert (test.p_holds < 0.05) == (low > -1.0 and high < 1.0)
    assert (test.p_fails < 0.05) == (low > 1.0 or high < -1.0)


@pytest.mark.parametrize(("value", "expects", "p_holds", "p_fails"), [
    (-2.0, "less", 2 * 0.5**8, 1.0), (-2.0, "more", 1.0, 2 * 0.5**8), (0.0, "less", 1.0, 1.0),
    (0.0, "same", 2 * 0.5**8, 1.0), (3.0, "same", 1.0, 2 * 0.5**8),
])
def test_numbers_that_do_not_vary_get_a_sign_test(value, expects, p_holds, p_fails):
    test = student(part(expects, margin=1.0 if expects == "same" else 0.0), [value] * 8, 0.0)
    assert (test.p_holds, test.p_fails) == (p_holds, p_fails)
    assert (test.low, test.high) == (value, value)


def test_rounding_is_no_spread():
    values = [0.1 + 0.2, 0.3, 0.1 + 0.2, 0.3, 0.3, 0.3, 0.3, 0.3]
    assert student(part("more"), values, 0.0).p_holds == 2 * 0.5**8


def test_the_rate_of_false_verdicts_is_below_five_percent():
    random = np.random.default_rng(1)
    wrong = 0
    for _ in range(2000):
        test = student(part(), random.normal(size=10), 0.0)
        wrong += test.p_holds < 0.05 or test.p_fails < 0.05
    # 0.05 and three standard errors of 2,000 draws.
    assert 0.035 < wrong / 2000 < 0.065


def test_compared_parts_read_their_levels():
    asked = []

    def block(measure, **levels):
        asked.append((measure, levels))
        return {"a": 6.0, "b": 3.0}[levels["norm"]]

    found = more("speed", {"norm": "a"}, than={"norm": "b"}, at={"rate": 0.1})
    assert found.effect(block) == 3.0
    assert asked == [("speed", {"rate": 0.1, "norm": "a"}), ("speed", {"rate": 0.1, "norm": "b"})]
    assert found.words == "speed: norm a against norm b (rate 0.1)"
    ratio = less("speed", {"norm": "a"}, than={"norm": "b"}, ratio=True)
    np.testing.assert_allclose(ratio.effect(block), math.log(2))
    assert ratio.told(math.log(2), math.log(1.5), math.log(3)) == "x 2.00 [1.50, 3.00]"
    assert same("speed", {"norm": "a"}, than={"norm": "b"}, margin=1.0).margin == 1.0


@pytest.mark.parametrize(("value", "told"), [
    (0.0312, "+3.1 points"), (-0.848, "-84.8 points"), (0.0, "+0.0 points"),
    (0.00012, "+0.01 points"), (1e-7, "+1.0e-05 points"), (1e4, "+1.0e+06 points"),
])
def test_effects_are_told_with_their_unit(value, told):
    assert part(unit="points", factor=100, digits=1).told(value) == told


def test_a_ratio_of_what_is_not_positive_is_an_error():
    ratio = less("loss", {"a": 1}, than={"a": 0}, ratio=True)
    with pytest.raises(StudyError, match=r"measure 'loss': a ratio needs numbers above 0, got 0"):
        ratio.effect(lambda measure, **levels: 0.0)


@pytest.mark.parametrize(("settings", "says"), [
    ({"expects": "smaller"}, "expects 'less', 'more' or 'same', got 'smaller'"),
    ({"expects": "same"}, "a margin above 0 goes with 'same'"),
    ({"expects": "less", "margin": 0.1}, "a margin above 0 goes with 'same'"),
    ({"expects": "less", "least": -1.0}, "least must not be negative"),
    ({"expects": "less", "least": math.nan}, "least must not be negative"),
])
def test_a_part_that_makes_no_sense_is_refused(settings, says):
    with pytest.raises(StudyError, match=says):
        part(**settings)
