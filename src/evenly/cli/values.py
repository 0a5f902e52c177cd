"""Values on a command line: an error names the option, the rule and what came."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


class Checked(click.ParamType):  # type: ignore[type-arg]
    """A number within limits.

    Arguments:
        name: of the type, in the help.
        convert: makes a number of a text; ValueError where it is none.
        rule: what is expected, in words.
        fits: whether a number is so.
    """

    def __init__(
        self, name: str, convert: Callable[[str], Any], rule: str, fits: Callable[[Any], bool]
    ) -> None:
        self.name = name
        self._convert, self._rule, self._fits = convert, rule, fits

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            number = self._convert(value)
        except ValueError:
            number = None
        if number is None or not self._fits(number):
            name = param.opts[0] if param is not None else self.name
            raise click.UsageError(f"{name}: expects {self._rule}, got '{value}'", ctx)
        return number


AT_LEAST_1 = Checked("integer", int, "a whole number of at least 1", lambda n: n >= 1)
# What scikit-learn's random_state takes.
SEED = Checked("integer", int, "a whole number from 0 to 4294967295", lambda n: 0 <= n < 2**32)
RATE = Checked("float", float, "a share of at least 0 and below 1", lambda n: 0 <= n < 1)
# What is wrong with a file is told by whoever opens it.
PATH = click.Path(path_type=Path, readable=False)


def widths(text: str) -> tuple[int, ...]:
    """The widths of hidden layers, from ``128,64``; click.UsageError for what is none."""
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 1:
        raise click.UsageError(
            f"--hidden: expects whole numbers of at least 1 with commas between them, got '{text}'"
        )
    return numbers
