"""Early stopping."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigurationError
from ..layers.base import expect
from .history import EpochRecord, undefined_score

_MONITORS = {"validation_loss": -1, "validation_score": 1}


@dataclass(frozen=True)
class EarlyStopping:
    """Ends training when the validation loss (or score) has not improved for a while, and restores
    the weights and running statistics of the best epoch.

    A loss or score that is infinite or NaN is never the best. Where no epoch has another, training
    ends after `patience` epochs with a warning, and the last epoch's weights stay.

    Arguments:
        patience: epochs without improvement after which training ends, >= 1.
        min_delta: what counts as an improvement, >= 0.
        monitor: ``"validation_loss"`` or ``"validation_score"``.

    Raises:
        DataError: from :func:`evenly.fit`, where the score that is watched does not exist: R^2 of
            targets that do not vary.

    Source: Prechelt 1998, "Early stopping - but when?", criterion UP.

    Example:
        >>> EarlyStopping(patience=5).monitor
        'validation_loss'
    """

    patience: int = 10
    min_delta: float = 0.0
    monitor: str = "validation_loss"

    def __post_init__(self) -> None:
        expect(self.patience >= 1, self, "patience must be at least 1", self.patience)
        expect(self.min_delta >= 0, self, "min_delta must not be negative", self.min_delta)
        if self.monitor not in _MONITORS:
            raise ConfigurationError(
                f"EarlyStopping: monitor must be one of {tuple(_MONITORS)}, got {self.monitor!r}"
            )


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

    def is_over(self, record: EpochRecord, weights: Mapping[str, Any]) -> bool:
        """Takes an epoch in; True when patience has run out.

        Raises:
            DataError: a score that does not exist although all is finite.
        """
        monitor = self.rule.monitor
        value = getattr(record, monitor)
        if monitor == "validation_score" and math.isnan(value) and math.isfinite(
            record.validation_loss or 0
        ):
            raise undefined_score(monitor, "EarlyStopping")
        value *= _MONITORS[self.rule.monitor]
        better = math.isfinite(value) and (
            self.epoch is None or value > self._best + self.rule.min_delta
        )
        if better:
            self._best = value
            self.epoch = record.epoch
        if better or self.epoch is None:
            self.weights = {name: array.copy() for name, array in weights.items()}
        return record.epoch - (self.epoch or 0) >= self.rule.patience
