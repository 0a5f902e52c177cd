"""Many trainings, one a cell of a design: on threads or processes, kept as they end, resumed.

A cell is a name and what its training is asked for; its result is plain numbers and lists, and
depends on the cell alone. So results are the same for any number of workers on any backend of
joblib, and a cell that has ended once need not be run again, but one whose worker was killed is.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import shutil
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import BackendError
from ..parallel.backends import backend as chosen
from ..parallel.backends import handed, has_died, is_away, received
from ..version import __version__
from .errors import StudyError
from .shared import Shared, opened

Values = Mapping[str, Any]
Task = Callable[[Any], Values]
Result = tuple[str, Values | None]

# Of the worker's thread: the file whose being there asks its run to stop.
_OWN = threading.local()
LISTEN_SECONDS = 0.1
# Cells a worker between two looks at what came, where a backend allows no other way.
SLICE = 4
# Workers lost in a row, with nothing ended between, that are one too many.
LOST = 3


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
    task: Task, cells: Sequence[Cell], *, jobs: int = 1, backend: str | None = "loky",
    store: Store | None = None, stop: threading.Event | None = None,
    on_done: Callable[[Cell], None] = lambda cell: None,
) -> Cells:
    """Runs the task on every cell.

    Arguments:
        task: from what a cell asks for to its values: numbers, text, lists of them; none that is
            not finite. With processes it must be a function of a module.
        cells: in the order to run them.
        jobs: at the same time.
        backend: see :func:`evenly.parallel.backend`; None takes the one in use. Where it reaches
            other machines, a training that runs there when `stop` is set may go on to its end.
        store: keeps results, and has those that need not be run again.
        stop: when set, cells that have not ended are given up.
        on_done: called in this thread with every cell that has ended, a resumed one too.

    Raises:
        BackendError: the backend is not known or does not answer; workers end again and again
            with nothing done. Whatever a task raises.
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
        where = nullcontext() if backend is None else chosen(backend, jobs=jobs)
        with where, _flag(stop) as flag:
            worker = _Worker(flag, os.getpid(), task)
            with _closed(_results(worker, list(left.values()), jobs)) as results:
                for key, values in results:
                    if values is None:
                        continue
                    kept[key] = values
                    if store is not None:
                        store.add(key, values)
                    on_done(left[key])
                    if stop.is_set() and is_away():
                        break  # those that run on other machines do not hear of it
    ordered = {cell.key: kept[cell.key] for cell in cells if cell.key in kept}
    return Cells(ordered, len(ordered) < len(cells), time.perf_counter() - started)


@contextmanager
def _closed(results: Generator[Result, None, None]) -> Iterator[Generator[Result, None, None]]:
    """Takes back what has not begun, where the results are not read to their end."""
    try:
        yield results
    finally:
        with warnings.catch_warnings():
            # That is what is wanted.
            warnings.filterwarnings("ignore", r"\d+ tasks (have been|which were)", UserWarning)
            results.close()


def _results(
    worker: _Worker, cells: list[Cell], jobs: int
) -> Generator[Result, None, None]:
    """What the worker makes of the cells, as it comes; a cell whose worker was lost is run again,
    and one that has come is not."""
    left = {cell.key: cell for cell in cells}
    lost = 0
    while left:
        try:
            # What may have ended a worker does not run in this process.
            together = jobs if lost else min(jobs, len(left))
            for key, values in _one_go(worker, list(left.values()), together):
                del left[key]
                lost = 0
                yield key, values
        except Exception as error:
            if not has_died(error):
                raise
            lost += 1
            if lost == LOST:
                raise BackendError(
                    f"workers ended {LOST} times with nothing done ({type(error).__name__}): were "
                    "they killed, or out of memory? Ask for fewer --jobs; what has ended is kept"
                ) from error


def _one_go(
    worker: _Worker, cells: list[Cell], jobs: int
) -> Generator[Result, None, None]:
    away = is_away()
    if jobs == 1 and not away:
        yield from map(worker, cells)
        return
    from joblib import Parallel, delayed

    parcel: tuple[Any, ...] = ()
    if away and isinstance(worker.task, Shared):
        parcel, worker = (handed(worker.task.parcel()),), replace(worker, task=None)
    calls = (delayed(worker)(cell, *parcel) for cell in cells)
    try:
        pool = Parallel(n_jobs=jobs, batch_size=1, pre_dispatch=jobs if away else "all",
                        return_as="generator_unordered")
    except ValueError as error:
        if "return_as" not in str(error):
            raise StudyError(f"backend: {error}") from error
        # Some backends hand out nothing before all has ended.
        with Parallel(n_jobs=jobs) as pool:
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
    """What runs a cell, in whichever process: the task (None: it comes with each cell, in a parcel
    that travels once), and where it hears of a stop."""

    flag: str
    owner: int
    task: Task | None
    version: str = __version__

    def __call__(self, cell: Cell, parcel: Any = None) -> tuple[str, Values | None]:
        """The cell's key and its values; None where it gave up."""
        if self.version != __version__:
            raise BackendError(f"a worker on {platform.node()} has Evenly {__version__}, this is "
                               f"{self.version}: install the same everywhere")
        is_main = threading.current_thread() is threading.main_thread()
        if os.getpid() != self.owner and is_main:
            # Ctrl-C reaches every process of the terminal. Who owns the run decides what ends.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        _OWN.flag = self.flag
        if stopped():
            return cell.key, None
        try:
            task = self.task or opened(received(parcel))
            return cell.key, task(cell.asks)
        except Stopped:
            return cell.key, None
