"""Which rows are trained on: in what order, how often, and which are held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import DataError
from ...random import generator
from ...rows.sources import chunk_rows, is_sparse

# Fewer held-out rows than this say too little about when to stop.
LEAST_HELD_OUT = 10
# Whole weights become repetitions as long as the table stays within this many rows.
MOST_REPEATED = 100_000


def mixed(values: Any) -> Any:
    """Whole numbers (uint64) stirred so that nearby ones come to lie far apart (Steele, Lea and
    Flood 2014, "Fast splittable pseudorandom number generators", the finalizer)."""
    values = values ^ (values >> np.uint64(30))
    values = values * np.uint64(0xBF58476D1CE4E5B9)
    values = values ^ (values >> np.uint64(27))
    values = values * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _stirred(values: Any, columns: Any) -> Any:
    """A number for each value in its column; 0 for a zero, as sparse rows leave them out."""
    values = values.astype(np.float64)  # a copy, and -0.0 becomes 0.0 below
    values += 0.0
    bits = values.view(np.uint64)
    column = mixed(columns.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15))
    return np.where(values == 0, np.uint64(0), mixed(bits ^ column))


def fingerprints(x: Any) -> Any:
    """A number (uint64) for the contents of each row: equal rows have equal ones."""
    if is_sparse(x):
        each = _stirred(x.data, x.indices)
        total = np.zeros(len(each) + 1, np.uint64)
        np.cumsum(each, out=total[1:])
        return total[x.indptr[1:]] - total[x.indptr[:-1]]
    x = x.reshape(len(x), -1)
    columns = np.arange(x.shape[1])
    result = np.empty(len(x), np.uint64)
    size = chunk_rows(x.shape[1], 8)
    for start in range(0, len(x), size):
        part = slice(start, start + size)
        result[part] = _stirred(x[part], columns).sum(axis=1, dtype=np.uint64)
    return result


def arranged(x: Any, y: Any, weights: Any) -> tuple[Any, Any, Any]:
    """The rows to train on, in an order that depends on their contents alone.

    A fit is then the same however the table was sorted. Rows of weight 0 are left out. Weights
    that are whole numbers repeat rows, as long as the table stays within ``MOST_REPEATED`` rows:
    a fit with them is the same to the bit as one on the repeated rows. Other weights are handed on
    and weigh the loss.

    Arguments:
        x: (rows, features), an array or CSR.
        y: (rows, ...) numbers.
        weights: (rows,) or None.

    Returns:
        (row numbers, their weights or None, which rows are equal: as long, a number a group).
    """
    with np.errstate(over="ignore"):  # uint64 is meant to wrap around
        keys = mixed(fingerprints(x)) + fingerprints(y)
        if weights is None:
            rows, own = np.argsort(keys, kind="stable"), None
        else:
            kept = np.flatnonzero(weights > 0)
            if not len(kept):
                raise DataError("sample_weight: every weight is 0: nothing could be learned")
            own = weights[kept]
            if np.all(own == np.floor(own)) and own.sum() <= MOST_REPEATED:
                order = np.argsort(keys[kept], kind="stable")
                rows, own = np.repeat(kept[order], own[order].astype(np.int64)), None
            else:
                rows = kept[np.lexsort((own, keys[kept]))]
                own = None if np.all(own == own[0]) else weights[rows]
    keys = keys[rows]
    return rows, own, np.cumsum(np.r_[False, keys[1:] != keys[:-1]])


def of_mean_one(weights: Any) -> Any:
    """Sample weights with mean 1, for a loss that is divided by the number of rows: a row then
    counts the same in whichever batch it lies. Rows of weight 0 are no rows. None stays None."""
    if weights is None:
        return None
    weights = weights / np.max(weights)  # the sum of the largest numbers overflows
    return weights / np.mean(weights[weights > 0])


def held_out(
    groups: Any, strata: Any, fraction: float, seed: int, least: int = LEAST_HELD_OUT
) -> tuple[Any, Any] | None:
    """Divides the rows: (kept, held out), by the seed; None where too few would be held out.

    Equal rows go to the same side, or the network would be judged by what it has learned by heart;
    but where many are equal (a table of few categories) each goes its own way.

    Arguments:
        groups: (rows,) numbers from 0, rising: equal rows have equal ones.
        strata: (rows,) class numbers: each class gives its share, and keeps at least one row; or
            None.
        fraction: to hold out.
        seed: of the choice.
        least: rows to hold out at least.
    """
    rows = len(groups)
    sizes = np.bincount(groups)
    if sizes.max() > max(1, rows * fraction / LEAST_HELD_OUT):
        groups, sizes = np.arange(rows), np.ones(rows, np.int64)
    firsts = np.cumsum(sizes) - sizes
    classes = np.zeros(len(sizes), np.int64) if strata is None else strata[firsts]
    # Within each class, in the order drawn, the first groups up to its share of the rows.
    order = generator(seed, "validation").permutation(len(sizes))
    order = order[np.argsort(classes[order], kind="stable")]
    counts = np.bincount(classes, sizes).astype(np.int64)
    quota = np.minimum(np.floor(counts * fraction + 0.5).astype(np.int64), counts - 1)
    before = np.cumsum(counts) - counts
    reached = np.cumsum(sizes[order]) - before[classes[order]]
    chosen = np.zeros(len(sizes), bool)
    chosen[order] = reached <= quota[classes[order]]
    held = chosen[groups]
    if held.sum() < least or held.sum() > rows - 2:
        return None
    return np.flatnonzero(~held), np.flatnonzero(held)
