"""How a command is told to read a table: options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
# Options whose name is no name in Python.
WORDS = {"types": "as"}
READING = ("types", "decimal", "na", "sep", "encoding", "drop", "keep", "text")


def reading_options(command: F) -> F:
    """Adds the options to a command."""
    for option in reversed((
        click.option("--as", "types", multiple=True, metavar="NAME=TYPE",
                     help="Type of a column: number, boolean, date, category, text; d/m/y or "
                          "m/d/y for dates in this order."),
        click.option("--decimal", metavar="MARK", help="Decimal mark of all numbers: . or ,"),
        click.option("--na", multiple=True, metavar="WORD", help="A word that stands for a gap."),
        click.option("--sep", metavar="MARK", help="What stands between cells."),
        click.option("--encoding", metavar="NAME", help="Of a text file."),
        click.option("--drop", "--without", "drop", multiple=True, metavar="A,B",
                     help="Columns that are no inputs."),
        click.option("--keep", multiple=True, metavar="A,B",
                     help="Columns that stay inputs although a rule would leave them out."),
        click.option("--text", is_flag=True, help="Have free text as inputs, as hashed words."),
    )):
        command = option(command)
    return command


def reading_of(given: dict[str, Any]) -> dict[str, Any]:
    """The options as arguments of the estimators for tables.

    Raises:
        UsageError: one that means nothing.
    """
    from evenly.errors import DataError
    from evenly.tables.rules import Reading

    types = {}
    for word in given["types"]:
        name, equals, kind = word.rpartition("=")
        if not equals or not name:
            raise click.UsageError(f"--as: expects NAME=TYPE, such as zip=category, got '{word}'")
        types[name] = kind
    arguments = {
        "types": types, "decimal": given["decimal"], "na": given["na"],
        "drop": _names(given["drop"]), "keep": _names(given["keep"]), "text": given["text"],
    }
    try:
        Reading(**arguments)
    except DataError as error:
        text = str(error)
        if text.startswith("decimal:"):
            text = f"--{text}"
        elif "is no type" in text:
            text = f"--as: {text}"
        raise click.UsageError(text) from error
    return arguments


def _names(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.strip() for word in words for name in word.split(",") if name.strip())
