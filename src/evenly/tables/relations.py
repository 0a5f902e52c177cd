"""Columns that give the target away: only warned of."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from .seen import Seen

# Rows by which a relation is looked for; what holds there is tried on all rows.
LOOKED_AT = 1000
MIN_ROWS = 20
ROWS_A_LEVEL = 5
# A number of more values is no set of classes.
MANY = 20


def relate(inputs: list[Seen], target: Seen) -> None:
    """Columns that give the target away: each rises with it without exception, or has one value of
    it for each of its own."""
    rows = np.flatnonzero(target.series.is_not_null().to_numpy())
    if len(rows) < MIN_ROWS or target.distinct < 2:
        return
    few = rows[:: max(1, len(rows) // LOOKED_AT)]
    answers = target.series.to_physical() if target.kind.type == "date" else target.series
    answers = answers.rank("dense").to_numpy() if answers.dtype == pl.String else (
        answers.to_numpy())
    many = target.distinct > MANY and target.kind.type in ("number", "date")
    orders: dict[int, Any] = {}
    for one in inputs:
        if one.missing > len(rows) // 2 or one.distinct < 2:
            continue
        numbers = one.kind.type in ("number", "date")
        if many and numbers and one.distinct > 2:
            if all(_rises(one, answers, part, orders) for part in (few, rows)):
                line = _line(one, answers, rows)
                one.odd.append(f"it rises or falls with the target in every row{line}: known "
                               "before the target is, or made of it?")
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
    if len(values) < MIN_ROWS:
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
    runs = int((known != known.shift(1)).sum()) + 1
    return bool(runs == known.n_unique() > 1)
