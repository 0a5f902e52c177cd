"""The weights at the ends of a training's cycles, which become the members of an ensemble."""

from __future__ import annotations

from ..averaging import Snapshots, WeightAverage
from ..engine import Engine
from ..errors import ConfigurationError
from ..schedules import ReduceOnPlateau
from ..settings import Settings
from .averages import Averaged
from .model import Model
from .standardized import Standardized
from .together import ensemble, twin


class Cycles(Averaged):
    """Follows the epochs for :class:`Snapshots`: between them the weights themselves count.

    Arguments:
        engine: that trains.
        epochs: of the whole training.
        rule: where the cycles end.

    Attributes:
        taken: the weights at the ends of the cycles so far.
    """

    def __init__(self, engine: Engine, epochs: int, rule: Snapshots) -> None:
        super().__init__(engine, epochs)
        self._cycles, self._epochs = rule, epochs

    def epoch_ends(self, epoch: int) -> None:
        if epoch in self._cycles.ends(self._epochs):
            self.taken.append({name: array.copy() for name, array in self._engine.arrays.items()})

    def as_if(self, epochs: int, until: int) -> bool:
        was, now = ([end for end in self._cycles.ends(n) if end <= until]
                    for n in (epochs, self._epochs))
        return was == now

    def together(self, model: Model, scaled: Standardized, threads: int | None) -> Model:
        """The ensemble of the members; where one cycle came to its end, or none, one network."""
        engine, members = self._engine, []
        for weights in self.taken:
            engine.set_weights(weights)
            scaled.finish(engine)
            members.append(twin(model, threads))
        if not members:
            scaled.finish(engine)
        return ensemble(members, threads=threads) if len(members) > 1 else model


def averaging_of(settings: Settings) -> tuple[Snapshots | None, WeightAverage | None]:
    """What a training averages: answers of snapshots, or weights, or neither.

    Raises:
        ConfigurationError: other settings do not go together with them.
    """
    rule = settings.average
    if not isinstance(rule, Snapshots):
        return None, rule
    if settings.early_stopping is not None:
        raise ConfigurationError(
            f"fit: {rule!r} trains each cycle to its end, where the rate is at its floor, and "
            "early stopping would end it before: leave early_stopping out"
        )
    if isinstance(settings.schedule, ReduceOnPlateau):
        raise ConfigurationError(
            f"fit: {rule!r} begins the schedule anew in each cycle, and ReduceOnPlateau has no "
            "beginning: give another schedule, or none for a cosine"
        )
    if settings.epochs < rule.cycles:
        raise ConfigurationError(
            f"fit: {rule!r} needs an epoch for each cycle at least, got epochs={settings.epochs}"
        )
    return rule, None
