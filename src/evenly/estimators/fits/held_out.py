"""Which rows are held out: a share of them, whole groups, a mask, or what a splitter says."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from ...errors import ConfigurationError, DataError
from ...given import check_mask, of_library
from ...random import generator
from ..inputs import is_missing
from ..names import is_number, wrong
from ..settings import share
from .rows import LEAST_HELD_OUT, held_out

WORDS = "a share between 0 and 1, a splitter with split(X, y, groups), a mask of rows, or None"


class Held(NamedTuple):
    """Rows that are not trained on: inputs as they came, targets as numbers, weights or None."""

    X: Any
    y: Any
    weights: Any


class Parts(NamedTuple):
    """Places of the arranged rows: trained on, held out, and apart for intervals (None: none)."""

    kept: Any
    held: Any
    apart: Any


class Table(NamedTuple):
    """What a division looks at.

    Attributes:
        X, y: the table as it came, checked.
        groups: (rows,) of the table, or None.
        rows: the row number of each arranged row.
        equal: as long: equal rows have equal numbers, rising.
        strata: as long: class numbers, or None.
        classes: the labels of the class numbers.
    """

    X: Any
    y: Any
    groups: Any
    rows: Any
    equal: Any
    strata: Any
    classes: Any


def divided(estimator: Any, table: Table, seed: int, given: bool) -> Parts:
    """Divides the rows as the arguments say.

    Arguments:
        estimator: whose arguments.
        table: the rows.
        seed: of shares.
        given: whether fit was given a validation set.

    Raises:
        ConfigurationError, DataError: what cannot be divided so.
    """
    every = np.arange(len(table.rows))
    apart = getattr(estimator, "interval_fraction", None)
    if given and estimator.validation is not None:
        raise ConfigurationError(
            f"fit: X_val is a validation set, and validation={estimator.validation!r} holds rows "
            "out: give one of them"
        )
    if given and table.groups is not None and apart is None:
        raise ConfigurationError(
            "fit: groups say which rows are held out together, and X_val leaves none to hold out: "
            "give one of them"
        )
    kept, held = (every, None) if given else _validation(estimator, table, seed)
    if apart is None:
        return Parts(kept, held, None)
    fraction = share("interval_fraction", apart) * len(every) / len(kept)
    if fraction >= 1:
        raise DataError(
            f"interval_fraction={apart}: with the rows that are held out already, {len(every)} "
            "rows leave none to train on: give smaller shares"
        )
    inner = _among(table, kept)
    trained, chosen = _by_share(f"interval_fraction={apart}", inner, fraction, seed ^ 1, 1)
    _check_classes(table, kept[trained], None, "interval_fraction")
    return Parts(kept[trained], held, kept[chosen])


def further(estimator: Any, table: Table, first: Parts, seed: int) -> Parts:
    """Another division by a share, with the same rows apart; the first, where it holds none out."""
    rows = np.arange(len(table.rows))
    left = rows if first.apart is None else np.setdiff1d(rows, first.apart)
    kept, held = _validation(estimator, _among(table, left), seed)
    return first if held is None else Parts(left[kept], left[held], first.apart)


def _among(table: Table, places: Any) -> Table:
    """The table of some of its arranged rows."""
    strata = None if table.strata is None else table.strata[places]
    equal = np.unique(table.equal[places], return_inverse=True)[1]
    return table._replace(rows=table.rows[places], equal=equal, strata=strata)


def _validation(estimator: Any, table: Table, seed: int) -> tuple[Any, Any]:
    given = estimator.validation
    if given is None:
        if not estimator.early_stopping:
            return np.arange(len(table.rows)), None
        fraction = share("validation_fraction", estimator.validation_fraction)
        told = f"validation_fraction={fraction}"
        return _by_share(told, table, fraction, seed, LEAST_HELD_OUT)
    if is_number(given):
        return _by_share(f"validation={given}", table, share("validation", given), seed, 1)
    sides = _mask(given, table) if _is_array(given) else _split(given, table)
    sides = sides[table.rows]
    kept, held = np.flatnonzero(sides == 1), np.flatnonzero(sides == 2)
    for places, what in ((kept, "trained on"), (held, "held out")):
        if not len(places):
            raise DataError(f"validation={_named(given)}: no row that counts is {what}")
    if table.groups is not None:
        _check_groups(given, table.groups[table.rows[kept]], table.groups[table.rows[held]])
    _check_classes(table, kept, held, f"validation={_named(given)}")
    return kept, held


def _by_share(
    told: str, table: Table, fraction: float, seed: int, least: int
) -> tuple[Any, Any]:
    rows = len(table.rows)
    if table.groups is not None:
        held = whole_groups(table.groups[table.rows], table.strata, fraction, seed)
        kept, held = np.flatnonzero(~held), np.flatnonzero(held)
        if len(held) < least:
            return np.arange(rows), None
        _check_classes(table, kept, held, f"{told} with groups")
        return kept, held
    parts = held_out(table.equal, table.strata, fraction, seed, least)
    if parts is None and least == 1:
        raise DataError(
            f"{told}: of {rows} rows none can be held out, or too many: two rows stay "
            "at least, and one of each class"
        )
    return (np.arange(rows), None) if parts is None else parts


def whole_groups(groups: Any, strata: Any, fraction: float, seed: int) -> Any:
    """(rows,) whether a row is held out: groups as a whole, in the order drawn, as long as they
    bring the held-out rows nearer to their share of each class, and leave some of each.

    Arguments:
        groups: (rows,) labels.
        strata: (rows,) class numbers, or None.
        fraction: to hold out; where every group is larger it is the smallest of them.
        seed: of the order.
    """
    names, number = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise DataError(
            f"groups: all rows are of one group, {names.tolist()[0]!r}, and a group is held out "
            "whole or not at all: leave groups out, or give X_val and y_val"
        )
    classes = np.zeros(len(groups), np.int64) if strata is None else strata
    left = np.bincount(classes)
    wanted, present = fraction * left, left > 0
    held = np.zeros(len(left))
    inside = np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))[:-1])
    order = generator(seed, "validation").permutation(len(names))
    chosen = np.zeros(len(names), bool)
    smallest = -1
    for group in order.tolist():
        counts = np.bincount(classes[inside[group]], minlength=len(left))
        if chosen.sum() == len(names) - 1 or ((left - counts)[present] <= 0).any():
            continue
        if smallest < 0 or len(inside[group]) < len(inside[smallest]):
            smallest = group
        if ((held + counts - wanted) ** 2).sum() <= ((held - wanted) ** 2).sum():
            chosen[group] = True
            held, left = held + counts, left - counts
    if not chosen.any():
        if smallest < 0:
            raise DataError(
                "groups: no group can be held out: each is all that there is of some class"
            )
        chosen[smallest] = True
    return chosen[number]


def _is_array(value: Any) -> bool:
    return isinstance(value, (list, tuple, memoryview)) or hasattr(value, "__array__") or hasattr(
        value, "__dlpack__")


def _mask(given: Any, table: Table) -> Any:
    check_mask(given, "validation")
    given = of_library(given, "validation")
    rows = table.X.shape[0]
    try:
        mask = np.asarray(given)
    except ValueError as error:
        raise DataError(
            f"validation: a {type(given).__name__} is a mask of the {rows} rows, True where held "
            "out; a split of one's own is PredefinedSplit of scikit-learn"
        ) from error
    if mask.dtype != bool or mask.shape != (rows,):
        raise DataError(
            f"validation: a mask holds True for each of the {rows} rows that is held out and False "
            f"for the others, got {mask.dtype} of shape {mask.shape}"
        )
    return np.where(mask, 2, 1)


def _split(given: Any, table: Table) -> Any:
    """(rows of the table,) 1 for what the first split trains on, 2 for what it holds out."""
    if isinstance(given, type) or not callable(getattr(given, "split", None)) or isinstance(
        given, str
    ):
        raise wrong("validation", WORDS, given)
    rows = table.X.shape[0]
    try:
        with warnings.catch_warnings():
            # Whether groups stay whole is looked at below.
            warnings.filterwarnings("ignore", "The groups parameter is ignored", UserWarning)
            first = next(iter(given.split(table.X, table.y, table.groups)), None)
        pair = None if first is None else [_places(part, rows) for part in first]
    except (TypeError, ValueError, IndexError) as error:
        told = "" if table.groups is not None else " (fit takes groups=)"
        raise DataError(f"validation={_named(given)}: {error}{told}") from error
    if pair is None or len(pair) != 2:
        raise DataError(f"validation={_named(given)}: gives no split into two parts")
    kept, held = pair
    both = np.intersect1d(kept, held)
    if len(both):
        raise DataError(
            f"validation={_named(given)}: {len(both)} rows are trained on and held out, the first "
            f"is row {both[0]}: the two parts of a split must not overlap"
        )
    sides = np.zeros(rows, np.int64)
    sides[kept], sides[held] = 1, 2
    return sides


def _places(part: Any, rows: int) -> Any:
    part = np.asarray(part)
    if part.dtype == bool:
        if part.shape != (rows,):
            raise ValueError(f"a mask of shape {part.shape} for {rows} rows")
        return np.flatnonzero(part)
    if part.size == 0:
        return np.zeros(0, np.int64)
    if part.dtype.kind not in "iu" or part.ndim != 1 or part.min() < 0 or part.max() >= rows:
        raise ValueError(f"the split holds something else than row numbers from 0 to {rows - 1}")
    return part


def _check_groups(given: Any, kept: Any, held: Any) -> None:
    both = np.intersect1d(kept, held)
    if len(both):
        raise DataError(
            f"validation={_named(given)}: {len(both)} groups have rows on both sides, the first is "
            f"{both.tolist()[0]!r}, so that held-out rows are known by others of their group: take "
            "a splitter that keeps groups whole, such as GroupShuffleSplit, or leave groups out"
        )


def _check_classes(table: Table, kept: Any, held: Any, what: str) -> None:
    """Raises DataError where the trained rows lack a class, or the held-out ones are of one."""
    if table.strata is None:
        return
    there = np.unique(table.strata)
    lacking = np.setdiff1d(there, table.strata[kept])
    if len(lacking):
        raise DataError(
            f"{what}: the rows that are trained on lack the class "
            f"{table.classes.tolist()[lacking[0]]!r}: hold out fewer, or by StratifiedShuffleSplit"
        )
    if held is None or len(there) < 2:
        return
    outside = np.unique(table.strata[held])
    if len(outside) < 2:
        raise DataError(
            f"{what}: all {len(held)} held-out rows are of the class "
            f"{table.classes.tolist()[outside[0]]!r}, so they say nothing of the others: shuffle "
            "(KFold(shuffle=True)), or take StratifiedKFold or a larger share"
        )


def _named(given: Any) -> str:
    return "mask" if _is_array(given) else repr(given)


def checked_groups(groups: Any, rows: int) -> Any:
    """Groups as an array of labels, one a row; None stays None.

    Raises:
        DataError: another shape, labels that are missing, or that cannot be put in order.
    """
    if groups is None:
        return None
    check_mask(groups, "groups")
    labels = np.asarray(of_library(groups, "groups"))
    if labels.shape != (rows,):
        raise DataError(
            f"groups: expects one label for each of the {rows} rows, got shape {labels.shape}"
        )
    if labels.dtype == object:
        missing = np.array([is_missing(label) for label in labels.tolist()], bool)
    else:
        missing = labels != labels
    if missing.any():
        raise DataError(
            f"groups: {int(missing.sum())} of {rows} rows have none, the first is row "
            f"{int(missing.argmax())}: give each of them a group of its own"
        )
    try:
        np.unique(labels)
    except TypeError:
        raise DataError(
            "groups: labels of several types cannot be told apart: make them one type, "
            "groups.astype(str)"
        ) from None
    return labels
