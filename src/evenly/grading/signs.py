"""What people type, in the signs that the reader of numbers knows.

A keyboard, a phone, a formula copied from a page: each has signs of its own for the same thing.
Here they become one; a fraction that is a single sign and a decimal that recurs become numbers.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

from ..errors import DataError

# Digits of one number, and how large its exponent may be.
DIGITS, EXPONENT = 40, 30


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

    @property
    def asks(self) -> bool:
        """Whether the answer may mean several numbers."""
        return "?" in self.reason or "ambiguous" in self.reason


@dataclass(frozen=True)
class Token:
    """A number, a word or a sign.

    Attributes:
        kind: ``"number"``, ``"word"``, ``"sign"``.
        text: as it stands there.
        at: where, from 0.
        spaced: whether it stands behind a space.
        value: of a number.
        decimals: of a number with a point: digits behind it, less its exponent; else None.
        significant: digits of the decimal, without the zeros it begins with.
        single: whether it is a fraction in one sign, such as ½.
        endless: whether dots say that its digits go on.
    """

    kind: str
    text: str
    at: int
    spaced: bool
    value: Fraction = Fraction(0)
    decimals: int | None = None
    significant: int = 0
    single: bool = False
    endless: bool = False

    @property
    def whole(self) -> bool:
        """Whether it is a whole number, of digits alone."""
        return self.kind == "number" and self.text.isdecimal()


_ALIKE = {
    "-": "\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d",
    "+": "\uff0b\u2064",
    "*": "\u00b7\u00d7\u22c5\u2219\u2217\u2022\u2715\u2716\u2a2f\uff0a\u2062",
    "/": "\u00f7\u2215\uff0f\u29f8",
    "~": "\u2248\u2243\u2245\u223c\u2252\uff5e\uff1d=",
    "(": "\uff08[{", ")": "\uff09]}", "%": "\uff05\u066a", "^": "\uff3e", ".": "\uff0e\u066b",
    ",": "\uff0c", "\u2026": "\u22ef",
}
_SAME = {other: sign for sign, others in _ALIKE.items() for other in others}
# Not seen, and without a meaning: joiners, marks of direction, the sign of a function's call.
_UNSEEN = frozenset("\u200b\u200c\u200d\u200e\u200f\u2060\u2061\ufeff\u00ad")
_THIN = "\u2009\u202f\u2007\u2008\u200a"
_RAISED = dict(zip("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b",
                   "0123456789+-", strict=True))
_LOWERED = {chr(0x2080 + digit): str(digit) for digit in range(10)}
# Over the digits that recur: a line over each, or a dot over the first and the last.
_OVERLINES, _OVERDOT = "\u0304\u0305", "\u0307"

_NUMBER = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_RECURRING = re.compile(r"(\d*)\.(\d*)\((\d+)\)")
_COMMA = re.compile(r"(?<![\d.,])(\d*),(?=\d|\(\d+\))")


@dataclass(frozen=True)
class _Sign:
    """A sign and where it stands in what was typed; `value` of a fraction that is one sign; `over`:
    what stands over a digit."""

    text: str
    at: int
    value: Fraction | None = None
    over: str = ""


def tokens(typed: str) -> list[Token]:
    """The numbers, words and signs of an answer.

    Raises:
        AnswerError: what may mean several numbers.
    """
    signs = _point(_grouped(_plain(typed)), typed)
    text = "".join(sign.text for sign in signs)
    made: list[Token] = []
    place, spaced = 0, False
    while place < len(text):
        sign = signs[place]
        if sign.text.isspace():
            place, spaced = place + 1, True
            continue
        if sign.value is not None:
            token, place = Token("number", sign.text, sign.at, spaced, sign.value,
                                 single=True), place + 1
        elif match := _NUMBER.match(text, place) or _RECURRING.match(text, place):
            token, place = _number(typed, signs, text, match, spaced)
        elif match := re.compile("[A-Za-z]+").match(text, place):
            token = Token("word", match.group().lower(), sign.at, spaced)
            place = match.end()
        else:
            token, place = Token("sign", sign.text, sign.at, spaced), place + 1
        made.append(token)
        spaced = False
    return made


def _plain(typed: str) -> list[_Sign]:
    """The signs, each as the one that stands for all that are alike."""
    made: list[_Sign] = []
    place = 0
    while place < len(typed):
        sign, at = typed[place], place
        place += 1
        if sign in _UNSEEN:
            continue
        if sign in _OVERLINES or sign == _OVERDOT:
            if not made or not made[-1].text.isdecimal():
                raise AnswerError(typed, at, "a line or a dot belongs over a digit")
            made[-1] = _Sign(made[-1].text, made[-1].at, over=sign)
        elif sign in _RAISED:
            raised, place = _run(typed, at, _RAISED)
            below, end = _run(typed, place + 1, _LOWERED)
            if typed[place : place + 1] in ("\u2044", "/") and below and raised.isdecimal():
                if not int(below):
                    raise AnswerError(typed, at, "divides by 0")
                value = Fraction(int(raised), int(below))
                made.append(_Sign("\u00bd", at, value))
                place = end
            else:
                made += [_Sign(part, at) for part in f"^({raised})"]
        elif unicodedata.decomposition(sign).startswith("<fraction>") and sign != "\u215f":
            above, _, under = unicodedata.normalize("NFKC", sign).partition("\u2044")
            made.append(_Sign("\u00bd", at, Fraction(int(above), int(under))))
        elif sign in _THIN:
            made.append(_Sign("\u2009", at))
        elif sign == "\u2044":
            made.append(_Sign("/", at))
        elif (digit := unicodedata.decimal(sign, None)) is not None:
            made.append(_Sign(str(digit), at))
        elif "\uff21" <= sign <= "\uff5a":
            made.append(_Sign(unicodedata.normalize("NFKC", sign), at))
        elif typed.startswith("**", at):
            made.append(_Sign("^", at))
            place += 1
        elif typed.startswith("...", at):
            made.append(_Sign("\u2026", at))
            place += 2
        else:
            made.append(_Sign(_SAME.get(sign, " " if sign.isspace() else sign), at))
    return made


def _run(typed: str, start: int, known: dict[str, str]) -> tuple[str, int]:
    """(the signs from a place on that are known, as plain ones, where they end)."""
    end = start
    while end < len(typed) and typed[end] in known:
        end += 1
    return "".join(known[sign] for sign in typed[start:end]), end


def _grouped(signs: list[_Sign]) -> list[_Sign]:
    """Without the thin spaces between groups of three digits; others are plain spaces."""
    text = "".join(sign.text for sign in signs)
    thin: set[int] = set()
    for match in re.finditer(r"(?<![\d.,])\d{1,3}(?:\u2009\d{3})+(?!\d)", text):
        thin |= {i for i in range(*match.span()) if text[i] == "\u2009"}
    return [_Sign(" ", s.at) if s.text == "\u2009" else s for i, s in enumerate(signs)
            if i not in thin]


def _point(signs: list[_Sign], typed: str) -> list[_Sign]:
    """With points for decimal commas, where these can be nothing else."""
    text = "".join(sign.text for sign in signs)
    commas = [i for i, sign in enumerate(text) if sign == ","]
    if not commas:
        return signs
    found = {match.end() - 1: match.group(1) for match in _COMMA.finditer(text)}
    for comma in commas:
        digits = "".join(itertools.takewhile(str.isdecimal, text[comma + 1 :]))
        after = text[comma + 1 + len(digits) :][:1]
        if "." in text or comma not in found or after == ",":
            raise AnswerError(typed, signs[comma].at, "a comma here is ambiguous: write a decimal "
                              "with a point, and no comma between thousands")
        before = found[comma]
        recurring = any(signs[i].over for i in range(comma + 1, comma + 1 + len(digits)))
        if len(digits) == 3 and before.strip("0") and len(before) <= 3 and not recurring \
                and after != "\u2026":
            raise AnswerError(typed, signs[comma].at, "a decimal or thousands? Write the decimal "
                              "with a point, and no comma between thousands")
    return [_Sign(".", s.at) if s.text == "," else s for s in signs]


def _number(typed: str, signs: list[_Sign], text: str, match: re.Match[str],
            spaced: bool) -> tuple[Token, int]:
    """(the number that begins at a place, where it ends)."""
    start, end, written = match.start(), match.end(), match.group()
    at = signs[start].at
    if (bracket := _RECURRING.match(text, start)) is not None:
        whole, behind, period = bracket.groups()
        if behind:
            raise AnswerError(typed, at, "a decimal that recurs, or a product? Write "
                              f"{whole or 0}.{behind}{period}{period}... or put a sign between "
                              "them")
        if len(bracket.group()) > DIGITS:
            raise AnswerError(typed, at, f"a number of more than {DIGITS} digits")
        value = _of_period(whole, behind, period)
        return Token("number", bracket.group(), at, spaced, value), bracket.end()
    mantissa, _, exponent = written.lower().partition("e")
    if len(mantissa) > DIGITS or abs(int(exponent or 0)) > EXPONENT:
        raise AnswerError(typed, at, f"a number of more than {DIGITS} digits, or an exponent "
                          f"beyond {EXPONENT}")
    over = [i for i in range(start, end) if signs[i].over]
    if over:
        return _recurring(typed, signs, written, start, over, spaced), end
    if text[end : end + 1] == "(" and mantissa.endswith("."):
        raise AnswerError(typed, signs[end].at, "a decimal that recurs, or a product? Between "
                          "'(' and ')' behind a point there are digits alone")
    value = Fraction(written)
    before, _, behind = mantissa.partition(".")
    decimals, significant = None, 0
    if behind or exponent:
        decimals = len(behind) - int(exponent or 0)
        significant = len((before + behind).lstrip("0"))
    endless = text[end : end + 1] == "\u2026"
    if endless:
        if not behind or exponent:
            raise AnswerError(typed, signs[end].at, "dots stand behind the digits of a decimal")
        end += 1
    shown = written.rstrip(".") if not behind else written
    return Token("number", shown, at, spaced, value, decimals, significant, endless=endless), end


def _recurring(typed: str, signs: list[_Sign], written: str, start: int, over: list[int],
               spaced: bool) -> Token:
    """A decimal with a line or dots over the digits that recur."""
    point = written.find(".")
    dots = all(signs[i].over == _OVERDOT for i in over)
    first, last = over[0] - start, over[-1] - start
    fits = point >= 0 and first > point and last == len(written) - 1
    if dots:
        fits = fits and len(over) <= 2
    else:
        fits = fits and all(signs[i].over in _OVERLINES for i in over) \
            and len(over) == last - first + 1
    if not fits:
        raise AnswerError(typed, signs[over[0]].at, "a line or dots over digits belong to the last "
                          "ones behind the point: those that recur")
    value = _of_period(written[:point], written[point + 1 : first], written[first:])
    return Token("number", written + "\u0305", signs[start].at, spaced, value)


def _of_period(whole: str, behind: str, period: str) -> Fraction:
    """whole.behind period period ... as a fraction."""
    nines = Fraction(int(period), 10 ** len(period) - 1)
    return Fraction(int(whole or 0)) + (int(behind or 0) + nines) / Fraction(10 ** len(behind))
