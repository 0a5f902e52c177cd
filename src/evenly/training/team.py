"""What the processes of one training agree on beside the sums of its steps."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from ..engine import Engine, Evaluation, most_threads
from ..engine.parts import Parts, common_isa
from ..errors import ConfigurationError
from ..layers.base import Run
from ..parallel import Alone, Group, agree, ended_in_words, entered, group, together
from ..program.values import Program
from ..rows.data import Examples
from ..rows.sources import RowSource
from ..rows.streams import Stream
from ..rows.tally import Tally
from ..rows.training_set import evaluate_any
from ..version import __version__
from .checkpoints import Keeper
from .interrupt import Interrupt
from .listener import Listener
from .positions import Position

P = ParamSpec("P")
T = TypeVar("T")
PARTS = 8


def by_all(train: Callable[P, T]) -> Callable[P, T]:
    """The same training, whose failure in one of several `workers` ends what the others wait for.
    """
    @wraps(train)
    def trained(*given: P.args, **named: P.kwargs) -> T:
        members = _members(named.get("workers"))
        if members.size > 1:
            named["workers"] = members
        with together(members), ended_in_words(members, _left(named.get("checkpoint"))):
            return train(*given, **named)

    return trained


def _left(checkpoint: Any) -> str:
    """What there is of a training that is ended, in words."""
    folder = getattr(checkpoint, "folder", None)
    return "" if folder is None else (
        f"; the checkpoints in {folder} are whole: go on with resume (evenly fit --resume)"
    )


def _members(workers: Any) -> Group:
    return (entered() or Alone()) if workers is None else group(workers)


class Team:
    """The processes of one training, or one alone.

    Arguments:
        workers, parts: as of :func:`evenly.fit`.

    Attributes:
        group: of the processes.
        parts: of each batch; None where batches stay whole.
        leads: whether this process writes files and shows progress.
    """

    def __init__(self, workers: Any = None, parts: int | None = None) -> None:
        if parts is not None and (isinstance(parts, bool) or not isinstance(parts, int)):
            raise ConfigurationError(f"fit: parts must be a whole number, got {parts!r}")
        self.group = _members(workers)
        several = workers is not None or entered() is not None
        self.parts = PARTS if parts is None and several else parts
        self.leads = self.group.rank == 0
        self._parts: Parts | None = None

    @property
    def isa(self) -> str:
        """The best instruction set that all processes have: updates round alike then."""
        return common_isa(self.group)

    def threads(self, program: Program, threads: int | None) -> int | None:
        """How many threads this process gets, where it is left open."""
        most = self.group.threads
        return threads if threads is not None or most is None else min(
            most, most_threads(program, None)
        )

    def agrees(self, told: Mapping[str, str]) -> None:
        """Raises WorkersError where processes were given different settings or data."""
        agree(self.group, {"the version of Evenly": __version__, **told})

    def joins(self, engine: Engine) -> None:
        """Has the engine make its steps together with those of the other processes."""
        if self.parts is not None:
            self._parts = engine.parts = Parts(engine, self.group, self.parts)

    def hears(self, interrupt: Interrupt, keeper: SharedKeeper | Keeper | None) -> Any:
        """What stands for the interrupt in the training's loop: whether any process is asked to
        end, in the same step in all."""
        parts = self._parts
        if parts is None:
            return interrupt
        timed = isinstance(keeper, SharedKeeper) and keeper.timed and self.leads
        parts.asks = lambda: (interrupt.asked, timed and keeper.keeper.due())  # type: ignore[union-attr]
        return _Heard(parts)

    def callbacks(self, callbacks: Sequence[Any]) -> Sequence[Any]:
        """Those that this process calls: what listens to a whole training, to write it down, is
        one of the first process."""
        return [one for one in callbacks if self.leads or not isinstance(one, Listener)]

    def keeper(self, keeper: Keeper) -> SharedKeeper | Keeper:
        """What keeps the checkpoints of all."""
        return keeper if self._parts is None else SharedKeeper(keeper, self, self._parts)

    def first(self, action: Callable[[], T]) -> T:
        """What an action of the first process gives, in all of them; or its error."""
        if self.group.size == 1:
            return action()
        if not self.leads:
            told: T | Exception = pickle.loads(self.group.share(b""))
            if isinstance(told, Exception):
                raise told
            return told
        try:
            value = action()
        except Exception as error:
            self.group.share(pickle.dumps(error))
            raise
        self.group.share(pickle.dumps(value))
        return value

    def any(self, *said: bool) -> tuple[bool, ...]:
        """Of each question, whether a process says yes."""
        if self.group.size == 1:
            return said
        return tuple(map(bool, np.any(self.group.gather(np.array(said)), axis=0)))

    @staticmethod
    def checksum(engine: Engine) -> str:
        """Of the weights."""
        return str(zlib.crc32(engine.buffer("values")))

    def evaluate(self, engine: Engine, held: Examples | Stream) -> Evaluation:
        """Loss and score of validation data in memory, of which each process takes its parts; what
        is read, each reads."""
        if self._parts is None or isinstance(held, Stream) or isinstance(held.x, RowSource):
            return evaluate_any(engine, held)
        own = []
        for first, last in self._parts.bounds(len(held.y)):
            tally = Tally(engine)
            if last > first:
                tally.add(*held.take(slice(first, last)))
            own.append(tally.sums)
        loss = engine.program.loss
        assert loss is not None
        run = Run(training=False, weights=held.weights, lengths=held.lengths)
        spread = loss.spread(held.y, (len(held.y), *engine.program.output_shape), run)
        return tally.evaluation_of(self._parts.sum(own), spread)

    def epoch_ends(self, engine: Engine, epoch: int, seconds: float) -> float:
        """The first process's time, for all; and a look whether all have the same weights.

        Raises:
            ConfigurationError: they have not.
        """
        if self.group.size == 1:
            return seconds
        own = int(self.checksum(engine))
        everyone = np.stack(self.group.gather(np.array([seconds, own])))
        other = np.flatnonzero(everyone[:, 1] != everyone[0, 1])
        if len(other):
            raise ConfigurationError(
                f"fit: workers: in epoch {epoch} process {other[0]} has come to other weights than "
                "process 0: give all the same data, settings and versions of Evenly and NumPy"
            )
        return float(everyone[0, 0])


class _Heard:
    """In the place of an :class:`Interrupt`: what all processes have heard in the last step."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def asked(self) -> bool:
        return self._parts.heard[0]


class SharedKeeper:
    """Checkpoints of several processes: the first one has the folder. To be used in a ``with``
    block, by all.

    Arguments:
        keeper: of this process; only the first one's is used.
        team: of the processes.
        parts: of their steps.
    """

    def __init__(self, keeper: Keeper, team: Team, parts: Parts) -> None:
        self.keeper, self._team, self._parts = keeper, team, parts
        self.timed = keeper.timed

    def __enter__(self) -> SharedKeeper:
        def enter() -> None:
            self.keeper.__enter__()

        self._team.first(enter)
        return self

    def __exit__(self, *error: object) -> None:
        if self._team.leads:
            self.keeper.__exit__(*error)

    def restore(self, steps: int | None) -> Position | None:
        """As :meth:`Keeper.restore`, of the first process's folder into all engines."""
        engine = self.keeper.engine

        def read() -> tuple[Position | None, int, dict[str, Any]]:
            position = self.keeper.restore(steps)
            return position, engine.steps, {} if position is None else engine.kept()

        position, engine.steps, arrays = self._team.first(read)
        engine.put_back(arrays)
        return position

    def due(self) -> bool:
        """As :meth:`Keeper.due`, by the first process's clock."""
        return self._parts.heard[1] if self.timed else self.keeper.due()

    def write(self, position: Position) -> None:
        """As :meth:`Keeper.write`."""
        self._team.first(lambda: self.keeper.write(position))
