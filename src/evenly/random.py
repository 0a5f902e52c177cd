"""Random numbers as a function of what they are for.

Dropout masks, the noise of layers and mixup come from the counter-based generator Philox 4x32-10
(Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"). A mask is a
pure function of (seed, layer, step, element): it need not be stored, and any thread can draw any
part of it. The kernels in ``cpp/support/philox.hpp`` and ``normal.hpp`` draw the same numbers.

Initial weights and shuffles come from NumPy's generators, keyed by the seed and by what is drawn.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_DROPOUT, _DROPOUT_TIE, _NORMAL, _BETA = 1, 2, 3, 4
_TILE_BLOCKS = 8
_TILE = 16 * _TILE_BLOCKS
_NORMAL_TILE = 4 * _TILE_BLOCKS


def philox(counter: Any, key: tuple[int, int]) -> Any:
    """Philox 4x32-10.

    Arguments:
        counter: unsigned integers, shape (..., 4).
        key: two 32-bit words.

    Returns:
        Random 32-bit words (uint32), shape (..., 4).
    """
    c0, c1, c2, c3 = (np.asarray(counter)[..., i].astype(np.uint64) for i in range(4))
    k0, k1 = key
    for _ in range(10):
        p0, p1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        high0, high1 = p0 >> np.uint64(32), p1 >> np.uint64(32)
        c0, c1 = (high1 ^ c1 ^ np.uint64(k0)) & _LOW, p1 & _LOW
        c2, c3 = (high0 ^ c3 ^ np.uint64(k1)) & _LOW, p0 & _LOW
        k0, k1 = (k0 + _KEY_STEPS[0]) & 0xFFFFFFFF, (k1 + _KEY_STEPS[1]) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def _words(counters: Any, step: Any, stream: int, purpose: int, seed: int) -> Any:
    """Philox words (n, 4) for n counters of one layer, at one step or at n steps."""
    full = np.zeros((len(counters), 4), dtype=np.uint64)
    full[:, 0] = counters
    full[:, 1] = np.asarray(step, dtype=np.uint64) & _LOW
    full[:, 2:] = np.uint64(stream), np.uint64(purpose)
    return philox(full, (seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF))


def dropout_keep(
    seed: int, layer: str, step: int, shape: tuple[int, ...], rate: float, first: int = 0
) -> Any:
    """Which elements dropout keeps.

    An element is dropped when its 32-bit number is below ``rate * 2**32``. The upper 8 bits of that
    number are a byte of a block that sixteen elements share; the lower 24 matter only where the
    upper ones equal the threshold's, and come from a block of the element's own.

    Arguments:
        seed: of the run, 0 to 2**64 - 1.
        layer: the layer's name.
        step: training step, counted from 0.
        shape: of the layer's output, (batch, ...).
        rate: fraction dropped, 0 <= rate < 1.
        first: which example of a whole batch the first one is, where these are a part of it.

    Returns:
        Booleans of that shape: True where an element is kept.
    """
    examples, features = shape[0], int(np.prod(shape[1:], dtype=np.int64))
    tiles = -(-features // _TILE)  # each example begins at a tile of its own
    stream = stream_of(layer)
    blocks = np.arange(examples * tiles * _TILE_BLOCKS) + first * tiles * _TILE_BLOCKS
    words = _words(blocks, step, stream, _DROPOUT, seed)
    by_tile = words.reshape(examples * tiles, _TILE_BLOCKS, 4).transpose(0, 2, 1)
    shifts = np.array([0, 8, 16, 24], dtype=np.uint32)[None, :, None, None]
    upper = (by_tile[:, None] >> shifts & np.uint32(0xFF)).reshape(examples, tiles * _TILE)
    threshold = min(int(rate * 4294967296.0 + 0.5), 0xFFFFFFFF)
    kept = upper >= threshold >> 24
    lower = threshold & 0xFFFFFF
    if lower:
        ties = np.nonzero(upper == threshold >> 24)
        element = (first + ties[0]) * (tiles * _TILE) + ties[1]
        own = _words(element, step, stream, _DROPOUT_TIE, seed)[:, 0]
        kept[ties] = own >> np.uint32(8) >= lower
    return kept[:, :features].reshape(shape)


def normals(
    seed: int, layer: str, step: int, shape: tuple[int, ...], first: int = 0
) -> Any:
    """Normal deviates, mean 0 and variance 1, as layers add them in training.

    Two words of a block make two deviates, ``r cos(a)`` and ``r sin(a)`` with ``r = sqrt(-2
    log(u))`` and ``a = 2 pi v`` (Box and Muller 1958, "A note on the generation of random normal
    deviates"). Of each word the upper 24 bits count, so no deviate is larger than 5.77.

    Arguments:
        seed, layer, step, first: as for :func:`dropout_keep`.
        shape: of the layer's output, (batch, ...).

    Returns:
        float64 values of that shape.
    """
    examples, features = shape[0], int(np.prod(shape[1:], dtype=np.int64))
    tiles = -(-features // _NORMAL_TILE)  # each example begins at a tile of its own
    blocks = np.arange(examples * tiles * _TILE_BLOCKS) + first * tiles * _TILE_BLOCKS
    words = _words(blocks, step, stream_of(layer), _NORMAL, seed) >> np.uint32(8)
    pairs = words.reshape(examples * tiles, _TILE_BLOCKS, 2, 2).astype(np.float64) / 2**24
    size = np.sqrt(-2 * np.log(pairs[..., 0] + 2.0**-24))
    angle = 2 * np.pi * pairs[..., 1]
    # (tile, block, pair, of the pair) to the order of a tile: pair, of the pair, block
    deviates = np.stack([size * np.cos(angle), size * np.sin(angle)], axis=-1)
    by_tile = deviates.transpose(0, 2, 3, 1).reshape(examples, tiles * _NORMAL_TILE)
    return by_tile[:, :features].reshape(shape)


def betas(seed: int, purpose: str, steps: Any, alpha: float) -> tuple[Any, Any]:
    """A number from Beta(alpha, alpha) for each of some steps, and a 32-bit word beside it.

    A beta deviate is ``g / (g + h)`` of two gamma deviates; these are drawn by rejection, each
    attempt from a block of its own (Marsaglia and Tsang 2000, "A simple method for generating gamma
    variables", sections 2 and 6).

    Arguments:
        seed: of the run.
        purpose: what the numbers are for.
        steps: training steps, counted from 0: (n,) whole numbers.
        alpha: > 0.

    Returns:
        (float64 values of shape (n,), unsigned words of shape (n,)).
    """
    steps = np.asarray(steps, dtype=np.uint64)
    stream = stream_of(purpose)
    # Logarithms: for a small alpha the deviates themselves would underflow.
    logs = np.stack([_log_gammas(seed, stream, steps, alpha, which) for which in (0, 1)])
    words = _words(np.full(len(steps), 2**32 - 1), steps, stream, _BETA, seed)[:, 0]
    return 1 / (1 + np.exp(np.clip(logs[1] - logs[0], -700, 700))), words


def _log_gammas(seed: int, stream: int, steps: Any, alpha: float, which: int) -> Any:
    """Logarithms of gamma deviates: of alpha + 1, then brought to alpha by a uniform's power."""
    d = alpha + 1 - 1 / 3
    result = np.empty(len(steps))
    left = np.arange(len(steps))
    attempt = 0
    while len(left):
        counters = np.full(len(left), 2 * attempt + which)
        words = _words(counters, steps[left], stream, _BETA, seed)
        u = (words.astype(np.float64) + 0.5) / 2**32
        normal = np.sqrt(-2 * np.log(u[:, 0])) * np.cos(2 * np.pi * u[:, 1])
        v = (1 + normal / np.sqrt(9 * d)) ** 3
        log_v = np.log(np.where(v > 0, v, 1.0))
        accepted = (v > 0) & (np.log(u[:, 2]) < normal**2 / 2 + d - d * v + d * log_v)
        result[left[accepted]] = (np.log(d) + log_v + np.log(u[:, 3]) / alpha)[accepted]
        left = left[~accepted]
        attempt += 1
    return result


def stream_of(name: str) -> int:
    """A layer's or array's number among the random streams: it depends on the name alone, so that
    two networks that share a layer's name share its random numbers."""
    return zlib.crc32(name.encode())


def generator(seed: int, purpose: str) -> np.random.Generator:
    """NumPy's generator for one purpose, such as ``"dense_1.kernel"`` or ``"shuffle"``."""
    key = np.array([seed, stream_of(purpose)], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))
