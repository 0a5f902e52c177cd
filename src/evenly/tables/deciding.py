"""Columns decided: a kind for each, by all of its cells, then what is odd about it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from ..errors import DataError
from .column import Column
from .kinds import KINDS, Boolean, Category, Date, Kind, Number, Recognized, Text
from .kinds.words import cells_of, cleaned
from .odd import judged
from .plain_numbers import plain_numbers
from .rules import Reading
from .seen import Seen

# More rows than this are counted by an estimate.
COUNTED_EXACTLY = 50_000
# Below it, and where each row may have a number of its own, they are counted nonetheless.
COUNTED_AGAIN = 500
_ASKED: dict[str, type[Kind]] = {
    "number": Number, "boolean": Boolean, "date": Date, "category": Category, "text": Text,
    "d/m/y": Date, "m/d/y": Date,
}


def decide(frame: Any, target: str | None, reading: Reading
           ) -> tuple[tuple[Column, ...], Column | None, tuple[int, ...]]:
    """(the columns but the target, the target, the rows that say Total)."""
    reading.check(frame.columns, target)
    found = plain_numbers(frame, reading)
    rest = [name for name in frame.columns if name not in found]
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        decided = pool.map(
            lambda name: _recognized(name, cells_of(frame, name), reading), rest)
        found |= dict(zip(rest, decided, strict=True))
    _by_other_columns(frame, reading, found)
    seen = _seen(frame, found, reading)
    with np.errstate(invalid="ignore"):  # infinity, of which a line is said
        return judged(seen, target, frame, reading)


def _recognized(name: str, cells: Any, reading: Reading) -> Recognized:
    asked = reading.types.get(name)
    if cells.dtype.is_nested() or cells.dtype in (
            pl.String, pl.Categorical, pl.Enum, pl.Binary, pl.Object):
        cells = cleaned(cells, reading.na)
    if asked is not None:
        own = _ASKED[asked].recognized(cells, reading, asked=True)
        if own is None:
            raise DataError(f"column '{name}': cannot be read as {asked}, with cells such as "
                            f"{_example(cells)}: say another type")
        return own
    for kind in KINDS:
        own = kind.recognized(cells, reading)
        if own is not None:
            return own
    raise AssertionError("a category fits every column")


def _example(cells: Any) -> str:
    known = cells.drop_nulls()
    return repr(str(known[0])) if len(known) else "nothing"


def _by_other_columns(frame: Any, reading: Reading, found: dict[str, Recognized]) -> None:
    """Columns that leave the decimal mark open follow those that do not."""
    if reading.decimal is not None:
        return
    marks = {own.mark for own in found.values()}
    mark = "," if "," in marks else "." if "." in marks else None
    if mark is None:
        return
    open_ones = {"?", "."} if mark == "," else {"?"}
    for name, own in list(found.items()):
        if own.mark in open_ones and cells_of(frame, name).dtype == pl.String:
            asked = name in reading.types
            cells = cleaned(cells_of(frame, name), reading.na)
            other = Number.recognized(cells, replace(reading, decimal=mark), asked)
            if other is not None and len(other.odd) <= len(own.odd):
                found[name] = other


def _seen(frame: Any, found: dict[str, Recognized], reading: Reading) -> list[Seen]:
    """What the values of each column are like."""
    seen = []
    rows = frame.height
    for name in frame.columns:
        own = found[name]
        read = own.read or own.kind.read(cells_of(frame, name))
        series = _series(read.values)
        seen.append(Seen(
            name, own.kind, own.reason, list(own.odd), read.values, series,
            missing=series.null_count(), asked=name in reading.types))
    numbers = [one for one in seen if one.kind.type in ("number", "date")]
    _count(numbers, estimate=rows > COUNTED_EXACTLY)
    for one in seen:
        if one.distinct < 0:
            words = one.kind.type in ("category", "text", "boolean")
            one.distinct = len(one.counts) if words else one.series.drop_nulls().n_unique()
    return seen


def _count(seen: list[Seen], estimate: bool) -> None:
    """How many different numbers columns have; of many within some percent."""
    if not seen:
        return
    every = pl.DataFrame([one.series.alias(str(i)) for i, one in enumerate(seen)])
    count = pl.all().approx_n_unique() if estimate else pl.all().n_unique()
    for one, number in zip(seen, every.select(count).row(0), strict=True):
        different = number - (one.missing > 0)
        rising = estimate and one.kind.type == "number" and one.is_index
        sure = not estimate or COUNTED_AGAIN < number < 0.9 * one.filled or not one.may_be_whole
        if rising or sure:
            one.distinct = one.filled if rising else min(different, one.filled)


def _series(values: Any) -> Any:
    if isinstance(values, pl.Series):
        return values
    return pl.Series(values, nan_to_null=True)
