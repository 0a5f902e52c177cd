"""A grammar of numbers: sums of products of powers, as people write them."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from ..byhand.exact import Exact
from .signs import AnswerError, Token, tokens

_DEPTH, _POWER = 24, 32
# Roots beyond this are compared as decimals: factors of large numbers take time to find.
_RADICAND = 10**8
_FUNCTIONS: dict[str, Callable[[Exact], Exact]] = {
    "sqrt": Exact.sqrt, "exp": Exact.exp, "ln": Exact.log, "log": Exact.log, "tanh": Exact.tanh,
}
_SIGNED = ("+", "-")


class Reader:
    """A reader of one answer.

    Attributes:
        tokens: what the answer consists of.
    """

    def __init__(self, text: str) -> None:
        self.text, self.depth, self.next = text, 0, 0
        self.tokens = _crosses(tokens(text))
        if not self.tokens:
            raise AnswerError(text, 0, "expects a number, got nothing")

    def read(self) -> list[tuple[Exact, list[Token]]]:
        """The numbers between signs of equality, and what each was written with: one, or the same
        one in several forms. A sign in front of the first may be there."""
        found: list[tuple[Exact, list[Token]]] = []
        if self.kind() == "~":
            self.take()
        words = self.tokens[self.next :]
        if len(words) == 3 and words[0].text == "e" and words[1].text in _SIGNED \
                and words[2].whole and not words[1].spaced and not words[2].spaced:
            raise self.error("a power of ten, or the number e? Write 10^-4, or e - 4 with spaces")
        while True:
            start = self.next
            value = self.sum()
            if not _finite(value):
                raise AnswerError(self.text, 0, "is not a finite number")
            found.append((value, self.tokens[start : self.next]))
            if self.kind() != "~":
                break
            self.take()
        if self.kind():
            raise self.error(f"did not expect '{self.tokens[self.next].text}' here")
        return found

    # Grammar -------------------------------------------------------------------------------------

    def sum(self) -> Exact:
        self.depth += 1
        if self.depth > _DEPTH:
            raise self.error("too many parentheses within each other")
        value = self.product()
        while self.kind() in _SIGNED:
            minus = self.take() == "-"
            other = self.product()
            value = self.checked(lambda a, b: a - b if minus else a + b, value, other)  # noqa: B023
        self.depth -= 1
        return value

    def product(self) -> Exact:
        value = self.signed()
        # Whether a number stands below a bar that does not say where it ends.
        below = self._mixed_before()
        while True:
            kind = self.kind()
            if kind in ("*", "/"):
                divided = self.take() == "/"
                self._scaled_by_ten(divided)
                bare = self.kind() not in ("(", "\u221a")
                other = self.signed()
                if divided and not other:
                    raise self.error("divides by 0")
                value = self.checked((lambda a, b: a / b) if divided else (lambda a, b: a * b),
                                     value, other)
                below = divided and bare
                if divided and self.tokens[self.next - 1].text == "%":
                    raise self.error("percent of the whole quotient, or of the number below? Put "
                                     "parentheses", self.next - 1)
            elif kind in ("word", "(", "\u221a"):
                if below and not self.tokens[self.next].spaced:
                    raise self.error("does this stand below the fraction bar or beside it? Put "
                                     "parentheses")
                self._exponent_or_e()
                value = self.checked(lambda a, b: a * b, value, self.power())
            elif kind == "number":
                raise self.error("two numbers side by side: put a sign between them")
            else:
                return value

    def _mixed_before(self) -> bool:
        """Whether what was just read is a mixed number with a bar: 1 1/2."""
        words = self.tokens[max(0, self.next - 4) : self.next]
        return len(words) == 4 and words[2].text == "/" and words[0].whole and words[1].whole \
            and words[3].whole

    def signed(self) -> Exact:
        minus = False
        for _ in range(_DEPTH):
            if self.kind() not in _SIGNED:
                value = self.power()
                return -value if minus else value
            minus ^= self.take() == "-"
        raise self.error("too many signs")

    def power(self) -> Exact:
        start = self.next
        value = self.single()
        mixed = self.next - start > 1 and self.tokens[start].whole \
            and self.tokens[start + 1].kind == "number"
        while self.kind() == "%":
            self.take()
            value = value / 100
        if self.kind() != "^":
            return value
        if mixed:
            raise self.error("a power of the whole number, or of its fraction? Put parentheses")
        self.take()
        minus = self.kind() == "-" and bool(self.take())
        bare = self.kind() in ("number", "word")
        exponent = self.single()
        exponent = -exponent if minus else exponent
        if abs(float(exponent)) > _POWER:
            raise self.error(f"exponents are at most {_POWER}")
        self._fraction_above(bare, minus or exponent == 1 or self.tokens[start].text == "e")
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
        if kind == "\u221a":
            self.take()
            return self.call("sqrt", self.bare_argument("\u221a"))
        if kind == "word":
            word = self.take()
            if word == "e":
                return Exact(1).exp()
            if word not in _FUNCTIONS:
                self.next -= 1
                raise self.error(f"'{word}' is not known; there are e, {', '.join(_FUNCTIONS)}")
            if self.kind() == "(":
                self.take()
                value = self.sum()
                self.expect(")")
                return self.call(word, value)
            return self.call(word, self.bare_argument(word))
        raise self.error(f"expects a number, got '{self.tokens[self.next].text}'" if kind else
                         "expects a number here, the answer ends")

    def bare_argument(self, name: str) -> Exact:
        """What a function or a root is taken of, without parentheses: a single number, where it
        cannot go on."""
        root = name == "\u221a"
        if self.kind() not in ("number", "(", "\u221a", *(() if root else ("-", "word"))):
            raise self.error(f"expects a number behind {name}, got "
                             f"'{self.tokens[self.next].text}'" if self.kind() else
                             "expects a number here, the answer ends")
        first = self.next
        minus = self.kind() == "-" and bool(self.take())
        value = self.single()
        value = -value if minus else value
        number = self.tokens[first].kind == "number"
        if number and self.next - first > 1:
            raise self.error(f"{name} of the whole mixed number? Put parentheses", first)
        follows = self.kind()
        if follows == "%" or (follows == "^" and not root):
            raise self.error(f"{name} of all this, or of the number alone? Put parentheses")
        if root and number and follows == "/" and not self.tokens[first].single \
                and _is_square(value):
            raise self.error("the root of the fraction, or of the number above? Put parentheses")
        if not root and follows in ("/", "*", "word", "(", "\u221a"):
            raise self.error(f"{name} of what? Put parentheses: {name}(2)")
        return value

    def number(self) -> Exact:
        """A number; a whole number with a fraction behind it is one too: 1 1/2, 1½."""
        first = self._value()
        before = self.tokens[self.next - 1]
        words = self.tokens[self.next : self.next + 3]
        if words and words[0].single and before.kind == "number" and not before.single:
            if not before.whole:
                raise self.error("a fraction stands behind a whole number")
            return first + self._value()
        mixed = (before.whole and len(words) == 3 and words[1].text == "/" and words[0].spaced
                 and words[0].whole and words[2].whole)
        if not mixed:
            return first
        if not words[2].value:
            raise self.error("divides by 0", self.next + 2)
        if words[0].value >= words[2].value or len(words[0].text) > 2:
            raise self.error("a mixed number, whose fraction is below 1? Or a space between "
                             "thousands? Put a sign between them, or leave it out")
        self.next += 3
        return first + Exact(words[0].value / words[2].value)

    def _value(self) -> Exact:
        token = self.tokens[self.next]
        self.next += 1
        return Exact.of({1: token.value})

    # What may mean two things --------------------------------------------------------------------

    def _fraction_above(self, bare: bool, doubtful: bool) -> None:
        """2^1/2: is the fraction the exponent?"""
        after = self.tokens[self.next + 1 : self.next + 2]
        if bare and doubtful and self.kind() == "/" and not self.tokens[self.next].spaced \
                and after and after[0].kind == "number":
            raise self.error("is the fraction the exponent? Put parentheses: 5^(1/2)")

    def _exponent_or_e(self) -> None:
        """4.2 e-3: a power of ten, or e less 3?"""
        words = self.tokens[self.next : self.next + 3]
        before = self.tokens[self.next - 1]
        if len(words) < 3 or words[0].text != "e" or words[1].text not in _SIGNED \
                or not words[2].whole or before.kind != "number":
            return
        if words[1].spaced is not words[2].spaced or (words[0].spaced and not words[1].spaced):
            raise self.error("a power of ten, or the number e? Write 4.2e-3 without spaces, or "
                             "put a sign in front of e")

    def _scaled_by_ten(self, divided: bool) -> None:
        """4.2*10-3: has the exponent lost its sign?"""
        words = self.tokens[self.next : self.next + 3]
        before = self.tokens[self.next - 2] if self.next >= 2 else None
        if not divided and len(words) == 3 and words[0].text == "10" \
                and words[1].text in _SIGNED and words[2].whole and not words[1].spaced \
                and not words[2].spaced and before is not None and before.decimals is not None:
            raise self.error("a power of ten? Write 10^-4", self.next + 1)

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

    def expect(self, sign: str) -> None:
        if self.kind() != sign:
            raise self.error(f"expects '{sign}' here")
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

    def error(self, reason: str, token: int | None = None) -> AnswerError:
        here = self.next if token is None else token
        return AnswerError(self.text, len(self.text) if here >= len(self.tokens) else
                           self.tokens[here].at, reason)


def _crosses(found: list[Token]) -> list[Token]:
    """With an x between two numbers as the sign of a product."""
    made = list(found)
    for i, token in enumerate(found[1:-1], 1):
        left, right = found[i - 1], found[i + 1]
        if token.kind == "word" and token.text == "x" \
                and (left.kind == "number" or left.text == ")") \
                and (right.kind == "number" or right.text in ("(", "\u221a")):
            made[i] = Token("sign", "*", token.at, token.spaced)
    return made


def _finite(value: Exact) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _is_square(value: Exact) -> bool:
    q = value.fraction
    return q is not None and q >= 0 and Fraction(Exact(q).sqrt().fraction or -1) ** 2 == q
