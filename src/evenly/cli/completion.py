"""`evenly completion`: what makes a shell complete the commands and their options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .helping import command

# What the shell asks the program with, behind its name.
VARIABLE = "_EVENLY_COMPLETE"


@command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Write lines that make SHELL complete commands, options, words and files.

    Put the line of the example into the file it names, and open a new shell. Bash: 4.4 or later.
    """
    maker = get_completion_class(shell)
    assert maker is not None
    click.echo(maker(click.get_current_context().find_root().command, {}, "evenly",
                     VARIABLE).source())
    return 0
