"""All that a report of a fit tells, as one record."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..study.measures import MEASURES, scale_of
from ..study.records import Scale
from ..tables.records import FitScores
from .answers import Answers
from .mistakes import WORST, confusion, residuals, worst_rows
from .partial import dependence
from .permutation import REPEATS, importance
from .records import ColumnLine, Dependence, Epoch, FitRecord, Importance
from .reliability import calibration

# Pictures of dependence in a report, and cells of a worst row.
MOST_SHOWN = 6
# What has an axis or levels.
SHOWN_TYPES = ("number", "boolean", "date", "category")


def explained(
    answers: Answers,
    numbers: Any,
    scores: FitScores,
    lines: Sequence[ColumnLine],
    values: Any,
    *,
    part: str = "held-out",
    history: Any = (),
    settings: Sequence[tuple[str, str]] = (),
    facts: Sequence[tuple[str, str]] = (),
    command: str = "",
    seed: int = 0,
    worth: bool = True,
    full: bool = True,
    measure: str | None = None,
    repeats: int = REPEATS,
    columns: Sequence[str] | None = None,
    most_rows: int = WORST,
    on_column: Callable[[str], None] | None = None,
) -> FitRecord:
    """The record of a fit.

    Arguments:
        answers: the model, and the rows that it is explained on.
        numbers: (rows,): the row of the table that each is, counted from 0.
        scores: what the fit came to.
        lines: the columns.
        values: by input column, as they were read.
        part: which rows these are: "held-out" or "training".
        history: of the training.
        settings, facts, command: as the record keeps them.
        seed: of shuffling, and of rows where some stand for all.
        worth: whether the importance is found.
        full: whether the pictures are found too: dependence, mistakes, calibration.
        measure: that the importance is in; None: accuracy or R².
        repeats: of the shuffling.
        columns: whose dependence is found; None: the most important ones.
        most_rows: of the worst ones.
        on_column: hears of each column whose importance is known.
    """
    inputs = [line.name for line in lines if not line.left_out]
    types = {line.name: line.type for line in lines}
    measured = answers.measure(measure).name
    found = importance(answers, inputs, measure=measured, repeats=repeats, seed=seed,
                       on_column=on_column) if worth else ()
    record = FitRecord(
        scores=scores, scales=scales(scores), measured=measured, columns=tuple(lines),
        part=part, explained_rows=len(answers), epochs=epochs(history),
        kept=getattr(history, "best_epoch", None) or len(history), importance=found,
        settings=tuple(settings), facts=tuple(facts), command=command,
    )
    if not full:
        return record
    given = answers.given()
    told = told_dependence(answers, found, types, values, scores.target, seed, columns)
    shown = [one.column for one in found[:MOST_SHOWN]]
    is_classes = answers.task == "classification"
    return replace(
        record, dependence=told,
        confusion=confusion(answers, given) if is_classes else None,
        calibration=calibration(answers, given) if is_classes else None,
        residuals=None if is_classes else residuals(answers, given, seed),
        worst=worst_rows(answers, given, numbers, shown, most_rows),
    )


def scales(scores: FitScores) -> tuple[tuple[str, Scale], ...]:
    """How each measure of the task is written, with digits for the values that there are."""
    found = []
    for row in MEASURES:
        if row.task == scores.task:
            values = [value for line in scores.lines for part in ("training", "held_out")
                      if (value := line.of(row.name, part)) is not None]
            found.append((row.name, scale_of(row, values, scores.held_out_rows)))
    return tuple(found)


def told_dependence(
    answers: Answers, worth: Sequence[Importance], types: Any, values: Any, target: str, seed: int,
    columns: Sequence[str] | None = None,
) -> tuple[Dependence, ...]:
    """The dependence on the most important columns that have an axis or levels, or on those that
    are named."""
    # What is worth nothing has nothing to show, unless nothing is worth anything.
    names = columns or [one.column for place, one in enumerate(worth) if one.mean > 0 or not place]
    found: list[Dependence] = []
    for name in names:
        if types[name] not in SHOWN_TYPES or (columns is None and len(found) == MOST_SHOWN):
            continue
        own = dependence(answers, name, types[name], values[name], target=target, seed=seed)
        if own is not None:
            found.append(own)
    return tuple(found)


def epochs(history: Any) -> tuple[Epoch, ...]:
    """The epochs of a history as plain values: what is not finite is None."""
    return tuple(
        Epoch(place, _finite(one.loss), _finite(one.score), _finite(one.validation_loss),
              _finite(one.validation_score))
        for place, one in enumerate(history, 1)
    )


def _finite(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
