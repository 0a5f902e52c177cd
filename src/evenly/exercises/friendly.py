"""Numbers that come out well, by construction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from ..random import generator

_TRIES = 100_000
# Learning rates to choose from, the largest first. A step must lower the loss by a tenth at least:
# less would not be seen in decimals.
RATES = tuple(Fraction(1, q) for q in (2, 5, 10, 20, 50, 100))
_LOWERED = 0.9


def descending(loss: Callable[[float], float], rates: Sequence[Fraction] = RATES) -> \
        Fraction | None:
    """The largest of the rates whose step lowers the loss; None where none does.

    Arguments:
        loss: of the weights after a step with a learning rate; with 0 the one before.
        rates: to choose from, the largest first.
    """
    before = loss(0.0)
    return next((rate for rate in rates if loss(float(rate)) <= _LOWERED * before), None)


def whole(rng: np.random.Generator, largest: int, shape: Any) -> Any:
    """Whole numbers from -largest to largest."""
    return rng.integers(-largest, largest + 1, shape)


def not_zero(rng: np.random.Generator, largest: int, shape: Any) -> Any:
    """Likewise, without 0."""
    return rng.integers(1, largest + 1, shape) * rng.choice([-1, 1], shape)


def unimodular(rng: np.random.Generator, n: int) -> tuple[Any, Any]:
    """A matrix of small whole numbers, (n, n), and its inverse, of whole numbers too."""
    matrix, inverse = np.eye(n, dtype=np.int64), np.eye(n, dtype=np.int64)
    for _ in range(n * (n > 1)):
        i, j = rng.choice(n, 2, replace=False)
        sign = int(rng.choice([-1, 1]))
        if abs(matrix[i] + sign * matrix[j]).max() <= 2:
            matrix[i] += sign * matrix[j]
            inverse[:, j] -= sign * inverse[:, i]
    order = rng.permutation(n)
    return matrix[:, order], inverse[order]


# Vectors of whole length, of 2, 3 and 4 numbers, several of them not 0.
SLANTING = {
    2: ((3, 4), (6, 8), (5, 12), (8, 15), (9, 12), (7, 24), (12, 16)),
    3: ((1, 2, 2), (2, 3, 6), (1, 4, 8), (2, 6, 9), (4, 4, 7), (2, 4, 4), (0, 3, 4)),
    4: ((1, 1, 1, 1), (2, 2, 2, 2), (1, 1, 3, 5), (1, 3, 3, 9), (2, 4, 4, 8), (1, 5, 5, 7),
        (4, 4, 4, 4)),
}


def square_variance(rng: np.random.Generator, n: int, count: int, largest: int) -> Any:
    """Columns of n whole numbers from 0, of whole mean and square variance other than 0.

    Each holds a 0 and, where n lets it, three different numbers or more; no two are alike. Each
    deviation that there is is as likely as the others.
    There are none for n = 3: ``a^2 + ab + b^2 = 3/2 k^2`` has no solution in whole numbers.

    Arguments:
        largest: the largest number of a column, or more where these are too few.

    Returns:
        (n, count) whole numbers.
    """
    found: dict[tuple[int, ...], None] = {}
    while len(found) < count:
        kinds = _columns(n, largest)
        for _ in range(4 * count * bool(kinds)):
            own = kinds[int(rng.integers(len(kinds)))]
            column = rng.permutation(own[int(rng.integers(len(own)))])
            found.setdefault(tuple(int(v) for v in column))
            if len(found) == count:
                break
        largest += 1
    return np.array(list(found)).T


@lru_cache
def _columns(n: int, largest: int) -> list[Any]:
    """Such columns, sorted, a list for each deviation; of many, some."""
    values = generator(0, f"columns of {n} to {largest}").integers(0, largest + 1, (_TRIES, n))
    values -= values.min(axis=1, keepdims=True)
    values = np.sort(values, axis=1)
    total = values.sum(axis=1)
    spread = (values * values).sum(axis=1) * n - total * total  # n^2 times the variance
    root = np.sqrt(spread).round().astype(np.int64)
    good = (total % n == 0) & (spread > 0) & (root * root == spread) & (root % n == 0)
    good &= (np.diff(values, axis=1) > 0).sum(axis=1) >= min(2, n - 1)
    return [np.unique(values[good & (root == own)], axis=0) for own in np.unique(root[good])]
