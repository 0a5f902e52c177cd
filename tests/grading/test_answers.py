"""Numbers as people write them, and when they agree with the right ones."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenly.byhand.exact import Exact
from evenly.errors import DataError
from evenly.grading.answers import AnswerError, agrees, read_answer

ROOT5, ROOT3 = Exact(5).sqrt(), Exact(3).sqrt()


@pytest.mark.parametrize(("text", "value"), [
    ("3", 3), ("-3", -3), ("\u22123", -3), ("+7", 7), ("007", 7), ("9/4", Exact(9) / 4),
    ("-3/2", Exact(-3) / 2), ("- 3 / 2", Exact(-3) / 2), ("1 1/2", Exact(3) / 2),
    ("-1 1/2", Exact(-3) / 2), ("1\u00bd", Exact(3) / 2), ("\u00bc", Exact(1) / 4),
    ("1.5", Exact(3) / 2), (".5", Exact(1) / 2), ("2.", 2), ("1,5", Exact(3) / 2),
    ("0,125", Exact(1) / 8), ("12345,678", Exact(12345678) / 1000), ("1e-3", Exact(1) / 1000),
    ("2.5E2", 250), ("sqrt(5)", ROOT5), ("\u221a5", ROOT5), ("\u221a(5)", ROOT5),
    ("2 sqrt(3)/3", ROOT3 * 2 / 3), ("2\u221a3/3", ROOT3 * 2 / 3), ("2\u00b7\u221a3", ROOT3 * 2),
    ("2 \u00d7 3", 6), ("1/\u221a5", 1 / ROOT5), ("5^(1/2)", ROOT5), ("2^3", 8),
    ("2^-1", Exact(1) / 2),
    ("3\u00b2", 9), ("-2^2", -4), ("(-2)^2", 4), ("1 + 2*3", 7), ("2(3 + 4)", 14),
    ("(1 + sqrt(5))/2", (1 + ROOT5) / 2), ("1/2 sqrt(3)", ROOT3 / 2), ("6/2/3", 1), ("--2", 2),
    ("50%", Exact(1) / 2), ("12.5 %", Exact(1) / 8), ("e", Exact(1).exp()),
    ("exp(2)", Exact(2).exp()), ("e^2", Exact(1).exp() ** 2), ("ln(2)", Exact(2).log()),
    ("log(1)", 0), ("-ln(1/2)", Exact(2).log()),
])
def test_what_is_read(text, value):
    assert abs(float(read_answer(text).value) - float(value)) < 1e-14
    assert read_answer(text).value.is_exact == Exact(value).is_exact


@pytest.mark.parametrize(("text", "message"), [
    ("", "expects a number, got nothing"), ("  ", "got nothing"),
    ("abc", "at character 1: 'abc' is not known"), ("1 2", "two numbers side by side"),
    ("1,500", "thousands"), ("1,2,3", "ambiguous"), ("1,5.2", "ambiguous"), (",", "ambiguous"),
    ("3//4", "at character 3: expects a number"), ("(1", "expects ')' here"),
    ("1)", "did not expect"),
    ("1/0", "divides by 0"), ("1 1/0", "divides by 0"), ("sqrt(-1)", "not a number"),
    ("ln(0)", "not a number"), ("(-1)^(1/2)", "below 0"), ("0^-1", "not positive"),
    ("9^99", "exponents are at most"), ("2^3^4", "did not expect"), ("1e99", "exponent beyond"),
    ("1" * 60, "more than 40 digits"), ("1" * 300, "longer than 200"), ("(" * 80, "parentheses"),
    ("-" * 80 + "1", "too many signs"), ("sqrt", "the answer ends"), ("1.2.3", "side by side"),
    ("__import__('os')", "expects a number, got '_'"), ("1;2", "did not expect ';'"),
    ("nan", "'nan' is not known"), ("\u221a" * 190, "expects a number"), ("1 +", "the answer ends"),
    ("exp(exp(exp(9)))", "not a finite number"),
])
def test_what_is_refused(text, message):
    with pytest.raises(AnswerError, match=re.escape(message)) as caught:
        read_answer(text)
    assert 0 <= caught.value.at <= len(text)
    assert isinstance(caught.value, DataError)


@pytest.mark.parametrize(("text", "right", "wanted"), [
    ("233%", Exact(7) / 3, True), ("234%", Exact(7) / 3, False), ("33%", Exact(1) / 3, True),
    ("2.33…", Exact(7) / 3, True), ("0.66…", Exact(2) / 3, True), ("0.66", Exact(2) / 3, False),
    ("2.34…", Exact(7) / 3, False), ("≈2.33", Exact(7) / 3, True), ("≈2", Exact(7) / 3, False),
    ("4.386*10^-4", 0.00043861, True), ("4.387*10^-4", 0.00043861, False),
    ("4,4·10⁻⁴", 0.00043861, True), ("0.0007", 0.000685819, True), ("0.0006", 0.000685819, False),
    ("0.001", 0.000685819, False), ("0.0000", 0.00003, True), ("0", 0.00003, False),
    ("0.0000", 0.00006, False), ("0.5", 0.50003, True), ("0.5", 0.5003, False),
    ("0.5", Exact(50003) / 10**5, True), ("123457", 123456.7, True), ("1e+08", 99999999.7, True),
    ("0.00", Exact(1) / 256, False), ("0.0039", Exact(1) / 256, True),
    ("1/2", 0.50003, False), ("2.(3)", Exact(7) / 3, True), ("2.(3)", Exact(233) / 100, False),
])
def test_what_follows_the_sheets_rounding_agrees(text, right, wanted):
    assert agrees(read_answer(text), right) == wanted


@pytest.mark.parametrize("value", [None, True, [1], {"a": 1}, float("nan"), float("inf"), 10**60])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(AnswerError):
        read_answer(value)


@pytest.mark.parametrize(("value", "read"), [
    (3, 3), (-2.5, Exact(-5) / 2), (Fraction(1, 3), Exact(1) / 3), (Exact(5).sqrt(), ROOT5),
])
def test_numbers_are_read_as_well(value, read):
    assert read_answer(value).value == read


NUMBERS = st.builds(
    lambda a, b, r, s: Exact(a) + Exact(s).sqrt() * b / r,
    st.integers(-999, 999), st.integers(-99, 99), st.integers(1, 60), st.integers(0, 60),
)


@given(NUMBERS)
def test_an_exact_number_is_read_back_from_its_own_text(number):
    assert read_answer(repr(number)).value == number
    assert agrees(read_answer(repr(number)), number)
    assert not agrees(read_answer(f"({number!r}) + 1/1000"), number)


@given(NUMBERS, st.integers(1, 8))
def test_equivalent_forms_agree(number, factor):
    for text in (f"{factor} ({number!r}) / {factor}", f"-(-({number!r}))",
                 f"({number!r}) + {factor} - {factor}", f"({number!r})\u00b71"):
        assert agrees(read_answer(text), number), text


@given(st.floats(-100, 100, allow_subnormal=False), st.integers(0, 6))
def test_a_rounded_decimal_agrees_and_the_next_but_one_does_not(value, digits):
    text = f"{value:.{digits}f}"
    read = read_answer(text)
    # A point, and two digits that say something: else it must be the number itself.
    if digits and read.significant >= 2:
        assert agrees(read, value)
    unit = 10.0**-digits
    if abs(value) > 1e-3:
        assert not agrees(read_answer(f"{value + 2 * unit:.{digits}f}"), value)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        value = float(read_answer(text).value)
    except AnswerError:
        return
    assert abs(value) < float("inf")


@pytest.mark.parametrize(("text", "right", "yes"), [
    ("0.67", Exact(2) / 3, True), ("0.666", Exact(2) / 3, True), ("0.66", Exact(2) / 3, False),
    ("0.7", Exact(2) / 3, False), ("0.6667", Exact(2) / 3, True), ("0.668", Exact(2) / 3, False),
    ("66.7%", Exact(2) / 3, True), ("1.41", Exact(2).sqrt(), True), ("1.4", Exact(2).sqrt(), True),
    ("1", Exact(2).sqrt(), False), ("0.5", Exact(1) / 2, True), ("0.50", Exact(1) / 2, True),
    ("2/4", Exact(1) / 2, True), ("0.0", Exact(1) / 1000, False), ("0", 0, True), ("0.00", 0, True),
    ("0.12", Exact(1) / 8, True), ("0.13", Exact(1) / 8, True), ("-0.67", Exact(-2) / 3, True),
    ("-0.666", Exact(-2) / 3, True), ("0.667", Exact(-2) / 3, False),
    ("2.72", Exact(1).exp(), True),
    ("e", Exact(1).exp(), True), ("3", Exact(1).exp(), False), ("1.2e3", 1234, True),
    ("1e3", 1234, False), ("0", 1e-17, True), ("1", 0.9999999999999999, True),
    ("0.333", Exact(1) / 3, True), ("333/1000", Exact(1) / 3, False), ("1", float("nan"), False),
    ("1", float("inf"), False),
])
def test_agreement(text, right, yes):
    assert agrees(read_answer(text), right) is yes


def test_a_sum_with_the_root_of_a_large_number_divides_as_a_decimal():
    """Its prime factors would take too long to find; a learner's numbers may be anything."""
    root = Exact(10**7 + 19).sqrt() * Exact(10**7 + 79).sqrt()
    assert root.is_exact
    assert (1 / root).is_exact
    assert not (1 / (1 + root)).is_exact
    assert float(1 / (1 + root)) == pytest.approx(1e-7, rel=1e-5)
