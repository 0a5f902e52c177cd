"""Which rows train and which test, for each seed.

| `split` | seed s tests | n_test / n_train of the corrected t |
|---|---|---|
| random | a quarter of the rows, drawn anew, classes in equal parts | of the rows |
| random, with groups | a quarter of the groups, drawn anew, with all their rows | of the groups |
| time | the s-th of as many windows as there are seeds; rows before it train | of the rows, mean |

The windows of `time` lie one behind the other and end with the last row. Each holds a quarter of
the rows at most, and all together half of them. So every seed is asked about rows that come after
those it learned from, no row is tested twice, and seeds differ in more than their weights. The
training parts overlap as they do in random splits: that is what the correction is for. One last
part for all seeds would say how much the weights' luck matters and nothing about other times.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .data import Table
from .designs import Design
from .errors import StudyError

Rows = npt.NDArray[np.int64]

TIMED = 0.5  # the share of the rows that all windows cover together, at most
LEAST_GROUPS = 4
DRAWS = 100  # so often groups are drawn until each class is on both sides


def make_parts(table: Table, design: Design, seed: int) -> tuple[Rows, Rows]:
    """The rows that train and those that test.

    Raises:
        StudyError: too few groups or rows, or a class that is missing where it must not be.
    """
    if design.split == "time":
        return _window(table, design, seed)
    if table.groups is not None:
        return _by_group(table, design, seed)
    return random_parts(table, seed, design.test_fraction)


def random_parts(table: Table, seed: int, test_fraction: float) -> tuple[Rows, Rows]:
    """A random split, classes in equal parts."""
    from sklearn.model_selection import train_test_split

    classes = table.target if table.classes else None
    train, test = train_test_split(
        np.arange(len(table.target)), test_size=test_fraction, random_state=seed, stratify=classes
    )
    return train, test


def part_sizes(table: Table, design: Design) -> tuple[int, int]:
    """How many rows train and how many test; where seeds differ, of the smallest training part.

    The test part of a random split is rounded up.
    """
    if design.split == "random" and table.groups is None:
        rows = len(table.target)
        test_rows = math.ceil(rows * design.test_fraction)
        return rows - test_rows, test_rows
    sizes = [tuple(map(len, make_parts(table, design, seed))) for seed in range(design.seeds)]
    train_rows, test_rows = min(sizes)
    return train_rows, test_rows


def rows_ratio(table: Table, design: Design) -> float:
    """n_test / n_train, in the units that are drawn."""
    if design.split == "time":
        parts = [make_parts(table, design, seed) for seed in range(design.seeds)]
        return float(np.mean([len(t) for _, t in parts]) / np.mean([len(t) for t, _ in parts]))
    if table.groups is not None:
        groups = _count(table)
        tested = math.ceil(groups * design.test_fraction)
        return tested / (groups - tested)
    train_rows, test_rows = part_sizes(table, design)
    return test_rows / train_rows


def in_words(table: Table, design: Design) -> str:
    """Which rows train and which test, where the number of rows does not say it all; else empty."""
    train_rows, test_rows = part_sizes(table, design)
    if design.split == "time":
        order = f"order of '{table.time_name}'" if table.time is not None else "order of the table"
        windows = (
            f"the last {test_rows} rows test, those before train"
            if design.seeds == 1
            else f"{design.seeds} windows of {test_rows} rows test, one a seed, and all rows "
            f"before a window train ({train_rows} before the first)"
        )
        return f"In the {order}: {windows}."
    if table.groups is not None:
        groups = _count(table)
        tested = math.ceil(groups * design.test_fraction)
        return (
            f"{groups - tested} of the {groups} groups of '{table.groups_name}' train, {tested} "
            f"test: at least {train_rows} rows train."
        )
    return ""


def _count(table: Table) -> int:
    """How many groups there are."""
    return 0 if table.groups is None else len(np.unique(table.groups))


def _by_group(table: Table, design: Design, seed: int) -> tuple[Rows, Rows]:
    from sklearn.model_selection import GroupShuffleSplit

    where = f"{table.name}: groups '{table.groups_name}'"
    groups = _count(table)
    if groups < LEAST_GROUPS:
        raise StudyError(
            f"{where}: expects at least {LEAST_GROUPS} groups, got {groups}: leave --groups out, "
            "or name another column"
        )
    draws = GroupShuffleSplit(DRAWS, test_size=design.test_fraction, random_state=seed)
    missing = ""
    for train, test in draws.split(table.target, groups=table.groups):
        missing = _missing(table, train) or _missing(table, test)
        if not missing:
            return train, test
    raise StudyError(
        f"{where}: {missing} in a part of each of {DRAWS} draws of seed {seed}: a class expects "
        "rows in several groups: merge classes, or leave --groups out"
    )


def _window(table: Table, design: Design, seed: int) -> tuple[Rows, Rows]:
    rows = len(table.target)
    length = int(rows * min(design.test_fraction, TIMED / design.seeds))
    where = f"{table.name}: --split time"
    if length < 2:
        raise StudyError(
            f"{where}: a window expects at least 2 rows to test, {design.seeds} seeds leave "
            f"{length} of {rows} rows: take fewer --seeds"
        )
    order = np.arange(rows) if table.time is None else np.argsort(table.time, kind="stable")
    start = rows - (design.seeds - seed) * length
    train, test = order[:start], order[start : start + length]
    if table.time is not None:
        # Rows of one moment are on one side.
        train = train[table.time[train] < table.time[test[0]]]
    if len(train) < 2:
        raise StudyError(
            f"{where}: the rows before the window of seed {seed} are {len(train)}, expects at "
            f"least 2: '{table.time_name}' has too few different values: name another --time"
        )
    missing = _missing(table, train)
    if missing:
        raise StudyError(
            f"{where}: {missing} in the rows that seed {seed} learns from: merge classes, or take "
            "--split random"
        )
    if (table.target[test] == table.target[test[0]]).all():
        raise StudyError(
            f"{where}: the window of seed {seed} holds one value of the target alone: take fewer "
            "--seeds, or --split random"
        )
    return train, test


def _missing(table: Table, rows: Rows) -> str:
    """A class that is not among the rows, in words; empty where all are."""
    counts: Any = np.bincount(table.target[rows], minlength=len(table.classes)) \
        if table.classes else np.ones(1)
    return f"class '{table.classes[int(counts.argmin())]}' is missing" if not counts.all() else ""
