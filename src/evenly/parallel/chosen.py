"""The group that a user means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ..errors import ConfigurationError
from .group import Alone, Group
from .mpi import Processes

_ENTERED: ContextVar[Group | None] = ContextVar("workers", default=None)


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
        return Processes.of(workers)
    raise ConfigurationError(
        f"workers: expects a communicator of mpi4py, such as MPI.COMM_WORLD, or a group, got "
        f"{type(workers).__name__}"
    )


@contextmanager
def across(workers: Any) -> Iterator[Group]:
    """Within it the estimators train their networks together with the other processes of a group:
    each process runs the same program.

    Arguments:
        workers: a communicator of mpi4py, or a group.

    Example:
        >>> import numpy as np
        >>> import evenly as ev
        >>> x = np.random.default_rng(0).standard_normal((200, 2))
        >>> with across(Alone()):  # MPI.COMM_WORLD, under mpiexec
        ...     model = ev.NetClassifier(random_state=0).fit(x, x[:, 0] > 0)
    """
    entered_now = group(workers)
    before = _ENTERED.set(entered_now)
    try:
        yield entered_now
    finally:
        _ENTERED.reset(before)


def entered() -> Group | None:
    """The group of the innermost :func:`across`; None outside."""
    return _ENTERED.get()
