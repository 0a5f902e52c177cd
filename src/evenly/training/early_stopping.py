"""Early stopping: follows the epochs and keeps the best weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..stopping import EarlyStopping as EarlyStopping
from .history import EpochRecord, undefined_score


class BestSoFar:
    """Follows the epochs for :class:`EarlyStopping` and keeps a copy of the best weights.

    Attributes:
        epoch: the best so far; None as long as none was finite.
        weights: of the best epoch, or of the last where there is none.
    """

    def __init__(self, rule: EarlyStopping) -> None:
        self.rule = rule
        self.epoch: int | None = None
        self.weights: dict[str, Any] = {}
        self._best = float("-inf")
        self._skipped = 0

    def is_over(
        self, record: EpochRecord, weights: Mapping[str, Any], counts: bool = True
    ) -> bool:
        """Takes an epoch in; True when patience has run out.

        Arguments:
            record: of the epoch.
            weights: that were judged.
            counts: False for an epoch that is no candidate: its weights are kept until there is
                one, and patience does not run.

        Raises:
            DataError: a score that does not exist although all is finite.
        """
        if not counts:
            self._skipped = record.epoch
            self.weights = {name: array.copy() for name, array in weights.items()}
            return False
        monitor = self.rule.monitor
        value = getattr(record, monitor)
        if monitor == "validation_score" and math.isnan(value) and math.isfinite(
            record.validation_loss or 0
        ):
            raise undefined_score(monitor, "EarlyStopping")
        value = self.rule.goodness(record, weights)
        better = math.isfinite(value) and (
            self.epoch is None or value > self._best + self.rule.min_delta
        )
        if better:
            self._best = value
            self.epoch = record.epoch
        if better or self.epoch is None:
            self.weights = {name: array.copy() for name, array in weights.items()}
        return record.epoch - (self.epoch or self._skipped) >= self.rule.patience
