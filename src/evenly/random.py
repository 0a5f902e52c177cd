"""Random numbers as a function of what they are for.

Dropout masks and the noise of layers come from the counter-based generator Philox 4x32-10 (Salmon,
Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"). A mask is a pure
function of (seed, layer, step, element): it need not be stored, and any thread can draw any part of
it. The kernels in ``cpp/support/philox.hpp`` and ``normal.hpp`` draw the same numbers.

Initial weights and shuffles come from NumPy's generators, keyed by the seed and by what is drawn.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_DROPOUT, _DROPOUT_TIE, _NORMAL = 1, 2, 3
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


def _words(counters: Any, step: int, stream: int, purpose: int, seed: int) -> Any:
    """Philox words (n, 4) for n counters of one layer at one step."""
    full = np.zeros((len(counters), 4), dtype=np.uint64)
    full[:, 0] = counters
    full[:, 1:] = np.uint64(step & 0xFFFFFFFF), np.uint64(stream), np.uint64(purpose)
    return philox(full, (seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF))


def dropout_keep(seed: int, layer: str, step: int, shape: tuple[int, ...], rate: float) -> Any:
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

    Returns:
        Booleans of that shape: True where an element is kept.
    """
    examples, features = shape[0], int(np.prod(shape[1:], dtype=np.int64))
    tiles = -(-features // _TILE)  # each example begins at a tile of its own
    stream = stream_of(layer)
    words = _words(np.arange(examples * tiles * _TILE_BLOCKS), step, stream, _DROPOUT, seed)
    by_tile = words.reshape(examples * tiles, _TILE_BLOCKS, 4).transpose(0, 2, 1)
    shifts = np.array([0, 8, 16, 24], dtype=np.uint32)[None, :, None, None]
    upper = (by_tile[:, None] >> shifts & np.uint32(0xFF)).reshape(examples, tiles * _TILE)
    threshold = min(int(rate * 4294967296.0 + 0.5), 0xFFFFFFFF)
    kept = upper >= threshold >> 24
    lower = threshold & 0xFFFFFF
    if lower:
        ties = np.nonzero(upper == threshold >> 24)
        element = ties[0] * (tiles * _TILE) + ties[1]
        own = _words(element, step, stream, _DROPOUT_TIE, seed)[:, 0]
        kept[ties] = own >> np.uint32(8) >= lower
    return kept[:, :features].reshape(shape)


def normals(seed: int, layer: str, step: int, shape: tuple[int, ...]) -> Any:
    """Normal deviates, mean 0 and variance 1, as layers add them in training.

    Two words of a block make two deviates, ``r cos(a)`` and ``r sin(a)`` with ``r = sqrt(-2
    log(u))`` and ``a = 2 pi v`` (Box and Muller 1958, "A note on the generation of random normal
    deviates"). Of each word the upper 24 bits count, so no deviate is larger than 5.77.

    Arguments:
        seed, layer, step: as for :func:`dropout_keep`.
        shape: of the layer's output, (batch, ...).

    Returns:
        float64 values of that shape.
    """
    examples, features = shape[0], int(np.prod(shape[1:], dtype=np.int64))
    tiles = -(-features // _NORMAL_TILE)  # each example begins at a tile of its own
    blocks = np.arange(examples * tiles * _TILE_BLOCKS)
    words = _words(blocks, step, stream_of(layer), _NORMAL, seed) >> np.uint32(8)
    pairs = words.reshape(examples * tiles, _TILE_BLOCKS, 2, 2).astype(np.float64) / 2**24
    size = np.sqrt(-2 * np.log(pairs[..., 0] + 2.0**-24))
    angle = 2 * np.pi * pairs[..., 1]
    # (tile, block, pair, of the pair) to the order of a tile: pair, of the pair, block
    deviates = np.stack([size * np.cos(angle), size * np.sin(angle)], axis=-1)
    by_tile = deviates.transpose(0, 2, 3, 1).reshape(examples, tiles * _NORMAL_TILE)
    return by_tile[:, :features].reshape(shape)


def stream_of(name: str) -> int:
    """A layer's or array's number among the random streams: it depends on the name alone, so that
    two networks that share a layer's name share its random numbers."""
    return zlib.crc32(name.encode())


def generator(seed: int, purpose: str, step: int = 0) -> np.random.Generator:
    """NumPy's counter-based generator for one purpose, such as ``"dense_1.kernel"`` or
    ``"shuffle"``, and one step."""
    key = [seed, stream_of(purpose)]
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, step]))
