"""Where in a column something was found, in words."""

from __future__ import annotations

from typing import Any

import numpy as np


def found(what: str, mask: Any) -> str:
    """In how many rows something was found, and in which first, counted from 1."""
    first = int(np.flatnonzero(mask)[0]) + 1
    return f"{what} in {int(mask.sum())} of {len(mask)} rows, first in row {first}"
