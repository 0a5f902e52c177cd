"""One thread at a time: an engine has one working memory."""

from __future__ import annotations

import os
import threading
import time
from typing import Any
from weakref import WeakSet

# How long the one who is at work steps aside for one who waits, in seconds.
_ASIDE = 0.001

_all: WeakSet[Turns] = WeakSet()


class Turns:
    """Threads that use one thing take turns: ``with turns:``; a thread may do so within its turn.

    Attributes:
        lock: the same for who works on and on, and lets others have turns by :meth:`step_aside`.
    """

    def __init__(self) -> None:
        self.lock: Any = threading.RLock()
        self._wanted = False
        _all.add(self)

    def __enter__(self) -> None:
        if not self.lock.acquire(blocking=False):
            self._wanted = True
            self.lock.acquire()

    def __exit__(self, *error: object) -> None:
        self.lock.release()

    def step_aside(self) -> None:
        """Between two turns of long work: lets another have one. A lock that is taken again at once
        is never free for long enough."""
        if self._wanted:
            self._wanted = False
            time.sleep(_ASIDE)


class _Broken:
    """Stands for a lock whose thread does not exist: waiting for it would never end."""

    def acquire(self, blocking: bool = True) -> bool:
        raise RuntimeError(
            "the process was forked while another thread computed with this network: its arrays "
            "are half done here: fork before or after, or give the child a model of its own"
        )

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *error: object) -> None:
        pass


def _in_forked_child() -> None:
    for turns in _all:
        if turns.lock.acquire(blocking=False):
            turns.lock.release()
        else:
            turns.lock = _Broken()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
