"""The command line: one file a command. A command is added by a row in `COMMANDS`; its file is
loaded when it is asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from evenly.errors import EvenlyError

from .helping import SETTINGS, Group
from .streams import OutputError, take_over

# Name of the command, which its file and the function in it bear too (with _ for -).
COMMANDS = (
    "columns", "completion", "doctor", "doctor-install", "exercise", "explain", "export", "fit",
    "grade", "lesson", "predict", "serve", "show", "study", "tune",
)

BAD_INPUT = 2
INTERRUPTED = 130
# As of a program that SIGPIPE ends: what a shell says of `cat` before `head`.
READER_LEFT = 141


class Commands(Group):
    """The commands, each loaded when it is asked for: a quick one does not wait for the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(importlib.import_module(f".{name}", __name__), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Commands, invoke_without_command=True,
             context_settings=SETTINGS | {"max_content_width": 100})
@click.version_option(package_name="evenly", message="evenly %(version)s")
@click.pass_context
def evenly(context: click.Context) -> None:
    """Train networks well on a CPU, and find out what makes them train well."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    Bad input is one line on standard error and status 2; Ctrl-C is status 130; a pipe whose reader
    has ended is status 141, without a word.

    Args:
        arguments: the words after `evenly`; None takes those of this process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = evenly.main(words, prog_name="evenly", standalone_mode=False, obj=words)
        sys.stdout.flush()
    except OutputError as error:
        return READER_LEFT if error.reader_left else _complain(str(error))
    except click.ClickException as error:
        return _complain(error.format_message())
    except EvenlyError as error:
        return _complain(str(error))
    except (KeyboardInterrupt, click.Abort):
        click.echo("evenly: stopped", err=True)
        return INTERRUPTED
    except (MemoryError, RuntimeError) as error:
        # A thread that finds no room for its stack is an error of another type.
        if not isinstance(error, MemoryError) and "can't start new thread" not in str(error):
            raise
        return _complain("out of memory: use fewer rows or columns, or a smaller --hidden")
    return int(status or 0)


def main() -> None:
    """The program `evenly`."""
    take_over()
    sys.exit(run())


def _complain(message: str) -> int:
    click.echo(f"evenly: {' '.join(message.split())}", err=True)
    return BAD_INPUT
