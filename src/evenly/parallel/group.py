"""Processes (or threads) that train one network together: what they can say to each other.

Nothing here adds numbers: who adds what, and in which order, is the training's own business, so
that a result depends on no transport.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import WorkersError

T = TypeVar("T")

# How often a thread that waits looks whether another has failed, in seconds.
_LOOK = 0.05


class Pending(Protocol):
    """An exchange that is under way."""

    def wait(self) -> None:
        """Until what was sent may be changed and what comes is there."""


class Group(Protocol):
    """Several ranks that run the same program. Every rank makes the same calls in the same order.

    Attributes:
        rank: of this one, from 0.
        size: how many there are.
        threads: how many each may use; None where it is free to choose.

    Every call raises WorkersError where another rank has failed.
    """

    rank: int
    size: int
    threads: int | None

    def gather(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """All ranks' arrays, of one shape and type, in the order of the ranks, on every rank."""

    def exchange(self, partner: int, values: NDArray[Any], out: NDArray[Any]) -> None:
        """Sends `values` to the partner and fills `out` with the partner's."""

    def start_exchange(
        self, partner: int, values: NDArray[Any], out: NDArray[Any]
    ) -> Pending:
        """The same without waiting: neither array may be touched before ``wait()``."""

    def share(self, value: bytes, root: int = 0) -> bytes:
        """The root's bytes, on every rank; the others' are not looked at."""

    def wait(self) -> None:
        """Until every rank has come here."""

    def fail(self, words: str) -> None:
        """Tells the others that this rank goes no further, and why: what they wait for ends."""


class _Done:
    def wait(self) -> None:
        pass


class Alone:
    """A group of one."""

    rank = 0
    size = 1
    threads: int | None = None

    def gather(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        return [np.array(values)]

    def exchange(self, partner: int, values: NDArray[Any], out: NDArray[Any]) -> None:
        out[...] = values

    def start_exchange(
        self, partner: int, values: NDArray[Any], out: NDArray[Any]
    ) -> Pending:
        out[...] = values
        return _Done()

    def share(self, value: bytes, root: int = 0) -> bytes:
        return value

    def wait(self) -> None:
        pass

    def fail(self, words: str) -> None:
        pass


class _Post:
    """The letter boxes of a group of threads: one for each sender and receiver."""

    def __init__(self, size: int) -> None:
        self.boxes: dict[tuple[int, int], queue.SimpleQueue[Any]] = {
            (a, b): queue.SimpleQueue() for a in range(size) for b in range(size)
        }
        self.failed = threading.Event()
        self.words = ""


class _Coming:
    def __init__(self, receive: Callable[[], Any], out: NDArray[Any]) -> None:
        self._receive, self._out = receive, out

    def wait(self) -> None:
        self._out[...] = self._receive()


class Threads:
    """One rank of a group of threads in this process: the same calls, the same bits, no network.

    Example:
        >>> Threads.run(2, lambda group: [int(a[0]) for a in group.gather(np.array([group.rank]))])
        [[0, 1], [0, 1]]
    """

    def __init__(self, rank: int, size: int, post: _Post) -> None:
        self.rank, self.size = rank, size
        self.threads: int | None = max(1, (os.cpu_count() or 1) // size)
        self._post = post
        # Letters are opened in the order in which they were asked for, not waited for.
        self._asked = [0] * size
        self._opened: dict[tuple[int, int], Any] = {}
        self._count = [0] * size

    @classmethod
    def run(cls, size: int, task: Callable[[Threads], T]) -> list[T]:
        """What the task returns in each rank, in order.

        Raises:
            What the first rank that fails raises: the others end where they next wait.
        """
        post = _Post(size)
        results: dict[int, T] = {}
        errors: list[BaseException] = []

        def rank(number: int) -> None:
            group = cls(number, size, post)
            try:
                results[number] = task(group)
            except BaseException as error:
                errors.append(error)
                group.fail(words_of(error))

        threads = [threading.Thread(target=rank, args=(i,)) for i in range(size)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:  # the others only heard of the first one's
            raise min(errors, key=lambda error: isinstance(error, WorkersError))
        return [results[i] for i in range(size)]

    def _send(self, receiver: int, value: Any) -> None:
        self._post.boxes[self.rank, receiver].put(value)

    def _ask(self, sender: int) -> Callable[[], Any]:
        """What waits for the next letter of a sender."""
        number = self._asked[sender]
        self._asked[sender] += 1
        return lambda: self._open(sender, number)

    def _open(self, sender: int, number: int) -> Any:
        while (sender, number) not in self._opened:
            try:
                letter = self._post.boxes[sender, self.rank].get(timeout=_LOOK)
            except queue.Empty:
                if self._post.failed.is_set():
                    raise WorkersError(self._post.words) from None
            else:
                self._opened[sender, self._count[sender]] = letter
                self._count[sender] += 1
        return self._opened.pop((sender, number))

    def gather(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        for other in range(self.size):
            self._send(other, np.array(values))
        return [self._ask(other)() for other in range(self.size)]

    def exchange(self, partner: int, values: NDArray[Any], out: NDArray[Any]) -> None:
        self.start_exchange(partner, values, out).wait()

    def start_exchange(
        self, partner: int, values: NDArray[Any], out: NDArray[Any]
    ) -> Pending:
        self._send(partner, np.array(values))
        return _Coming(self._ask(partner), out)

    def share(self, value: bytes, root: int = 0) -> bytes:
        if self.rank == root:
            for other in range(self.size):
                self._send(other, value)
        shared: bytes = self._ask(root)()
        return shared

    def wait(self) -> None:
        self.gather(np.zeros(0))

    def fail(self, words: str) -> None:
        if not self._post.failed.is_set():
            self._post.words = f"process {self.rank}: {words}"
            self._post.failed.set()


def words_of(error: BaseException) -> str:
    """An error in a line."""
    if isinstance(error, KeyboardInterrupt):
        return "stopped by Ctrl-C"
    if isinstance(error, MemoryError):
        return "out of memory"
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextmanager
def together(group: Group) -> Iterator[None]:
    """What fails within on one rank ends what the others wait for."""
    try:
        yield
    except WorkersError:
        raise
    except BaseException as error:
        group.fail(words_of(error))
        raise
