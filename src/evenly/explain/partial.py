"""How answers change with one column: partial dependence.

Each value is put into the column of all rows in turn, the other columns stay as they are, and the
mean of the answers is taken. The cells that are put there are cells of the table, so that they are
read as all others are.

Source: J. H. Friedman, "Greedy function approximation: a gradient boosting machine", Annals of
Statistics 29, 1189-1232 (2001), section 8.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .answers import Answers
from .records import Dependence, Point

POINTS = 20
LEVELS = 12
MOST_ROWS = 500
MOST_SERIES = 6
GAP = "(missing)"
# The outermost numbers lie where few rows are.
ENDS = (0.02, 0.98)


def dependence(
    answers: Answers,
    column: str,
    type: str,
    values: Any,
    *,
    target: str = "",
    seed: int = 0,
    points: int = POINTS,
) -> Dependence | None:
    """The mean answer by the value of a column; None where it has not two values.

    Numbers are taken at quantiles from 2 % to 98 %, dates evenly in time, words and truth values
    level by level, twelve at most; a gap is a level too.

    Arguments:
        answers: the model and the rows.
        column: its name.
        type: "number", "boolean", "date" or "category".
        values: (rows,): the column as it was read, see :class:`evenly.tables.kinds.Values`.
        target: the name of the column that is predicted.
        seed: of the rows where there are more than 500.
        points: at most, of numbers and dates.
    """
    scale = {"number": _numbers, "date": _dates}.get(type)
    chosen = scale(values, points) if scale else _levels(type, values)
    if len(chosen) < 2:
        return None
    # The cells that are put there may be of any row: those rows come behind those that are asked.
    drawn = np.arange(len(answers))
    if len(drawn) > MOST_ROWS:
        drawn = np.sort(np.random.default_rng(seed).choice(len(drawn), MOST_ROWS, replace=False))
    both = answers.rows(np.concatenate([drawn, [row for _, _, row in chosen]]))
    series, which = _series(answers, target)
    found = []
    for number, (value, place, _) in enumerate(chosen):
        cells = np.full((len(both), 1), len(drawn) + number)
        given = both.exchanged([column], cells)[: len(drawn)]
        means = given.mean(axis=0)[which] if answers.classes else np.atleast_1d(given.mean())
        found.append(Point(value, place, tuple(map(float, means))))
    return Dependence(column, type, series, tuple(found), len(drawn))


def _series(answers: Answers, target: str) -> tuple[tuple[str, ...], Any]:
    """What is answered, and its columns: of two classes the second, of many the most frequent."""
    if not answers.classes:
        return (target,), None
    if len(answers.classes) == 2:
        return (answers.classes[1],), np.array([1])
    often = np.argsort(-np.bincount(answers.codes, minlength=len(answers.classes)), kind="stable")
    which = np.sort(often[:MOST_SERIES])
    return tuple(answers.classes[place] for place in which), which


# (as it is shown, its place on an axis, a row that has it)
Chosen = list[tuple[str, float | None, int]]


def _numbers(values: Any, points: int) -> Chosen:
    known = np.flatnonzero(~np.isnan(values))
    return [(f"{values[row]:.4g}", float(values[row]), row)
            for row in _along(known, values[known], np.linspace(*ENDS, points))]


def _dates(values: Any, points: int) -> Chosen:
    known = np.flatnonzero(~np.isnat(values))
    if not len(known):
        return []
    days = values[known].astype("datetime64[us]").astype(np.int64) / 86_400_000_000
    wanted = np.linspace(days.min(), days.max(), points)
    order = np.argsort(days, kind="stable")
    near = np.clip(np.searchsorted(days[order], wanted), 0, len(order) - 1)
    rows = dict.fromkeys(order[near].tolist())
    long = days.max() - days.min() >= points
    found: dict[float, tuple[str, float | None, int]] = {}
    for place in rows:
        shown = str(values[known[place]].astype("datetime64[D]" if long else "datetime64[m]"))
        found.setdefault(float(days[place]), (shown, float(days[place]), int(known[place])))
    return list(found.values())


def _along(rows: Any, values: Any, shares: Any) -> list[int]:
    """Rows whose values are quantiles, each value once."""
    if not len(rows):
        return []
    order = np.argsort(values, kind="stable")
    at = np.round(shares * (len(order) - 1)).astype(int)
    found: dict[float, int] = {}
    for place in order[at]:
        found.setdefault(float(values[place]), int(rows[place]))
    return list(found.values())


def _levels(type: str, values: Any) -> Chosen:
    if type == "boolean":
        names = [None if v != v else str(bool(v)) for v in np.asarray(values, float)]
    else:
        names = values.to_list()
    first: dict[str | None, int] = {}
    counts: dict[str | None, int] = {}
    for row, name in enumerate(names):
        first.setdefault(name, row)
        counts[name] = counts.get(name, 0) + 1
    often = sorted(counts, key=lambda name: (-counts[name], name is None, name or ""))[:LEVELS]
    # False before True, and a gap behind what there is.
    often.sort(key=lambda name: (name is None, (name or "") if type == "boolean" else ""))
    return [(GAP if name is None else name, None, first[name]) for name in often]
