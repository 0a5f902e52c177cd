"""Columns that say nothing or too much: which are left out by themselves, which only warned of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from .columns import Column
from .kinds import Kind
from .kinds.number import plain
from .kinds.words import TOTALS, cells_of, listed
from .rules import Reading

# Left out: an index is named so, or rises by one from row to row over this many rows.
MIN_INDEX_ROWS = 20
# Left out: words that are different in each row of at least so many, or in this share of more.
MIN_UNIQUE_ROWS = 10
UNIQUE_SHARE = 0.9
MIN_SHARE_ROWS = 50
# Warned of.
MOSTLY_MISSING = 0.8
MOSTLY_ONE = 0.999
MIN_MOSTLY_ROWS = 100
# A value far from the middle by so many times the distance between the quartiles.
FAR = 1000.0
SENTINELS = tuple(sign * (10.0**digits - 1) for digits in range(2, 9) for sign in (-1, 1))
SENTINEL_DAYS = tuple(np.datetime64(day, "us") for day in (
    "0001-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01", "2099-12-31",
    "9999-12-31"))
MAX_CODES = 10
# Rows by which a relation to the target is looked for; what holds there is tried on all rows.
LOOKED_AT = 1000
MIN_RELATED_ROWS = 20
ROWS_A_LEVEL = 5
# Rows at the end where a word such as Total speaks of the row.
LAST = 3

UNNAMED = re.compile(r"(?i)^(unnamed: ?\d+(_level_\d+)?|\.\.\.\d+|_c0|_duplicated_\d+|)$")
ROW_NAMES = re.compile(r"(?i)^(row[ _.]?(id|nr|no|num|number|names?|index)?|rownames?|index|idx|"
                       r"record[ _.]?(id|no|nr|number)?|lfd\.? ?nr\.?|nr\.?|no\.?|num|number|#|obs|"
                       r"observation|seq|sequence|sno|s\.?no\.?|serial.*|instant|x|column_1)$")
ID_NAMES = re.compile(r"(^|[_\s.\-])(id|ID|Id|uuid|UUID|guid|GUID|key|KEY)$|[a-z](Id|ID|Key|Uuid)$|"
                      r"(?i:^(passenger|customer|patient|user|order|client|member|employee|"
                      r"transaction|invoice|account)_?(no|nr|number|num)\.?$)")
TIME_NAMES = re.compile(r"(?i)(year|jahr|ann[eé]e|anno|month|monat|mois|week|woche|day|tag|jour|"
                        r"hour|stunde|time|zeit|date|datum|age|period|epoch|step|quarter)")
CODE_NAMES = re.compile(r"(?i)(code|type|typ|class|zip|plz|postal|category|kategorie|group|gruppe|"
                        r"region|district|store|shop|species|status|cluster|label|(^|_)id$|[a-z]Id$)")


@dataclass
class Seen:
    """A column as it was read.

    Attributes:
        values: as :class:`Values` has them.
        series: the same as a polars series, null for a gap.
    """

    name: str
    kind: Kind
    reason: str
    odd: list[str]
    values: Any
    series: Any
    missing: int = 0
    distinct: int = 0
    asked: bool = False
    left_out: str = ""
    codes: Any = field(default=None, repr=False)

    @property
    def filled(self) -> int:
        return len(self.series) - self.missing

    @property
    def ends(self) -> tuple[Any, Any]:
        """The least and the greatest value."""
        if self.kind.type == "date":
            low, high = self.series.min(), self.series.max()
            return np.datetime64(low, "us"), np.datetime64(high, "us")
        return float(self.series.min()), float(self.series.max())

    @property
    def shown(self) -> str:
        """Their range, or examples."""
        ranges = self.kind.type in ("number", "date") and self.filled
        return self.kind.shown(np.array(self.ends) if ranges else self.values)

    def column(self, left_out: str) -> Column:
        """What is kept of it."""
        return Column(self.name, self.kind, self.reason, self.missing, self.distinct,
                      self.shown, left_out, tuple(self.odd), self.asked)


def judged(seen: list[Seen], target: str | None, frame: Any, reading: Reading
           ) -> tuple[tuple[Column, ...], Column | None, tuple[int, ...]]:
    """(the columns but the target, the target, the rows that say Total)."""
    own = next((one for one in seen if one.name == target), None)
    inputs = [one for one in seen if one is not own]
    for one in inputs:
        one.left_out = _says_nothing(one)
    _copies([one for one in inputs if not one.left_out], own)
    _indices([one for one in inputs if not one.left_out and one.kind.type == "number"], inputs)
    for one in inputs:
        if not one.left_out:
            one.left_out = _unique(one, reading)
    for one in seen:
        if not one.left_out:
            _warn(one)
    if own is not None:
        _relations([one for one in inputs if not one.left_out], own)
    columns = tuple(one.column(_out(one, reading)) for one in inputs)
    return columns, None if own is None else own.column(""), _totals(seen, frame)


def _out(one: Seen, reading: Reading) -> str:
    """Why a column is no input, by the rules and by what the user says."""
    if one.name in reading.drop:
        return "as asked for"
    if one.left_out and one.name in reading.keep and one.kind.type != "nothing":
        one.odd.append(f"{one.left_out}: kept, as asked for")
        return ""
    return one.left_out


def _says_nothing(one: Seen) -> str:
    if not one.filled:
        return "it is empty"
    if one.distinct == 1 and not one.missing and len(one.series) > 1:
        return f"every row has the same, {one.shown}"
    return ""


def _copies(inputs: list[Seen], target: Seen | None) -> None:
    """What equals the target, or a column before it, in every row."""
    known: dict[Any, list[Seen]] = {}
    if target is not None:
        known[_mark(target)] = [target]
    for one in inputs:
        alike = known.setdefault(_mark(one), [])
        for other in alike:
            if _equal(one, other):
                one.left_out = ("it is a copy of the target" if other is target else
                                f"it is a copy of '{other.name}'")
                break
        else:
            alike.append(one)


def _mark(one: Seen) -> Any:
    head = one.series.head(LOOKED_AT)
    form = "text" if one.series.dtype == pl.String else one.series.dtype
    return str(form), one.missing, hash(tuple(head.head(50).to_list())), int(head.hash().sum() or 0)


def _equal(one: Seen, other: Seen) -> bool:
    return bool(one.series.equals(other.series, check_names=False))


def _indices(numbers: list[Seen], inputs: list[Seen]) -> None:
    for one in numbers:
        line = _index(one)
        others = [other for other in inputs if other is not one and not other.left_out]
        if line and others:
            one.left_out = line
        elif line:
            one.odd.append(f"{line}; kept, as there is no other input")


def _index(one: Seen) -> str:
    """Why a column of numbers counts the rows; "" where it does not."""
    values, rows = one.values, len(one.values)
    if one.missing or rows < 3 or one.asked or not np.isfinite(values).all():
        return ""
    unnamed = bool(UNNAMED.match(one.name))
    head = np.diff(values[:LOOKED_AT])
    rising = bool((head == 1).all()) and bool((np.diff(values) == 1).all())
    named = unnamed or bool(ROW_NAMES.match(one.name)) or bool(ID_NAMES.search(one.name))
    if rising and (named or (rows >= MIN_INDEX_ROWS and not TIME_NAMES.search(one.name))):
        return "it rises by one from row to row: an index"
    if not named or one.distinct < rows or (values[:LOOKED_AT] % 1 != 0).any() \
            or (values % 1 != 0).any():
        return ""
    if unnamed:
        return "it has no name and another whole number in each row: an index"
    if named and rows >= MIN_UNIQUE_ROWS:
        return "it is another whole number in each row, and named as an id"
    return ""


def _unique(one: Seen, reading: Reading) -> str:
    """Why words are no levels; "" where they are some."""
    if one.kind.type == "text":
        return "" if reading.text or one.asked else (
            f"it is free text, such as '{_short(one)}': with --text its words are inputs")
    if one.kind.type != "category" or one.asked:
        return ""
    unique = one.distinct == one.filled and (
        one.filled >= MIN_UNIQUE_ROWS or (one.filled > 2 and (
            bool(UNNAMED.match(one.name)) or bool(ID_NAMES.search(one.name)))))
    if unique:
        return f"it is another word in each row, such as '{_short(one)}': a name or an id"
    if one.filled >= MIN_SHARE_ROWS and one.distinct > UNIQUE_SHARE * one.filled:
        return (f"{one.distinct} of {one.filled} words are different, such as '{_short(one)}': "
                "names or ids")
    return ""


def _short(one: Seen) -> str:
    word = str(one.series.drop_nulls()[0])
    return word if len(word) <= 30 else word[:27] + "..."


def _warn(one: Seen) -> None:
    rows = len(one.series)
    if rows >= MIN_MOSTLY_ROWS and one.missing > MOSTLY_MISSING * rows:
        one.odd.append(f"{_percent(one.missing / rows)} of the rows say nothing")
    if one.kind.type in ("category", "boolean"):
        _warn_words(one)
    elif one.kind.type == "number" and one.filled:
        _warn_numbers(one)
    elif one.kind.type == "date" and one.filled:
        _warn_dates(one)


def _percent(share: float) -> str:
    return f"{np.floor(share * 1000) / 10:.1f}%" if share > 0.99 else f"{share:.0%}"


def _warn_words(one: Seen) -> None:
    rows = len(one.series)
    many = rows >= MIN_MOSTLY_ROWS and one.distinct <= max(100, rows // 20)
    if many and one.filled > MOSTLY_ONE * rows:
        counts = one.series.drop_nulls().alias("word").value_counts()
        most = counts.row(counts["count"].arg_max())
        if rows > most[1] > MOSTLY_ONE * rows:
            word = one.kind.shown(np.array([most[0]])) if one.kind.type == "boolean" else most[0]
            one.odd.append(f"{_percent(most[1] / rows)} of the rows have the same, {word}")
    if one.kind.type == "category" and 1 < one.distinct <= 10_000:
        levels = one.series.drop_nulls().unique(maintain_order=True)
        plain_ones = levels.str.to_lowercase().str.replace_all(r"[\s_-]+", " ")
        if plain_ones.n_unique() < len(levels):
            twice = plain_ones.is_duplicated()
            first = plain_ones.filter(twice)[0]
            alike = levels.filter(plain_ones == first).to_list()
            one.odd.append(f"{listed(alike)} are levels of their own: spell them alike where they "
                           "are the same")
    if one.kind.type == "category" and one.distinct < one.filled:
        levels = one.series.drop_nulls().unique().str.to_lowercase()
        if levels.is_in(list(TOTALS)).any() and one.distinct > 2:
            word = next(level for level in levels if level in TOTALS)
            one.odd.append(f"the level '{word}' may sum up the others: take these rows out")


def _warn_numbers(one: Seen) -> None:
    known = one.values[~np.isnan(one.values)] if one.missing else one.values
    rows = len(one.values)
    low, high = one.ends
    if not (np.isfinite(low) and np.isfinite(high)):
        mask = np.isinf(one.values)
        one.odd.append(f"infinity in {int(mask.sum())} of {rows} rows, first in row "
                       f"{int(mask.argmax()) + 1}: mend these rows")
        return
    step = max(1, len(known) // 10_000)
    sample = np.sort(known[::step])
    middle = float(sample[len(sample) // 2])
    alike = np.mean(sample == middle) > MOSTLY_ONE - 0.01
    if rows >= MIN_MOSTLY_ROWS and one.distinct > 1 and alike:
        same = int((one.values == middle).sum())
        if same > MOSTLY_ONE * rows:
            one.odd.append(f"{_percent(same / rows)} of the rows have the same, {plain(middle)}")
            return
    said = False
    for value in (low, high):
        if value in SENTINELS and low != high:
            said |= _sentinel(one, known, value)
    quartiles = float(sample[3 * len(sample) // 4] - sample[len(sample) // 4])
    if not said and len(known) >= MIN_RELATED_ROWS and quartiles > 0:
        for value in (low, high):
            if abs(value - middle) > FAR * quartiles:
                row = int((one.values == value).argmax()) + 1
                one.odd.append(f"{plain(value)} in row {row} is far from the others, of which half "
                               f"lie within {plain(quartiles)}: an error?")
    if 2 < one.distinct <= MAX_CODES and rows >= MIN_SHARE_ROWS and not one.asked \
            and (CODE_NAMES.search(one.name) or high - low + 1 > 5 * one.distinct) \
            and (known % 1 == 0).all():
        one.odd.append(f"only {one.distinct} different whole numbers: where they are codes, say "
                       f"--as {one.name}=category")


def _sentinel(one: Seen, known: Any, value: float) -> bool:
    others = known[known != value]
    span = float(others.max() - others.min())
    away = min(abs(value - float(others.min())), abs(value - float(others.max())))
    number = len(known) - len(others)
    # Two in a small table, or one far beyond all others.
    if away <= span * (1 if number > 1 else 3) or away < 10:
        return False
    one.odd.append(f"{plain(value)} in {number} of {len(one.values)} rows, the others are "
                   f"{one.kind.shown(others)}: say --na {plain(value)} where it stands for nothing")
    return True


def _warn_dates(one: Seen) -> None:
    for value in one.ends:
        if value not in SENTINEL_DAYS:
            continue
        known = one.values[~np.isnat(one.values)]
        others = known[known != value]
        if not len(others):
            continue
        away = min(abs(others.min() - value), abs(others.max() - value))
        if away > np.timedelta64(5 * 365, "D"):
            one.odd.append(f"{str(value)[:10]} in {len(known) - len(others)} of {len(one.values)} "
                           f"rows, the others are {one.kind.shown(others)}: where it stands for "
                           "nothing, leave the cells empty")


def _relations(inputs: list[Seen], target: Seen) -> None:
    """Columns that give the target away: each rises with it without exception, or has one value of
    it for each of its own."""
    rows = np.flatnonzero(target.series.is_not_null().to_numpy())
    if len(rows) < MIN_RELATED_ROWS or target.distinct < 2:
        return
    few = rows[:: max(1, len(rows) // LOOKED_AT)]
    answers = target.series.to_physical() if target.kind.type == "date" else target.series
    answers = answers.rank("dense").to_numpy() if answers.dtype == pl.String else (
        answers.to_numpy())
    many = target.distinct > 20 and target.kind.type in ("number", "date")
    orders: dict[int, Any] = {}
    for one in inputs:
        if one.missing > len(rows) // 2 or one.distinct < 2:
            continue
        numbers = one.kind.type in ("number", "date")
        if many and numbers and one.distinct > 2:
            if all(_rises(one, answers, part, orders) for part in (few, rows)):
                one.odd.append(f"it rises or falls with the target in every row{_line(one, answers, rows)}:"
                               " known before the target is, or made of it?")
            continue
        if one.distinct * ROWS_A_LEVEL > one.filled:
            continue
        if all(_determines(one, answers, part) for part in (few, rows)):
            one.odd.append(f"each of its {one.distinct} values has one value of the target: known "
                           "before the target is, or made of it?")
        elif many and not numbers and all(
                _bands(one, answers, part, orders) for part in (few, rows)):
            one.odd.append(f"its {one.distinct} values are ranges of the target: known before the "
                           "target is, or made of it?")


def _order(answers: Any, part: Any, orders: dict[int, Any]) -> Any:
    if len(part) not in orders:
        orders[len(part)] = part[np.argsort(answers[part], kind="stable")]
    return orders[len(part)]


def _rises(one: Seen, answers: Any, part: Any, orders: dict[int, Any]) -> bool:
    order = _order(answers, part, orders)
    values = one.values[order]
    known = values == values
    values, own = values[known].astype(np.float64), answers[order][known]
    if len(values) < MIN_RELATED_ROWS:
        return False
    steps, ties = np.diff(values), np.diff(own) == 0
    if (steps[ties] != 0).any():
        return False
    return bool((steps >= 0).all() or (steps <= 0).all())


def _line(one: Seen, answers: Any, rows: Any) -> str:
    """The straight line that it is of the target, in words; "" where it is none."""
    if one.kind.type != "number":
        return ""
    values, own = one.values[rows], answers[rows].astype(np.float64)
    known = ~np.isnan(values)
    values, own = values[known], own[known]
    low, high = int(values.argmin()), int(values.argmax())
    slope = (own[high] - own[low]) / (values[high] - values[low])
    start = own[low] - slope * values[low]
    scale = np.abs(own).max() + np.abs(start)
    if not (np.abs(slope * values + start - own) <= 1e-6 * scale).all():
        return ""
    return f" (the target is {slope:.6g} times it, plus {start:.6g})"


def _determines(one: Seen, answers: Any, part: Any) -> bool:
    pairs = pl.DataFrame({"own": one.series.gather(part), "target": answers[part]}).drop_nulls()
    return len(pairs) > 1 and pairs.n_unique() == pairs["own"].n_unique()


def _bands(one: Seen, answers: Any, part: Any, orders: dict[int, Any]) -> bool:
    known = one.series.gather(_order(answers, part, orders)).drop_nulls()
    return int((known != known.shift(1)).sum()) + 1 == known.n_unique() > 1


def _totals(seen: list[Seen], frame: Any) -> tuple[int, ...]:
    """Rows that say Total where a number or a date is, or at the end."""
    rows: set[int] = set()
    for one in seen:
        if cells_of(frame, one.name).dtype != pl.String:
            continue
        if one.kind.type in ("number", "date"):
            if any(word.lower().rstrip(": ") in TOTALS for word in one.kind.gaps):
                rows |= {int(row) for row in _total(cells_of(frame, one.name)).arg_true()}
        elif one.kind.type in ("category", "text") and one.filled:
            said = _total(cells_of(frame, one.name).tail(LAST))
            if said.any() and _total(one.series.unique()).sum() == 1 and (
                    _total(one.series).sum() == said.sum()):
                last = said
                rows |= {frame.height - len(last) + int(row) for row in said.arg_true()}
    return tuple(sorted(rows))


def _total(cells: Any) -> Any:
    """Which cells say Total."""
    words = cells.str.to_lowercase().str.strip_chars(": \u00a0")
    return words.is_in(list(TOTALS)).fill_null(False)
