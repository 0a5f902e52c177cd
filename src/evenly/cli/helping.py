"""How the commands show their help: examples first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from .examples import EXAMPLES

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "show_default": True}


def _write_examples(command: click.Command, formatter: click.HelpFormatter) -> None:
    if examples := EXAMPLES.get(command.name or ""):
        with formatter.section("Examples"):
            for line, does in examples:
                # Never broken over two lines: it is there to be copied.
                gap = "  " if len(line) < 40 else f"\n{'':{formatter.current_indent + 4}}"
                formatter.write(f"{'':{formatter.current_indent}}{line:<38}{gap}{does}\n")


class Command(click.Command):
    """A command whose help begins with examples."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_examples(self, formatter)
        super().format_help_text(ctx, formatter)


class Group(click.Group):
    """The same of all commands together."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_help_text(ctx, formatter)
        _write_examples(self, formatter)


def command(name: str | None = None) -> Callable[[Callable[..., Any]], Command]:
    """Declares a command of `evenly`."""
    return click.command(name, cls=Command, context_settings=SETTINGS)
