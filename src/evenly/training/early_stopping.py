"""Early stopping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigurationError
from ..layers.base import expect
from .history import EpochRecord

_MONITORS = {"validation_loss": -1, "validation_score": 1}


@dataclass(frozen=True)
class EarlyStopping:
    """Ends training when the validation loss (or score) has not improved for a while, and restores
    the weights and running statistics of the best epoch.

    Arguments:
        patience: epochs without improvement after which training ends, >= 1.
        min_delta: what counts as an improvement, >= 0.
        monitor: ``"validation_loss"`` or ``"validation_score"``.

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
    """Follows the epochs for :class:`EarlyStopping` and keeps a copy of the best weights."""

    def __init__(self, rule: EarlyStopping) -> None:
        self.rule = rule
        self.epoch: int | None = None
        self.weights: dict[str, Any] = {}
        self._best = float("-inf")

    def is_over(self, record: EpochRecord, weights: Mapping[str, Any]) -> bool:
        """Takes an epoch in; True when patience has run out."""
        value = getattr(record, self.rule.monitor)
        value *= _MONITORS[self.rule.monitor]
        if self.epoch is None or value > self._best + self.rule.min_delta:
            self._best = value
            self.epoch = record.epoch
            self.weights = {name: array.copy() for name, array in weights.items()}
        return record.epoch - self.epoch >= self.rule.patience
