"""One command that several processes run together, as `mpiexec -n 4 evenly fit ...` starts them.

The first of them speaks and writes; what the others have to say, it says.
"""

from __future__ import annotations

import os
import shlex
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import click

from evenly import parallel
from evenly.errors import EvenlyError
from evenly.version import __version__

from .streams import OutputError

# Whoever starts the processes ends all when one has failed: the first needs the time to say why.
_GRACE = 5.0
_BAD_INPUT, _BROKEN, _INTERRUPTED = 2, 1, 130


def is_started_with_others() -> bool:
    """Whether mpiexec, or another such program, started this process: alone too, since a batch is
    then cut into the same parts."""
    return parallel.started_as() is not None


def across(work: Callable[[], int]) -> int:
    """What a command returns that all processes run, with `parallel.entered()` as their group."""
    rank, _ = parallel.started_as() or (0, 1)
    try:
        group = parallel.world()
    except EvenlyError:
        if rank == 0:
            raise
        time.sleep(_GRACE)
        raise click.exceptions.Exit(_BAD_INPUT) from None
    if group.rank == 0:
        return _together(group, work)
    # The end of MPI waits for all processes: so none ends before the first has spoken.
    with _silent():
        try:
            return _together(group, work)
        except (EvenlyError, click.ClickException, OutputError, MemoryError):
            raise click.exceptions.Exit(_BAD_INPUT) from None
        except (KeyboardInterrupt, click.Abort):
            raise click.exceptions.Exit(_INTERRUPTED) from None
        except Exception:
            failure = traceback.format_exc()
    click.echo(failure, err=True, nl=False)
    raise click.exceptions.Exit(_BROKEN)


def _together(group: parallel.Group, work: Callable[[], int]) -> int:
    words = click.get_current_context().find_root().obj or ()
    with parallel.together(group), parallel.across(group):
        parallel.agree(group, {"Evenly": __version__, "the command": shlex.join(words)})
        return work()


@contextmanager
def _silent() -> Iterator[None]:
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield
