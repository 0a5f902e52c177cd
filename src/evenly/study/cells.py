"""Many trainings, one a cell of a design: on threads or processes, kept as they end, resumed.

A cell is a name and what its training is asked for; its result is plain numbers and lists, and
depends on the cell alone. So results are the same for any number of workers on any backend of
joblib, and a cell that has ended once need not be run again.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import StudyError

Values = Mapping[str, Any]
Task = Callable[[Any], Values]

# Of the worker's thread: the file whose being there asks its run to stop.
_OWN = threading.local()
LISTEN_SECONDS = 0.1
# Cells a worker between two looks at what came, where a backend allows no other way.
SLICE = 4


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
    flag = getattr(_OWN, "flag", None)
    return flag is not None and os.path.exists(flag)


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
    stop = stop or threading.Event()
    started = time.perf_counter()
    have = dict(store.found) if store is not None else {}
    kept = {cell.key: have[cell.key] for cell in cells if cell.key in have}
    left = {cell.key: cell for cell in cells if cell.key not in kept}
    for cell in cells:
        if cell.key in kept:
            on_done(cell)
    if left and not stop.is_set():
        with _flag(stop) as flag:
            worker = _Worker(flag, os.getpid(), task)
            for key, values in _results(worker, list(left.values()), jobs, backend):
                if values is None:
                    continue
                kept[key] = values
                if store is not None:
                    store.add(key, values)
                on_done(left[key])
    ordered = {cell.key: kept[cell.key] for cell in cells if cell.key in kept}
    return Cells(ordered, len(ordered) < len(cells), time.perf_counter() - started)


def _results(
    worker: _Worker, cells: list[Cell], jobs: int, backend: str
) -> Iterator[tuple[str, Values | None]]:
    """What the worker makes of the cells, as it comes."""
    jobs = min(jobs, len(cells))
    if jobs == 1:
        yield from map(worker, cells)
        return
    from joblib import Parallel, delayed

    calls = (delayed(worker)(cell) for cell in cells)
    try:
        pool = Parallel(n_jobs=jobs, backend=backend, batch_size=1, pre_dispatch="all",
                        return_as="generator_unordered")
    except ValueError as error:
        if "return_as" not in str(error):
            raise StudyError(f"backend: {error}") from error
        # Some backends hand out nothing before all has ended.
        pool = Parallel(n_jobs=jobs, backend=backend)
        while some := list(itertools.islice(calls, SLICE * jobs)):
            yield from pool(some)
    else:
        yield from pool(calls)


@contextmanager
def _flag(stop: threading.Event) -> Iterator[str]:
    """The path of a file that is made when `stop` is set, so that workers hear of it in whichever
    process they are; and when the block is left by an error, since nobody waits for them then."""
    folder = Path(tempfile.mkdtemp(prefix="evenly-study-"))
    flag, over = folder / "stop", threading.Event()

    def watch() -> None:
        while not over.is_set():
            if stop.wait(LISTEN_SECONDS):
                # All may have ended meanwhile, and the folder with it.
                with suppress(FileNotFoundError):
                    flag.touch()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield str(flag)
    except BaseException:
        # What still runs hears of it, and for that the file stays.
        flag.touch()
        raise
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        over.set()
        watcher.join()


@dataclass(frozen=True)
class _Worker:
    """What runs a cell, in whichever process: the task, and where it hears of a stop."""

    flag: str
    owner: int
    task: Task

    def __call__(self, cell: Cell) -> tuple[str, Values | None]:
        """The cell's key and its values; None where it gave up."""
        is_main = threading.current_thread() is threading.main_thread()
        if os.getpid() != self.owner and is_main:
            # Ctrl-C reaches every process of the terminal. Who owns the run decides what ends.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        _OWN.flag = self.flag
        if stopped():
            return cell.key, None
        try:
            return cell.key, self.task(cell.asks)
        except Stopped:
            return cell.key, None
