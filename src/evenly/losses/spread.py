"""How far targets lie from their mean, part by part."""

from __future__ import annotations

from typing import Any

import numpy as np


class Spread:
    """The squared deviations of targets from their mean, part by part.

    Attributes:
        rows: how many examples count.

    Source: Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", equation
    (2.1).

    Example:
        >>> spread = Spread()
        >>> spread.add(np.array([[1.0], [3.0], [99.0]]), np.array([[1.0], [1.0], [0.0]]))
        >>> spread.rows, spread.deviations
        (2, 2.0)
    """

    def __init__(self) -> None:
        self.rows = 0
        self._counts: Any = 0.0
        self._mean: Any = 0.0
        self._squares: Any = 0.0

    def add(self, y: Any, counted: Any) -> None:
        """Takes targets in.

        Arguments:
            y: (rows, ...).
            counted: (rows, steps): 1 where a step of a row counts, else 0.
        """
        counted = np.asarray(counted) > 0
        rows = counted.any(axis=1)  # the others are left out: no sum is then another without them
        if not rows.any():
            return
        self.rows += int(rows.sum())
        here = counted[rows][:, :, None]
        y = np.asarray(y)[rows].astype(np.float64).reshape(*here.shape[:2], -1)
        n = here.sum(axis=0)
        mean = np.where(here, y, 0).sum(axis=0) / np.maximum(n, 1)
        squares = (np.where(here, y - mean, 0) ** 2).sum(axis=0)
        self._join(n, mean, squares)

    def state(self) -> Any:
        """All that it has taken in, as an array for :meth:`join`."""
        parts = np.broadcast_arrays(self.rows, self._counts, self._mean, self._squares)
        return np.stack(parts).astype(np.float64)

    def join(self, state: Any) -> None:
        """Takes in what another has taken in."""
        rows, n, mean, squares = state
        self.rows += int(rows.flat[0])
        self._join(n, mean, squares)

    def _join(self, n: Any, mean: Any, squares: Any) -> None:
        total = self._counts + n
        share = n / np.maximum(total, 1)
        step = mean - self._mean
        self._squares = self._squares + squares + step**2 * (self._counts * share)
        self._mean = self._mean + step * share
        self._counts = total

    @property
    def deviations(self) -> float:
        """Their sum over all rows and outputs."""
        return float(np.sum(self._squares))
