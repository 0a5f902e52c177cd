"""Arguments of the estimators that have no option of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
Estimator = TypeVar("Estimator")


def set_option(command: F) -> F:
    """Adds `--set` to a command."""
    return click.option(
        "--set", "sets", multiple=True, metavar="NAME=VALUE",
        help="Another argument of TableClassifier and TableRegressor, as in activation=gelu or "
             "optimizer__weight_decay=0.1.")(command)


def sets_of(words: tuple[str, ...]) -> dict[str, Any]:
    """Values by name; a value is JSON, none, or else text.

    Raises:
        UsageError: a word without an equals sign.
    """
    found = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise click.UsageError(f"--set: expects NAME=VALUE, such as activation=gelu, got "
                                   f"'{word}'")
        try:
            value = None if text == "none" else json.loads(text)
        except ValueError:
            value = text
        found[name.strip()] = tuple(value) if isinstance(value, list) else value
    return found


def with_sets(estimator: Estimator, sets: Mapping[str, Any]) -> Estimator:
    """The estimator, with these arguments.

    Raises:
        UsageError: a name that is no argument.
    """
    try:
        return estimator.set_params(**sets)  # type: ignore[attr-defined,no-any-return]
    except ValueError as error:
        raise click.UsageError(f"--set: {error}") from error
