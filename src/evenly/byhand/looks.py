"""What symbols and operations look like in a notation; here in plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar
from unicodedata import lookup

from .expressions import Place

GREEK = {name: lookup(f"GREEK SMALL LETTER {name}") for name in (
    "alpha", "beta", "gamma", "delta", "epsilon", "mu", "pi", "rho", "sigma")}


def drawn(template: str) -> Callable[..., str]:
    """A method that writes its arguments into a template, ``"sqrt({})"``."""
    def draw(self: object, *parts: str) -> str:
        return template.format(*parts)

    return draw


class Looks:
    """Base of the notations; this one is plain text.

    A subclass overrides what looks different in it: ``integer``, ``decimal``, ``fraction``,
    ``root``, ``product``, ``quotient``, ``power``, ``call``, ``parentheses``, ``sum``, ``marked``;
    and of formulas with symbols ``word``, ``greek``, ``hat``, ``gradient``, ``subscripted``,
    ``transposed``, ``implied``, ``over``, ``compared``, ``cases``, ``remark``, ``words``.
    """

    # Whether a quotient and a root show by themselves what belongs to them.
    draws_quotients: ClassVar[bool] = False

    hat = drawn("{}_hat")
    gradient = drawn("d_{}")  # of the loss on a symbol
    transposed = drawn("{}'")
    entry = drawn("{}[{}]")  # a row of a table
    remark = drawn("{}, {}")  # a formula with words behind it
    quotient = drawn("{}/{}")
    power = drawn("{}^{}")
    root = drawn("sqrt({})")
    bars = drawn("|{}|")
    minus = drawn("-{}")
    parentheses = drawn("({})")

    def integer(self, value: int) -> str:
        return str(value)

    def decimal(self, text: str) -> str:
        return text

    # Symbols -------------------------------------------------------------------------------------

    def words(self, text: str) -> str:
        """Plain words."""
        return text

    def symbol(self, name: str) -> str:
        """A name: what it is made of says how it is written, as ``d_x_hat`` and ``beta_1``."""
        base, _, last = name.rpartition("_")
        if name.startswith("d_"):
            return self.gradient(self.symbol(name[2:]))
        if name.startswith("mean_d"):
            return self.subscripted(self.word("mean"), self.symbol(name[5:]))
        if last == "hat" and base:
            return self.hat(self.symbol(base))
        first, _, rest = name.partition("_")
        if rest and (len(first) == 1 or first in GREEK):
            return self.subscripted(self.symbol(first), self.symbol(rest))
        if base and len(last) == 1:
            return self.subscripted(self.symbol(base), self.symbol(last))
        if len(name) == 2 and name[1].isdigit():
            return self.subscripted(self.letter(name[0]), self.integer(int(name[1])))
        if name in GREEK:
            return self.greek(name)
        if name.isdigit():
            return self.integer(int(name))
        return self.letter(name) if len(name) == 1 else self.word(name)

    def letter(self, name: str) -> str:
        """A name of one letter."""
        return name

    def greek(self, name: str) -> str:
        """A letter of :data:`GREEK`."""
        return name

    def word(self, name: str) -> str:
        """A name of several letters."""
        return name

    def subscripted(self, text: str, below: str) -> str:
        return f"{text}_{below}" if below.replace("_", "").isalnum() else f"{text}_({below})"

    def implied(self, factors: Sequence[str]) -> str:
        """A product of symbols, beside each other."""
        return " ".join(factors)

    def symbols_quotient(self, above: str, below: str) -> str:
        """A quotient of symbols, in a notation that does not draw it."""
        tight = above.isdigit() and below.isdigit()
        return f"{above}/{below}" if tight else f"{above} / {below}"

    def named_call(self, function: str, arguments: Sequence[str]) -> str:
        """A function by its name in the formula, which may be of the reader's own: ``f'``."""
        return self.call(function, arguments)

    def over(self, what: str, inside: str, domain: str) -> str:
        """The sum, mean or max (`what`) of something, over `domain` if that is said."""
        return f"{what} over {domain} of {inside}" if domain else f"{what} of {inside}"

    def compared(self, parts: Sequence[str], signs: Sequence[str]) -> str:
        """``0 < z < 1``: parts with the signs between them."""
        return parts[0] + "".join(
            f" {sign} {part}" for sign, part in zip(signs, parts[1:], strict=True)
        )

    def cases(self, cases: Sequence[tuple[str, str, str, str]]) -> str:
        """Cases, each of (lead, value, marker, condition), as ("or", "y", "where", "y <= 0")."""
        return ", ".join(" ".join(part for part in case if part) for case in cases)

    # Operations -----------------------------------------------------------------------------------

    def sum(self, terms: Sequence[tuple[bool, str]]) -> str:
        """Terms, each with whether it is subtracted."""
        text = ""
        for i, (minus, term) in enumerate(terms):
            first = self.minus(term) if minus else term
            text += first if i == 0 else f"{self.sign(minus)}{term}"
        return text

    def sign(self, minus: bool) -> str:
        """What stands between the terms of a sum."""
        return " - " if minus else " + "

    def product(self, factors: Sequence[str]) -> str:
        return " * ".join(factors)

    def call(self, function: str, arguments: Sequence[str]) -> str:
        return f"{function}({', '.join(arguments)})"

    def more(self, count: int) -> str:
        """So many terms that are not written out."""
        return f"[{count} more]"

    def marked(self, text: str, place: Place) -> str:
        """A number that stands elsewhere: a notation may say where."""
        return text
