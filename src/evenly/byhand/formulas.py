"""The little language in which definitions say their formulas, such as
``"mean of (x - mean)^2"``: read into a tree, which a notation writes in its own way.

Names beside each other are multiplied, and ``a / b c`` is ``(a / b) c``. ``x'`` is a transposed
matrix, ``name(`` a function, ``|x|`` a size. ``sum of``, ``mean of`` and ``max of`` take the
product that follows. ``A where B``, ``A, or B below 0`` and the like are cases. What is none of
this is words.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from .looks import Looks

_SUM, _PRODUCT, _SIGN, _POWER, _WHOLE = range(5)
_OVER = ("sum", "mean", "max")
# Words of sentences: no names.
_SENTENCE = {"of", "over", "the", "by", "with", "through", "their", "times", "or", "is", "was",
             "where", "for", "else", "then", "at", "up", "below", "cut"}
_LEADS, _MARKERS = ("or ", "else ", "then "), (" where ", " for ", " below ", " up to ")
_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<slope>d[a-z]/d[a-z]\b)|"
                    r"(?P<name>[A-Za-z]\w*?(?=_\()|[A-Za-z]\w*)|(?P<sign><=|>=|_\(|[-+/^()\[\]|,'<>]))")


class NotAFormula(ValueError):
    """A text that is words."""


@dataclass(frozen=True)
class Symbol:
    """A name."""

    name: str


@dataclass(frozen=True)
class Amount:
    """A number of the formula."""

    text: str


@dataclass(frozen=True)
class Words:
    """What is no formula."""

    text: str


@dataclass(frozen=True)
class Operation:
    """What is done with parts.

    Attributes:
        kind: "sum" (of `parts`, subtracted where `signs` say so), "product", "quotient", "power",
            "root", "bars", "minus", "transposed", "entry", "subscript", "call" (of the function
            `name`), "slope" (du/dx), "over" (the sum, mean or largest, `name`, of a part),
            "compare" (by `name`, the signs between the parts).
    """

    kind: str
    parts: tuple[Formula, ...]
    name: str = ""
    signs: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Case:
    """A formula with when it holds: ``lead value marker condition``, as in "or y where y <= 0"."""

    value: Formula
    lead: str = ""
    marker: str = ""
    condition: Formula | None = None


@dataclass(frozen=True)
class Cases:
    """Several formulas of which one holds; a single one with a condition too."""

    cases: tuple[Case, ...]


Formula = Symbol | Amount | Words | Operation | Cases


@functools.lru_cache(maxsize=1024)
def parsed(text: str) -> Formula:
    """The formula of a text.

    Raises:
        NotAFormula: words.

    Example:
        >>> parsed("x' d_y")
        ... # doctest: +NORMALIZE_WHITESPACE
        Operation(kind='product', parts=(Operation(kind='transposed', parts=(Symbol(name='x'),),
        name='', signs=()), Symbol(name='d_y')), name='', signs=())
    """
    pieces = _split(text)
    cases = tuple(_case(piece, i) for i, piece in enumerate(pieces))
    if len(cases) == 1 and cases[0].condition is None:
        return cases[0].value
    return Cases(cases)


def _split(text: str) -> list[str]:
    """At commas outside parentheses."""
    pieces, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == "," and not depth:
            pieces.append("")
        else:
            pieces[-1] += character
    return [piece.strip() for piece in pieces]


def _case(text: str, place: int) -> Case:
    lead = next((word for word in _LEADS if place and text.startswith(word)), "")
    text = text.removeprefix(lead)
    marker = next((word for word in _MARKERS if word in text), "")
    value, _, condition = text.partition(marker) if marker else (text, "", "")
    if not marker:
        # Behind the formula itself a piece without one is a remark: "sum of x' d_y, by place".
        return Case(_parsed_or_words(value) if place else _Parser(value).whole(), lead.strip())
    return Case(_Parser(value).whole(), lead.strip(), marker.strip(), _parsed_or_words(condition))


def _parsed_or_words(text: str) -> Formula:
    try:
        return _Parser(text).whole()
    except NotAFormula:
        return Words(text)


class _Token(NamedTuple):
    kind: str
    text: str
    glued: bool  # to the one before it


class _Parser:
    """A formula without cases, by recursive descent."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.at, place = text, [], 0, 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                raise NotAFormula(text)
            kind = str(match.lastgroup)
            self.tokens.append(_Token(kind, match[kind], match.start(kind) == place))
            place = match.end()

    def whole(self) -> Formula:
        result = self.comparison()
        if self.at < len(self.tokens):
            raise NotAFormula(self.text)
        return result

    def next(self, *texts: str, glued: bool = False) -> str | None:
        """The token if it is one of these, which is then read."""
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.text in texts and (token.glued or not glued):
                self.at += 1
                return token.text
        return None

    def expect(self, text: str) -> None:
        if self.next(text) is None:
            raise NotAFormula(self.text)

    def comparison(self) -> Formula:
        parts, signs = [self.sum()], []
        while sign := self.next("<", "<=", ">", ">="):
            signs.append(sign)
            parts.append(self.sum())
        return Operation("compare", tuple(parts), " ".join(signs)) if signs else parts[0]

    def sum(self) -> Formula:
        signs = [False]
        parts = [Operation("minus", (self.product(),)) if self.next("-") else self.product()]
        while sign := self.next("+", "-"):
            signs.append(sign == "-")
            parts.append(self.product())
        return Operation("sum", tuple(parts), signs=tuple(signs)) if len(parts) > 1 else parts[0]

    def product(self) -> Formula:
        result = self.factors()
        while True:
            if self.next("/"):
                result = Operation("quotient", (result, self.power()))
            elif self.begins():
                result = Operation("product", (result, *self.own_parts(self.factors())))
            else:
                return result

    def factors(self) -> Formula:
        """Powers beside each other."""
        parts = [self.power()]
        while self.begins():
            parts.append(self.power())
        return Operation("product", tuple(parts)) if len(parts) > 1 else parts[0]

    @staticmethod
    def own_parts(formula: Formula) -> tuple[Formula, ...]:
        product = isinstance(formula, Operation) and formula.kind == "product"
        return formula.parts if product else (formula,)  # type: ignore[union-attr]

    def begins(self) -> bool:
        """Whether a factor follows."""
        if self.at == len(self.tokens):
            return False
        token = self.tokens[self.at]
        return token.kind != "sign" or token.text == "("

    def power(self) -> Formula:
        result = self.primary()
        while True:
            if self.next("'", glued=True):
                result = Operation("transposed", (result,))
            elif self.next("^"):
                result = Operation("power", (result, self.primary()))
            else:
                return result

    def primary(self) -> Formula:
        if self.at == len(self.tokens):
            raise NotAFormula(self.text)
        kind, text, _ = self.tokens[self.at]
        self.at += 1
        if text == "(":
            result = self.comparison()
            self.expect(")")
            return result
        if text == "|":
            result = self.sum()
            self.expect("|")
            return Operation("bars", (result,))
        if kind == "number":
            return Amount(text)
        if kind == "slope":
            above, below = text.split("/")
            return Operation("slope", (Symbol(above), Symbol(below)))
        if kind != "name" or text in _SENTENCE:
            raise NotAFormula(self.text)
        return self.named(text)

    def named(self, name: str) -> Formula:
        if name in _OVER:
            over = self.over(name)
            if over is not None:
                return over
        if self.next("_(", glued=True):
            index = self.sum()
            self.expect(")")
            return Operation("subscript", (Symbol(name), index))
        prime = self.at + 1 < len(self.tokens) and self.tokens[self.at].text == "'" and \
            self.tokens[self.at + 1][1:] == ("(", True)
        if prime:
            self.at += 1
            name += "'"
        if self.next("(", glued=True):
            return self.call(name)
        if self.next("[", glued=True):
            index = self.sum()
            self.expect("]")
            return Operation("entry", (Symbol(name), index))
        return Symbol(name)

    def call(self, name: str) -> Formula:
        arguments = [self.comparison()]
        while self.next(","):
            arguments.append(self.comparison())
        self.expect(")")
        if name == "sqrt":
            return Operation("root", tuple(arguments))
        return Operation("call", tuple(arguments), name)

    def over(self, name: str) -> Formula | None:
        """``sum of A``, ``sum over the window of A``, ``max s``."""
        domain: list[Formula] = []
        if self.next("over"):
            words: list[str] = []
            while self.at < len(self.tokens) and self.tokens[self.at].kind == "name":
                word = self.tokens[self.at].text
                self.at += 1
                if word == "of":
                    domain.append(Words(" ".join(words)))
                    break
                words.append(word)
            if not domain:
                raise NotAFormula(self.text)
        elif not self.next("of"):
            follows = name == "max" and self.at < len(self.tokens) and \
                self.tokens[self.at].kind == "name"
            if not follows:
                return None
        return Operation("over", (self.factors(), *domain), name)


# Writing ------------------------------------------------------------------------------------------


def is_formula(text: str) -> bool:
    """Whether a text is a formula rather than words."""
    try:
        parsed(text)
    except NotAFormula:
        return False
    return True


def written(text: str, notation: Looks) -> str:
    """A formula in a notation; what is none as words."""
    try:
        return _Writer(notation).top(parsed(text))
    except NotAFormula:
        return notation.words(text)


class _Writer:
    def __init__(self, notation: Looks) -> None:
        self.to = notation

    def top(self, formula: Formula) -> str:
        if not isinstance(formula, Cases):
            return self.write(formula)[0]
        first, last = formula.cases[0], formula.cases[-1]
        remark = isinstance(last.value, Words) and not last.lead and not last.marker
        if remark and len(formula.cases) == 2 and first.condition is None:
            return self.to.remark(self.write(first.value)[0], self.write(last.value)[0])
        return self.to.cases([
            (case.lead, self.write(case.value)[0], case.marker,
             "" if case.condition is None else self.write(case.condition)[0])
            for case in formula.cases
        ])

    def within(self, formula: Formula, binds: int) -> str:
        text, own = self.write(formula)
        return self.to.parentheses(text) if own < binds else text

    def write(self, formula: Formula) -> tuple[str, int]:
        """(text, how tightly it binds)."""
        if isinstance(formula, Symbol):
            return self.to.symbol(formula.name), _WHOLE
        if isinstance(formula, Amount):
            return self.to.decimal(formula.text) if "." in formula.text else \
                self.to.integer(int(formula.text)), _WHOLE
        if isinstance(formula, Words):
            return self.to.words(formula.text), _WHOLE
        if isinstance(formula, Cases):
            return self.top(formula), _SUM
        return self.operation(formula)

    def operation(self, formula: Operation) -> tuple[str, int]:
        to, kind, parts = self.to, formula.kind, formula.parts
        first = parts[0]
        if kind == "sum":
            terms = [(minus, self.within(part, _PRODUCT if minus else _SUM))
                     for minus, part in zip(formula.signs, parts, strict=True)]
            return to.sum(terms), _SUM
        if kind == "product":
            # A quotient in front needs no parentheses: it is read from left to right.
            return to.implied([self.within(part, _PRODUCT if i == 0 else _POWER)
                               for i, part in enumerate(parts)]), _PRODUCT
        if kind == "quotient":
            if to.draws_quotients:
                return to.quotient(self.write(first)[0], self.write(parts[1])[0]), _WHOLE
            return to.symbols_quotient(self.within(first, _PRODUCT),
                                       self.within(parts[1], _POWER)), _PRODUCT
        if kind == "minus":
            return to.minus(self.within(first, _PRODUCT)), _SIGN
        if kind == "power":
            drawn = isinstance(first, Operation) and first.kind in ("quotient", "slope")
            base = to.parentheses(self.write(first)[0]) if drawn else self.within(first, _WHOLE)
            return to.power(base, self.within(parts[1], _WHOLE)), _POWER
        if kind == "transposed":
            return to.transposed(self.within(first, _WHOLE)), _POWER
        if kind == "over":
            domain = self.write(parts[1])[0] if len(parts) > 1 else ""
            return to.over(formula.name, self.within(first, _PRODUCT), domain), _PRODUCT
        if kind == "compare":
            return to.compared([self.write(part)[0] for part in parts], formula.name.split()), -1
        texts = [self.write(part)[0] for part in parts]
        own: dict[str, Any] = {"root": to.root, "bars": to.bars, "entry": to.entry,
                               "subscript": to.subscripted, "slope": to.quotient}
        text = to.named_call(formula.name, texts) if kind == "call" else own[kind](*texts)
        return text, _WHOLE
