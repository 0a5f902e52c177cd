"""Formulas as MathML Core, which browsers draw by themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any, ClassVar

from ..expressions import Place
from ..looks import GREEK, drawn
from ..notation import Notation

_MINUS, _TIMES = "\N{MINUS SIGN}", "\N{DOT OPERATOR}"


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


def elements(template: str) -> Callable[..., str]:
    """As :func:`drawn`, each argument a single element."""
    def draw(self: object, *parts: str) -> str:
        return template.format(*map(_one, parts))

    return draw


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

    equals: ClassVar[str] = "<mo>=</mo>"
    about: ClassVar[str] = "<mo>≈</mo>"
    dots: ClassVar[str] = "…"
    draws_quotients: ClassVar[bool] = True

    hat = elements('<mover accent="true">{}<mo>^</mo></mover>')
    gradient = drawn('<mrow><mo form="prefix">∂</mo>{}</mrow>')
    subscripted = elements("<msub>{}{}</msub>")
    transposed = elements('<msup>{}<mi mathvariant="normal">T</mi></msup>')
    derivative = elements("<msup>{}<mo>\N{PRIME}</mo></msup>")
    quotient = elements("<mfrac>{}{}</mfrac>")
    power = elements("<msup>{}{}</msup>")
    root = elements("<msqrt>{}</msqrt>")
    minus = drawn(f'<mo form="prefix">{_MINUS}</mo>{{}}')

    def __init__(self, digits: int = 4, longest: int = 12,
                 operands: Mapping[int, str] | None = None) -> None:
        super().__init__(digits, longest)
        self.operands = operands or {}

    def math(self, inside: str) -> str:
        """A whole ``<math>`` element."""
        return f"<math><mrow>{inside}</mrow></math>"

    def near(self, value: Any) -> str:
        """The decimal beside a number with roots, as a whole element; "" for other numbers."""
        decimal = self.approximate(value)
        return self.math(f"{self.about}{decimal}") if decimal else ""

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

    def letter(self, name: str) -> str:
        return f"<mi>{escape(name)}</mi>"

    def greek(self, name: str) -> str:
        return f"<mi>{GREEK[name]}</mi>"

    def word(self, name: str) -> str:
        return f"<mi>{escape(name.replace('_', ' '))}</mi>"

    def entry(self, text: str, index: str) -> str:
        return f"{text}{self._between('[', index, ']')}"

    def implied(self, factors: Sequence[str]) -> str:
        """Symbols beside each other; words are kept apart."""
        text = factors[0]
        for before, factor in pairwise(factors):
            apart = (_is_long(before) and _is_long(factor)) or factor.startswith("<mn>")
            text += f"<mo>{_TIMES}</mo>" if apart else '<mspace width="0.17em"></mspace>'
            text += factor
        return text

    def over(self, what: str, inside: str, domain: str) -> str:
        sign = '<mo movablelimits="false">∑</mo>' if what == "sum" else self.word(what)
        sign = f"<munder>{sign}{_one(domain)}</munder>" if domain else sign
        if what != "sum":
            return f"<mrow>{sign}{self.parentheses(inside)}</mrow>"
        return f'<mrow>{sign}<mspace width="0.17em"></mspace>{inside}</mrow>'

    def compared(self, parts: Sequence[str], signs: Sequence[str]) -> str:
        names = {"<=": "≤", ">=": "≥"}
        return parts[0] + "".join(
            f"<mo>{escape(names.get(sign, sign))}</mo>{part}"
            for sign, part in zip(signs, parts[1:], strict=True)
        )

    def cases(self, cases: Sequence[tuple[str, str, str, str]]) -> str:
        space = "\N{NO-BREAK SPACE}"
        texts = []
        for lead, value, marker, condition in cases:
            before = f"<mtext>{space}{escape(lead)}{space}</mtext>" if lead else ""
            between = f"<mtext>{space}{escape(marker)}{space}</mtext>" if marker else ""
            texts.append(f"{before}{value}{between}{condition}")
        return '<mo separator="true">,</mo>'.join(texts)

    def named_call(self, function: str, arguments: Sequence[str]) -> str:
        if len(function.rstrip("'")) > 1:
            return self.call(function, arguments)
        name = self.letter(function[0])
        name = self.derivative(name) if function.endswith("'") else name
        return f"{name}{self.parentheses('<mo>,</mo>'.join(arguments))}"

    # What it looks like --------------------------------------------------------------------------

    def sign(self, minus: bool) -> str:
        return f"<mo>{_MINUS if minus else '+'}</mo>"

    def product(self, factors: Sequence[str]) -> str:
        return f"<mo>{_TIMES}</mo>".join(factors)

    def bars(self, inside: str) -> str:
        return self._between("|", inside, "|")

    def call(self, function: str, arguments: Sequence[str]) -> str:
        inside = "<mo>,</mo>".join(arguments)
        return f"{self.word(function)}<mo>&#x2061;</mo>{self.parentheses(inside)}"

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


def _is_long(text: str) -> bool:
    """Whether it is a name of several letters."""
    return re.fullmatch(r".*<mi>\w[^<]+</mi>.*", text) is not None
