"""What a learner wrote, read as a number; and whether it agrees with the right one."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..byhand.exact import Exact
from ..errors import DataError

_LENGTH, _DEPTH, _DIGITS, _EXPONENT, _POWER = 200, 24, 40, 30, 32
# Roots beyond this are compared as decimals: factors of large numbers take time to find.
_RADICAND = 10**8
# How far floating-point numbers may be apart, relative to their size.
_FLOAT = 1e-9
# What is left of 0 when it is computed with floating-point numbers.
_NOISE = 1e-12
# A decimal of so many significant digits or more may also be cut off instead of rounded.
_CUT = 3


class AnswerError(DataError):
    """An answer that is no number, or one that is not understood.

    Attributes:
        text: the answer.
        at: where in it reading stopped, from 0.
    """

    def __init__(self, text: str, at: int, reason: str) -> None:
        shown = text if len(text) <= 40 else f"{text[:37]}..."
        super().__init__(f"answer {shown!r}, at character {at + 1}: {reason}")
        self.text, self.at, self.reason = text, at, reason


@dataclass(frozen=True)
class Answer:
    """A number that a learner wrote.

    Attributes:
        value: the number.
        decimals: digits behind the point, if it was written as one decimal (less than 0 for
            ``1.2e3``, whose last digit stands for hundreds); None for what is meant exactly.
        significant: digits of that decimal, without the zeros it begins with.
    """

    value: Exact
    decimals: int | None = None
    significant: int = 0

    @property
    def half_unit(self) -> float:
        """Half of what the decimal's last digit stands for; 0 for what is meant exactly."""
        return 0.0 if self.decimals is None else 0.5 * 10.0**-self.decimals


def read_answer(answer: Any) -> Answer:
    """Reads a number as people write it: whole numbers, decimals (``1.5``, ``1,5``, ``1e-3``),
    fractions (``9/4``, ``1 1/2``), roots (``sqrt(5)``, ``2√3/3``, ``5^(1/2)``), percents, ``e``,
    ``exp(2)``, ``ln(2)``, and sums, products and quotients of these. Products and quotients are
    taken from the left, with or without a sign between: ``1/2 sqrt(3)`` is half of the root.

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
        if abs(answer) >= 10**_DIGITS:
            raise AnswerError("a number", 0, f"has more than {_DIGITS} digits")
        answer = repr(int(answer)) if isinstance(answer, numbers.Integral) else repr(float(answer))
    if not isinstance(answer, str):
        raise AnswerError(repr(answer), 0, "expects a number or text such as \"3/4\"")
    return _Reader(answer).read()


def agrees(answer: Answer, right: Any, slack: float = 0.0) -> bool:
    """Whether an answer is the right number.

    What is written exactly (a fraction, a root) must be the number itself; where the right number
    is itself a decimal, up to one part in a thousand million. A decimal agrees if it is the right
    number rounded to its digits, of which two must be significant; with three or more it may also
    be cut off there.

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
    rounded = answer.decimals is not None and answer.significant >= 2
    if rounded:
        cut = answer.significant >= _CUT and abs(given) <= abs(wanted)
        # A hair more than half: 0.125 is 0.12 to some and 0.13 to others.
        allowed += answer.half_unit * (2 - 1e-9 if cut else 1 + 1e-9)
    if rounded or slack or not (answer.value.is_exact and right.is_exact):
        allowed += _FLOAT * abs(wanted) + (0 if right.is_exact else _NOISE)
    return abs(given - wanted) <= allowed


_TOKENS = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)(?P<exponent>[eE][+-]?\d+)?"
                     r"|(?P<word>[A-Za-z]+)|(?P<sign>.))", re.DOTALL)
# Signs that look like others: minus, dash; dots and crosses; slashes; spaces; small fractions.
_SAME = str.maketrans({
    "\u2212": "-", "\u2013": "-", "\u00b7": "*", "\u00d7": "*", "\u22c5": "*", "\u2219": "*",
    "\u00f7": "/", "\u2215": "/", "\u2044": "/", "\u00a0": " ", "\u202f": " ", "\u2009": " ",
    "\u00bd": " 1/2", "\u00bc": " 1/4", "\u00be": " 3/4", "\u00b2": "^2", "\u00b3": "^3",
})
_FUNCTIONS: dict[str, Callable[[Exact], Exact]] = {
    "sqrt": Exact.sqrt, "exp": Exact.exp, "ln": Exact.log, "log": Exact.log, "tanh": Exact.tanh,
}


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int
    spaced: bool  # whether it stands behind a space


class _Reader:
    """A reader of one answer: a sum of products of powers of numbers."""

    def __init__(self, text: str) -> None:
        self.text, self.depth, self.next = text, 0, 0
        if len(text) > _LENGTH:
            raise AnswerError(text, _LENGTH, f"longer than {_LENGTH} characters")
        if not text.strip():
            raise AnswerError(text, 0, "expects a number, got nothing")
        self.tokens = self._tokens(_point(text.translate(_SAME), text))

    def read(self) -> Answer:
        """The whole answer."""
        value = self.sum()
        if self.kind():
            raise self.error(f"did not expect '{self.tokens[self.next].text}' here")
        try:
            finite = math.isfinite(float(value))
        except OverflowError:
            finite = False
        if not finite:
            raise AnswerError(self.text, 0, "is not a finite number")
        decimals, significant = self._as_decimal()
        return Answer(value, decimals, significant)

    def _tokens(self, text: str) -> list[_Token]:
        found = []
        for match in _TOKENS.finditer(text):
            kind = str(match.lastgroup if match.lastgroup != "exponent" else "number")
            start = match.start(kind)
            written = match.group().strip()
            if not written:
                continue
            found.append(_Token(kind, written, min(start, len(self.text) - 1),
                                start > match.start()))
        return found

    def _as_decimal(self) -> tuple[int | None, int]:
        """Digits behind the point and significant ones, if the answer is one decimal."""
        words = [t.text for t in self.tokens]
        if words and words[0] in "+-":
            words = words[1:]
        percent = len(words) == 2 and words[1] == "%"
        if (len(words) != 1 and not percent) or not re.match(r"[\d.]", words[0]):
            return None, 0
        mantissa, _, exponent = words[0].lower().partition("e")
        if "." not in mantissa and not exponent:
            return None, 0
        behind = len(mantissa.partition(".")[2])
        digits = len(mantissa.replace(".", "").lstrip("0"))
        return behind - int(exponent or 0) + 2 * percent, digits

    # Grammar -------------------------------------------------------------------------------------

    def sum(self) -> Exact:
        self.depth += 1
        if self.depth > _DEPTH:
            raise self.error("too many parentheses within each other")
        value = self.product()
        while self.kind() in ("+", "-"):
            minus = self.take() == "-"
            other = self.product()
            value = self.checked(lambda a, b: a - b if minus else a + b, value, other)  # noqa: B023
        self.depth -= 1
        return value

    def product(self) -> Exact:
        value = self.signed()
        while True:
            kind = self.kind()
            if kind in ("*", "/"):
                divided = self.take() == "/"
                other = self.signed()
                if divided and not other:
                    raise self.error("divides by 0")
                value = self.checked((lambda a, b: a / b) if divided else (lambda a, b: a * b),
                                     value, other)
            elif kind in ("word", "(", "√"):
                value = self.checked(lambda a, b: a * b, value, self.power())
            elif kind == "number":
                raise self.error("two numbers side by side: put a sign between them")
            else:
                return value

    def signed(self) -> Exact:
        minus = False
        for _ in range(_DEPTH):
            if self.kind() not in ("+", "-"):
                value = self.power()
                return -value if minus else value
            minus ^= self.take() == "-"
        raise self.error("too many signs")

    def power(self) -> Exact:
        value = self.single()
        while self.kind() == "%":
            self.take()
            value = value / 100
        if self.kind() != "^":
            return value
        self.take()
        minus = self.kind() == "-" and bool(self.take())
        exponent = self.single()
        exponent = -exponent if minus else exponent
        if abs(float(exponent)) > _POWER:
            raise self.error(f"exponents are at most {_POWER}")
        whole = exponent.fraction
        if float(value) < 0 and (whole is None or whole.denominator != 1):
            raise self.error("a root of a number below 0")
        if not value and float(exponent) <= 0:
            raise self.error("0 to a power that is not positive")
        return self.checked(lambda a, b: a**b, value, exponent)

    def single(self) -> Exact:
        kind = self.kind()
        if kind == "number":
            return self.number()
        if kind == "(":
            self.take()
            value = self.sum()
            self.expect(")")
            return value
        if kind == "√":
            self.take()
            return self.call("sqrt", self.single())
        if kind == "word":
            word = self.take()
            if word == "e":
                return Exact(1).exp()
            if word not in _FUNCTIONS:
                self.next -= 1
                raise self.error(f"'{word}' is not known; there are e, {', '.join(_FUNCTIONS)}")
            self.expect("(", f"expects '(' behind {word}")
            value = self.sum()
            self.expect(")")
            return self.call(word, value)
        raise self.error(f"expects a number, got '{self.tokens[self.next].text}'" if kind else
                         "expects a number here, the answer ends")

    def number(self) -> Exact:
        """A number; a whole number with a fraction behind a space is one too: 1 1/2."""
        first = self.value()
        words = [t.text for t in self.tokens[self.next - 1 : self.next + 3]]
        mixed = (len(words) == 4 and words[2] == "/" and self.tokens[self.next].spaced
                 and all(words[i].isdecimal() for i in (0, 1, 3)))
        if not mixed:
            return first
        above = self.value()
        self.take()
        below = self.value()
        if not below:
            raise self.error("divides by 0")
        return first + above / below

    def value(self) -> Exact:
        text = self.take()
        mantissa, _, exponent = text.lower().partition("e")
        if len(mantissa) > _DIGITS or abs(int(exponent or 0)) > _EXPONENT:
            self.next -= 1
            raise self.error(f"a number of more than {_DIGITS} digits, or an exponent beyond "
                             f"{_EXPONENT}")
        return Exact.of({1: Fraction(text)})

    # Tools ---------------------------------------------------------------------------------------

    def kind(self) -> str:
        """What comes next: number, word, or the sign itself; "" at the end."""
        if self.next >= len(self.tokens):
            return ""
        token = self.tokens[self.next]
        return token.text if token.kind == "sign" else token.kind

    def take(self) -> str:
        self.next += 1
        return self.tokens[self.next - 1].text

    def expect(self, sign: str, otherwise: str = "") -> None:
        if self.kind() != sign:
            raise self.error(otherwise or f"expects '{sign}' here")
        self.take()

    def call(self, name: str, value: Exact) -> Exact:
        x = float(value)
        if (name == "sqrt" and x < 0) or (name in ("ln", "log") and x <= 0):
            raise self.error(f"{name} of {x:g} is not a number")
        return self.checked(lambda a, _: _FUNCTIONS[name](a), value, value)

    def checked(self, operation: Callable[[Exact, Exact], Exact], a: Exact, b: Exact) -> Exact:
        try:
            value = operation(a, b)
            if any(radicand > _RADICAND for radicand, _ in value.terms):
                return Exact.inexact(float(value))
        except ArithmeticError as error:
            raise self.error("too large a number") from error
        return value

    def error(self, reason: str) -> AnswerError:
        ended = self.next >= len(self.tokens)
        return AnswerError(self.text, len(self.text) if ended else self.tokens[self.next].at,
                           reason)


def _point(text: str, original: str) -> str:
    """The text with a decimal comma as a point, where it can be nothing else."""
    if "," not in text:
        return text
    match = re.search(r"(?<![\d.,])(\d*),(\d+)(?![\d.,])", text)
    if text.count(",") != 1 or "." in text or match is None:
        raise AnswerError(original, text.index(","), "a comma here is ambiguous: write a decimal "
                          "with a point, and no comma between thousands")
    before, behind = match.groups()
    if len(behind) == 3 and before.strip("0") and len(before) <= 3:
        raise AnswerError(original, text.index(","), "a decimal or thousands? Write the decimal "
                          "with a point, and no comma between thousands")
    return text.replace(",", ".")
