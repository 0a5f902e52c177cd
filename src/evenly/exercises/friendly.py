"""Numbers that come out well, by construction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

_TRIES = 20_000
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


def square_variance(rng: np.random.Generator, n: int, count: int, largest: int,
                    tries: int = _TRIES) -> Any:
    """Columns of n whole numbers from 0, of whole mean and square variance other than 0.

    Each holds a 0 and, where n lets it, three different numbers or more; no two are alike.
    There are none for n = 3: ``a^2 + ab + b^2 = 3/2 k^2`` has no solution in whole numbers.

    Arguments:
        tries: columns that are looked through at once.

    Returns:
        (n, count) whole numbers.
    """
    found: dict[tuple[int, ...], None] = {}
    while len(found) < count:
        values = rng.integers(0, largest + 1, (tries, n))
        values -= values.min(axis=1, keepdims=True)
        total = values.sum(axis=1)
        spread = (values * values).sum(axis=1) * n - total * total  # n^2 times the variance
        root = np.sqrt(spread).round().astype(np.int64)
        good = (total % n == 0) & (spread > 0) & (root * root == spread) & (root % n == 0)
        good &= (np.diff(np.sort(values, axis=1), axis=1) > 0).sum(axis=1) >= min(2, n - 1)
        for row in values[good]:
            if len(found) < count:
                found.setdefault(tuple(int(v) for v in row))
        largest += 1
    return np.array(list(found)).T
