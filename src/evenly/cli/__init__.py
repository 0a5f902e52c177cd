"""The command line: one file a command. A command is added by a row in `COMMANDS`."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Sequence

import click

from evenly.errors import EvenlyError

from .fit import fit
from .grade import grade
from .predict import predict
from .serve import serve
from .show import show
from .study import study

COMMANDS: tuple[click.Command, ...] = (fit, grade, predict, serve, show, study)

BAD_INPUT = 2
INTERRUPTED = 130


@click.group(invoke_without_command=True, context_settings={"max_content_width": 100})
@click.version_option(importlib.metadata.version("evenly"), message="evenly %(version)s")
@click.pass_context
def evenly(context: click.Context) -> None:
    """Train networks well on a CPU, and find out what makes them train well."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in COMMANDS:
    evenly.add_command(command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    Bad input is one line on standard error and status 2; Ctrl-C is status 130.

    Args:
        arguments: the words after `evenly`; None takes those of this process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = evenly.main(words, prog_name="evenly", standalone_mode=False)
    except click.ClickException as error:
        return _complain(error.format_message())
    except EvenlyError as error:
        return _complain(str(error))
    except MemoryError:
        return _complain("out of memory: use fewer rows or columns, or a smaller --hidden")
    except (KeyboardInterrupt, click.Abort):
        click.echo("evenly: stopped", err=True)
        return INTERRUPTED
    return int(status or 0)


def main() -> None:
    """The program `evenly`."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no '±' shows a question mark; it gets no traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    sys.exit(run())


def _complain(message: str) -> int:
    click.echo(f"evenly: {' '.join(message.split())}", err=True)
    return BAD_INPUT
