"""Numbers from other keyboards, and those that may mean two."""

# ruff: noqa: RUF001

import re

import pytest

from evenly.byhand.exact import Exact
from evenly.grading.answers import AnswerError, read_answer

ROOT5, ROOT3 = Exact(5).sqrt(), Exact(3).sqrt()


@pytest.mark.parametrize(("text", "value"), [
    # Fractions in one sign, alone, behind a whole number, under a root, in front of one
    ("⅓", Exact(1) / 3), ("2⅓", Exact(7) / 3), ("-2⅓", Exact(-7) / 3), ("2 ⅚", Exact(17) / 6),
    ("√½", Exact(2).sqrt() / 2), ("½√2", Exact(2).sqrt() / 2), ("√(½)", Exact(2).sqrt() / 2),
    ("½²", Exact(1) / 4), ("2^½", Exact(2).sqrt()), ("1/⅓", 3), ("⅜ + ⅛", Exact(1) / 2),
    ("¹⁄₂", Exact(1) / 2), ("2¹⁄₃", Exact(7) / 3), ("12½%", Exact(1) / 8),
    # Functions in other letters, and without parentheses
    ("Sqrt(2)", Exact(2).sqrt()), ("SQRT 2", Exact(2).sqrt()), ("sqrt 2", Exact(2).sqrt()),
    ("sqrt2", Exact(2).sqrt()), ("3 sqrt 2", 3 * Exact(2).sqrt()), ("Exp(2)", Exact(2).exp()),
    ("ln 2", Exact(2).log()), ("exp -2", Exact(-2).exp()), ("E^2", Exact(1).exp() ** 2),
    # Powers of ten
    ("10⁻⁴", Exact(1) / 10**4), ("10^-4", Exact(1) / 10**4), ("10**-4", Exact(1) / 10**4),
    ("4.386*10^-4", Exact(4386) / 10**7), ("4.386×10⁻⁴", Exact(4386) / 10**7),
    ("4.386 · 10^(-4)", Exact(4386) / 10**7), ("4.386x10^-4", Exact(4386) / 10**7),
    ("4,3·10⁻⁴", Exact(43) / 10**5), ("1e−4", Exact(1) / 10**4), ("e⁻²", Exact(1).exp() ** -2),
    # Decimals that recur
    ("2.(3)", Exact(7) / 3), ("0,(3)", Exact(1) / 3), (".(6)", Exact(2) / 3),
    ("-0.(142857)", Exact(-1) / 7), ("0.3̅", Exact(1) / 3), ("0,16̅", Exact(1) / 6),
    ("0.1̅2̅", Exact(12) / 99), ("0.3̇", Exact(1) / 3), ("0.1̇42857̇", Exact(1) / 7),
    ("2,333̅", Exact(7) / 3), ("33.(3)%", Exact(1) / 3),
    # Signs of other keyboards
    ("−3", -3), ("‐3", -3), ("－3", -3), ("１．５", Exact(3) / 2), ("3∕4", Exact(3) / 4),
    ("2⁢√3", ROOT3 * 2), ("\ufeff3\u200b", 3), ("٣٫٥", Exact(7) / 2), ("[1 + 2]/{4}", Exact(3) / 4),
    ("1\u2009234\u2009567", 1234567), ("12\u202f345,5", Exact(123455) / 10),
    ("1\u20091/3", Exact(4) / 3), ("5\u00a0%", Exact(1) / 20), ("1,5/2,5", Exact(3) / 5),
    # One number in several forms, and about
    ("7/3 = 2.33", Exact(7) / 3), ("2.33 ≈ 7/3", Exact(7) / 3), ("= 3", 3), ("√5 ≈ 2.236", ROOT5),
    ("≈2.33", Exact(233) / 100), ("~ 2.33", Exact(233) / 100), ("2.33…", Exact(233) / 100),
    ("2.33...", Exact(233) / 100),
])
def test_what_is_read_from_other_keyboards(text, value):
    assert abs(float(read_answer(text).value) - float(value)) < 1e-14
    assert read_answer(text).value.is_exact == Exact(value).is_exact


@pytest.mark.parametrize(("text", "message"), [
    ("2.5(3)", "recurs, or a product?"), ("0.1(6)", "recurs, or a product?"),
    ("2.(3 + 1)", "recurs, or a product?"), ("2.(a)", "recurs, or a product?"),
    ("1/2√3", "below the fraction bar or beside it?"), ("6/2(3)", "below the fraction bar"),
    ("1/2sqrt(3)", "below the fraction bar"), ("1/2e", "below the fraction bar"),
    ("√4/9", "the root of the fraction"), ("√1/2", "the root of the fraction"),
    ("√1 1/2", "of the whole mixed number?"), ("√2⅓", "of the whole mixed number?"),
    ("sqrt 2/3", "sqrt of what?"), ("ln 2*3", "ln of what?"), ("log10(2)", "log of what?"),
    ("log2(8)", "log of what?"), ("exp 2^2", "exp of all this"), ("√2%", "of all this"),
    ("5^1/2", "is the fraction the exponent?"), ("e^-3/2", "is the fraction the exponent?"),
    ("2^-1/2", "is the fraction the exponent?"), ("1½²", "a power of the whole number"),
    ("1 1/2^2", "a power of the whole number"), ("1/3%", "percent of the whole quotient"),
    ("1 11/2", "a mixed number"), ("1 123/200", "a mixed number"), ("1 500", "side by side"),
    ("e-4", "a power of ten, or the number e?"), ("2 e-3", "a power of ten, or the number e?"),
    ("2e -3", "a power of ten, or the number e?"), ("4.386*10-4", "a power of ten?"),
    ("4.386 x 10-4", "a power of ten?"), ("7/3 = 2.34", "they are not the same"),
    ("1/3 = 0.3", "they are not the same"),
    ("½½", "side by side"), ("⅓2", "side by side"), ("2.5⅓", "behind a whole number"),
    ("0.3̅3", "those that recur"), ("3̅", "those that recur"), ("x̅", "over a digit"),
    ("2…", "behind the digits of a decimal"), ("1e3…", "behind the digits of a decimal"),
    ("²", "expects a number"), ("1'500", "did not expect"), ("3:4", "did not expect"),
    ("∛8", "expects a number"), ("1,5,2", "ambiguous"), ("1,234 + 1", "thousands?"),
])
def test_what_may_mean_two_numbers_is_asked_about(text, message):
    with pytest.raises(AnswerError, match=re.escape(message)) as caught:
        read_answer(text)
    assert 0 <= caught.value.at <= len(text)
