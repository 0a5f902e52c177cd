"""Values on a command line: an error names the option, the rule and what came."""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem


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
        self.rule = rule
        self._convert, self._fits = convert, fits

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            number = self._convert(value)
        except ValueError:
            number = None
        if number is None or not self._fits(number):
            name = param.opts[0] if param is not None else self.name
            raise click.UsageError(f"{name}: expects {self.rule}, got '{value}'", ctx)
        return number


class Word(click.ParamType):  # type: ignore[type-arg]
    """One of some words, as what it stands for; or else a value of another type.

    Arguments:
        table: what each word stands for.
        other: takes what is no such word; its rule is named behind the words.
    """

    def __init__(self, table: Mapping[str, Any], other: Checked | None = None) -> None:
        self.name = "word"
        self._table, self._other = table, other

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(word) for word in self._table if word.startswith(incomplete)]

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        if value in self._table:
            return self._table[value]
        if self._other is not None:
            try:
                return self._other.convert(value, param, ctx)
            except click.UsageError:
                pass
        name = param.opts[0] if param is not None else self.name
        close = difflib.get_close_matches(str(value).lower(), self._table, n=1, cutoff=0.5)
        rule = ", ".join(self._table) + (f", or {self._other.rule}" if self._other else "")
        hint = f": did you mean '{close[0]}'?" if close else ""
        raise click.UsageError(f"{name}: expects one of {rule}, got '{value}'{hint}", ctx)


AT_LEAST_1 = Checked("integer", int, "a whole number of at least 1", lambda n: n >= 1)
# What scikit-learn's random_state takes.
SEED = Checked("integer", int, "a whole number from 0 to 4294967295", lambda n: 0 <= n < 2**32)
RATE = Checked("float", float, "a share of at least 0 and below 1", lambda n: 0 <= n < 1)
POSITIVE = Checked("float", float, "a finite number above 0", lambda n: 0 < n < math.inf)
NOT_NEGATIVE = Checked("float", float, "a finite number of at least 0", lambda n: 0 <= n < math.inf)
SHARE = Checked("float", float, "a share above 0 and below 1", lambda n: 0 < n < 1)
SHARE_OF_100 = Checked("float", float, "a percentage above 0 and below 100", lambda n: 0 < n < 100)
# What is wrong with a file is told by whoever opens it.
CLASS_LOSSES = ("cross_entropy", "focal", "asymmetric")
LOSSES = ("squared", "absolute", "huber", "quantile", "poisson", "gamma")
# Of the options, those that numbers take and those that classes take, as arguments are named.
OF_NUMBERS = ("quantiles", "interval_fraction")
OF_CLASSES = ("class_weight", "threshold", "calibrate")
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


def class_weights(text: str | None) -> dict[str, float] | str | None:
    """`balanced`, or weights by class from ``yes=5,no=1``; click.UsageError for what is neither."""
    if text is None or text == "balanced":
        return text
    weights: dict[str, float] = {}
    for part in text.split(","):
        label, equals, number = part.rpartition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if not equals or not label or not 0 <= weight < math.inf or label in weights:
            raise click.UsageError(
                "--class-weight: expects balanced, or a weight of at least 0 for each class, as in "
                f"yes=5,no=1, got '{text}'"
            )
        weights[label] = weight
    return weights


def quantiles(text: str | None) -> tuple[float, ...] | None:
    """Quantiles from ``0.1,0.5,0.9``; click.UsageError for what is none."""
    if text is None:
        return None
    try:
        levels = tuple(float(part) for part in text.split(","))
    except ValueError:
        levels = ()
    if not levels or not all(0 < level < 1 for level in levels) or \
            any(b <= a for a, b in itertools.pairwise(levels)):
        raise click.UsageError(
            "--quantiles: expects numbers between 0 and 1, rising, with commas between them, as in "
            f"0.1,0.5,0.9, got '{text}'"
        )
    return levels


def threshold(text: str) -> float | str:
    """A probability, or the name of a measure to tune it for."""
    try:
        value = float(text)
    except ValueError:
        return text
    if not 0 < value < 1:
        raise click.UsageError(
            "--threshold: expects a probability above 0 and below 1, or the name of a measure, "
            f"such as f1, got '{text}'"
        )
    return value
