"""Which threads, processes or machines many trainings run on: the backends of joblib, by name."""

from __future__ import annotations

import importlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from ..errors import BackendError
from ..extras import needed

# What the backends raise when a worker ended with its task undone; names, so that none is loaded.
DEATHS = frozenset({"BrokenProcessPool", "KilledWorker", "OutOfMemoryError", "WorkerCrashedError"})
AWAY = frozenset({"DaskDistributedBackend", "RayTasks"})


@contextmanager
def backend(
    name: str = "loky", *, scheduler: str | None = None, jobs: int | None = None,
    seconds: float = 5.0,
) -> Iterator[int]:
    """Within the block joblib runs on this backend what it runs in parallel: searches and
    validations of scikit-learn with ``n_jobs=-1``, :func:`evenly.study.run_all` with
    ``backend=None``. No result depends on the backend, nor on the number of workers.

    Arguments:
        name: ``"loky"`` (processes), ``"threading"``, ``"dask"``, ``"ray"``, or one that is
            registered with joblib.
        scheduler: the address where Dask's scheduler (``tcp://host:8786``) or Ray's head
            (``host:6379``, ``"auto"``) answers. By default the client that is connected already,
            or what ``DASK_SCHEDULER_ADDRESS`` or ``RAY_ADDRESS`` says.
        jobs: at the same time; by default as many as there are processors, of the cluster where
            there is one.
        seconds: to wait for an answer, and for a first worker.

    Returns:
        A context that hands out the number of jobs at the same time.

    Raises:
        BackendError: no backend has this name, its package is missing, the address does not answer
            or has no workers; `jobs` is less than 1.

    Example:
        >>> import evenly as ev
        >>> from sklearn.model_selection import cross_val_score
        >>> x, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
        >>> with ev.parallel.backend("threading", jobs=2) as jobs:
        ...     scores = cross_val_score(ev.NetClassifier(max_epochs=2), x, y, cv=2, n_jobs=jobs)
        >>> jobs, scores.shape
        (2, (2,))
    """
    if jobs is not None and jobs < 1:
        raise BackendError(f"jobs: expects a whole number of at least 1, got {jobs}: try 1")
    joblib = needed("a backend", "joblib", "sklearn", error=BackendError)
    reach = _CLUSTERS.get(name)
    if reach is not None:
        with reach(scheduler, seconds) as (found, settings), \
                joblib.parallel_config(n_jobs=-1, **settings):
            yield min(jobs or found, found)
        return
    if name not in joblib.parallel.BACKENDS:
        raise BackendError(f"backend: Invalid backend: {name}, expected one of "
                           f"{', '.join(sorted({*joblib.parallel.BACKENDS, *_CLUSTERS}))}: "
                           "try threading or loky")
    if scheduler is not None:
        raise BackendError(f"backend {name}: has no scheduler, got {scheduler}: leave the address "
                           "out, or choose dask or ray")
    with joblib.parallel_config(backend=name, n_jobs=jobs or -1):
        yield jobs or int(joblib.cpu_count())


def is_away() -> bool:
    """Whether the backend in use reaches processes that may share no files with this one."""
    from joblib.parallel import get_active_backend

    return type(get_active_backend()[0]).__name__ in AWAY


def handed(value: Any) -> Any:
    """The value as an argument of many calls on the backend in use: it travels once."""
    from joblib.parallel import get_active_backend

    if type(get_active_backend()[0]).__name__ != "RayTasks":
        return value  # Dask is handed large arguments once as it is
    return importlib.import_module("ray").put(value)


def received(value: Any) -> Any:
    """What :func:`handed` sent, in the worker."""
    if type(value).__name__ == "ObjectRef":
        return importlib.import_module("ray").get(value)
    return value


def has_died(error: BaseException) -> bool:
    """Whether a worker ended with its task undone: killed, or out of memory."""
    return any(kind.__name__ in DEATHS for kind in type(error).__mro__)


@contextmanager
def _dask(scheduler: str | None, seconds: float) -> Iterator[tuple[int, dict[str, Any]]]:
    distributed = needed("backend dask", "distributed", "dask", "dask distributed", BackendError)
    address, security = scheduler, None
    if address is None:
        with suppress(ValueError):
            own = distributed.default_client()
            address, security = own.scheduler.address, own.security
    if address is None:
        address = importlib.import_module("dask").config.get("scheduler-address", None)
    if address is None:
        raise BackendError("backend dask: expects the address of a scheduler, as `dask scheduler` "
                           "prints it: name tcp://HOST:8786 (on this machine alone: loky)")
    _answers("dask", address, seconds)
    client = _client(distributed, address, seconds, security)
    # Data that a lost worker alone held is made again, where that of Client.scatter is gone.
    client.scatter = _again(client)
    try:
        until = time.monotonic() + seconds
        while not (found := sum(client.ncores().values())):
            if time.monotonic() > until:
                raise BackendError(f"backend dask: {address} has no workers: start some: dask "
                                   f"worker {address}")
            time.sleep(0.05)
        yield found, {"backend": "dask", "client": client}
    finally:
        client.close()


def _client(distributed: Any, address: str, seconds: float, security: Any) -> Any:
    """A client; made in a thread, since with somebody who is no scheduler it waits for ever."""
    client, failed = distributed.Client.__new__(distributed.Client), list[Exception]()

    def make() -> None:
        try:
            client.__init__(address, timeout=seconds, set_as_default=False, security=security)
        except Exception as error:  # told by whoever waits
            client.status = "closed"
            failed.append(error)

    making = threading.Thread(target=make, daemon=True)
    making.start()
    making.join(2 * seconds)
    if making.is_alive():
        failed.append(TimeoutError("it is no scheduler of Dask"))
    if failed:
        raise _silent("dask", address, failed[0]) from failed[0]
    return client


def _again(client: Any) -> Callable[..., Any]:
    async def scatter(data: Any, **how: Any) -> Any:
        return client.submit(_same, data, pure=False)

    return scatter


def _same(data: Any) -> Any:
    return data


@contextmanager
def _ray(scheduler: str | None, seconds: float) -> Iterator[tuple[int, dict[str, Any]]]:
    ray = needed("backend ray", "ray", "ray", error=BackendError)
    is_own = scheduler is not None or not ray.is_initialized()
    if is_own:
        address = scheduler or os.environ.get("RAY_ADDRESS")
        if not address:
            raise BackendError("backend ray: expects the address of a head, as `ray start --head` "
                               "prints it: name HOST:6379, or auto for one on this machine")
        if address != "auto":
            _answers("ray", address, seconds)
        try:
            ray.init(address=address, logging_level="ERROR", log_to_driver=False)
        except (OSError, ValueError, RuntimeError) as error:
            raise _silent("ray", address, error) from error
    try:
        from .ray_tasks import RayTasks

        tasks = RayTasks()
        yield tasks.effective_n_jobs(-1), {"backend": tasks}
    finally:
        if is_own:
            ray.shutdown()


_CLUSTERS: dict[
    str, Callable[[str | None, float], AbstractContextManager[tuple[int, dict[str, Any]]]]
] = {"dask": _dask, "ray": _ray}


def _answers(name: str, address: str, seconds: float) -> None:
    """Raises BackendError where nobody listens: the packages themselves wait long, or log much."""
    if address.startswith("inproc:"):
        return
    host = port = None
    with suppress(ValueError):  # of a port that is no number
        parts = urlsplit(address if "://" in address else f"tcp://{address}")
        host, port = parts.hostname, parts.port
    if host is None or port is None:
        raise BackendError(f"backend {name}: {address!r} is no address: expects HOST:PORT")
    try:
        socket.create_connection((host, port), timeout=seconds).close()
    except OSError as error:
        raise _silent(name, address, error) from error


def _silent(name: str, address: str, error: Exception) -> BackendError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return BackendError(f"backend {name}: {address} does not answer: {reason}: look whether it "
                        "runs, and under that address")
