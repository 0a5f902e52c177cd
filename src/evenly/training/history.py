"""Plain records of a training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, overload

import numpy as np

from ..errors import ConfigurationError, DataError
from ..showing import card, curves, table

_SHOWN = ("epoch", "loss", "score", "validation_loss", "validation_score", "learning_rate",
          "gradient_norm", "seconds")


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
        dropout_factor, decay_factor: likewise what the rates of dropout and the weight decay were
            multiplied by; None where no schedule moves them.
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
    dropout_factor: float | None = None
    decay_factor: float | None = None


def epoch_record(
    epoch: int, steps: Any, score: float, seconds: float, evaluation: Any = None,
    learning_rate: float | None = None, dropout_factor: float | None = None,
    decay_factor: float | None = None,
) -> EpochRecord:
    """What the records of an epoch's steps tell together.

    Arguments:
        epoch: counted from 1.
        steps: the records of its steps, as :meth:`evenly.Engine.train` yields them, (steps, 6).
        score: of its rows.
        seconds: since the training began.
        evaluation: of the validation data, or None.
        learning_rate, dropout_factor, decay_factor: of the last step, where they are told.
    """
    losses, weights = steps[:, 0], steps[:, 4]
    # The mean of the steps' losses, each weighted as its examples are.
    loss = losses @ weights / weights.sum() if weights.any() else losses.mean()
    return EpochRecord(
        epoch=epoch,
        steps=len(steps),
        loss=float(loss),
        score=score,
        validation_loss=evaluation.loss if evaluation else None,
        validation_score=evaluation.score if evaluation else None,
        gradient_norm=float(steps[:, 3].mean()),
        seconds=seconds,
        penalty=float(steps[:, 2].mean()),
        learning_rate=learning_rate,
        dropout_factor=dropout_factor,
        decay_factor=decay_factor,
    )


def undefined_score(monitor: str, rule: str) -> DataError:
    """The error for a score that data cannot have."""
    return DataError(
        f"{rule}: watches the {monitor.replace('_', ' ')}, which does not exist: R^2 compares with "
        "the spread of the targets, and these do not vary (nor is there an accuracy where no row "
        f"counts): give other data, or monitor={monitor.replace('score', 'loss')!r}"
    )


@dataclass(frozen=True)
class History(Sequence[EpochRecord]):
    """The records of a training, in order.

    Attributes:
        records: one an epoch.
        stopped: why it ended: ``"epochs"``, ``"early stopping"``, ``"callback"``,
            ``"doctor"``, ``"interrupted"``, ``"time limit"``, ``"diverged"``, ``"checkpoint"``
            where one could not be written, or ``""`` where there was no training.
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

    @property
    def headline(self) -> str:
        """How long, and to what: one line."""
        if not self.records:
            return "no training"
        last = self.records[-1]
        told = f"{len(self)} epochs, stopped: {self.stopped or 'not yet'}; loss {last.loss:.4g}, " \
               f"score {last.score:.4g}"
        if last.validation_loss is not None:
            told += f"; validation {last.validation_loss:.4g}, {last.validation_score:.4g}"
        return told + (f"; best epoch {self.best_epoch}" if self.best_epoch is not None else "")

    @property
    def inside(self) -> str:
        """Losses as curves and epochs as a table, in HTML."""
        names = [name for name in _SHOWN if name == "epoch" or np.isfinite(self.column(name)).any()]
        drawn = {name.replace("_", " "): self.column(name).tolist()
                 for name in ("loss", "validation_loss") if name in names}
        rows = [["" if value is None else f"{value:.4g}" for value in (
            getattr(record, name) for name in names)] for record in self.records]
        return curves(drawn) + table([name.replace("_", " ") for name in names], rows)

    def _repr_html_(self) -> str:
        return card("History", [self.headline], *([self.inside] if self.records else []))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": f"History({self.headline})", "text/html": self._repr_html_()}

    def column(self, name: str) -> Any:
        """One field of all records as an array; NaN where there is none."""
        if name not in {field.name for field in fields(EpochRecord)}:
            raise ConfigurationError(f"History: records have no field '{name}'")
        values = [getattr(record, name) for record in self.records]
        return np.array([np.nan if value is None else value for value in values])
