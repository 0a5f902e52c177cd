"""What schedules move in each step of a training: the learning rate, dropout and weight decay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..layers.containers import Sequential
from ..optimizers import Optimizer
from ..schedules import UNMOVED, Moved, ReduceOnPlateau, Schedule, rates_and_momenta, shares
from ..settings import Settings
from .history import EpochRecord
from .plateau import PlateauFollower


def whole_training(epoch: int, epochs: int) -> tuple[int, int]:
    """Of schedules that run once."""
    return 0, epochs


class Rates:
    """What schedules make of the optimizer's learning rate, of dropout and of the weight decay,
    epoch by epoch.

    Arguments:
        schedule: of the learning rate; None leaves it as it is.
        optimizer: whose rate it is.
        steps: training steps in one epoch; None where only reading will tell.
        epochs: of the whole training.
        validation: whether there is validation data.
        lowers: the schedules of ``dropout`` and ``decay``, as far as there are any.
        span: from an epoch and the number of all, between which epochs the schedules run from their
            beginning to their end: (those before, the last).

    Raises:
        ConfigurationError: a schedule that does not fit the optimizer or the training.
    """

    def __init__(
        self, schedule: Schedule | ReduceOnPlateau | None, optimizer: Optimizer,
        steps: int | None, epochs: int, validation: bool, lowers: Mapping[str, Any] | None = None,
        span: Callable[[int, int], tuple[int, int]] = whole_training,
    ) -> None:
        self._optimizer, self._steps, self._epochs = optimizer, steps, epochs
        self._schedule = schedule if isinstance(schedule, Schedule) else None
        self._lowers = {name: value for name, value in (lowers or {}).items() if value is not None}
        self._follower, self._span = None, span
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
        for own in (self._schedule, *self._lowers.values()):
            if own is not None and steps is None and own.by == "step":
                raise ConfigurationError(
                    f"fit: {type(own).__name__} counts in steps, and the source does not say how "
                    "many an epoch has: give Batches(..., rows=...), or the schedule by='epoch'"
                )
        self.of_epoch(1)  # what a schedule of the user's own gives is checked before training

    def of_epoch(self, epoch: int) -> Moved:
        """Those of the steps of an epoch, counted from 1. Where the number of steps is not known,
        one number stands for all of them."""
        steps = 1 if self._steps is None else self._steps
        before, last = self._span(epoch, self._epochs)
        place = (epoch - 1 - before) * steps, steps, steps, last - before
        moved = UNMOVED._replace(**{
            f"{name}s": shares(own, *place) for name, own in self._lowers.items()
        })
        if self._follower is not None:
            return moved._replace(rates=np.full(steps, self._follower.rate))
        if self._schedule is None:
            return moved
        rates, momenta = rates_and_momenta(self._schedule, self._optimizer.learning_rate, *place)
        if momenta is not None and not self._optimizer.has_momentum:
            rule, schedule = type(self._optimizer).__name__, type(self._schedule).__name__
            raise ConfigurationError(
                f"fit: {schedule} moves the momentum, and {rule} has none: use "
                "cycle_momentum=False, or an optimizer with momentum"
            )
        return moved._replace(rates=rates, momenta=momenta)

    def as_if(self, epochs: int, until: int) -> bool:
        """Whether the epochs up to `until` would be the same if there were `epochs` in all."""
        other = copy(self)
        other._epochs = epochs
        # A follower's rates are of what was measured, the same for both.
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


def lowering(net: Sequential, settings: Settings) -> dict[str, Any]:
    """The schedules of dropout and weight decay, by what they move.

    Raises:
        ConfigurationError: one that is no schedule, or has nothing to move.
    """
    dropout, decay = settings.dropout_schedule, settings.decay_schedule
    given = {"dropout": dropout, "decay": decay}
    for name, own in given.items():
        if own is not None and not isinstance(own, Schedule):
            raise ConfigurationError(
                f"fit: {name}_schedule must be a Schedule, got {own!r}"
                + ("; call it" if isinstance(own, type) else "")
            )
    dropping = [(name, layer) for name, layer in net.named_layers() if layer.drops]
    if dropout is not None and not dropping:
        raise ConfigurationError(
            "fit: dropout_schedule moves the rates of dropout, and the network has none: add "
            "Dropout(0.2), say, or leave it out"
        )
    for name, layer in dropping if dropout is not None else ():
        if getattr(layer, "classic", False):
            raise ConfigurationError(
                f"Dropout '{name}': classic dropout scales in inference by its one rate, and "
                "dropout_schedule moves it: leave classic out"
            )
    if decay is not None and not settings.optimizer.weight_decay:
        rule = type(settings.optimizer).__name__
        raise ConfigurationError(
            f"fit: decay_schedule moves the optimizer's weight decay, and {rule} has none: give "
            f"{rule}(weight_decay=0.01), say, or leave it out"
        )
    return given
