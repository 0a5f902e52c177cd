"""Columns decided: a kind for each, by all of its cells, then what is odd about it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from ..errors import DataError
from .columns import Column
from .kinds import KINDS, Boolean, Category, Date, Number, Recognized, Text, Values
from .kinds.number import LARGEST_WHOLE, SAMPLE
from .kinds.words import ALWAYS
from .odd import Seen, judged
from .rules import Reading

# More rows than this are counted by an estimate.
COUNTED_EXACTLY = 50_000
_ASKED = {"number": Number, "boolean": Boolean, "date": Date, "category": Category, "text": Text,
          "d/m/y": Date, "m/d/y": Date}


def decide(frame: Any, target: str | None, reading: Reading
           ) -> tuple[tuple[Column, ...], Column | None, tuple[int, ...]]:
    """(the columns but the target, the target, the rows that say Total)."""
    reading.check(frame.columns, target)
    frame = frame.rechunk()
    found = _plain(frame, reading)
    rest = [name for name in frame.columns if name not in found]
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        decided = pool.map(lambda name: _recognized(frame[name], reading), rest)
        found |= dict(zip(rest, decided, strict=True))
    _by_other_columns(frame, reading, found)
    seen = _seen(frame, found, reading)
    return judged(seen, target, frame, reading)


def _recognized(cells: Any, reading: Reading) -> Recognized:
    asked = reading.types.get(cells.name)
    if asked is not None:
        own = _ASKED[asked].recognized(cells, reading, asked=True)
        if own is None:
            raise DataError(f"column '{cells.name}': cannot be read as {asked}: no cell is one; "
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


def _plain(frame: Any, reading: Reading) -> dict[str, Recognized]:
    """Columns of plain numbers, all read at once: what most columns are."""
    if reading.decimal == "," or reading.na:
        return {}
    head = frame.head(SAMPLE)
    names = [name for name, dtype in frame.schema.items()
             if dtype == pl.String and name not in reading.types]
    if not names:
        return {}
    fits = head.select(
        (pl.col(name).cast(pl.Float64, strict=False).is_not_null()
         | pl.col(name).is_null() | (pl.col(name).str.len_bytes() <= 9)).all()
        & pl.col(name).cast(pl.Float64, strict=False).is_finite().any() for name in names
    ).row(0)
    names = [name for name, fit in zip(names, fits, strict=True) if fit]
    if not names:
        return {}
    values = frame.select(pl.col(names).cast(pl.Float64, strict=False))
    numbers = values.select(pl.all().fill_nan(None))
    about = numbers.select(
        *(pl.col(name).abs().max().alias(f"max {i}") for i, name in enumerate(names)),
        *((pl.col(name) % 1 == 0).all().alias(f"whole {i}") for i, name in enumerate(names)),
        *(pl.col(name).is_not_null().any().alias(f"any {i}") for i, name in enumerate(names)),
    ).row(0, named=True)
    left = {name: values[name].null_count() - frame[name].null_count() for name in names}
    whole = [name for i, name in enumerate(names) if about[f"whole {i}"]]
    zeros = dict(zip(whole, frame.select(
        (pl.col(name).str.starts_with("0") & (pl.col(name).str.len_bytes() > 1)).any()
        | pl.col(name).str.starts_with("-0").any() | pl.col(name).str.starts_with("+0").any()
        for name in whole).row(0) if whole else (), strict=True))
    found = {}
    for i, name in enumerate(names):
        beyond = (about[f"max {i}"] or 0) > LARGEST_WHOLE and about[f"whole {i}"]
        if not about[f"any {i}"] or zeros.get(name, False) or beyond:
            continue
        if left[name]:
            gone = frame[name].filter(values[name].is_null()).drop_nulls().unique()
            if len(gone) > len(ALWAYS) or not all(
                    word.strip().lower() in ALWAYS for word in gone.to_list()):
                continue
        cells = numbers[name].fill_null(np.nan).to_numpy()
        found[name] = Recognized(Number(), "numbers", (),
                                 Values(cells, np.zeros(len(cells), bool)),
                                 "" if about[f"whole {i}"] else ".")
    # Digits alone that may be dates, 20240131.
    return {name: own for name, own in found.items()
            if own.mark or not Date.may_be_compact(frame[name])}


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
        if own.mark in open_ones and frame[name].dtype == pl.String:
            asked = name in reading.types
            other = Number.recognized(frame[name], replace(reading, decimal=mark), asked)
            if other is not None and len(other.odd) <= len(own.odd):
                found[name] = other


def _seen(frame: Any, found: dict[str, Recognized], reading: Reading) -> list[Seen]:
    """What the values of each column are like."""
    seen = []
    rows = frame.height
    for name in frame.columns:
        own = found[name]
        read = own.read or own.kind.read(frame[name])
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
        if rows > COUNTED_EXACTLY and (count <= 2000 or not series.dtype.is_float()):
            one.distinct = series.drop_nulls().n_unique()
    return seen


def _series(values: Any) -> Any:
    if isinstance(values, pl.Series):
        return values
    series = pl.Series(values)
    return series.fill_nan(None) if series.dtype.is_float() else series
