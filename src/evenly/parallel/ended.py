"""What a process says that is ended because another one of its group is gone."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from .group import Group

# What a shell says of a program that SIGTERM ended.
_TERMINATED = 143


@contextmanager
def ended_in_words(group: Group, kept: str = "") -> Iterator[None]:
    """While it is open, the first process of several that is told to end says so in a line.

    mpiexec ends all processes where one was killed. It says which, and not what that means.

    Arguments:
        group: of the processes.
        kept: what is left of the training, in words.
    """
    if group.size == 1 or group.rank or threading.current_thread() is not threading.main_thread() \
            or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def say(number: int, frame: FrameType | None) -> None:
        words = "evenly: the training was ended: another process of it is gone, or all were told " \
                f"to end{kept}\n"
        os.write(2, words.encode())
        os._exit(_TERMINATED)

    signal.signal(signal.SIGTERM, say)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
