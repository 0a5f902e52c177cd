"""How numbers are spelled: decimal mark, thousands, unit; recognized by samples, and parsed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

CURRENCIES = ("$", "€", "£", "¥", "₹", "₽", "₺", "₩", "US$", "A$", "C$", "R$", "kr", "zł", "Fr.",
              "Rs", "Rs.", "EUR", "USD", "GBP", "CHF", "JPY", "CNY", "INR", "AUD", "CAD", "SEK",
              "NOK", "DKK", "PLN", "BRL", "MXN", "ZAR", "RUB", "TRY", "CZK", "HUF", "~", "≈", "#")
MAX_UNIT = 14
# Marks of a footnote may stand behind some of the numbers; any other unit behind most.
FOOTNOTES = ("*", "**", "***", "†", "‡", "%")
# Between a unit before and one behind: $…K of $10K.
BETWEEN = "…"
APOSTROPHES = "'\u2019"
BLANKS = " \u00a0\u202f\u2009"
# (decimal mark, thousands mark), in the order of preference where several read as many cells:
# 1,234 is thousands where every cell has three digits behind the comma.
SPELLINGS = ((".", ""), (".", ","), (",", ""), (".", " "), (".", "'"), (",", "."), (",", " "),
             (",", "'"))
_INF = r"(?:inf|infinity|∞)"
_MINUS = "[\u2212\u2013]"
_WORD = re.compile(
    r"^[-+(]?\s*(?:[<>≤≥]=?\s*)?(?P<before>[^\d\s.,'()+\-][^\d\s'()+\-]{0,4})?\s*[-+]?\s*"
    rf"(?P<number>(?:\d[\d.,{APOSTROPHES}{BLANKS}]*\d|\d|[.,]\d+)[.,]?(?:[eE][-+]?\d+)?)"
    r"\s*(?:--?)?\+?\s*\)?\s*(?P<unit>[^\d\s.,'()+\-:;/][^\d:;]{0,12}[23]?)?\s*\)?$"
)


@dataclass(frozen=True)
class Spelling:
    """A decimal mark, a thousands mark or "", a unit or ""."""

    decimal: str = "."
    thousands: str = ""
    unit: str = ""

    @property
    def pattern(self) -> str:
        """A regular expression for numbers without unit and sign."""
        decimal = re.escape(self.decimal)
        whole = r"\d+"
        if self.thousands:
            mark = _mark(self.thousands)
            # Of India: 12,34,567.
            groups = rf"(?:{mark}\d{{2,3}})*" if self.thousands == "," else rf"(?:{mark}\d{{3}})*"
            whole = rf"(?:[1-9]\d{{0,2}}{groups}{mark}\d{{3}}|\d+)"
        return rf"(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][-+]?\d+)?"

    def parsed(self, text: Any) -> Any:
        """Stripped strings as float64, null where they are no number."""
        cells = pl.col("cell")
        # A limit, <0.5 or 90+, is the number in it; nothing behind the comma is 12,- in prices.
        clean = cells.str.replace_all(_MINUS, "-").str.replace(r"^[<>≤≥]=?\s*", "")
        clean = clean.str.replace(r"^([\d.,].*)\+$", "${1}")
        before, between, after = self.unit.partition(BETWEEN)
        if before:
            clean = clean.str.replace(rf"(?i)^([-+(]*)\s*{re.escape(before)}\s*", "${1}")
        if before and not between:
            after = before
        if after:
            clean = clean.str.replace(rf"(?i)\s*{re.escape(after)}\s*([-)]*)$", "${1}")
        clean = clean.str.replace(r"(\d)[.,]--?\s*$", "${1}")
        clean = clean.str.replace(r"^\(\s*([^-]*[^-\s])\s*\)$", "-${1}")
        clean = clean.str.replace(r"^([\d.,].*?)\s*-$", "-${1}")
        clean = clean.str.replace(r"^([-+])\s+", "${1}")
        clean = clean.str.replace("∞", "inf")
        valid = clean.str.contains(rf"^[-+]?(?:{self.pattern}|(?i:{_INF}))$")
        if self.thousands:
            clean = clean.str.replace_all(_mark(self.thousands), "")
        if self.decimal == ",":
            clean = clean.str.replace(",", ".", literal=True)
        number = clean.cast(pl.Float64, strict=False)
        return text.to_frame("cell").select(pl.when(valid).then(number)).to_series()

    def words(self) -> str:
        """What is not plain about it, in a few words."""
        said = []
        if self.thousands:
            names = {" ": "a blank", ",": "a comma", ".": "a point", "'": "an apostrophe"}
            said.append(f"{names[self.thousands]} between thousands")
        if self.decimal == ",":
            said.append("decimal comma")
        if self.unit:
            said.append(f"in {self.unit}")
        return ", ".join(said)


def spelling_of(
    words: Sequence[str], decimal: str | None = None
) -> tuple[Spelling | None, str, list[str]]:
    """The spelling that reads the most words.

    Arguments:
        words: stripped cells, each once.
        decimal: the decimal mark, where it is known.

    Returns:
        (the spelling, None where no word is a number; its decimal mark where the words leave no
        doubt, "?" where three digits behind a mark may be thousands, "" where there is no mark; the
        units, most frequent first).
    """
    units: Counter[str] = Counter()
    numbers: list[str] = []
    spelled: dict[str, str] = {}
    for word in words:
        match = _WORD.match(word.replace("\u2212", "-").replace("\u2013", "-"))
        if match is None or len(match["unit"] or "") > MAX_UNIT:
            continue
        before, after = (match["before"] or "").strip(), (match["unit"] or "").strip()
        if before and before not in CURRENCIES:
            continue
        unit = f"{before}{BETWEEN}{after}" if before and after else before or after
        if unit:
            units[unit.lower()] += 1
            spelled.setdefault(unit.lower(), unit)
        numbers.append(match["number"])
    unit, number = units.most_common(1)[0] if units else ("", 0)
    if unit not in FOOTNOTES and 2 * number < len(numbers):
        unit = ""
    tried = [Spelling(*marks) for marks in SPELLINGS if decimal in (None, marks[0])]
    counts = [sum(re.fullmatch(own.pattern, number) is not None for number in numbers)
              for own in tried]
    best = max(counts, default=0)
    if not best:
        return None, "", []
    own = tried[counts.index(best)]
    by = dict(zip(((one.decimal, one.thousands) for one in tried), counts, strict=True))
    mark = _mark_of(own, numbers, by, best)
    return (Spelling(own.decimal, own.thousands, spelled.get(unit, "")), mark,
            [spelled[name] for name, _ in units.most_common()])


def _mark_of(own: Spelling, numbers: list[str], counts: dict[Any, int], best: int) -> str:
    """The decimal mark beyond doubt, "?" in doubt, "" without any."""
    if not any(mark in number for number in numbers for mark in ".,"):
        return ""
    other = {(".", ","): (",", ""), (".", ""): (",", ".")}.get((own.decimal, own.thousands))
    if other is not None and counts.get(other, 0) == best:
        return "?"
    return own.decimal


def _mark(thousands: str) -> str:
    return {" ": f"[{BLANKS}]", "'": f"[{APOSTROPHES}]"}.get(thousands, re.escape(thousands))
