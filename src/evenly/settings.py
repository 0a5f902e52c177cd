"""What a training is made of, as one value: cures change it, searches vary it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .augmentation import Mixup
from .clipping import Clip
from .constraints import Constraint
from .layers.base import Layer
from .losses import Loss
from .optimizers import Adam, Optimizer
from .penalties import Penalty


@dataclass(frozen=True)
class Settings:
    """The arguments of :func:`evenly.fit` that are no data, as one value that ``fit`` takes in
    place of the network: ``fit(settings, x, y)``. ``dataclasses.replace`` changes one.

    Arguments:
        net: the network.
        loss: what to lower.
        optimizer, epochs, batch, penalty, clip, constraint, augment, schedule, early_stopping: as
            :func:`evenly.fit` takes them.
        inputs: ``"as they are"``, or ``"standardized"``: by the training set's mean and deviation,
            in a frozen normalization in front of the network, so that the model takes inputs as
            they come.
        targets: ``"as they are"``, or ``"standardized"`` for the loss: the model's last layer is
            scaled back after training, so that it answers in the targets' own units.
    """

    net: Layer
    loss: Loss
    optimizer: Optimizer = Adam()  # noqa: RUF009  (a value)
    epochs: int = 20
    batch: int | None = 32
    penalty: Penalty | None = None
    clip: Clip | None = None
    constraint: Constraint | None = None
    augment: Mixup | None = None
    schedule: Any = None
    early_stopping: Any = None
    inputs: str = "as they are"
    targets: str = "as they are"
