"""joblib on tasks of Ray. Ray's own backend runs on a pool of actors: a worker that is killed, or
lacks a module, leaves whoever waits for it waiting, and it puts itself under joblib's own pool."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import ray
from joblib.parallel import ParallelBackendBase

# A task whose worker was killed is done again so often elsewhere.
TRIES = 3


class RayTasks(ParallelBackendBase):  # type: ignore[misc]
    """A call is a task of one processor. A thread for each job waits for its task."""

    supports_retrieve_callback = True
    default_n_jobs = -1

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """As many as asked for, at most the cluster's processors."""
        found = max(1, int(ray.cluster_resources().get("CPU", 1)))
        return found if n_jobs is None or n_jobs < 0 else min(n_jobs, found)

    def configure(self, n_jobs: int = 1, parallel: Any = None, **settings: Any) -> int:
        """Makes the threads; returns how many."""
        jobs = self.effective_n_jobs(n_jobs)
        self.parallel, self._running = parallel, set[Any]()
        self._waiting = ThreadPoolExecutor(jobs)
        self._task = ray.remote(num_cpus=1, max_retries=TRIES)(_called)
        return jobs

    def submit(self, func: Callable[[], Any], callback: Callable[..., Any]) -> Future[Any]:
        """Starts a call when a job is free."""
        future = self._waiting.submit(self._wait, func)
        future.add_done_callback(callback)
        return future

    def _wait(self, func: Callable[[], Any]) -> Any:
        task = self._task.remote(func)
        self._running.add(task)
        try:
            return ray.get(task)
        except ray.exceptions.RayTaskError as error:
            # As it was raised there, without Ray's own words.
            raise (error.cause if isinstance(error.cause, Exception) else error) from None
        finally:
            self._running.discard(task)

    def retrieve_result_callback(self, out: Future[Any]) -> Any:
        """What a call answered; raises what it raised."""
        return out.result()

    def terminate(self) -> None:
        """Gives up what has not ended."""
        self._waiting.shutdown(wait=False, cancel_futures=True)
        for task in tuple(self._running):
            with suppress(Exception):  # it has ended meanwhile
                ray.cancel(task, force=True)

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Gives up what has not ended; may go on with other calls."""
        self.terminate()
        if ensure_ready:
            self.configure(self.parallel.n_jobs, self.parallel)


def _called(func: Callable[[], Any]) -> Any:
    return func()
