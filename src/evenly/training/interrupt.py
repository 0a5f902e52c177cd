"""Ctrl-C as a question that the training loop asks, not an exception in the middle of a step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class Interrupt:
    """While it is open, ``asked`` is set by the first Ctrl-C, or by `stop` returning True; a second
    Ctrl-C raises KeyboardInterrupt.

    In threads other than the main one Python hands out no signals: there, `stop` alone is asked.
    """

    def __init__(self, stop: Callable[[], bool] | None = None) -> None:
        self._signalled = False
        self._stop = stop
        self._previous: Any = None
        self._installed = False

    @property
    def asked(self) -> bool:
        """Whether training is to end."""
        return self._signalled or (self._stop is not None and bool(self._stop()))

    def __enter__(self) -> Interrupt:
        # Only where Ctrl-C would raise KeyboardInterrupt: a program's own handler stays in charge.
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):
            self._previous = signal.signal(signal.SIGINT, self._on_signal)
            self._installed = True
        return self

    def __exit__(self, *error: object) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, self._previous)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._signalled:
            raise KeyboardInterrupt
        self._signalled = True
