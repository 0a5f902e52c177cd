"""Columns decided: a kind for each, by all of its cells, then what is odd about it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import polars as pl

from ..errors import DataError
from .columns import Column
from .kinds import KINDS, Boolean, Category, Date, Number, Recognized, Text
from .kinds.words import cells_of, cleaned
from .odd import Seen, judged
from .plain_numbers import plain_numbers
from .rules import Reading

# More rows than this are counted by an estimate.
COUNTED_EXACTLY = 50_000
COUNTED_AGAIN = 500
_ASKED = {"number": Number, "boolean": Boolean, "date": Date, "category": Category, "text": Text,
          "d/m/y": Date, "m/d/y": Date}


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
    return judged(seen, target, frame, reading)


def _recognized(name: str, cells: Any, reading: Reading) -> Recognized:
    asked = reading.types.get(name)
    if cells.dtype.is_nested() or cells.dtype in (
            pl.String, pl.Categorical, pl.Enum, pl.Binary, pl.Object):
        cells = cleaned(cells, reading.na)
    if asked is not None:
        own = _ASKED[asked].recognized(cells, reading, asked=True)
        if own is None:
            raise DataError(f"column '{name}': cannot be read as {asked}: no cell is one; "
                            f"such as {_example(cells)}: say another type")
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
            other = Number.recognized(cleaned(cells_of(frame, name), reading.na), replace(reading, decimal=mark), asked)
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
    if not rows:
        return seen
    every = pl.DataFrame({str(i): one.series for i, one in enumerate(seen)})
    if rows <= COUNTED_EXACTLY:
        counts = every.select(pl.all().drop_nulls().n_unique()).row(0)
    else:
        counts = every.select(pl.all().drop_nulls().approx_n_unique()).row(0)
    for one, count, series in zip(seen, counts, every.iter_columns(), strict=True):
        one.distinct = min(count, rows - one.missing)
        few = count <= COUNTED_AGAIN or (not series.dtype.is_float()) or count > 0.9 * rows
        if rows > COUNTED_EXACTLY and few:
            one.distinct = series.drop_nulls().n_unique()
    return seen


def _series(values: Any) -> Any:
    if isinstance(values, pl.Series):
        return values
    series = pl.Series(values)
    return series.fill_nan(None) if series.dtype.is_float() else series
