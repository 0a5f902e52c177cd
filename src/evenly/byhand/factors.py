"""Whole numbers taken apart: what comes out of a square root."""

from __future__ import annotations

import functools
import math

# Prime factors up to this are tried.
_FACTOR = 10_000


@functools.lru_cache(maxsize=4096)
def square_out(n: int) -> tuple[int, int | None]:
    """(a, b) with n = a^2 b and b without square factors; b None if that takes too long to say."""
    root = math.isqrt(n)
    if root * root == n:
        return (root, 1) if n else (0, 1)
    outside, inside, factor = 1, 1, 2
    while factor * factor * factor <= n and factor < _FACTOR:
        while n % (factor * factor) == 0:
            n //= factor * factor
            outside *= factor
        if n % factor == 0:
            n //= factor
            inside *= factor
        factor += 1
    # What is left has at most two prime factors, if all small ones were tried.
    root = math.isqrt(n)
    if root * root == n:
        return outside * root, inside
    if factor >= _FACTOR and factor**3 <= n:
        return 0, None
    return outside, inside * n


@functools.lru_cache(maxsize=4096)
def smallest_factor(n: int) -> int:
    """The smallest prime factor of a number above 1."""
    for factor in range(2, math.isqrt(n) + 1):
        if n % factor == 0:
            return factor
    return n
