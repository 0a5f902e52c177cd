"""The learning rate of each step of a training."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..optimizers import Optimizer
from ..schedules import ReduceOnPlateau, Schedule, rates_and_momenta
from .history import EpochRecord
from .plateau import PlateauFollower


class Rates:
    """What a schedule makes of the optimizer's learning rate, epoch by epoch.

    Arguments:
        schedule: None leaves the rate as it is.
        optimizer: whose rate it is.
        steps: training steps in one epoch; None where only reading will tell.
        epochs: of the whole training.
        validation: whether there is validation data.

    Raises:
        ConfigurationError: a schedule that does not fit the optimizer or the training.
    """

    def __init__(
        self, schedule: Schedule | ReduceOnPlateau | None, optimizer: Optimizer,
        steps: int | None, epochs: int, validation: bool,
    ) -> None:
        self._optimizer, self._steps, self._epochs = optimizer, steps, epochs
        self._schedule = schedule if isinstance(schedule, Schedule) else None
        self._follower = None
        if isinstance(schedule, ReduceOnPlateau):
            if schedule.monitor.startswith("validation") and not validation:
                raise ConfigurationError(
                    f"fit: ReduceOnPlateau watches the {schedule.monitor}: give validation=0.1, "
                    "say, or monitor='loss'"
                )
            self._follower = PlateauFollower(schedule, optimizer.learning_rate)
        elif schedule is not None and self._schedule is None:
            raise ConfigurationError(
                f"fit: schedule must be a Schedule or a ReduceOnPlateau, got {schedule!r}"
                + ("; call it" if isinstance(schedule, type) else "")
            )
        elif self._schedule is not None and steps is None and self._schedule.by == "step":
            raise ConfigurationError(
                f"fit: {type(schedule).__name__} counts in steps, and the source does not say how "
                "many an epoch has: give Batches(..., rows=...), or the schedule by='epoch'"
            )
        self.of_epoch(1)  # what a schedule of the user's own gives is checked before training

    def of_epoch(self, epoch: int) -> tuple[Any, Any]:
        """(rates, momenta) of the steps of an epoch, counted from 1; None: the optimizer's own.
        Where the number of steps is not known, one number stands for all of them."""
        steps = 1 if self._steps is None else self._steps
        if self._follower is not None:
            return np.full(steps, self._follower.rate), None
        if self._schedule is None:
            return None, None
        rates, momenta = rates_and_momenta(
            self._schedule, self._optimizer.learning_rate, (epoch - 1) * steps, steps, steps,
            self._epochs,
        )
        if momenta is not None and not self._optimizer.has_momentum:
            rule, schedule = type(self._optimizer).__name__, type(self._schedule).__name__
            raise ConfigurationError(
                f"fit: {schedule} moves the momentum, and {rule} has none: use "
                "cycle_momentum=False, or an optimizer with momentum"
            )
        return rates, momenta

    def as_if(self, epochs: int, until: int) -> bool:
        """Whether the epochs up to `until` would be the same if there were `epochs` in all."""
        if self._schedule is None:
            return True
        other = copy(self)
        other._epochs = epochs
        return all(
            np.array_equal(own, its)
            for epoch in range(1, until + 1)
            for own, its in zip(self.of_epoch(epoch), other.of_epoch(epoch), strict=True)
            if own is not None or its is not None
        )

    def after(self, record: EpochRecord) -> None:
        """Takes an epoch in."""
        if self._follower is not None:
            self._follower.after(record)
