"""What the course of a loss tells, over the epochs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


def swings(values: Sequence[float]) -> float:
    """The share of inner values at which a sequence turns around."""
    steps = [b - a for a, b in pairwise(values)]
    turns = sum(a * b < 0 for a, b in pairwise(steps))
    return turns / max(1, len(steps) - 1)


def blocks(values: Sequence[float], count: int) -> list[float]:
    """The means of equal parts of a sequence: noise that single steps have is less in them."""
    if len(values) < 2 * count:
        return []
    ends = [round(i * len(values) / count) for i in range(count + 1)]
    return [statistics.fmean(values[a:b]) for a, b in pairwise(ends)]


def late_fall(losses: Sequence[float]) -> float | None:
    """How far a loss fell in the last quarter, by the median slope of all pairs in it (Theil and
    Sen), which single epochs do not sway; None where it did not fall all along."""
    count = max(2, len(losses) // 4 + 1)
    late = losses[-count:]
    if len(late) < 2:
        return None
    slopes = [(late[j] - late[i]) / (j - i) for i in range(count) for j in range(i + 1, count)]
    slope = statistics.median(slopes)
    fall = -slope * (count - 1)
    if slope >= 0 or late[-1] > min(losses) + fall / 2:
        return None
    return min(fall, late[0] - min(late))


@dataclass(frozen=True)
class Rise:
    """A validation loss that rises while the training loss falls.

    Attributes:
        low, best: the smoothed lowest loss, and at which epoch (from 0).
        last: the loss at the end.
        before, after: the training loss then and at the end.
    """

    low: float
    best: int
    last: float
    before: float
    after: float

    @property
    def size(self) -> float:
        return self.last - self.low


def rise(held: Sequence[float], losses: Sequence[float]) -> Rise | None:
    """The rise of a validation loss from its best, where it is one: all along, while the training
    loss falls."""
    if len(held) < 6 or len(held) != len(losses) or not all(map(math.isfinite, held)):
        return None
    smooth = [statistics.median(held[max(0, i - 1):i + 2]) for i in range(len(held))]
    best = min(range(len(held)), key=smooth.__getitem__)
    count = max(1, len(held) // 5)
    found = Rise(smooth[best], best, statistics.median(held[-count:]), losses[best],
                 statistics.median(losses[-count:]))
    if found.low <= 0 or best >= len(held) - count or found.after >= found.before:
        return None
    # All along, not in one swing.
    return found if min(held[-count:]) >= found.low + found.size / 4 else None
