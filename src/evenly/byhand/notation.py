"""How numbers and formulas are written: the rules that every notation shares, and plain text.

A notation says how a fraction, a root, a product look. Which parts need parentheses, where a sum is
cut short, and how many digits a decimal gets is decided here.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, ClassVar

from .exact import Exact
from .expressions import Apply, Expression, Number, Opaque
from .formulas import written
from .looks import Looks

# Numerators, denominators and radicands beyond this are not read: a decimal is.
_LARGEST = 9_999

# How tightly operations bind; what binds less tightly than its surroundings gets parentheses.
_SUM, _PRODUCT, _SIGN, _POWER, _WHOLE = range(5)
_BINDS = {"add": _SUM, "subtract": _SUM, "multiply": _PRODUCT, "divide": _PRODUCT,
          "negative": _SIGN, "power": _POWER, "mean": _PRODUCT}


class Notation(Looks):
    """Base of the notations; this one writes plain text.

    Arguments:
        digits: behind the point, of decimals.
        longest: terms of a sum or product that are written out; of more, the first and the last.
    """

    equals: ClassVar[str] = "="
    about: ClassVar[str] = "≈"

    def __init__(self, digits: int = 4, longest: int = 12) -> None:
        self.digits, self.longest = digits, longest

    # Numbers -------------------------------------------------------------------------------------

    def number(self, value: Any) -> str:
        """A number: exact as it is, else a decimal."""
        value = readable(value)
        if not value.is_exact:
            return self.decimal(rounded(float(value), self.digits))
        if not value.terms:
            return self.integer(0)
        terms = [(q < 0, self._term(radicand, abs(q))) for radicand, q in value.terms]
        return self.sum(terms) if len(terms) > 1 or terms[0][0] else terms[0][1]

    def approximate(self, value: Any) -> str | None:
        """The decimal that stands beside a number with roots in it; None for other numbers."""
        value = readable(value)
        if not value.is_exact or value.fraction is not None:
            return None
        return self.decimal(rounded(float(value), self.digits))

    def _term(self, radicand: int, q: Fraction) -> str:
        if radicand == 1:
            return self.rational(q)
        above = self.root(self.integer(radicand))
        if q.numerator != 1:
            above = self.implied([self.integer(q.numerator), above])
        return above if q.denominator == 1 else self.quotient(above, self.integer(q.denominator))

    def rational(self, q: Fraction) -> str:
        """A fraction of at least 0."""
        if q.denominator == 1:
            return self.integer(q.numerator)
        return self.quotient(self.integer(q.numerator), self.integer(q.denominator))

    def formula(self, text: str) -> str:
        """A formula with symbols, as a definition says it: ``"(x - mean) / deviation"``. What is
        none is written as words."""
        return written(text, self)

    # Operations ----------------------------------------------------------------------------------

    def expression(self, expression: Expression) -> str:
        """A formula with its numbers."""
        return self._within(expression, _SUM)

    def _within(self, expression: Expression, binds: int) -> str:
        text, own = self._written(expression)
        return self.parentheses(text) if own < binds else text

    def _written(self, expression: Expression) -> tuple[str, int]:
        """(text, how tightly it binds)."""
        if isinstance(expression, Number):
            text = self.number(expression.value)
            if expression.place is not None:
                text = self.marked(text, expression.place)
            return text, _number_binds(expression.value, self.draws_quotients)
        if isinstance(expression, Opaque):
            return self.number(expression.value), _number_binds(expression.value,
                                                                self.draws_quotients)
        operation, arguments = expression.operation, expression.arguments
        binds = _POWER if operation == "multiply" and _is_square(arguments) else \
            _BINDS.get(operation, _WHOLE)
        if operation in ("divide", "mean") and self.draws_quotients:
            binds = _WHOLE
        return self._operation(operation, arguments), binds

    def _operation(self, operation: str, arguments: tuple[Expression, ...]) -> str:
        if operation in ("add", "subtract"):
            return self._sum(operation, arguments)
        if operation == "multiply" and _is_square(arguments):
            return self.power(self._base(arguments[0]), self.integer(2))
        if operation == "multiply" and (first := _before_square(arguments)) is not None:
            square = self.power(self._base(arguments[1]), self.integer(2))
            return self.product([self._within(first, _PRODUCT), square])
        if operation == "multiply":
            return self.product([self._within(a, _PRODUCT if i == 0 or _is_fraction(a) else _POWER)
                                 for i, a in enumerate(arguments)])
        if operation in ("divide", "mean"):
            if operation == "mean":
                above, below = self._sum("add", arguments), self.integer(len(arguments))
                above = above if self.draws_quotients else self.parentheses(above)
                return self.quotient(above, below)
            inner = _SUM if self.draws_quotients else _PRODUCT
            above = self._within(arguments[0], inner)
            return self.quotient(above, self._within(arguments[1], _SUM if self.draws_quotients
                                                     else _POWER))
        if operation == "negative":
            return self.minus(self._within(arguments[0], _POWER))
        if operation == "power":
            return self.power(self._base(arguments[0]), self._within(arguments[1], _WHOLE))
        if operation == "sqrt":
            return self.root(self._within(arguments[0], _SUM))
        if operation == "absolute":
            return self.bars(self._within(arguments[0], _SUM))
        names = {"maximum": "max", "minimum": "min"}
        written = self._short([self._within(a, _SUM) for a in arguments])
        return self.call(names.get(operation, operation), written)

    def _sum(self, operation: str, arguments: tuple[Expression, ...]) -> str:
        terms = []
        for i, argument in enumerate(arguments):
            text, binds = self._written(argument)
            turned = operation == "subtract" and i == 1
            first = i == 0 and isinstance(argument, Apply)
            loose = binds < _PRODUCT and not first and (turned or _is_sum(argument))
            if loose or (i and self._starts_with_minus(argument)):
                text = self.parentheses(text)
            terms.append((turned, text))
        if len(terms) > self.longest:
            left = len(terms) - self.longest
            terms = [*terms[: self.longest - 1], (False, self.more(left)), terms[-1]]
        return self.sum(terms)

    def _base(self, expression: Expression) -> str:
        """What is raised to a power: in parentheses unless it is a single word."""
        if isinstance(expression, Apply) and expression.operation not in _BINDS:
            return self._within(expression, _WHOLE)
        text = self._written(expression)[0]
        value = None if isinstance(expression, Apply) else readable(expression.value)
        fraction = value.fraction if value is not None else None
        # 1e-05 is a product with a power of ten where it is drawn.
        single = value is not None and float(value) >= 0 and (
            (fraction is not None and fraction.denominator == 1)
            or (not value.is_exact and "e" not in rounded(float(value), self.digits))
        )
        return text if single else self.parentheses(text)

    def _starts_with_minus(self, expression: Expression) -> bool:
        """Whether its first sign would stand beside the sign in front of it."""
        if isinstance(expression, (Number, Opaque)):
            return bool(float(expression.value) < 0)
        drawn = self.draws_quotients and expression.operation == "divide"
        if expression.operation in ("multiply", "divide") and not drawn:
            first = expression.arguments[0]
            bare = not _is_square(expression.arguments) and self._written(first)[1] >= _PRODUCT
            return bare and self._starts_with_minus(first)
        return expression.operation == "negative"

    def _short(self, items: list[str]) -> list[str]:
        if len(items) <= self.longest:
            return items
        return [*items[: self.longest - 1], self.more(len(items) - self.longest), items[-1]]

def rounded(value: float, digits: int) -> str:
    """A decimal of so many digits behind the point; of a number below 1 so many from its first
    that is not 0, so that what is computed from the decimal comes out as it is written. Small and
    large ones have an exponent, and none is rounded to nothing.

    Example:
        >>> rounded(2 / 3, 4), rounded(0.0500412, 4), rounded(0.00001234, 4), rounded(2.0, 4)
        ('0.6667', '0.05004', '1.234e-05', '2.0')
    """
    if not math.isfinite(value) or value == 0:
        return "0" if value == 0 else "nan" if value != value else f"{'-' * (value < 0)}inf"
    if not 10.0**-digits <= abs(value) < 1e7:
        mantissa, exponent = f"{value:.{max(digits - 1, 0)}e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{exponent}"
    zeros = max(-math.floor(math.log10(abs(value))) - 1, 0)
    text = f"{value:.{digits + zeros}f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def readable(value: Any) -> Exact:
    """The number, as a decimal where its exact form would say nothing to a reader."""
    if isinstance(value, Exact):
        number = value
    else:
        # A whole float is written as one: 64 rather than 64.0.
        whole_number = float(value).is_integer() and abs(value) <= _LARGEST
        number = Exact(int(value)) if whole_number else Exact.inexact(float(value))
    if len(number.terms) > 2 or any(
        max(abs(q.numerator), q.denominator, radicand) > _LARGEST for radicand, q in number.terms
    ):
        whole = number.fraction
        if whole is None or whole.denominator != 1:
            return Exact.inexact(float(number))
    return number


def _number_binds(value: Any, draws_quotients: bool) -> int:
    """How tightly a number's own writing binds: -2, 3/4 and 1 + sqrt(2) are not one word."""
    value = readable(value)
    if not value.is_exact:
        return _SIGN if float(value) < 0 else _WHOLE
    if len(value.terms) > 1:
        return _SUM
    if not value.terms:
        return _WHOLE
    radicand, q = value.terms[0]
    if q.denominator != 1 and not draws_quotients:
        return _PRODUCT if q > 0 else _SUM
    if radicand != 1 and abs(q.numerator) != 1 and q.denominator == 1:
        return _PRODUCT if q > 0 else _SUM
    return _WHOLE if q > 0 else _SIGN


def _is_square(factors: tuple[Expression, ...]) -> bool:
    return len(factors) == 2 and factors[0] == factors[1]


def _before_square(factors: tuple[Expression, ...]) -> Expression | None:
    """The a of a product a * b * b, which is read as a * b^2; None for other products."""
    first = factors[0]
    if not isinstance(first, Apply) or first.operation != "multiply" or len(factors) != 2:
        return None
    a, *rest = first.arguments
    return a if rest == [factors[1]] and a != factors[1] else None


def _is_fraction(expression: Expression) -> bool:
    """Whether it is a positive fraction: a * 1/2 is the same with and without parentheses."""
    if not isinstance(expression, (Number, Opaque)):
        return False
    fraction = readable(expression.value).fraction
    return fraction is not None and fraction > 0


def _is_sum(expression: Expression) -> bool:
    """Whether it is written as a sum, rather than as a single number with a sign."""
    if isinstance(expression, (Number, Opaque)):
        return len(readable(expression.value).terms) > 1
    return True
