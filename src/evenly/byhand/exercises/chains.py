"""Gradients, one step after the other, for which the roots in an update rule are fractions."""

from __future__ import annotations

import functools
import math
from fractions import Fraction

import numpy as np

from .calculation import root
from .friendly import not_zero

Chain = tuple[int, ...]
# The largest gradient, and the largest denominator of a step, that chains are looked for with.
_LARGEST = {1: 30, 2: 30, 3: 24}
_DENOMINATOR = 12
_ENOUGH = 12
# A step that moves nothing is worse than any denominator.
_STILL = 10**9


def corrected(rng: np.random.Generator, steps: int, weights: int) -> np.ndarray:
    """Gradients whose averages by halves are whole once their bias is corrected:
    ``g_1 + 2 g_2 + 4 g_3 + ...`` is a multiple of ``2^t - 1`` after each step."""
    columns = []
    for _ in range(weights):
        total, column = 0, []
        for t in range(1, steps + 1):
            # 2^(t-1) times the gradient must bring the sum to a multiple of 2^t - 1.
            fitting = [g for g in range(-9, 10)
                       if g and total + 2 ** (t - 1) * g
                       and (total + 2 ** (t - 1) * g) % (2**t - 1) == 0]
            column.append(int(rng.choice(fitting)) if fitting else int(not_zero(rng, 3, ())))
            total += 2 ** (t - 1) * column[-1]
        columns.append(column)
    return np.array(columns).T


@functools.lru_cache(maxsize=256)
def rooted(kind: str, steps: int, beta: Fraction, epsilon: int) -> tuple[Chain, ...]:
    """Chains of gradients for which every root, and every step divided by it, is a small fraction.

    Arguments:
        kind: ``"sum"`` of squares (Adagrad); ``"mean"`` of squares from a given one, whose root
            comes first in each chain (RMSprop); ``"adam"``, the mean corrected for its bias.
        steps: gradients of a chain.
        beta: share of the old mean.
        epsilon: what is added to the root.
    """
    begins = kind == "mean"
    axes = [np.arange(1, _LARGEST[steps] + 1)] * steps
    if begins:
        axes = [np.arange(1, 13), *axes]
    grid = np.stack([a.reshape(-1) for a in np.meshgrid(*axes, indexing="ij")])
    weights = [_weights(kind, t, beta) for t in range(1, steps + 1)]
    good = np.ones(grid.shape[1], bool)
    for own, divisor in weights:
        whole = (np.array(own)[:, None] * grid[: len(own)] ** 2).sum(axis=0) * divisor
        near = np.sqrt(whole).round().astype(np.int64)
        good &= (near * near == whole) & (2 * near % divisor == 0)
    found: list[tuple[int, Chain]] = []
    for column in grid[:, good].T:
        chain = tuple(int(v) for v in column)
        found += [(_size(kind, signed, weights, epsilon), signed) for signed in _signed(chain,
                                                                                       begins)]
    # The simplest ones: where few are very simple, the next.
    found = sorted((pair for pair in found if not _dull(kind, pair[1])),
                   key=lambda pair: (pair[0], sum(map(abs, pair[1]))))
    simple = [chain for size, chain in found if size <= _DENOMINATOR]
    return tuple(simple if len(simple) >= _ENOUGH else [c for _, c in found[:_ENOUGH]])


def _weights(kind: str, t: int, beta: Fraction) -> tuple[list[int], int]:
    """What the squares are multiplied by, and what their sum is divided by, after t steps."""
    if kind == "sum":
        return [1] * t, 1
    p, q = beta.numerator, beta.denominator
    own = [p ** (t - i) * (q - p) * q ** (i - 1) for i in range(1, t + 1)]
    return ([p**t, *own], q**t) if kind == "mean" else (own, q**t - p**t)


def _signed(chain: Chain, begins: bool) -> list[Chain]:
    """The chain with all signs of its later gradients; the first one's is drawn apart."""
    fixed = 2 if begins else 1
    signed = [chain[:fixed]]
    for value in chain[fixed:]:
        signed = [(*s, sign * value) for s in signed for sign in (1, -1)]
    return signed


def _dull(kind: str, chain: Chain) -> bool:
    """Whether nothing changes from step to step: not even a given start."""
    return len(set(chain if kind == "adam" else map(abs, chain))) == 1 < len(chain)


def _size(kind: str, chain: Chain, weights: list[tuple[list[int], int]], epsilon: int) -> int:
    """The common denominator of the steps that the chain makes."""
    gradients = chain[1:] if kind == "mean" else chain
    denominators, average = [], Fraction(0)
    for t, (own, divisor) in enumerate(weights, 1):
        squares = sum(w * value * value for w, value in zip(own, chain, strict=False))
        below = root(Fraction(squares, divisor))
        assert below is not None
        direction = Fraction(gradients[t - 1])
        if kind == "adam":  # the average by halves, corrected
            average = (average + direction) / 2
            direction = average / (1 - Fraction(1, 2**t))
        if direction == 0:
            return _STILL
        denominators.append((direction / (below + epsilon)).denominator)
    return math.lcm(*denominators)
