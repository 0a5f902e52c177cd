"""When a training that no longer improves ends, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import ConfigurationError
from .layers.base import expect

# What is watched, and whether more or less of it is better.
MONITORS = {"validation_loss": -1, "validation_score": 1}


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
        if self.monitor not in MONITORS:
            raise ConfigurationError(
                f"EarlyStopping: monitor must be one of {tuple(MONITORS)}, got {self.monitor!r}"
            )

    def goodness(self, record: Any, weights: Any) -> float:
        """What is watched of an epoch, as a number of which more is better.

        Arguments:
            record: the :class:`EpochRecord`.
            weights: at its end, by name.
        """
        return float(getattr(record, self.monitor) * MONITORS[self.monitor])
