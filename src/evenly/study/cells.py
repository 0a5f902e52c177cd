"""Many trainings, one a cell of a design: on threads or processes, kept as they end, resumed.

A cell is a name and what its training is asked for; its result is plain numbers and lists, and
depends on the cell alone. So results are the same for any number of workers on any backend of
joblib, and a cell that has ended once need not be run again.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import StudyError

Values = Mapping[str, Any]
Task = Callable[[Any], Values]

# What is asked to stop, by the name of its run; in another process there is nothing to ask.
_STOPS: dict[str, threading.Event] = {}
_OWN = threading.local()


class Stopped(Exception):
    """A training gave up because somebody asked for it."""


@dataclass(frozen=True)
class Cell:
    """One training of a design.

    Attributes:
        key: names it within its study.
        asks: what the task gets; it must survive a trip to another process.
    """

    key: str
    asks: Any


@dataclass(frozen=True)
class Cells:
    """What came of the cells, in their order.

    Attributes:
        values: by key, of those that ended.
        interrupted: whether some were given up.
        seconds: that it took.
    """

    values: Mapping[str, Values]
    interrupted: bool
    seconds: float


def stopped() -> bool:
    """Whether the run that the calling thread works for is asked to stop. Long tasks ask it now and
    then (as ``fit(stop=stopped)``) and raise :class:`Stopped`."""
    stop = _STOPS.get(getattr(_OWN, "run", ""))
    return stop is not None and stop.is_set()


class Store:
    """A file of JSON lines that holds the cells that ended: a line that says whose they are, then
    a line a cell.

    Arguments:
        path: of the file.
        fingerprint: names the design; results of another one are no use.
        resume: True keeps what the file holds; otherwise it begins anew.

    Raises:
        StudyError: `resume`, and the file is not there, is of another design, or is none of ours;
            or it cannot be written.
    """

    def __init__(self, path: Path, fingerprint: str, *, resume: bool) -> None:
        self.path, self.fingerprint = path, fingerprint
        self.found: dict[str, Values] = {}
        if resume:
            self.found = self._read()
        try:
            # What is torn at the end of the file, or of the run before, does not stay.
            lines = [json.dumps({"evenly study": fingerprint})]
            lines += [_line(key, values) for key, values in self.found.items()]
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            temporary.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
            temporary.replace(path)
        except OSError as error:
            raise StudyError(
                f"{path}: cannot be written: {error.strerror or error}: name another --out"
            ) from error

    def _read(self) -> dict[str, Values]:
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            raise StudyError(
                f"{self.path}: cannot be resumed: {error.strerror or error}: leave out --resume"
            ) from error
        head = _parsed(lines[0]) if lines else None
        whose = head.get("evenly study") if isinstance(head, dict) else None
        if whose is None:
            raise StudyError(f"{self.path}: is no record of a study: leave out --resume")
        if whose != self.fingerprint:
            raise StudyError(
                f"{self.path}: holds the runs of another design, of other data or of another "
                "version: say what was said then, or leave out --resume and name another --out"
            )
        found: dict[str, Values] = {}
        for line in lines[1:]:
            cell = _parsed(line)
            # The last line may be half a line: whoever wrote it was killed.
            if isinstance(cell, dict) and isinstance(cell.get("key"), str) \
                    and isinstance(cell.get("values"), dict):
                found[cell["key"]] = cell["values"]
        return found

    def add(self, key: str, values: Values) -> None:
        """Keeps the result of a cell."""
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_line(key, values) + "\n")
        except OSError as error:
            raise StudyError(
                f"{self.path}: cannot be written: {error.strerror or error}: what has ended is "
                "kept; make room, and go on with --resume"
            ) from error


def _line(key: str, values: Values) -> str:
    return json.dumps({"key": key, "values": values}, allow_nan=False)


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def run_cells(
    task: Task, cells: Sequence[Cell], *, jobs: int = 1, backend: str = "loky",
    store: Store | None = None, stop: threading.Event | None = None,
    on_done: Callable[[Cell], None] = lambda cell: None,
) -> Cells:
    """Runs the task on every cell.

    Arguments:
        task: from what a cell asks for to its values: numbers, text, lists of them; none that is
            not finite. With processes it must be a function of a module.
        cells: in the order to run them.
        jobs: at the same time.
        backend: of joblib: ``"loky"`` (processes), ``"threading"``, or any that is registered, as
            ``"dask"`` and ``"ray"`` are by their packages.
        store: keeps results, and has those that need not be run again.
        stop: when set, cells that have not ended are given up.
        on_done: called in this thread with every cell that has ended, a resumed one too.

    Raises:
        StudyError: the backend is not known; whatever a task raises.
    """
    from joblib import Parallel, delayed

    stop = stop or threading.Event()
    started = time.perf_counter()
    have = dict(store.found) if store is not None else {}
    kept = {cell.key: have[cell.key] for cell in cells if cell.key in have}
    left = [cell for cell in cells if cell.key not in kept]
    for cell in cells:
        if cell.key in kept:
            on_done(cell)
    by_key = {cell.key: cell for cell in left}
    if left and not stop.is_set():
        with _stoppable(stop) as name:
            try:
                pool = Parallel(n_jobs=min(jobs, len(left)), backend=backend,
                                return_as="generator_unordered", batch_size=1)
            except ValueError as error:
                raise StudyError(f"backend: {error}") from error
            results = pool(delayed(_run)(name, os.getpid(), task, cell) for cell in left)
            try:
                for key, values in _until(results, stop):
                    if values is None:
                        continue
                    kept[key] = values
                    if store is not None:
                        store.add(key, values)
                    on_done(by_key[key])
            except BaseException:
                # What still runs in this process hears that nobody waits for it.
                stop.set()
                raise
            finally:
                # A generator that another thread still waits in cannot be closed. What is given up
                # is told by the outcome, and needs no warning.
                with suppress(ValueError), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    results.close()
    ordered = {cell.key: kept[cell.key] for cell in cells if cell.key in kept}
    return Cells(ordered, len(ordered) < len(cells), time.perf_counter() - started)


def _until(results: Any, stop: threading.Event) -> Iterator[tuple[str, Values | None]]:
    """The results until the end or the stop, heard even while the next result takes its time."""
    box: list[Any] = []
    while not stop.is_set():
        box.clear()

        def take() -> None:
            try:
                box.append(next(results, None))
            except BaseException as error:
                box.append(error)

        # Waiting for a result is not interruptible; waiting for a thread is.
        waiter = threading.Thread(target=take, daemon=True)
        waiter.start()
        while waiter.is_alive() and not stop.is_set():
            waiter.join(0.1)
        if waiter.is_alive():
            # In this process tasks hear of the stop and end; others are ended by closing.
            waiter.join(2.0)
        if not box or box[0] is None:
            return
        if isinstance(box[0], BaseException):
            if isinstance(box[0], Exception) and stop.is_set():
                return
            raise box[0]
        yield box[0]


@contextmanager
def _stoppable(stop: threading.Event) -> Iterator[str]:
    name = uuid.uuid4().hex
    _STOPS[name] = stop
    try:
        yield name
    finally:
        del _STOPS[name]


def _run(name: str, owner: int, task: Task, cell: Cell) -> tuple[str, Values | None]:
    """A cell in its worker; None where it gave up."""
    if os.getpid() != owner and threading.current_thread() is threading.main_thread():
        # Ctrl-C reaches every process of the terminal. Who owns the run decides what ends.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    _OWN.run = name
    if stopped():
        return cell.key, None
    try:
        return cell.key, task(cell.asks)
    except Stopped:
        return cell.key, None
