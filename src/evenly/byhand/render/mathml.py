"""Formulas as MathML Core, which browsers draw by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, ClassVar

from ..expressions import Place
from ..notation import Notation
from .symbols import Symbol, parsed

_MINUS, _TIMES = "−", "⋅"


class MathML(Notation):
    """Writes numbers and formulas as the inside of a ``<math>`` element.

    Arguments:
        digits, longest: as in :class:`Notation`.
        operands: a class for the numbers of each earlier step, by its number: ``{3: "o1"}``.

    Example:
        >>> from evenly.byhand.exact import Exact
        >>> MathML().number(Exact(3) / 4)
        '<mfrac><mn>3</mn><mn>4</mn></mfrac>'
    """

    dots: ClassVar[str] = "…"
    draws_quotients: ClassVar[bool] = True

    def __init__(self, digits: int = 4, longest: int = 12,
                 operands: Mapping[int, str] | None = None) -> None:
        super().__init__(digits, longest)
        self.operands = operands or {}

    def math(self, inside: str, label: str = "") -> str:
        """A whole ``<math>`` element."""
        named = f' aria-label="{escape(label)}"' if label else ""
        return f"<math{named}><mrow>{inside}</mrow></math>"

    # Numbers -------------------------------------------------------------------------------------

    def integer(self, value: int) -> str:
        return f"<mn>{value}</mn>" if value >= 0 else self.minus(f"<mn>{-value}</mn>")

    def decimal(self, text: str) -> str:
        if text.startswith("-"):
            return self.minus(self.decimal(text[1:]))
        if text in ("inf", "nan"):
            return "<mi>∞</mi>" if text == "inf" else '<mi mathvariant="normal">nan</mi>'
        mantissa, _, exponent = text.partition("e")
        number = f"<mn>{escape(mantissa)}</mn>"
        if not exponent:
            return number
        ten = f"<msup><mn>10</mn>{_one(self.integer(int(exponent)))}</msup>"
        return ten if mantissa == "1" else f"{number}<mo>{_TIMES}</mo>{ten}"

    # Symbols -------------------------------------------------------------------------------------

    def words(self, text: str) -> str:
        return f"<mtext>{escape(text)}</mtext>" if text else ""

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
                text += f"<mo>{_MINUS if minus else '+'}</mo>{term}"
        return text

    def product(self, factors: Sequence[str]) -> str:
        return f"<mo>{_TIMES}</mo>".join(factors)

    def quotient(self, above: str, below: str) -> str:
        return f"<mfrac>{_one(above)}{_one(below)}</mfrac>"

    def power(self, base: str, exponent: str) -> str:
        return f"<msup>{_one(base)}{_one(exponent)}</msup>"

    def root(self, inside: str) -> str:
        return f"<msqrt>{_one(inside)}</msqrt>"

    def bars(self, inside: str) -> str:
        return self._between("|", inside, "|")

    def minus(self, text: str) -> str:
        return f'<mo form="prefix">{_MINUS}</mo>{text}'

    def call(self, function: str, arguments: Sequence[str]) -> str:
        inside = "<mo>,</mo>".join(arguments)
        name = function if function.startswith("<") else f"<mi>{escape(function)}</mi>"
        return f"{name}<mo>&#x2061;</mo>{self.parentheses(inside)}"

    def parentheses(self, text: str) -> str:
        return self._between("(", text, ")")

    def more(self, count: int) -> str:
        return f"<mtext>{self.dots} {count} more {self.dots}</mtext>"

    def marked(self, text: str, place: Place) -> str:
        own = self.operands.get(place.step)
        named = f' class="{own}"' if own else ""
        return f'<mrow{named} data-place="{place.step}-{place.flat}">{text}</mrow>'

    def _between(self, left: str, text: str, right: str) -> str:
        return (f'<mrow><mo form="prefix" stretchy="true">{left}</mo>{text}'
                f'<mo form="postfix" stretchy="true">{right}</mo></mrow>')


def _one(text: str) -> str:
    """Markup as a single element, which fractions and powers ask for."""
    depth = count = 0
    at = 0
    while (at := text.find("<", at)) >= 0:
        closes = text.startswith("</", at)
        if not closes and depth == 0:
            count += 1
        depth += -1 if closes else 1
        at += 1
    return text if count == 1 else f"<mrow>{text}</mrow>"


def _symbol(symbol: Symbol) -> str:
    base = symbol.greek or symbol.base
    text: Any = f"<mn>{base}</mn>" if base.isdigit() else f"<mi>{escape(base)}</mi>"
    if symbol.hat:
        text = f'<mover accent="true">{text}<mo>^</mo></mover>'
    if symbol.below:
        below = "<mo>,</mo>".join(_symbol(s) for s in symbol.below)
        text = f"<msub>{text}{_one(below)}</msub>"
    if symbol.transposed:
        # Of a function, written f or g, the mark is a derivative.
        above = "<mo>′</mo>" if symbol.base in ("f", "g") else '<mi mathvariant="normal">T</mi>'
        text = f"<msup>{text}{above}</msup>"
    return f'<mrow><mo form="prefix">∂</mo>{text}</mrow>' if symbol.partial else str(text)
