"""Numbers as one writes them by hand: whole numbers, fractions, roots; a decimal where that ends.

An exact number is a sum of fractions times roots of whole numbers, such as ``3/2 + sqrt(5)/10``.
Sums, products, quotients and roots of fractions stay exact. What is neither (an exponential, a root
of a root) is a float, and so is everything computed from it.
"""

from __future__ import annotations

import functools
import math
import numbers
import operator
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import partialmethod
from typing import Any

import numpy as np

from .factors import smallest_factor, square_out

# Beyond these an exact number says nothing to a reader, and costs time: it becomes a float.
_TERMS, _LARGE, _RADICAND = 4, 10**24, 10**12
# A float this close (in units of its own last place) to a simple fraction is that fraction.
_DENOMINATOR, _PLACES = 10_000, 4
_ZERO = Fraction(0)

Terms = tuple[tuple[int, Fraction], ...]


class Exact:
    """A number that is exact where it can be.

    Arguments:
        value: a whole number, a fraction, a float (a simple fraction if it is as good as one: 0.1
            is 1/10), another exact number.

    Attributes:
        terms: (radicand, fraction) pairs whose products ``fraction sqrt(radicand)`` add up to the
            number; () is 0. Radicands have no square factor.
        decimal: the number as a float where it is not exact, else None.

    Example:
        >>> x = Exact(5) / 4
        >>> x, x.sqrt(), x.sqrt() * x.sqrt() == x
        (5/4, sqrt(5)/2, True)
        >>> Exact(1).exp()
        2.718281828459045
    """

    __slots__ = ("decimal", "terms")
    terms: Terms
    decimal: float | None

    def __init__(self, value: Any = 0) -> None:
        if isinstance(value, Exact):
            self.terms, self.decimal = value.terms, value.decimal
        elif isinstance(value, Fraction):
            self.terms, self.decimal = _terms({1: value}), None
        elif isinstance(value, (int, np.integer, np.bool_)):
            self.terms, self.decimal = _terms({1: Fraction(int(value))}), None
        elif isinstance(value, numbers.Real):
            simple = simple_fraction(float(value))
            self.terms = () if simple is None else _terms({1: simple})
            self.decimal = float(value) if simple is None else None
        else:
            raise TypeError(f"Exact: expects a number, got {value!r}")

    @classmethod
    def of(cls, terms: dict[int, Fraction]) -> Exact:
        """From fractions by radicand."""
        number = cls.__new__(cls)
        number.terms, number.decimal = _terms(terms), None
        large = any(q.denominator >= _LARGE or abs(q.numerator) >= _LARGE for _, q in number.terms)
        if large or len(number.terms) > _TERMS:
            return cls.inexact(float(number))
        return number

    @classmethod
    def rational(cls, q: Fraction) -> Exact:
        """From a fraction: what most numbers are."""
        if abs(q.numerator) >= _LARGE or q.denominator >= _LARGE:
            return cls.inexact(float(q))
        number = cls.__new__(cls)
        number.terms, number.decimal = ((1, q),) if q else (), None
        return number

    @classmethod
    def inexact(cls, value: float) -> Exact:
        """A float that stays one, whatever its value."""
        number = cls.__new__(cls)
        number.terms, number.decimal = (), value
        return number

    @property
    def is_exact(self) -> bool:
        return self.decimal is None

    @property
    def fraction(self) -> Fraction | None:
        """The number as a fraction, where it is one."""
        if self.decimal is not None or (self.terms and self.terms[-1][0] != 1):
            return None
        return self.terms[0][1] if self.terms else _ZERO

    def __float__(self) -> float:
        if self.decimal is not None:
            return self.decimal
        if len(self.terms) <= 1:
            return math.fsum(float(q) * math.sqrt(r) for r, q in self.terms)
        with localcontext() as context:
            context.prec = 50
            return float(sum(_decimal(q) * Decimal(r).sqrt() for r, q in self.terms))

    def __int__(self) -> int:
        return int(float(self))

    def __bool__(self) -> bool:
        return bool(self.terms) if self.decimal is None else self.decimal != 0

    def __hash__(self) -> int:
        fraction = self.fraction
        return hash(float(self)) if fraction is None else hash(fraction)

    def __repr__(self) -> str:
        if self.decimal is not None:
            return repr(self.decimal)
        if not self.terms:
            return "0"
        text = ""
        for radicand, q in self.terms:
            sign = "-" if q < 0 else "+" if text else ""
            text += f" {sign} " if text else sign
            text += _term(radicand, abs(q))
        return text

    # Arithmetic ------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Exact:
        other = _exact(other)
        if other is None:
            return NotImplemented
        if self.decimal is not None or other.decimal is not None:
            return Exact.inexact(float(self) + float(other))
        if not self.terms or not other.terms:
            return other if not self.terms else self
        x, y = self.fraction, other.fraction
        if x is not None and y is not None:
            return Exact.rational(x + y)
        total = dict(self.terms)
        for radicand, q in other.terms:
            total[radicand] = total.get(radicand, Fraction(0)) + q
        return Exact.of(total)

    def __mul__(self, other: Any) -> Exact:
        other = _exact(other)
        if other is None:
            return NotImplemented
        if self.decimal is not None or other.decimal is not None:
            return Exact.inexact(float(self) * float(other))
        if not self.terms or not other.terms:
            return Exact.of({})
        x, y = self.fraction, other.fraction
        if x is not None and y is not None:
            return Exact.rational(x * y)
        total: dict[int, Fraction] = {}
        for a, p in self.terms:
            for b, q in other.terms:
                # Both without square factors: their common part comes out of the root whole.
                common = math.gcd(a, b)
                radicand = a // common * (b // common)
                total[radicand] = total.get(radicand, Fraction(0)) + p * q * common
        return Exact.of(total)

    def __truediv__(self, other: Any) -> Exact:
        other = _exact(other)
        return NotImplemented if other is None else _divided(self, other)

    def __rtruediv__(self, other: Any) -> Exact:
        other = _exact(other)
        return NotImplemented if other is None else _divided(other, self)

    def __neg__(self) -> Exact:
        return self * -1

    def __pos__(self) -> Exact:
        return self

    def __sub__(self, other: Any) -> Exact:
        other = _exact(other)
        return NotImplemented if other is None else self + -other

    def __rsub__(self, other: Any) -> Exact:
        return (-self).__add__(other)

    __radd__, __rmul__ = __add__, __mul__

    def __pow__(self, power: Any) -> Exact:
        power = _exact(power)
        if power is None:
            return NotImplemented
        whole = power.fraction
        if whole is not None and whole.denominator == 1 and self.decimal is None:
            result = Exact(1)
            for _ in range(min(abs(whole.numerator), 64)):
                result = result * self
            if abs(whole.numerator) <= 64:
                return 1 / result if whole < 0 else result
        if whole == Fraction(1, 2):
            return self.sqrt()
        try:
            return Exact.inexact(float(self) ** float(power))
        except (OverflowError, ZeroDivisionError):
            return Exact.inexact(math.inf)

    def __rpow__(self, base: Any) -> Exact:
        return Exact(base) ** self

    def __abs__(self) -> Exact:
        return -self if self < 0 else self

    # Functions, under the names by which NumPy calls them on objects ---------------------------

    def sqrt(self) -> Exact:
        """The root: exact for fractions whose square factors are found."""
        q = self.fraction
        if q is None or q < 0:
            return Exact.inexact(math.sqrt(float(self)) if self >= 0 else math.nan)
        outside, inside = square_out(q.numerator * q.denominator)
        if inside is None:
            return Exact.inexact(math.sqrt(float(self)))
        return Exact.of({inside: Fraction(outside, q.denominator)})

    def cos(self) -> Exact:
        """The cosine; of multiples of pi / 6, which are floats, as exact as that of 0."""
        sixths = float(self) / (math.pi / 6)
        place = round(sixths) if math.isfinite(sixths) else 1
        if abs(sixths - place) <= 1e-12 * abs(place):
            return _cosines()[place % 12]
        return self._function(math.cos, 0, 1)

    def _function(self, function: Callable[[float], float], at: int, value: int) -> Exact:
        """A function of which one value is exact."""
        if self.decimal is None and self == at:
            return Exact(value)
        try:
            return Exact.inexact(function(float(self)))
        except OverflowError:
            return Exact.inexact(math.inf)
        except ValueError:
            return Exact.inexact(-math.inf if self == 0 else math.nan)

    exp = partialmethod(_function, math.exp, 0, 1)
    log = partialmethod(_function, math.log, 1, 0)
    log1p = partialmethod(_function, math.log1p, 0, 0)
    expm1 = partialmethod(_function, math.expm1, 0, 0)
    tanh = partialmethod(_function, math.tanh, 0, 0)
    erfc = partialmethod(_function, math.erfc, 0, 1)
    sin = partialmethod(_function, math.sin, 0, 0)

    # Order -------------------------------------------------------------------------------------

    def _compared(self, other: Any, compare: Callable[[Any, Any], bool]) -> Any:
        other = _exact(other)
        if other is None:
            return NotImplemented
        if self.decimal is not None or other.decimal is not None:
            return compare(float(self), float(other))
        if self.terms == other.terms:
            return compare(0, 0)
        return compare(float(self - other), 0)

    def __eq__(self, other: object) -> bool:
        return self._compared(other, operator.eq)  # type: ignore[no-any-return]

    def __lt__(self, other: Any) -> bool:
        return self._compared(other, operator.lt)  # type: ignore[no-any-return]

    def __le__(self, other: Any) -> bool:
        return self._compared(other, operator.le)  # type: ignore[no-any-return]

    def __gt__(self, other: Any) -> bool:
        return self._compared(other, operator.gt)  # type: ignore[no-any-return]

    def __ge__(self, other: Any) -> bool:
        return self._compared(other, operator.ge)  # type: ignore[no-any-return]


@functools.cache
def _cosines() -> list[Exact]:
    """Of 0, pi / 6, ... to the whole turn."""
    half, root = Exact(Fraction(1, 2)), Exact(3).sqrt() / 2
    quarter = [Exact(1), root, half, Exact(0), -half, -root]
    return [*quarter, *(-value for value in quarter)]


# A declaration's check of its numbers lets exact ones pass.
numbers.Real.register(Exact)


def simple_fraction(value: float) -> Fraction | None:
    """The fraction that a float stands for: one with a small denominator, or a short decimal; None
    where there is none.

    Example:
        >>> simple_fraction(1 / 3), simple_fraction(1e-5), simple_fraction(2**0.5)
        (Fraction(1, 3), Fraction(1, 100000), None)
    """
    if not math.isfinite(value):
        return None
    if value == int(value) and abs(value) < 10**15:
        return Fraction(int(value))
    near = Fraction(value).limit_denominator(_DENOMINATOR)
    if near and abs(float(near) - value) <= _PLACES * math.ulp(value):
        return near
    short = Fraction(f"{value:.9g}")
    return short if float(short) == value else None


def exact_array(values: Any) -> Any:
    """An object array of exact numbers, of the same shape."""
    source = np.asarray(values)
    result = np.empty(source.shape, object)
    flat = result.reshape(-1)
    for i, value in enumerate(source.reshape(-1)):
        flat[i] = Exact(value)
    return flat.reshape(source.shape)


def float_array(values: Any) -> Any:
    """A float64 array of the same shape."""
    values = np.asarray(values)
    if values.dtype != object:
        return values.astype(np.float64)
    return np.array([float(v) for v in values.reshape(-1)], np.float64).reshape(values.shape)


def _exact(value: Any) -> Exact | None:
    if isinstance(value, Exact):
        return value
    if isinstance(value, (numbers.Real, np.bool_)):
        return Exact(value)
    return None


def _terms(terms: dict[int, Fraction]) -> Terms:
    if len(terms) == 1:
        ((radicand, q),) = terms.items()
        return ((radicand, q),) if q else ()
    return tuple(sorted((radicand, q) for radicand, q in terms.items() if q))


def _divided(a: Exact, b: Exact) -> Exact:
    if not b:
        value = float(a)
        return Exact.inexact(math.nan if value == 0 or value != value
                             else math.copysign(math.inf, value))
    if a.decimal is not None or b.decimal is not None:
        return Exact.inexact(float(a) / float(b))
    above, below = a.fraction, b.fraction
    if above is not None and below is not None:
        return Exact.rational(above / below)
    # Multiplied above and below by the divisor with the sign of its roots turned, one prime after
    # the other, until no root is left below.
    while any(radicand != 1 for radicand, _ in b.terms):
        radicand = max(r for r, _ in b.terms)
        if len(b.terms) == 1:
            other = Exact.of({radicand: Fraction(1)})
        elif radicand > _RADICAND:
            # Its prime factors would take too long to find.
            return Exact.inexact(float(a) / float(b))
        else:
            prime = smallest_factor(radicand)
            other = Exact.of({r: -q if r % prime == 0 else q for r, q in b.terms})
        a, b = a * other, b * other
        if a.decimal is not None or b.decimal is not None:
            return Exact.inexact(float(a) / float(b))
    whole = b.terms[0][1]
    return Exact.of({radicand: q / whole for radicand, q in a.terms})


def _decimal(q: Fraction) -> Decimal:
    return Decimal(q.numerator) / Decimal(q.denominator)


def _term(radicand: int, q: Fraction) -> str:
    if radicand == 1:
        return str(q)
    root = f"sqrt({radicand})"
    above = root if q.numerator == 1 else f"{q.numerator} {root}"
    return above if q.denominator == 1 else f"{above}/{q.denominator}"
