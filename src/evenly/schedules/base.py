"""What a schedule is, and the numbers that it gives for the steps of a training."""

from __future__ import annotations

import numbers
from typing import Any, NamedTuple

import numpy as np

from ..errors import ConfigurationError
from ..layers.base import Declared, expect

UNITS = ("step", "epoch")


class Schedule(Declared):
    """Base of the learning-rate schedules: what the optimizer's learning rate is multiplied by, as
    training goes on.

    A schedule counts in steps or in epochs, as its field ``by`` says, and from 0. One that counts
    in epochs stays the same throughout an epoch.

    To add one of your own, subclass it with ``factors``::

        @dataclass(frozen=True)
        class Halves(ev.Schedule):
            by: str = "epoch"

            def factors(self, positions, length):
                return np.where(positions < length / 2, 1.0, 0.5)

    Example:
        >>> StepDecay(every=2, factor=0.5).factors(np.arange(5.0), 5)
        array([1.  , 1.  , 0.5 , 0.5 , 0.25])
    """

    by: str

    def __post_init__(self) -> None:
        expect(self.by in UNITS, self, "by is 'step' or 'epoch'", self.by)

    def factors(self, positions: Any, length: float) -> Any:
        """What the learning rate is multiplied by.

        Arguments:
            positions: where in the training, in the schedule's unit, counted from 0; float64, any
                number of them. What lies behind the end is allowed.
            length: of the whole training, in the same unit.

        Returns:
            One factor a position, of at least 0; float64.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a factors method")

    def momenta(self, positions: Any, length: float) -> Any | None:
        """The optimizer's momentum (``beta`` of Momentum, ``beta_1`` of Adam) at each position;
        None where the schedule leaves it alone. Arguments as for :meth:`factors`."""
        return None


class Moved(NamedTuple):
    """What schedules make of some steps, a number each; None is what no schedule moves.

    Attributes:
        rates, momenta: the learning rate and the optimizer's momentum.
        dropouts, decays: what the rates of dropout and the weight decay are multiplied by.
    """

    rates: Any = None
    momenta: Any = None
    dropouts: Any = None
    decays: Any = None

    def at(self, steps: slice) -> Moved:
        """Those of some of the steps."""
        return Moved(*(None if values is None else values[steps] for values in self))


UNMOVED = Moved()


def rates_and_momenta(
    schedule: Schedule, learning_rate: float, first_step: int, steps: int, steps_per_epoch: int,
    epochs: int,
) -> tuple[Any, Any | None]:
    """The learning rate and the momentum of some steps of a training.

    Arguments:
        schedule: which.
        learning_rate: the optimizer's own.
        first_step: the first of these steps, counted from 0 over the whole training.
        steps: how many.
        steps_per_epoch: training steps in one epoch.
        epochs: of the whole training.

    Returns:
        (rates, momenta): float64 arrays of one number a step; momenta is None where the schedule
        leaves the momentum alone.

    Raises:
        ConfigurationError: the schedule gives something else than one finite number of at least 0
            for each position, or momenta that are not at least 0 and below 1.

    Example:
        >>> rates_and_momenta(ExponentialDecay(0.5), 0.8, 0, 6, steps_per_epoch=2, epochs=3)
        (array([0.8, 0.8, 0.4, 0.4, 0.2, 0.2]), None)
    """
    positions, length = _positions(schedule, first_step, steps, steps_per_epoch, epochs)
    rates = learning_rate * _checked(
        schedule, "factors", schedule.factors(positions, length), positions, np.inf,
        "finite numbers of at least 0"
    )
    momenta = schedule.momenta(positions, length)
    if momenta is not None:
        momenta = _checked(schedule, "momenta", momenta, positions, 1.0,
                           "numbers of at least 0 and below 1")
    return rates, momenta


def shares(
    schedule: Schedule, first_step: int, steps: int, steps_per_epoch: int, epochs: int
) -> Any:
    """What a schedule makes of something that it may lower and not raise, in some steps of a
    training. Arguments and errors as of :func:`rates_and_momenta`; a factor above 1 is one."""
    positions, length = _positions(schedule, first_step, steps, steps_per_epoch, epochs)
    return _checked(schedule, "factors", schedule.factors(positions, length), positions,
                    np.nextafter(1.0, 2.0), "numbers from 0 to 1 of what lowers dropout or decay")


def _positions(
    schedule: Schedule, first_step: int, steps: int, steps_per_epoch: int, epochs: int
) -> tuple[Any, float]:
    """(where the steps are, how long the training is), in the schedule's unit."""
    positions = np.arange(first_step, first_step + steps)
    if schedule.by == "epoch":
        positions, length = positions // steps_per_epoch, epochs
    else:
        length = epochs * steps_per_epoch
    return positions.astype(np.float64), length


def steps_per_epoch(rows: Any, batch: Any, xp: Any = np) -> Any:
    """Training steps in one pass over the rows: ``rows / batch``, rounded up. The last mini-batch
    holds what is left.

    Example:
        >>> int(steps_per_epoch(10, 4))
        3
    """
    return xp.ceil(rows / batch)


def _checked(schedule: Schedule, what: str, values: Any, positions: Any, below: float,
             rule: str) -> Any:
    """What a schedule gave, or a ConfigurationError: it may be a user's own."""
    values = np.asarray(values, dtype=np.float64)
    name = f"{type(schedule).__name__}.{what}"
    if values.shape != positions.shape:
        raise ConfigurationError(
            f"{name}: expects one number for each of the {len(positions)} positions, got shape "
            f"{values.shape}"
        )
    wrong = ~((values >= 0) & (values < below))
    if wrong.any():
        raise ConfigurationError(
            f"{name}: expects {rule}, got {values[wrong][0]} at position "
            f"{positions[wrong][0]:g}"
        )
    return values


def expect_length(schedule: Schedule, value: Any) -> None:
    """Raises ConfigurationError unless it is a whole number of at least 1, or None."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    expect(value is None or (whole and value >= 1), schedule,
           f"length must be a whole number of {schedule.by}s of at least 1, or None for the whole "
           "training", value)


def expect_floor(schedule: Schedule, value: float) -> None:
    """Raises ConfigurationError unless it is a share of the learning rate."""
    expect(0 <= value <= 1, schedule,
           "floor is a share of the learning rate: at least 0 and at most 1", value)
