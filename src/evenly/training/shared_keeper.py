"""Checkpoints of a training that several processes make: the first of them keeps the files."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from types import TracebackType

import numpy as np

from ..engine import Engine, kept_buffers
from ..parallel import Group
from .checkpoints import Keeper
from .positions import Position


class SharedKeeper:
    """A keeper for each process of a group. The folder is the first process's alone: it need not be
    on a disk that all machines see, and how many processes there are may differ from one start to
    the next.

    Arguments:
        group: whose processes all make one.
        engine: of this process.
        steps: one checkpoint every so many steps; None: as the first process's clock says.
        keeper: makes the first process's own.
    """

    def __init__(
        self, group: Group, engine: Engine, steps: int | None, keeper: Callable[[], Keeper],
    ) -> None:
        self._group, self._engine, self._steps = group, engine, steps
        self._own = keeper() if group.rank == 0 else None

    def __enter__(self) -> SharedKeeper:
        if self._own is not None:
            self._own.__enter__()
        self._engine.pause_every = self._steps
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._engine.pause_every = None
        if self._own is not None:
            self._own.__exit__(kind, error, trace)

    def restore(self, steps: int | None) -> Position | None:
        """As :meth:`Keeper.restore`: the engines of all processes then hold the same."""
        position = None if self._own is None else self._own.restore(steps)
        told = self._group.share(pickle.dumps((position, self._engine.steps)))
        position, self._engine.steps = pickle.loads(told)
        if position is not None:
            for name in kept_buffers(self._engine.program).values():
                buffer = self._engine.buffer(name)
                held = self._group.share(buffer.tobytes())
                buffer[...] = np.frombuffer(held, buffer.dtype).reshape(buffer.shape)
        found: Position | None = position
        return found

    def due(self) -> bool:
        """Whether this process knows that the step just made is one to write a checkpoint after."""
        if self._steps is not None:
            return self._engine.steps % self._steps == 0
        return self._own is not None and self._own.due()

    def write(self, position: Position) -> None:
        """As :meth:`Keeper.write`, by the first process."""
        if self._own is not None:
            self._own.write(position)
