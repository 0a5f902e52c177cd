"""What a long command shows while it runs, and how Ctrl-C ends it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def progress(
    total: int, says: Callable[[str, int], str] = lambda variant, seed: f"seed {seed}, {variant}",
) -> Iterator[tuple[Callable[[str, int], None], Callable[[str], None], Callable[[], None]]]:
    """A bar on a terminal, nothing elsewhere.

    Args:
        total: the steps until the end.
        says: what stands beside the bar, from what `advance` gets.

    Returns:
        A context that hands out three functions: `advance(variant, seed)` after a step, `say(text)`
        for a line above the bar, and `end()`, which takes the bar away.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("training", total=total)

        def advance(variant: str, seed: int) -> None:
            bar.update(task, advance=1, description=says(variant, seed))

        yield advance, lambda text: bar.console.print(text, highlight=False), bar.stop


@contextmanager
def ctrl_c(
    stop: threading.Event, say: Callable[[str], None], end: Callable[[], None]
) -> Iterator[None]:
    """The first Ctrl-C asks the runs to end; a second one ends the program at once.

    Args:
        stop: set by the first.
        say: shows a line, as `progress` hands it out.
        end: leaves the terminal as it was.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            # A thread inside a step cannot be ended any other way. Nothing is being written yet.
            end()
            os._exit(130)
        stop.set()
        say("evenly: stopping: what has finished is kept; Ctrl-C again stops at once")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
