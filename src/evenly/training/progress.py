"""The progress bar of a training."""

from __future__ import annotations

import io
import sys
from typing import IO, Any, Protocol, cast

from .history import EpochRecord
from .notebook_bar import NotebookBar, in_notebook, in_numbers


class Progress(Protocol):
    """What the training loop tells as it goes."""

    def step(self, steps: int) -> None: ...
    def epoch(self, record: EpochRecord) -> None: ...
    def close(self) -> None: ...


class Quiet:
    """Says nothing."""

    def step(self, steps: int) -> None:
        pass

    def epoch(self, record: EpochRecord) -> None:
        pass

    def close(self) -> None:
        pass


class _Unseen:
    """Standard error. When it takes no more (a terminal that was closed, a full disk) there is
    nobody to tell, and the training goes on."""

    def __init__(self, stream: Any) -> None:
        self._stream = _unbuffered(stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return self._tried("write", text) or 0

    def flush(self) -> None:
        self._tried("flush")

    def isatty(self) -> bool:
        return bool(self._tried("isatty"))

    def _tried(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(self._stream, method)(*arguments)
        except (OSError, ValueError):  # ValueError: the file is closed
            return None


def _unbuffered(stream: Any) -> Any:
    """The same file without a buffer: what it does not take would wait there for the end of the
    interpreter, which flushes once more, fails, and gives the process another exit status."""
    if getattr(getattr(stream, "buffer", None), "raw", None) is None:
        return stream
    try:
        stream.flush()
        file = io.FileIO(stream.fileno(), "wb", closefd=False)
    except (OSError, ValueError):
        return io.StringIO()
    return io.TextIOWrapper(file, stream.encoding, stream.errors, newline="",
                            write_through=True)


class Bar:
    """A bar on standard error: epoch, loss, score, time left."""

    def __init__(self, epochs: int, steps: int | None, score_name: str) -> None:
        # rich takes a tenth of a second to import: only whoever watches pays for it.
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._epochs, self._score_name = epochs, score_name
        self._bar: Any = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[m]}"),
            TimeRemainingColumn(),
            console=Console(file=cast(IO[str], _Unseen(sys.stderr))),
        )
        self._total_known = steps is not None
        total = None if steps is None else epochs * steps
        self._task = self._bar.add_task(f"epoch 0/{epochs}", total=total, m="")
        self._bar.start()

    def step(self, steps: int) -> None:
        self._bar.advance(self._task, steps)

    def epoch(self, record: EpochRecord) -> None:
        text = in_numbers(record, self._score_name)
        if not self._total_known:  # the first epoch tells how long the others are
            self._bar.update(self._task, total=self._epochs * record.steps)
        self._bar.update(self._task, description=f"epoch {record.epoch}/{self._epochs}", m=text)

    def close(self) -> None:
        self._bar.stop()


def make_progress(wanted: bool | None, epochs: int, steps: int | None, score_name: str) -> Progress:
    """A bar if asked for, or by default if somebody is watching a terminal or a notebook."""
    if wanted is not False and in_notebook():
        return NotebookBar(epochs, steps, score_name)
    if sys.stderr is None:  # closed from the start
        return Quiet()
    if wanted or (wanted is None and not sys.stderr.closed and sys.stderr.isatty()):
        return Bar(epochs, steps, score_name)
    return Quiet()
