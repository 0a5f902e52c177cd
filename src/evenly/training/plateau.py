"""Follows the epochs of a training whose rate falls when it stands still."""

from __future__ import annotations

import math

from ..errors import ConfigurationError
from ..schedules import ReduceOnPlateau
from .history import EpochRecord


class PlateauFollower:
    """Follows the epochs for :class:`ReduceOnPlateau`.

    Attributes:
        rule: what it follows.
        rate: the learning rate of the next epoch.

    Example:
        >>> follower = PlateauFollower(ReduceOnPlateau(0.5, patience=0, monitor="loss"), 0.1)
        >>> for epoch, loss in enumerate([1.0, 0.8, 0.9], start=1):
        ...     rate = follower.after(EpochRecord(epoch, 1, loss, 0.0, None, None, 1.0, 0.0))
        >>> rate
        0.05
    """

    def __init__(self, rule: ReduceOnPlateau, learning_rate: float) -> None:
        self.rule = rule
        self.rate = learning_rate
        self._best: float | None = None
        self._bad = self._cooling = 0

    def after(self, record: EpochRecord) -> float:
        """Takes an epoch in; returns the rate of the next.

        Raises:
            ConfigurationError: the record lacks what the rule watches.
        """
        rule = self.rule
        value = getattr(record, rule.monitor)
        if value is None:
            raise ConfigurationError(
                f"ReduceOnPlateau: watches the {rule.monitor.replace('_', ' ')}, and there is no "
                "validation data: give fit validation=0.1, say, or monitor='loss'"
            )
        if self._is_better(value):
            self._best, self._bad = value, 0
        else:
            self._bad += 1
        if self._cooling:
            self._cooling -= 1
            self._bad = 0
        if self._bad > rule.patience:
            # A rate that was below the smallest one from the start stays as it is.
            self.rate = min(self.rate, max(self.rate * rule.factor, rule.smallest_rate))
            self._cooling, self._bad = rule.cooldown, 0
        return self.rate

    def _is_better(self, value: float) -> bool:
        if self._best is None or not math.isfinite(value):
            return math.isfinite(value)
        relative = self.rule.threshold_mode == "relative"
        margin = self.rule.threshold * (abs(self._best) if relative else 1.0)
        if self.rule.monitor.endswith("loss"):
            return value < self._best - margin
        return value > self._best + margin
