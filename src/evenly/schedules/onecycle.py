"""One cycle: up to the peak and down to next to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..layers.base import expect
from .base import Schedule


@dataclass(frozen=True)
class OneCycle(Schedule):
    """One cycle over the whole training: the rate rises from ``rate / start_divisor`` to the
    optimizer's learning rate, which is the peak, and falls to ``rate / (start_divisor
    end_divisor)``; the momentum goes the other way.

    With n steps the peak comes at ``t = rise n - 1`` and the end at ``n - 1``. From a to b, a share
    u of the way, the value is ``b + (a - b) (1 + cos(pi u)) / 2`` or ``a + (b - a) u``. With
    `three_phase` the rate falls as long as it rose, to where it began, until ``2 rise n - 2``; the
    rest of the training takes it to the end.

    Arguments:
        rise: share of the training until the peak, 0 <= rise <= 1 (at most 0.5 in three phases).
        start_divisor: the peak over the first rate, >= 1.
        end_divisor: the first rate over the last, >= 1.
        shape: ``"cosine"`` or ``"linear"``.
        three_phase: whether the way down has two parts.
        highest, lowest: the momentum at the start and at the peak, at least 0 and below 1.
        cycle_momentum: whether the schedule sets the momentum at all.
        by: what t counts, ``"step"`` or ``"epoch"``.

    PyTorch's ``OneCycleLR`` with ``max_lr`` = the optimizer's rate, ``pct_start`` = rise,
    ``div_factor`` and ``final_div_factor`` = the two divisors, ``base_momentum`` = lowest,
    ``max_momentum`` = highest.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Smith and Topin 2018, "Super-convergence: very fast training of neural networks using
    large learning rates", section 3; Smith 2018, "A disciplined approach to neural network
    hyper-parameters: part 1", section 4.3 for the momentum.

    Example:
        >>> cycle = OneCycle(rise=0.4, start_divisor=10.0, shape="linear")
        >>> cycle.factors(np.arange(10.0), 10).round(3)
        array([0.1  , 0.4  , 0.7  , 1.   , 0.833, 0.667, 0.5  , 0.333, 0.167, 0.   ])
        >>> cycle.momenta(np.arange(4.0), 10).round(3)
        array([0.95 , 0.917, 0.883, 0.85 ])
    """

    rise: float = 0.3
    start_divisor: float = 25.0
    end_divisor: float = 1e4
    shape: str = "cosine"
    three_phase: bool = False
    highest: float = 0.95
    lowest: float = 0.85
    cycle_momentum: bool = True
    by: str = "step"

    def __post_init__(self) -> None:
        super().__post_init__()
        most = 0.5 if self.three_phase else 1.0
        expect(0 <= self.rise <= most, self,
               f"rise is a share of the training: at least 0 and at most {most:g}", self.rise)
        for name in ("start_divisor", "end_divisor"):
            value = getattr(self, name)
            expect(1 <= value < np.inf, self, f"{name} must be at least 1", value)
        expect(self.shape in ("cosine", "linear"), self, "shape is 'cosine' or 'linear'",
               self.shape)
        for name in ("highest", "lowest"):
            value = getattr(self, name)
            expect(0 <= value < 1, self, f"{name} must be at least 0 and below 1", value)
        expect(self.lowest <= self.highest, self, "lowest must not be above highest", self.lowest)

    def factors(self, positions: Any, length: float) -> Any:
        first = 1 / self.start_divisor
        last = first / self.end_divisor
        return self._through([first, 1.0, first, last] if self.three_phase else [first, 1.0, last],
                             positions, length)

    def momenta(self, positions: Any, length: float) -> Any | None:
        if not self.cycle_momentum:
            return None
        turns = [self.highest, self.lowest, self.highest]
        return self._through([*turns, self.highest] if self.three_phase else turns, positions,
                             length)

    def _through(self, turns: Sequence[float], positions: Any, length: float) -> Any:
        """The values at the positions, on the way from one turn to the next."""
        peak = self.rise * length - 1
        ends = [0.0, peak, 2 * peak, length - 1] if self.three_phase else [0.0, peak, length - 1]
        positions = np.minimum(positions, length - 1)
        parts = []
        for (start, end), (a, b) in zip(pairwise(ends), pairwise(turns), strict=True):
            # A part without length is its end.
            share = (positions - start) / (end - start) if end > start else np.ones_like(positions)
            if self.shape == "cosine":
                parts.append(b + (a - b) * (1 + np.cos(np.pi * share)) / 2)
            else:
                parts.append(a + (b - a) * share)
        # The first part whose end has not passed.
        found = parts[-1]
        for end, part in zip(ends[-2:0:-1], parts[-2::-1], strict=True):
            found = np.where(positions <= end, part, found)
        return found
