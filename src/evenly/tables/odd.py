"""Columns that say nothing or too much, which are left out by themselves, and rows of totals."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import polars as pl

from .column import Column
from .kinds.words import TOTALS, cells_of
from .relations import relate
from .rules import Reading
from .seen import Seen
from .warned import warn

# An index is named so, or rises by one from row to row over this many rows.
MIN_INDEX_ROWS = 20
# Words that are different in each row of at least so many, or in this share of more.
MIN_UNIQUE_ROWS = 10
UNIQUE_SHARE = 0.9
MIN_SHARE_ROWS = 50
# Rows by which most columns are told to be no index and no copy.
LOOKED_AT = 1000
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
            warn(one)
    if own is not None:
        relate([one for one in inputs if not one.left_out], own)
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
    """Something that equal columns share, and few others."""
    if isinstance(one.values, np.ndarray):
        head = one.values[:LOOKED_AT]
        if head.dtype.kind == "f":
            head = np.nan_to_num(head, posinf=np.inf, neginf=-np.inf) + 0.0  # -0 is 0
        return head.dtype.kind, one.missing, head.tobytes()
    return "O", one.missing, tuple(one.series.head(50).to_list())


def _equal(one: Seen, other: Seen) -> bool:
    return bool(one.series.equals(other.series, check_names=False))


def _indices(numbers: list[Seen], inputs: list[Seen]) -> None:
    kept = sum(not one.left_out for one in inputs)
    for one in numbers:
        line = _index(one)
        if line and kept > 1:
            one.left_out = line
            kept -= 1
        elif line:
            one.odd.append(f"{line}; kept, as there is no other input")


def _index(one: Seen) -> str:
    """Why a column of numbers counts the rows; "" where it does not."""
    values, rows = one.values, len(one.values)
    if one.missing or rows < 3 or one.asked:
        return ""
    unnamed = bool(UNNAMED.match(one.name))
    named = unnamed or bool(ROW_NAMES.match(one.name)) or bool(ID_NAMES.search(one.name))
    if one.is_index and (named or (rows >= MIN_INDEX_ROWS and not TIME_NAMES.search(one.name))):
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


def _totals(seen: list[Seen], frame: Any) -> tuple[int, ...]:
    """Rows that say Total where a number or a date is, or at the end."""
    rows: set[int] = set()
    for one in seen:
        if cells_of(frame, one.name).dtype != pl.String:
            continue
        if one.kind.type in ("number", "date"):
            if any(word.lower().rstrip(": ") in TOTALS for word in getattr(one.kind, "gaps", ())):
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
