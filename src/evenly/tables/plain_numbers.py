"""Columns of plain numbers, all read at once: what most columns of most tables are."""

from __future__ import annotations

from typing import Any

import polars as pl

from .kinds import Date, Number, Recognized, Values
from .kinds.base import no_cells
from .kinds.number import LARGEST_WHOLE, SAMPLE, floats, silenced
from .kinds.words import ALWAYS, cells_of
from .rules import Reading

# A word for nothing that a column of numbers may hold is no longer.
_LONGEST = max(map(len, ALWAYS))


def plain_numbers(frame: Any, reading: Reading) -> dict[str, Recognized]:
    """Those string columns that hold plain numbers and words for nothing alone, by name."""
    if reading.decimal == ",":
        return {}
    asked = [name for name, dtype in frame.schema.items()
             if dtype == pl.String and name not in reading.types]
    head = _numbered(frame, asked).head(SAMPLE)
    if not asked or not frame.height:
        return {}
    number = pl.all().cast(pl.Float64, strict=False)
    fits = head.select((number.is_not_null() | pl.all().is_null()
                        | (pl.all().str.len_bytes() <= _LONGEST)).all()).row(0)
    finite = head.select(number.is_finite().any()).row(0)
    names = [name for name, fit, some in zip(asked, fits, finite, strict=True) if fit and some]
    return _read(frame, names, reading) if names else {}


def _numbered(frame: Any, names: list[str]) -> Any:
    """The columns by numbers: a name may mean something in an expression."""
    return pl.DataFrame([frame[name].alias(str(i)) for i, name in enumerate(names)])


def _read(frame: Any, names: list[str], reading: Reading) -> dict[str, Recognized]:
    cells = _numbered(frame, names)
    values = cells.select(pl.all().cast(pl.Float64, strict=False))
    unread = [after - before for after, before in zip(
        values.null_count().row(0), cells.null_count().row(0), strict=True)]
    nan = values.select(pl.all().is_nan().any()).row(0)
    numbers = values.with_columns(pl.col(str(i)).fill_nan(None) for i, has in enumerate(nan) if has)
    low, high = (numbers.select(ends).row(0) for ends in (pl.all().min(), pl.all().max()))
    whole = _whole(numbers)
    zeros = _leading_zeros(cells, sorted(whole))
    found = {}
    for i, name in enumerate(names):
        if low[i] is None or i in zeros:
            continue
        if i in whole and max(-low[i], high[i]) >= LARGEST_WHOLE:
            continue
        if unread[i] and not _silent(cells[str(i)].filter(values[str(i)].is_null()), reading):
            continue
        # They may be dates, 20240131 or 01.2024.
        if Date.may_be_compact(cells_of(frame, name)):
            continue
        series = numbers[str(i)]
        read = Values(silenced(floats(series), reading.na), no_cells(series))
        found[name] = Recognized(Number(gaps=tuple(reading.na)), "numbers", (), read,
                                 "" if i in whole else ".")
    return found


def _whole(numbers: Any) -> set[int]:
    """Columns of whole numbers alone; the first rows tell most that are none."""
    whole = [str(i) for i in range(numbers.width)]
    for rows in (numbers.head(SAMPLE), numbers):
        some = rows.select((pl.col(whole) % 1 == 0).all()).row(0) if whole else ()
        whole = [name for name, has in zip(whole, some, strict=True) if has]
    return {int(name) for name in whole}


def _leading_zeros(cells: Any, whole: list[int]) -> set[int]:
    """Columns with a cell such as 0042."""
    if not whole:
        return set()
    own = cells.select(map(str, whole))
    # A first look that costs little: most columns have no such cell.
    some = own.select(((pl.all().str.starts_with("0") | pl.all().str.starts_with("-0")
                        | pl.all().str.starts_with("+0"))
                       & (pl.all().str.len_bytes() > 1)).any()).row(0)
    return {i for i, has in zip(whole, some, strict=True)
            if has and cells[str(i)].str.contains(r"^[-+]?0\d+$").any()}


def _silent(unread: Any, reading: Reading) -> bool:
    words = unread.drop_nulls().unique()
    return len(words) <= len(ALWAYS) + len(reading.na) and all(
        word.strip().lower() in ALWAYS or word.strip() in reading.na for word in words.to_list())
