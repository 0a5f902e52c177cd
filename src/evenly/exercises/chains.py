"""Gradients, one step after the other, for which the roots in an update rule are fractions."""

from __future__ import annotations

import functools
import itertools
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


def topped(rng: np.random.Generator, steps: int, weights: int, beta: Fraction,
           epsilon: int) -> np.ndarray:
    """Gradients for AdaMax: their averages by halves are whole once corrected, and over the largest
    recent gradient they are small fractions. From the second step on, that is an earlier one at
    least once.

    Arguments:
        beta: share of the largest so far that is kept.
        epsilon: what is added to each gradient's size.
    """
    columns: list[np.ndarray] = []
    while len(columns) < weights:
        column = corrected(rng, steps, 1)[:, 0]
        largest, average, denominators, kept = Fraction(0), Fraction(0), [1], steps == 1
        for t, gradient in enumerate(column.tolist(), 1):
            average = (average + gradient) / 2
            direction = average / (1 - Fraction(1, 2**t))
            kept |= beta * largest > abs(gradient) + epsilon
            largest = max(beta * largest, Fraction(abs(gradient) + epsilon))
            denominators += [direction.denominator, (direction / largest).denominator]
            if direction == 0:
                denominators.append(_STILL)
        # The first weight shows what the maximum is for; the others may or may not.
        if math.lcm(*denominators) <= 5 * _DENOMINATOR and (kept or columns):
            columns.append(column)
    return np.array(columns).T


@functools.lru_cache(maxsize=64)
def ahead(steps: int, beta_1: Fraction, beta_2: Fraction, epsilon: int) -> tuple[Chain, ...]:
    """Chains of gradients for NAdam with a constant momentum: every root is a fraction, and every
    step a fraction with as small a denominator as there is.

    Arguments:
        steps: gradients of a chain.
        beta_1, beta_2: shares of the old averages.
        epsilon: what is added to the root.
    """
    mu, found = beta_1 / 2, []
    for chain in itertools.product(range(1, 49), *[[*range(-48, 0), *range(1, 49)]] * (steps - 1)):
        below = [_root_after(chain[:t], beta_2) for t in range(1, steps + 1)]
        average, denominators = Fraction(0), [1]
        for t, (gradient, root_t) in enumerate(zip(chain, below, strict=True), 1):
            average = beta_1 * average + (1 - beta_1) * gradient
            direction = mu * average / (1 - mu ** (t + 1)) + (1 - mu) * gradient / (1 - mu**t)
            if root_t is None or direction == 0 or average == 0:
                break
            denominators += [direction.denominator, (direction / (root_t + epsilon)).denominator]
        else:
            found.append((math.lcm(*denominators), chain))
    found.sort(key=lambda pair: (pair[0], sum(map(abs, pair[1]))))
    return tuple(chain for _, chain in found[:_ENOUGH])


def _root_after(gradients: Chain, beta: Fraction) -> Fraction | None:
    """The root of the corrected mean square, where it is a fraction."""
    own, divisor = _weights("adam", len(gradients), beta)
    return root(Fraction(sum(w * g * g for w, g in zip(own, gradients, strict=True)), divisor))


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


@functools.lru_cache(maxsize=16)
def changed(steps: int, beta: Fraction, epsilon: int) -> tuple[tuple[Fraction, ...], ...]:
    """Chains for Adadelta: (root of the mean square plus epsilon, that of the changes, gradients),
    for which the roots of the mean square are fractions and the first change is one with a small
    denominator.

    Arguments:
        steps: gradients of a chain, 1 or 2.
        beta: share of the old means.
        epsilon: what is added under both roots.
    """
    def after(before: Fraction, new: Fraction) -> Fraction | None:
        return root(beta * before**2 + (1 - beta) * (new**2 + epsilon))

    whole = [Fraction(n) for n in range(1, 31)]
    starts = [r for r in whole[:16] if r * r >= epsilon]
    found = []
    for below, gradient in itertools.product(starts, whole):
        lower = after(below, gradient)
        if lower is None or lower == below:
            continue
        # Two steps end in a root that is no fraction, whatever the second gradient.
        more = [(sign * g,) for g in whole for sign in (1, -1) if after(lower, g)] \
            if steps == 2 else [()]
        found += [((above / lower * gradient).denominator, (below, above, gradient, *second))
                  for above in starts for second in more]
    found.sort(key=lambda pair: (pair[0], sum(map(abs, pair[1]))))
    return tuple(chain for _, chain in found[:16 * _ENOUGH])
