"""The rule that lowers the rate when training stands still."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..layers.base import Declared, expect

MONITORS = ("validation_loss", "loss", "validation_score", "score")


@dataclass(frozen=True)
class ReduceOnPlateau(Declared):
    """Multiplies the rate by `factor` when what it watches has not become better for more than
    `patience` epochs.

    Better than the best so far is, for a loss, ``value < best - threshold |best|`` (``best -
    threshold`` where the threshold is absolute), and for a score the mirror image of it. What is
    infinite or NaN is never better. It is no
    :class:`Schedule`: the rates are not known before training.

    Arguments:
        factor: above 0 and below 1.
        patience: epochs in a row without improvement that are let pass, >= 0.
        threshold: what counts as an improvement, >= 0.
        threshold_mode: ``"relative"`` or ``"absolute"``.
        cooldown: epochs after a reduction that do not count as bad, >= 0.
        smallest_rate: the rate does not fall below it, >= 0.
        monitor: ``"validation_loss"``, ``"loss"``, ``"validation_score"`` or ``"score"``; the first
            and the third need validation data.

    PyTorch's ``ReduceLROnPlateau`` with ``eps=0``. There a relative threshold means ``best (1 -
    threshold)`` whatever the sign of best: below 0 a loss that becomes worse is taken as better.

    Raises:
        ConfigurationError: a setting outside these bounds.
        DataError: from :func:`evenly.fit`, where the score that is watched does not exist: R^2 of
            targets that do not vary.

    Source: He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition", section
    3.4 ("divided by 10 when the error plateaus").

    Example:
        >>> ReduceOnPlateau(patience=5).monitor
        'validation_loss'
    """

    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    threshold_mode: str = "relative"
    cooldown: int = 0
    smallest_rate: float = 0.0
    monitor: str = "validation_loss"

    def __post_init__(self) -> None:
        expect(0 < self.factor < 1, self, "factor must be above 0 and below 1", self.factor)
        for name in ("patience", "threshold", "cooldown", "smallest_rate"):
            value = getattr(self, name)
            expect(0 <= value < np.inf, self, f"{name} must be at least 0", value)
        expect(self.threshold_mode in ("relative", "absolute"), self,
               "threshold_mode is 'relative' or 'absolute'", self.threshold_mode)
        expect(self.monitor in MONITORS, self, f"monitor must be one of {MONITORS}", self.monitor)
