"""Bytes under arrays."""

from __future__ import annotations

from typing import Any

import numpy as np


def new_arena(size: int) -> Any:
    """Zeroed bytes that begin at a cache line."""
    raw = np.zeros(size + 64, dtype=np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size]
