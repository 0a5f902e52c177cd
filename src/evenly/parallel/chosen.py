"""The group that a user means."""

from __future__ import annotations

from typing import Any

from ..errors import ConfigurationError
from .group import Alone, Group
from .mpi import Processes


def group(workers: Any) -> Group:
    """The group that a user means.

    Arguments:
        workers: None for this process alone, a group, or a communicator of mpi4py.

    Raises:
        ConfigurationError: none of these.
    """
    if workers is None:
        return Alone()
    if all(hasattr(workers, name) for name in ("rank", "size", "gather", "start_exchange", "fail")):
        chosen: Group = workers
        return chosen
    if hasattr(workers, "Get_rank") and hasattr(workers, "Sendrecv"):
        return Processes(workers)
    raise ConfigurationError(
        f"workers: expects a communicator of mpi4py, such as MPI.COMM_WORLD, or a group, got "
        f"{type(workers).__name__}"
    )
