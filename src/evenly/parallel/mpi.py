"""A group of processes, by MPI."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .group import Pending


class _Request:
    def __init__(self, requests: Any, out: NDArray[Any], filled: NDArray[Any]) -> None:
        self._requests, self._out, self._filled = requests, out, filled

    def wait(self) -> None:
        for request in self._requests:
            request.Wait()
        if self._filled is not self._out:
            self._out[...] = self._filled


class Processes:
    """The processes of a communicator of mpi4py.

    Arguments:
        communicator: of which every process calls this; a copy of it is used, so that no message of
            the program's own gets in between.
    """

    def __init__(self, communicator: Any) -> None:
        self._mpi = communicator.Dup()
        self.rank: int = self._mpi.Get_rank()
        self.size: int = self._mpi.Get_size()

    def gather(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        mine = np.ascontiguousarray(values)
        everyone = np.empty((self.size, *mine.shape), mine.dtype)
        if mine.nbytes:
            self._mpi.Allgather(_bytes(mine), _bytes(everyone))
        else:
            self._mpi.Barrier()
        return list(everyone)

    def exchange(self, partner: int, values: NDArray[Any], out: NDArray[Any]) -> None:
        self.start_exchange(partner, values, out).wait()

    def start_exchange(
        self, partner: int, values: NDArray[Any], out: NDArray[Any]
    ) -> Pending:
        mine = np.ascontiguousarray(values)
        theirs = out if out.flags.c_contiguous else np.empty(out.shape, out.dtype)
        return _Request([self._mpi.Irecv(_bytes(theirs), partner),
                         self._mpi.Isend(_bytes(mine), partner)], out, theirs)

    def share(self, value: bytes, root: int = 0) -> bytes:
        length = np.array([len(value)], np.int64)
        self._mpi.Bcast(_bytes(length), root)
        data = np.frombuffer(value, np.uint8) if self.rank == root else \
            np.empty(int(length[0]), np.uint8)
        # A count of MPI is an int.
        for begin in range(0, len(data), 2**30):
            self._mpi.Bcast(data[begin:begin + 2**30], root)
        return value if self.rank == root else data.tobytes()

    def wait(self) -> None:
        self._mpi.Barrier()


def _bytes(values: NDArray[Any]) -> NDArray[Any]:
    """An array's memory, whatever its type."""
    return values.reshape(-1).view(np.uint8)
