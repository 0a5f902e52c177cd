"""Exact numbers: the laws of arithmetic, roots, order, and which fraction a float stands for."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evenly.byhand.exact import Exact, exact_array, float_array, simple_fraction

fractions = st.builds(Fraction, st.integers(-50, 50), st.integers(1, 12))
radicands = st.sampled_from([1, 2, 3, 5, 6, 10])


def sums_of_roots(terms=2):
    parts = st.lists(st.tuples(fractions, radicands), min_size=1, max_size=terms)
    return parts.map(lambda pairs: sum((Exact(q) * Exact(r).sqrt() for q, r in pairs), Exact(0)))


def same(a, b):
    """Exact numbers are equal; what became a decimal is so up to rounding."""
    if a.is_exact and b.is_exact:
        return a == b
    return math.isclose(float(a), float(b), rel_tol=1e-9, abs_tol=1e-9)


@given(sums_of_roots(), sums_of_roots(), sums_of_roots())
def test_a_sum_and_a_product_may_be_ordered_at_will(a, b, c):
    assert same(a + b, b + a)
    assert same((a + b) + c, a + (b + c))
    assert same(a * b, b * a)
    assert same((a * b) * c, a * (b * c))
    assert same(a * (b + c), a * b + a * c)


@given(sums_of_roots(), sums_of_roots())
def test_what_is_added_or_multiplied_is_taken_away_again(a, b):
    assert a + 0 == a * 1 == a
    assert same((a + b) - b, a)
    assume(b != 0)
    assert same(a * b / b, a)
    assert same(b / b, Exact(1))


@given(sums_of_roots(terms=1), sums_of_roots())
def test_dividing_by_sums_of_roots_stays_exact(a, b):
    assume(b != 0)
    quotient = a / b
    assert quotient.is_exact
    assert same(quotient * b, a)
    assert math.isclose(float(quotient), float(a) / float(b), rel_tol=1e-9, abs_tol=1e-12)


@given(fractions, fractions)
def test_of_fractions_it_is_pythons_own_arithmetic(p, q):
    a, b = Exact(p), Exact(q)
    assert (a + b).fraction == p + q
    assert (a - b).fraction == p - q
    assert (a * b).fraction == p * q
    assert (a < b, a <= b, a == b, hash(a) == hash(p)) == (p < q, p <= q, p == q, True)
    if q:
        assert (a / b).fraction == p / q
    assert (a**3).fraction == p**3


@given(st.fractions(0, 1000, max_denominator=60))
def test_a_root_times_itself(q):
    root = Exact(q).sqrt()
    assert root.is_exact
    assert root * root == q
    assert math.isclose(float(root), math.sqrt(q), rel_tol=1e-12)
    assert Exact(q * q).sqrt().fraction == q


@given(sums_of_roots(), sums_of_roots())
def test_order_is_that_of_the_real_numbers(a, b):
    if abs(float(a) - float(b)) > 1e-9:
        assert (a < b) == (float(a) < float(b))
        assert (a > b) == (float(a) > float(b))
        assert a != b
    assert max(a, b) >= min(a, b)
    assert abs(a) >= 0


def test_numbers_that_are_nearly_equal_are_told_apart():
    """sqrt(2) and a fraction that differs in the twelfth place."""
    near = Exact(Fraction(665857, 470832))
    assert near > Exact(2).sqrt()
    assert near - Exact(2).sqrt() > 0
    assert Exact(2).sqrt() + Exact(3).sqrt() != Exact(10).sqrt()


@pytest.mark.parametrize(("value", "text"), [
    (Exact(5) / 4, "5/4"), (Exact(20).sqrt(), "2 sqrt(5)"), (1 / Exact(2).sqrt(), "sqrt(2)/2"),
    (Exact(-1) + Exact(2).sqrt(), "-1 + sqrt(2)"), (Exact(0.1) + Exact(0.2), "3/10"),
    (1 / (1 + Exact(2).sqrt()), "-1 + sqrt(2)"), (Exact(0), "0"), (Exact(0.5).exp(), None),
])
def test_how_they_are_written(value, text):
    assert repr(value) == (text if text is not None else repr(math.exp(0.5)))


@pytest.mark.parametrize(("function", "at", "value"), [
    ("exp", 0, 1), ("log", 1, 0), ("log1p", 0, 0), ("expm1", 0, 0), ("tanh", 0, 0), ("erfc", 0, 1),
    ("cos", 0, 1),
])
def test_functions_are_exact_at_one_place(function, at, value):
    exact = getattr(Exact(at), function)()
    assert exact.is_exact
    assert exact == value
    other = getattr(Exact(2), function)()
    assert not other.is_exact
    assert float(other) == getattr(math, function)(2)


def test_what_has_no_value_is_nan_or_infinite():
    assert math.isinf(float(Exact(1) / 0))
    assert math.isnan(float(Exact(0) / 0))
    assert float(Exact(0).log()) == -math.inf
    assert math.isnan(float(Exact(-1).log()))
    assert math.isnan(float(Exact(-1).sqrt()))
    assert float(Exact(1000).exp()) == math.inf


@given(st.fractions(-10, 10, max_denominator=9999))
def test_a_float_is_the_fraction_that_it_was_made_from(q):
    assert simple_fraction(float(q)) == q


@given(st.integers(-10**6, 10**6), st.integers(0, 9))
def test_a_float_is_the_short_decimal_that_it_was_made_from(digits, places):
    assert simple_fraction(digits / 10**places) == Fraction(digits, 10**places)


@pytest.mark.parametrize("value", [math.pi, 2**0.5, math.exp(1), math.inf, math.nan, 1e-300 / 3])
def test_other_floats_stand_for_no_fraction(value):
    assert simple_fraction(value) is None


def test_arrays_keep_their_shape():
    array = exact_array([[1, 0.5], [0.25, 2**0.5]])
    assert array.shape == (2, 2)
    assert [v.is_exact for v in array.reshape(-1)] == [True, True, True, False]
    assert float_array(array).tolist() == [[1, 0.5], [0.25, 2**0.5]]
    assert np.sqrt(array)[0, 1] == Exact(2).sqrt() / 2


@pytest.mark.parametrize("value", ["1", None, 1j])
def test_what_is_no_number(value):
    with pytest.raises(TypeError, match="expects a number"):
        Exact(value)
    assert Exact(1) != value
    with pytest.raises(TypeError):
        Exact(1) + value
