"""Early stopping: follows the epochs and keeps the best weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..stopping import MONITORS
from ..stopping import EarlyStopping as EarlyStopping
from .history import EpochRecord


class BestSoFar:
    """Follows the epochs for :class:`EarlyStopping` and keeps a copy of the best weights."""

    def __init__(self, rule: EarlyStopping) -> None:
        self.rule = rule
        self.epoch: int | None = None
        self.weights: dict[str, Any] = {}
        self._best = float("-inf")

    def is_over(self, record: EpochRecord, weights: Mapping[str, Any]) -> bool:
        """Takes an epoch in; True when patience has run out."""
        value = getattr(record, self.rule.monitor)
        value *= MONITORS[self.rule.monitor]
        if self.epoch is None or value > self._best + self.rule.min_delta:
            self._best = value
            self.epoch = record.epoch
            self.weights = {name: array.copy() for name, array in weights.items()}
        return record.epoch - self.epoch >= self.rule.patience
