"""Plain records of a training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, overload

import numpy as np

from ..errors import ConfigurationError


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch tells.

    Attributes:
        epoch: counted from 1.
        steps: training steps in this epoch.
        loss: mean over the epoch's rows, in training mode, without the penalty.
        score: likewise: the fraction of right answers, or R^2.
        validation_loss, validation_score: in inference mode, None without validation data.
        gradient_norm: mean over the steps of the norm of all gradients, before clipping.
        seconds: since the training began.
        penalty: mean over the steps of the penalty's part of the cost.
        learning_rate: of the last step.
    """

    epoch: int
    steps: int
    loss: float
    score: float
    validation_loss: float | None
    validation_score: float | None
    gradient_norm: float
    seconds: float
    penalty: float = 0.0
    learning_rate: float | None = None


@dataclass(frozen=True)
class History(Sequence[EpochRecord]):
    """The records of a training, in order.

    Attributes:
        records: one an epoch.
        stopped: why it ended: ``"epochs"``, ``"early stopping"``, ``"callback"``,
            ``"interrupted"``, or ``""`` where there was no training.
        best_epoch: the epoch whose weights early stopping restored, else None.

    Example:
        >>> record = EpochRecord(1, 10, 0.5, 0.8, None, None, 1.0, 0.1)
        >>> history = History((record,), "epochs")
        >>> history[-1].loss, history.column("score")
        (0.5, array([0.8]))
    """

    records: tuple[EpochRecord, ...] = ()
    stopped: str = ""
    best_epoch: int | None = None

    @overload
    def __getitem__(self, index: int) -> EpochRecord: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[EpochRecord]: ...
    def __getitem__(self, index: int | slice) -> EpochRecord | Sequence[EpochRecord]:
        return self.records[index]

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[EpochRecord]:
        return iter(self.records)

    def column(self, name: str) -> Any:
        """One field of all records as an array; NaN where there is none."""
        if name not in {field.name for field in fields(EpochRecord)}:
            raise ConfigurationError(f"History: records have no field '{name}'")
        values = [getattr(record, name) for record in self.records]
        return np.array([np.nan if value is None else value for value in values])
