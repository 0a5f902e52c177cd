"""Old names and arguments, which warn for two minor versions and then go (docs/versions.md)."""

from __future__ import annotations

import functools
import inspect
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from .version import __version__

P = ParamSpec("P")
R = TypeVar("R")

# Minor versions that still take what is deprecated: the one that says so, and the next.
KEPT = 2


class EvenlyDeprecationWarning(FutureWarning):
    """A name or an argument that a coming version no longer has. Shown to everyone: whoever runs a
    script is told in time, not its author alone."""


def gone_in(since: str, version: str = __version__) -> str:
    """The version that has it no more.

    Arguments:
        since: the minor version that deprecates it, such as ``"0.3"``.
        version: the present one. Where it has come so far, what is declared must be deleted.

    >>> gone_in("0.3", version="0.4.1")
    '0.5'
    """
    if not re.fullmatch(r"\d+\.\d+", since):
        raise ValueError(f"since={since!r}: expects a minor version, such as '0.3'")
    major, minor = map(int, since.split("."))
    end = (major, minor + KEPT)
    if tuple(map(int, version.split(".")[:2])) >= end:
        raise RuntimeError(f"deprecated since {since}, and this is {version}: delete it")
    return f"{end[0]}.{end[1]}"


def _warn(what: str, since: str, instead: str, level: int) -> None:
    warnings.warn(f"{what} is deprecated since {since} and goes in {gone_in(since)}: use {instead}",
                  EvenlyDeprecationWarning, stacklevel=level)


def deprecated(since: str, instead: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Marks a function or method.

    Arguments:
        since: the minor version that deprecates it.
        instead: what to use, as code.

    Example:

    >>> @deprecated("0.1", "mean(x)")
    ... def average(x):
    ...     return sum(x) / len(x)
    """
    gone_in(since)

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def warned(*arguments: P.args, **named: P.kwargs) -> R:
            _warn(f"{function.__qualname__}()", since, instead, 3)
            return function(*arguments, **named)

        return warned

    return mark


def renamed_arguments(since: str, **names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Lets a function take arguments by their old names too.

    Arguments:
        since: the minor version that renames them.
        names: the new name of each old one.

    Raises:
        TypeError: when the function is called: both names are given.

    Example:

    >>> @renamed_arguments("0.1", momentum="decay")
    ... def norm(x, decay=0.9):
    ...     return decay
    """
    gone_in(since)

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        unknown = set(names.values()) - set(inspect.signature(function).parameters)
        if unknown:
            raise ValueError(f"{function.__qualname__}(): has no argument {', '.join(unknown)}")

        @functools.wraps(function)
        def warned(*arguments: P.args, **named: P.kwargs) -> R:
            for old in names.keys() & named.keys():
                new = names[old]
                what = f"{function.__qualname__}({old}=)"
                if new in named:
                    raise TypeError(f"{what} is the old name of {new}=: give one of them")
                _warn(what, since, f"{new}=", 3)
                named[new] = named.pop(old)
            return function(*arguments, **named)

        return warned

    return mark


def with_old_names(
    package: str, get: Callable[[str], Any], names: Mapping[str, tuple[str, str]]
) -> Callable[[str], Any]:
    """``__getattr__`` of a package that still answers to old names.

    Arguments:
        package: its name.
        get: its ``__getattr__``, as :func:`evenly.lazy.lazily` makes it.
        names: of each old name the new one, and the minor version that renames it.
    """
    for _, since in names.values():
        gone_in(since)

    def answer(name: str) -> Any:
        if name not in names:
            return get(name)
        new, since = names[name]
        _warn(f"{package}.{name}", since, f"{package}.{new}", 3)
        return get(new)

    return answer
