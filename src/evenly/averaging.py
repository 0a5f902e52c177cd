"""Averages of weights: what is judged and kept of a training in place of its last weights; and
snapshots of them, whose answers are averaged instead.

Running statistics of normalizations are averaged alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .layers.base import ArrayLike, Declared, Run, expect


class WeightAverage(Declared):
    """Base of all averages: ``average += weight (value - average)``, where the weight of the first
    value is 1, so that the average needs no value of its own to begin with.

    Attributes:
        by: ``"step"`` or ``"epoch"``: whose weights at the end are taken in.
    """

    kernel: ClassVar[str] = "average"
    by: ClassVar[str]
    # How the weight of the n-th value comes about, for those who read it.
    formula: ClassVar[str]
    # Whether the average begins at the value before the first step, and the training goes on from
    # it wherever something was taken in.
    leads: ClassVar[bool] = False

    def weight(self, n: Any) -> Any:
        """The weight of the n-th value, counted from 1; of whole numbers, an array too."""
        raise NotImplementedError(f"{type(self).__name__} needs a weight method")

    def first(self, epochs: int) -> int:
        """The first epoch whose weights are taken in, of so many, counted from 1."""
        return 1

    def take(self, average: ArrayLike, value: ArrayLike, n: Any, run: Run) -> ArrayLike:
        """The average with one value more.

        Arguments:
            average: so far; of no effect for the first value.
            value: of the average's shape.
            n: which value it is, counted from 1.
        """
        weight = run.note("weight", self.weight(n), self.formula)
        return run.note("average", average + weight * (value - average),
                        "average + weight (value - average)")


@dataclass(frozen=True)
class EMA(WeightAverage):
    """The exponential moving average of the weights, after every step: the mean of all weights so
    far, each `decay` times as heavy as the one after it.

    ``average += (1 - decay) / (1 - decay^n) (value - average)`` in the n-th step, which is ``m =
    decay m + (1 - decay) value`` from m = 0 on, corrected for its start as Adam's averages are:
    ``average = m / (1 - decay^n)``. Some ``1 / (1 - decay)`` steps count. The running statistics of
    normalizations are averaged alike (PyTorch's ``AveragedModel`` with ``use_buffers=True``).

    Arguments:
        decay: at least 0 and below 1; 0 keeps the last weights.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Polyak and Juditsky 1992, "Acceleration of stochastic approximation by averaging" (the
    plain mean); Kingma and Ba 2015, section 7.2 (the exponential one, with the correction).

    Example:
        >>> rule, average = EMA(0.5), np.zeros(1)
        >>> for n, value in enumerate([1.0, 4.0, 11.0], start=1):
        ...     average = rule.take(average, np.array([value]), n, Run(True))
        >>> average    # (1 + 2 4 + 4 11) / 7
        array([7.57142857])
    """

    decay: float = 0.99

    by: ClassVar[str] = "step"
    formula: ClassVar[str] = "(1 - decay) / (1 - decay^n)"

    def __post_init__(self) -> None:
        expect(0 <= self.decay < 1, self, "decay must be at least 0 and below 1", self.decay)

    def weight(self, n: Any) -> Any:
        return (1 - self.decay) / (1 - self.decay**n)


@dataclass(frozen=True)
class Lookahead(WeightAverage):
    """Slow weights, which every `every` steps go a share of the way to those of the optimizer; from
    there the optimizer goes on. The slow weights are what is judged and kept.

    ``slow += share (fast - slow)``, ``fast = slow``, after each `every`-th step, from the first
    weights on; the optimizer's states stay. It goes with any optimizer. Running statistics of
    normalizations are averaged alike, and go on as they are.

    Arguments:
        every: steps, >= 1.
        share: above 0 and at most 1; 1 changes nothing but what is judged in between.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Zhang, Lucas, Hinton and Ba 2019, "Lookahead optimizer: k steps forward, 1 step back",
    algorithm 1.

    Example:
        >>> rule, slow = Lookahead(every=2, share=0.5), np.zeros(1)
        >>> for n, fast in enumerate([1.0, 4.0, 11.0], start=1):
        ...     slow = rule.take(slow, np.array([fast]), n, Run(True))
        >>> slow    # half of the way to 4, after the second step
        array([2.])
    """

    every: int = 5
    share: float = 0.5

    by: ClassVar[str] = "step"
    kernel: ClassVar[str] = "lookahead"
    formula: ClassVar[str] = "share after so many steps, else 0"
    leads: ClassVar[bool] = True

    def __post_init__(self) -> None:
        expect(self.every >= 1, self, "every must be at least 1", self.every)
        expect(0 < self.share <= 1, self, "share must be above 0 and at most 1", self.share)

    def weight(self, n: Any) -> Any:
        return np.where(np.asarray(n) % self.every == 0, self.share, 0.0)


@dataclass(frozen=True)
class SWA(WeightAverage):
    """Stochastic weight averaging: the plain mean of the weights at the ends of the last epochs.

    ``average += (value - average) / n`` at the end of the n-th of them. It wants a learning rate
    that has not fallen to 0 by then, or the weights hardly differ. The running statistics of
    normalizations are averaged alike, as PyTorch's ``AveragedModel`` does with
    ``use_buffers=True``; the paper takes them anew in one more pass.

    Early stopping judges the mean alone: no epoch before the first of them is a candidate, nor does
    patience begin to run out.

    Arguments:
        fraction: of the epochs, the last ones; above 0 and at most 1.
        from_epoch: the first of them, counted from 1, in place of `fraction`.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Izmailov, Podoprikhin, Garipov, Vetrov and Wilson 2018, "Averaging weights leads to
    wider optima and better generalization", algorithm 1.

    Example:
        >>> SWA(0.25).first(100), SWA(from_epoch=10).first(100)
        (76, 10)
    """

    fraction: float = 0.25
    from_epoch: int | None = None

    by: ClassVar[str] = "epoch"
    formula: ClassVar[str] = "1 / n"

    def __post_init__(self) -> None:
        expect(0 < self.fraction <= 1, self, "fraction must be above 0 and at most 1",
               self.fraction)
        first = self.from_epoch
        right = isinstance(first, int) and not isinstance(first, bool) and first >= 1
        expect(first is None or right, self, "from_epoch must be a whole number >= 1, or None",
               first)

    def weight(self, n: Any) -> Any:
        return 1 / n

    def first(self, epochs: int) -> int:
        if self.from_epoch is not None:
            return self.from_epoch
        return epochs - max(1, round(self.fraction * epochs)) + 1


@dataclass(frozen=True)
class Snapshots(Declared):
    """A snapshot ensemble: one training of several cycles, whose weights at the end of each are a
    member of one :class:`evenly.Ensemble`.

    The epochs are cut into `cycles` parts, as equal as they can be: cycle k ends with epoch
    ``round(k epochs / cycles)``. All schedules run from their beginning to their end in each, so
    that the learning rate falls to its floor and then starts anew; without a schedule it follows a
    cosine, ``rate (1 + cos(pi t / length)) / 2`` in a cycle of that length. The optimizer's states
    go on.

    The history judges the weights as they are. Early stopping would end the training within a
    cycle, and is refused. A training that is cut short has as many members as cycles came to
    their end; where none did, its weights as they are.

    Arguments:
        cycles: at least 2, and at most one an epoch.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Huang, Li, Pleiss, Liu, Hopcroft and Weinberger 2017, "Snapshot ensembles: train 1, get
    M for free", section 3.

    Example:
        >>> Snapshots(3).ends(10)
        (3, 7, 10)
    """

    cycles: int = 5

    def __post_init__(self) -> None:
        expect(self.cycles >= 2, self, "cycles must be at least 2", self.cycles)

    def ends(self, epochs: int) -> tuple[int, ...]:
        """The last epoch of each cycle, of so many epochs, counted from 1."""
        return tuple((2 * k * epochs + self.cycles) // (2 * self.cycles)
                     for k in range(1, self.cycles + 1))

    def span(self, epoch: int, epochs: int) -> tuple[int, int]:
        """(the epochs before an epoch's cycle, the last epoch of the cycle)."""
        ends = (0, *self.ends(epochs))
        last = next((end for end in ends if end >= epoch), ends[-1])
        return max(end for end in ends if end < last), last
