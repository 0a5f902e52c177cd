"""Formulas as Typst's mathematics, for paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..notation import Notation
from .symbols import Symbol, parsed


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

    dots: ClassVar[str] = "…"
    draws_quotients: ClassVar[bool] = True

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

    def symbol(self, name: str) -> str:
        """A name of a formula: ``x_hat``, ``d_x``, ``beta_1``, ``kernel'``."""
        return _symbol(parsed(name))

    # What it looks like --------------------------------------------------------------------------

    def sum(self, terms: Sequence[tuple[bool, str]]) -> str:
        text = ""
        for i, (minus, term) in enumerate(terms):
            if i == 0:
                text = self.minus(term) if minus else term
            else:
                text += f" {'−' if minus else '+'} {term}"
        return text

    def product(self, factors: Sequence[str]) -> str:
        return " dot ".join(factors)

    def quotient(self, above: str, below: str) -> str:
        return f"frac({above}, {below})"

    def power(self, base: str, exponent: str) -> str:
        base = self.parentheses(base) if " dot " in base and not base.startswith("(") else base
        return f"{base}^({exponent})"

    def root(self, inside: str) -> str:
        return f"sqrt({inside})"

    def bars(self, inside: str) -> str:
        return f"abs({inside})"

    def minus(self, text: str) -> str:
        return f"−{text}"

    def call(self, function: str, arguments: Sequence[str]) -> str:
        # A name that a notation wrote already is not written again.
        name = function if not function.isidentifier() else f"op({string(function)})"
        return f"{name} ({', '.join(arguments)})"

    def parentheses(self, text: str) -> str:
        return f"({text})"

    def more(self, count: int) -> str:
        return string(f"{self.dots} {count} more {self.dots}")


def _symbol(symbol: Symbol) -> str:
    base = symbol.greek or symbol.base
    plain = len(base) == 1 and base.isalpha() or base.isdigit()
    text = base if plain else string(base)
    if symbol.hat:
        text = f"hat({text})"
    if symbol.below:
        text = f"{text}_({', '.join(_symbol(s) for s in symbol.below)})"
    if symbol.transposed:
        # Of a function, written f or g, the mark is a derivative.
        text = f"{text}^({'prime' if symbol.base in ('f', 'g') else 'upright(T)'})"
    return f"partial {text}" if symbol.partial else text
