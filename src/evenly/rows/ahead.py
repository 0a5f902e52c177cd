"""Reading in the background: the next chunks are made ready while the kernels compute."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

# Ready at most, beside the one in use and the one being made.
_READY = 2
# A consumer that waits hears this often that there is nothing yet: so that it hears Ctrl-C.
_SECONDS_A_WAIT = 0.05

WAITING = object()


class Ahead:
    """Runs an iterator in a thread of its own, a few items ahead of whoever iterates over this.

    The items come in their order, so nothing depends on which of the two is faster. What the
    iterator raises is raised where its item would have come. Leaving the ``with`` block ends the
    thread, after the item that it is about to make; the iterator is closed in that thread too.

    Arguments:
        items: closed if it has a ``close`` method.

    Yields:
        The items, and :data:`WAITING` now and then while none is ready.
    """

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self._ready: deque[Any] = deque()
        self._changed = threading.Condition()
        self._closed, self._ended = False, False
        self._error: BaseException | None = None
        # A reader that hangs in a foreign call must not keep the process alive.
        self._thread = threading.Thread(target=self._read, name="evenly-reader", daemon=True)

    def __enter__(self) -> Ahead:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        self._ready.clear()

    def __iter__(self) -> Iterator[Any]:
        while True:
            with self._changed:
                if not self._ready and not self._ended:
                    self._changed.wait(_SECONDS_A_WAIT)
                if self._ready:
                    item = self._ready.popleft()
                    self._changed.notify_all()
                elif self._ended:
                    break
                else:
                    item = WAITING
            yield item
            del item  # a chunk's memory is free before the next is waited for
        if self._error is not None:
            raise self._error

    def _read(self) -> None:
        try:
            try:
                for item in self._items:
                    if not self._put(item):
                        break
                    del item
            finally:
                close = getattr(self._items, "close", None)
                if close is not None:
                    close()
        except BaseException as error:  # every kind is the consumer's: it raises it again
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _put(self, item: Any) -> bool:
        """Waits for a place; False where nobody wants more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._ready) < _READY)
            if self._closed:
                return False
            self._ready.append(item)
            self._changed.notify_all()
            return True
