"""How often a training is looked at."""

from __future__ import annotations

import math
import time

# The share of a training's time that may be spent on looking; and the seconds that may be in any
# case: a short training would not be seen otherwise.
SHARE, FREE = 0.01, 0.06


# Epochs that are looked at whatever it costs.
_FLOOR = frozenset(4**power for power in range(20))


class Pace:
    """Spends time on looking: 1 % of a training's, and 0.06 seconds of one that is shorter than
    six. With it are looked at the first step of each epoch and every k-th step, and steps whose
    numbers double. Looks are counted in processor time: another program's turn is nobody's cost.

    A floor does not depend on time, so that the shortest training is seen: its first step, and the
    first steps of the epochs 4, 16, 64, ... and of its last. Of a short one they may be more.

    Attributes:
        due: the step that is looked at next.
        spent: seconds.
        epochs: of the training, None where that is not known.
    """

    def __init__(self, epochs: int | None = None, begun: int = 0) -> None:
        self.due, self.spent = begun, 0.0
        self._first_step = begun
        self.epochs = epochs
        self._cost = 0.0  # of a look
        self._last_step, self._last_epoch = begun, 0
        self._start = time.perf_counter(), time.process_time()

    @property
    def trained(self) -> float:
        """Seconds of training, without the looking: as the clock has them, or of the processors
        where these did less, as on a busy machine."""
        wall, processors = self._start
        passed = min(time.perf_counter() - wall, time.process_time() - processors)
        return max(1e-9, passed - self.spent)

    def looked(self, step: int, seconds: float) -> None:
        """Takes in what a look at a step has cost."""
        self.spent += seconds
        self._cost = seconds if not self._cost else 0.7 * self._cost + 0.3 * seconds
        self._last_step = step
        each = self.trained / max(1, step - self._first_step)
        every = math.ceil(self._cost / (SHARE * each))
        behind = (self.spent + self._cost) / SHARE - self.trained
        within = self.spent + self._cost <= FREE
        doubled = step + max(1, step - self._first_step)
        if within:
            self.due = min(doubled, step + max(1, every))
        else:
            self.due = step + max(1, every, math.ceil(max(0.0, behind) / each))

    def took(self, seconds: float) -> None:
        """Takes in what something else has cost."""
        self.spent += seconds

    def epoch(self, epoch: int, step: int) -> None:
        """An epoch begins with a step: is it looked at?"""
        if self.worth(epoch, self._cost):
            self.due, self._last_epoch = step, epoch

    def affords(self, cost: float) -> bool:
        """Whether something that costs so many seconds keeps within the share."""
        return self.spent + cost <= SHARE * self.trained

    def worth(self, epoch: int, cost: float, last: int | None = None) -> bool:
        """Whether something that costs so many seconds may be done in this epoch.

        Arguments:
            epoch: counted from 1.
            cost: in seconds.
            last: the epoch in which it was done last; by default that of the last look at an
                epoch's first step.
        """
        floor = epoch in _FLOOR or epoch == self.epochs
        if floor or self.affords(cost):
            return True
        last = self._last_epoch if last is None else last
        return self.spent + cost <= FREE and epoch >= last + 1 + last // 8
