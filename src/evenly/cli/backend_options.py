"""Where a command's trainings run: options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
# As the command gets them.
BACKEND = ("backend", "scheduler", "jobs")


def backend_options(command: F) -> F:
    """Adds the options `backend`, `scheduler` and `jobs` to a command; see :func:`backend_of`."""
    for option in reversed((
        click.option("--backend", metavar="NAME", default="threading",
                     help="Where trainings run: threading, loky (processes), dask or ray."),
        click.option("--scheduler", metavar="ADDRESS",
                     help="Of Dask's scheduler (tcp://HOST:8786) or Ray's head (HOST:6379)."),
        click.option("--jobs", type=int,
                     help="Trainings at the same time.  [default: one a core of all machines]"),
    )):
        command = option(command)
    return command


def backend_of(given: dict[str, Any]) -> AbstractContextManager[int]:
    """The context in which joblib runs where the options say; it hands out the jobs at a time.

    Raises:
        BackendError: when it is entered, see :func:`evenly.parallel.backend`.
    """
    from evenly.parallel import backend

    return backend(given["backend"], scheduler=given["scheduler"], jobs=given["jobs"])
