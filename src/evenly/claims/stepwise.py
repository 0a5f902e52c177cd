"""Trainings that are looked at between two steps, and what the layers of a network get.

`train()` of `training.py` tells of epochs; a claim about the first hundred steps, or about what
goes on in between, is measured with these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import evenly as ev

from ..engine import Engine
from ..engine.records import NotFiniteError
from ..random import generator
from ..study.cells import Stopped, stopped
from .data import Data
from .study import Case
from .training import guessed, loss_for


@dataclass(frozen=True)
class Steps:
    """A training, step by step.

    Attributes:
        engine: with the weights of the end.
        losses: of each step, on its batch; those of a guess once it is not finite any more.
        broke: whether it was not finite any more.
        guess: the score of a guess.
    """

    engine: Engine
    losses: tuple[float, ...]
    broke: bool
    guess: float

    def score(self, x: Any, y: Any) -> float:
        """Accuracy, or R^2, in inference mode; a guess's where the training broke."""
        if self.broke:
            return self.guess
        found = self.engine.evaluate(x, y)
        return found.score if np.isfinite([found.score, found.loss]).all() else self.guess

    def steps_to(self, target: float, over: int = 10) -> int:
        """How many steps it takes until the mean loss of the last `over` steps is at most
        `target`; one more than there are where it is never reached."""
        means = np.convolve(self.losses, np.full(over, 1 / over), "valid")
        reached = np.flatnonzero(means <= target)
        return int(reached[0]) + over if len(reached) else len(self.losses) + 1


def train_steps(
    case: Case, net: Any, data: Data, *, steps: int, batch: int, optimizer: Any,
    look: Callable[[Engine], None] | None = None, at: Sequence[int] = (),
) -> Steps:
    """Trains for a number of steps on batches of whole size alone, shuffled anew in each epoch.

    Arguments:
        case: its seed is that of weights and batches.
        net, data: what is trained on what.
        steps, batch: how many steps, of how many rows.
        optimizer: with its rate.
        look, at: `look` is called with the engine when so many steps are done. It is not called
            any more once the training broke.

    Raises:
        Stopped: the study is asked to stop.
    """
    loss = loss_for(data)
    program = ev.compile(net, data.x.shape[1], batch=batch, loss=loss, optimizer=optimizer)
    engine = Engine(program, seed=case.seed, threads=1)
    x, y = engine.rows(data.x), engine.targets(data.y)
    an_epoch = len(x) // batch
    ends = {0, *at, steps, *range(an_epoch, steps, an_epoch)}
    losses: list[float] = []
    broke = False
    try:
        for end in sorted(end for end in ends if end <= steps):
            epoch, done = divmod(engine.steps, an_epoch)
            order = generator(case.seed, f"epoch {epoch}").permutation(len(x)).astype(np.int64)
            part = order[done * batch : (done + end - engine.steps) * batch]
            for records in engine.train(x, y, part, batch) if len(part) else ():
                losses += records[:, 0].tolist()
                if stopped():
                    raise Stopped
            if look is not None and end in at:
                look(engine)
    except NotFiniteError:
        broke = True
    guess, guess_loss = guessed(data)
    losses += [guess_loss] * (steps - len(losses))
    settled = tuple(value if np.isfinite(value) else guess_loss for value in losses[:steps])
    return Steps(engine, settled, broke, guess)


class Inputs:
    """What layers of a network get in training mode: normalized by the batch's own statistics,
    with the noise and the masks of that step.

    Arguments:
        net: the network, a Sequential.
        places: of these layers in it, counted from 0.
        width: of an example.
        rows: how many are looked at.
    """

    def __init__(self, net: Any, places: Sequence[int], width: int, rows: int) -> None:
        self.engines = [
            Engine(ev.compile(ev.Sequential(net.layers[:place]), width, batch=rows), threads=1)
            for place in places
        ]

    def __call__(self, engine: Engine, x: Any) -> list[Any]:
        """The inputs of each of these layers, (rows, units): copies. With the weights and at the
        step of an engine that trains the network."""
        found = []
        for own in self.engines:
            own.set_weights({name: engine.arrays[name] for name in own.arrays})
            own.seed, own.steps = engine.seed, engine.steps
            found.append(np.array(own.forward(x)))
        return found


def places_of(net: Any, kind: type) -> list[int]:
    """Where layers of a class stand in a Sequential."""
    return [place for place, layer in enumerate(net.layers) if isinstance(layer, kind)]
