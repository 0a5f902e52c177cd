"""Training anew on all rows, the held-out ones too, for as many epochs as were best without them.

Passes over the rows count, not steps: what a schedule has come to by the last epoch is then the
same. So is the batch, which by itself would grow with the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from ...errors import ConfigurationError
from ...rows.sources import is_sparse
from ...schedules import ReduceOnPlateau, Schedule
from ...training import EpochRecord, History, Model
from ..answers.monitor import stand_in
from .held_out import Held
from .members import Deadline, members_of


@dataclass(frozen=True)
class Replayed(Schedule):
    """The learning rates that an earlier training had come to, epoch by epoch.

    Arguments:
        rates: of its epochs.
        learning_rate: of the optimizer.
    """

    rates: tuple[float, ...]
    learning_rate: float
    by: str = "epoch"

    def factors(self, positions: Any, length: float) -> Any:
        rates = np.asarray(self.rates) / self.learning_rate
        return rates[np.minimum(positions, len(rates) - 1).astype(np.int64)]


def best_epochs(history: History) -> int:
    """How many epochs were best: up to the one whose weights were kept."""
    return history.best_epoch or len(history)


def wanted(estimator: Any, given: bool, held: Held | None) -> bool:
    """Whether there are rows to train on anew.

    Raises:
        ConfigurationError: the held-out rows are a set of their own, given to fit; or there are
            several members, which hold out rows of their own each.
    """
    refit: bool = estimator.refit
    if refit and members_of(estimator) > 1:
        raise ConfigurationError(
            f"refit=True and members={members_of(estimator)}: each member holds out other rows, "
            "and together they have trained on all: give one of them"
        )
    if refit and given:
        raise ConfigurationError(
            "refit=True trains on the held-out rows too in the end, and X_val is a set of its own: "
            "leave refit out, or let fit hold rows out, validation=0.2, say"
        )
    return refit and held is not None


def all_rows(kept: Held, held: Held) -> Held:
    """Those that were trained on, and behind them those that were held out."""
    parts: Any = kept.X, held.X
    X = sparse.vstack(parts, format="csr") if is_sparse(kept.X) else np.concatenate(parts)
    weights = None
    if kept.weights is not None and held.weights is not None:
        weights = np.concatenate([kept.weights, held.weights])
    return Held(X, np.concatenate([kept.y, held.y]), weights)


def as_before(settings: dict[str, Any], history: History) -> dict[str, Any]:
    """The settings of a training as those of one that goes the same way without validation."""
    if isinstance(settings["schedule"], ReduceOnPlateau):
        rate = settings["optimizer"].learning_rate
        rates = tuple(float(record.learning_rate or rate) for record in history)
        settings = {**settings, "schedule": Replayed(rates, rate)}
    return settings


def ends_after(epochs: int) -> Callable[[EpochRecord], str | None]:
    """A callback that ends a training after so many epochs."""
    return lambda record: "stop" if record.epoch >= epochs else None


def anew(
    estimator: Any, first: tuple[Model, Any, dict[str, Any]], start: Model | None,
    rows: tuple[Held, Held, Held | None], seed: int, deadline: Deadline,
) -> tuple[Model, Any, dict[str, Any]]:
    """Trains an estimator on the held-out rows too. Where that is interrupted, or time runs out,
    all is as it was.

    Arguments:
        estimator: behind its first training.
        first: its model, the estimator's stand-in with it, what was learned from held-out rows.
        start: whose weights both trainings start from, or None.
        rows: those that were trained on, those held out, those for intervals alone.
        seed: of both.
        deadline: of both.

    Returns:
        What takes the place of `first`. The model has the records of the first training, those of
        the second are ``refit_history_``.
    """
    (model, _, told), (kept, held, apart) = first, rows
    before = dict(vars(estimator))
    every = all_rows(kept, held)
    if start is not None:
        estimator._wake(*every)
    else:
        estimator._learn_scale(*every)
    second = estimator._run(start, every, None, seed, None, 0, deadline, model, kept.X.shape[0])
    records = second.history.records
    if second.history.stopped == "interrupted" and len(records) < best_epochs(model.history):
        estimator.__dict__.clear()
        estimator.__dict__.update(before)
        return model, first[1], {**told, "_ran_out": deadline.cut or None}
    second.history, second.record = model.history, model.record
    twin = stand_in(estimator, second)
    told = estimator._from_refit(told, twin, apart)
    return second, twin, {**told, "refit_history_": History(records, "epochs")}
