"""What looks odd about a column: only warned of."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .kinds.number import plain
from .kinds.words import TOTALS, listed
from .seen import Seen

MOSTLY_MISSING = 0.8
MOSTLY_ONE = 0.999
MIN_MOSTLY_ROWS = 100
# Rows by which the middle and the quartiles are told.
SAMPLE = 10_000
# A value far from the middle by so many times the distance between the quartiles.
FAR = 1000.0
MIN_FAR_ROWS = 20
SENTINELS = tuple(sign * (10.0**digits - 1) for digits in range(2, 9) for sign in (-1, 1))
SENTINEL_DAYS = tuple(np.datetime64(day, "us") for day in (
    "0001-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01", "2099-12-31",
    "9999-12-31"))
MIN_YEARS_AWAY = 5
MAX_CODES = 10
MIN_CODED_ROWS = 50
# Whole numbers from here on, each once, may be ids.
LEAST_ID = 1e7
MAX_LEVELS = 10_000
CODE_NAMES = re.compile(r"(?i)(code|type|typ|class|zip|plz|postal|category|kategorie|group|gruppe|"
                        r"region|district|store|shop|species|status|cluster|label|(^|_)id$|[a-z]Id$)")


def warn(one: Seen) -> None:
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
    rows, counts = len(one.series), one.counts
    if rows >= MIN_MOSTLY_ROWS and one.distinct > 1:
        value, most = counts.row(counts["count"].arg_max())
        if most > MOSTLY_ONE * rows:
            word = one.kind.shown(np.array([value])) if one.kind.type == "boolean" else value
            one.odd.append(f"{_percent(most / rows)} of the rows have the same, {word}")
    if one.kind.type != "category" or not 1 < one.distinct <= MAX_LEVELS:
        return
    levels = counts["value"].to_list()
    alike: dict[str, list[str]] = {}
    for level in levels:
        alike.setdefault(re.sub(r"[\s_-]+", " ", level.lower()), []).append(level)
    if len(alike) < len(levels):
        same = sorted(next(several for several in alike.values() if len(several) > 1))
        one.odd.append(f"{listed(same)} are levels of their own: spell them alike where they are "
                       "the same")
    totals = [level for level in levels if level.lower() in TOTALS]
    if one.distinct > 2 and one.distinct < one.filled and totals:
        one.odd.append(f"the level '{totals[0]}' may sum up the others: take these rows out")


def _warn_numbers(one: Seen) -> None:
    known = one.values[~np.isnan(one.values)] if one.missing else one.values
    rows = len(one.values)
    low, high = one.ends
    if not (np.isfinite(low) and np.isfinite(high)):
        mask = np.isinf(one.values)
        one.odd.append(f"infinity in {int(mask.sum())} of {rows} rows, first in row "
                       f"{int(mask.argmax()) + 1}: mend these rows")
        return
    step = max(1, len(known) // SAMPLE)
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
    if not said and len(known) >= MIN_FAR_ROWS and quartiles > 0:
        for value in (low, high):
            if abs(value - middle) > FAR * quartiles:
                row = int((one.values == value).argmax()) + 1
                one.odd.append(f"{plain(value)} in row {row} is far from the others, of which half "
                               f"lie within {plain(quartiles)}: an error?")
    if one.distinct == rows >= MIN_FAR_ROWS and low >= LEAST_ID and one.may_be_whole:
        one.odd.append(f"another long number in each row, such as {plain(float(known[0]))}: where "
                       f"it is an id, say --drop {one.name}")
    if 2 < one.distinct <= MAX_CODES and rows >= MIN_CODED_ROWS and not one.asked \
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
        if away > np.timedelta64(365 * MIN_YEARS_AWAY, "D"):
            one.odd.append(f"{str(value)[:10]} in {len(known) - len(others)} of {len(one.values)} "
                           f"rows, the others are {one.kind.shown(others)}: where it stands for "
                           "nothing, leave the cells empty")
