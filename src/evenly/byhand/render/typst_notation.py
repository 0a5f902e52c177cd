"""Formulas as Typst's mathematics, for paper."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from ..looks import GREEK, drawn
from ..notation import Notation

_MINUS = "\N{MINUS SIGN}"


def string(text: str) -> str:
    """Text as a string of Typst, whatever is in it: nothing in it acts.

    Example:
        >>> print(string('a "b" #c'))
        "a \\"b\\" #c"
    """
    written = "".join(
        f"\\{c}" if c in '\\"' else c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text
    )
    return f'"{written}"'


class Typst(Notation):
    """Writes numbers and formulas as the inside of ``$ $``.

    Example:
        >>> from evenly.byhand.exact import Exact
        >>> Typst().number(-Exact(3) / 4)
        '−frac(3, 4)'
    """

    equals: ClassVar[str] = "="
    about: ClassVar[str] = "approx"
    dots: ClassVar[str] = "…"
    draws_quotients: ClassVar[bool] = True

    hat = drawn("hat({})")
    gradient = drawn("partial {}")
    transposed = drawn("{}^(upright(T))")
    derivative = drawn("{}^(prime)")
    entry = drawn("{} [{}]")
    quotient = drawn("frac({}, {})")
    root = drawn("sqrt({})")
    bars = drawn("abs({})")
    minus = drawn(f"{_MINUS}{{}}")

    # Numbers -------------------------------------------------------------------------------------

    def integer(self, value: int) -> str:
        return str(value) if value >= 0 else self.minus(str(-value))

    def decimal(self, text: str) -> str:
        if text.startswith("-"):
            return self.minus(self.decimal(text[1:]))
        if text in ("inf", "nan"):
            return "∞" if text == "inf" else string("nan")
        mantissa, _, exponent = text.partition("e")
        if not exponent:
            return mantissa
        ten = f"10^({self.integer(int(exponent))})"
        return ten if mantissa == "1" else f"{mantissa} dot {ten}"

    # Symbols -------------------------------------------------------------------------------------

    def words(self, text: str) -> str:
        return string(text) if text else ""

    def letter(self, name: str) -> str:
        return name if name.isalpha() else string(name)

    def greek(self, name: str) -> str:
        return GREEK[name]

    def word(self, name: str) -> str:
        return string(name.replace("_", " "))

    def subscripted(self, text: str, below: str) -> str:
        return f"{text}_({below})"

    def implied(self, factors: Sequence[str]) -> str:
        """Symbols beside each other; words are kept apart."""
        text = factors[0]
        for before, factor in pairwise(factors):
            apart = ('"' in before and '"' in factor) or factor[:1].isdigit()
            text += (" dot " if apart else " thin ") + factor
        return text

    def over(self, what: str, inside: str, domain: str) -> str:
        sign = "limits(sum)" if what == "sum" else f"op({string(what)}, limits: #true)"
        sign = f"{sign}_({domain})" if domain else sign
        return f"{sign} {inside if what == 'sum' else self.parentheses(inside)}"

    def compared(self, parts: Sequence[str], signs: Sequence[str]) -> str:
        return parts[0] + "".join(
            f" {sign} {part}" for sign, part in zip(signs, parts[1:], strict=True)
        )

    def cases(self, cases: Sequence[tuple[str, str, str, str]]) -> str:
        texts = []
        for lead, value, marker, condition in cases:
            before = string(f"{lead} ") if lead else ""
            between = string(f" {marker} ") if marker else ""
            texts.append(f"{before} {value} {between} {condition}".strip())
        # An argument of a function ends at a bare comma.
        return " \\, ".join(texts)

    def named_call(self, function: str, arguments: Sequence[str]) -> str:
        if len(function.rstrip("'")) > 1:
            return self.call(function, arguments)
        name = self.letter(function[0])
        name = self.derivative(name) if function.endswith("'") else name
        return f"{name} ({', '.join(arguments)})"

    # What it looks like --------------------------------------------------------------------------

    def sign(self, minus: bool) -> str:
        return f" {_MINUS if minus else '+'} "

    def product(self, factors: Sequence[str]) -> str:
        return " dot ".join(factors)

    def power(self, base: str, exponent: str) -> str:
        base = self.parentheses(base) if " dot " in base and not base.startswith("(") else base
        return f"{base}^({exponent})"

    def call(self, function: str, arguments: Sequence[str]) -> str:
        return f"op({string(function)}) ({', '.join(arguments)})"

    def more(self, count: int) -> str:
        return string(f"{self.dots} {count} more {self.dots}")

