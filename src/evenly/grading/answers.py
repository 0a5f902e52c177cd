"""What a learner wrote, read as a number; and whether it agrees with the right one."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ..byhand.exact import Exact
from ..byhand.notation import readable, rounded
from .reader import Reader
from .signs import DIGITS, Token
from .signs import AnswerError as AnswerError

_LENGTH = 200
# How far floating-point numbers may be apart, relative to their size.
_FLOAT = 1e-9
# What is left of 0 when it is computed with floating-point numbers.
_NOISE = 1e-12
# A decimal of so many significant digits or more may also be cut off instead of rounded.
_CUT = 3
# Digits behind the point that sheets ask for and keys print; and significant ones in files.
_SHEET, _FILE = 4, 6


@dataclass(frozen=True)
class Answer:
    """A number that a learner wrote.

    Attributes:
        value: the number.
        decimals: digits behind the point, if it was written as one decimal (less than 0 for
            ``1.2e3``, whose last digit stands for hundreds); None for what is meant exactly.
        significant: digits of that decimal, without the zeros it begins with.
        endless: whether dots say that its digits go on: it is cut off, not rounded.
    """

    value: Exact
    decimals: int | None = None
    significant: int = 0
    endless: bool = field(default=False, repr=False)

    @property
    def half_unit(self) -> float:
        """Half of what the decimal's last digit stands for; 0 for what is meant exactly."""
        return 0.0 if self.decimals is None else 0.5 * 10.0**-self.decimals


def read_answer(answer: Any) -> Answer:
    """Reads a number as people write it: whole numbers, decimals (``1.5``, ``1,5``, ``1e-3``,
    ``4.2*10^-3``), those that recur (``0.(3)``, ``0.3̅``) or go on (``2.33...``), fractions
    (``9/4``, ``1 1/2``, ``2⅓``), roots (``sqrt(5)``, ``2√3/3``, ``5^(1/2)``), percents, ``e``,
    ``exp(2)``, ``ln(2)``, and sums, products and quotients of these. Products and quotients are
    taken from the left, with or without a sign between: ``1/2 sqrt(3)`` is half of the root. One
    number may stand there in several forms: ``7/3 = 2.33``. What may mean two numbers is refused,
    and said.

    Arguments:
        answer: text; or a number, which is read as it is written.

    Raises:
        AnswerError: what was not understood, and where.

    Example:
        >>> read_answer("2 sqrt(3)/3").value, read_answer("1 1/2").value, read_answer("1,50")
        (2 sqrt(3)/3, 3/2, Answer(value=3/2, decimals=2, significant=3))
    """
    if isinstance(answer, Exact):
        return Answer(answer)
    if isinstance(answer, Fraction):
        return Answer(Exact.of({1: answer}))
    if isinstance(answer, numbers.Real) and not isinstance(answer, bool):
        if abs(answer) >= 10**DIGITS:
            raise AnswerError("a number", 0, f"has more than {DIGITS} digits")
        answer = repr(int(answer)) if isinstance(answer, numbers.Integral) else repr(float(answer))
    if not isinstance(answer, str):
        raise AnswerError(repr(answer), 0, "expects a number or text such as \"3/4\"")
    if len(answer) > _LENGTH:
        raise AnswerError(answer, _LENGTH, f"longer than {_LENGTH} characters")
    found = [_answer(value, own) for value, own in Reader(answer).read()]
    # The most exact of several forms; the others must be it, rounded.
    best = min(found, key=lambda form: form.half_unit)
    for other in found:
        if not agrees(other, best.value, best.half_unit):
            raise AnswerError(answer, 0, "two numbers: they are not the same")
    return best


def _answer(value: Exact, own: Sequence[Token]) -> Answer:
    """A number that was written with these tokens: whether as one decimal."""
    while len(own) > 2 and own[0].text == "(" and own[-1].text == ")" \
            and not any(token.text in "()" for token in own[1:-1]):
        own = own[1:-1]
    if own and own[0].text in ("+", "-"):
        own = own[1:]
    first, signs = own[0], "".join("9" if token.whole else token.text for token in own[1:])
    if first.kind != "number" or (first.decimals is None and not (first.whole and signs)):
        return Answer(value)
    decimals, significant = (0, len(first.text.lstrip("0"))) if first.decimals is None else \
        (first.decimals, first.significant)
    if signs == "%":
        return Answer(value, decimals + 2, significant, first.endless)
    if signs in ("*9^9", "*9^-9", "*9^(9)", "*9^(-9)", "*9^+9", "*9^(+9)") and own[2].text == "10":
        exponent = next(int(token.text) for token in own[4:] if token.whole)
        return Answer(value, decimals + (exponent if "-" in signs else -exponent), significant)
    return Answer(value) if signs else Answer(value, decimals, significant, first.endless)


def agrees(answer: Answer, right: Any, slack: float = 0.0) -> bool:
    """Whether an answer is the right number.

    What is written exactly (a fraction, a root) must be the number itself; where the right number
    is itself a decimal, up to one part in a thousand million. A decimal agrees if it is the right
    number rounded to its digits, of which two must be significant, or four behind the point, as
    sheets ask for; with three significant ones, or with dots, it may also be cut off there. What
    keys print agrees.

    Arguments:
        answer: what the learner wrote.
        right: an exact number or a float.
        slack: how far the right number may itself be off, because it was computed from numbers
            that were rounded.

    Example:
        >>> two_thirds = Exact(2) / 3
        >>> [agrees(read_answer(text), two_thirds) for text in ("4/6", "0.67", "0.666", "0.66")]
        [True, True, True, False]
    """
    if not isinstance(right, Exact):
        right = Exact.inexact(float(right)) if isinstance(right, float) else Exact(right)
    if answer.value.is_exact and right.is_exact and answer.value == right:
        return True
    try:
        given, wanted = float(answer.value), float(right)
    except OverflowError:
        return False
    if not math.isfinite(wanted):
        return False
    allowed = slack
    if _printed(answer, given, right):
        return True
    is_rounded = answer.decimals is not None and (answer.significant >= 2
                                                  or answer.decimals >= _SHEET)
    if is_rounded:
        cut = (answer.significant >= _CUT or answer.endless) and abs(given) <= abs(wanted)
        # A hair more than half: 0.125 is 0.12 to some and 0.13 to others.
        allowed += answer.half_unit * (2 - 1e-9 if cut else 1 + 1e-9)
    if is_rounded or slack or not (answer.value.is_exact and right.is_exact):
        allowed += _FLOAT * abs(wanted) + (0 if right.is_exact else _NOISE)
    return abs(given - wanted) <= allowed


def _printed(answer: Answer, given: float, right: Exact) -> bool:
    """Whether it is the decimal that a key prints of this number, which may have lost the zeros it
    ends with."""
    whole = answer.value.fraction
    if answer.decimals is None and (whole is None or whole.denominator != 1):
        return False
    shown = readable(right)
    if shown.fraction is not None:
        return False
    exact = float(right)
    for printed in (rounded(exact, _SHEET), f"{exact:.{_FILE}g}"):
        digits = printed.lower().partition("e")[0].replace(".", "").lstrip("-0")
        if given == float(printed) and answer.significant <= len(digits):
            return True
    return False
