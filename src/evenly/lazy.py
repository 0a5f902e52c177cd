"""Packages whose names are loaded when they are asked for: what is not used costs no time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


def lazily(
    package: str, names: Mapping[str, Iterable[str]], modules: Iterable[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package.

    Arguments:
        package: its name.
        names: what it hands on from each of its modules, by the module's name within it.
        modules: modules of it that are handed on themselves.
    """
    homes = {name: home for home, own in names.items() for name in own}
    whole = frozenset(modules)

    def get(name: str) -> Any:
        if name in whole:
            return import_module(f".{name}", package)
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        value = getattr(import_module(f".{homes[name]}", package), name)
        setattr(sys.modules[package], name, value)
        return value

    def names_of() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes, *whole})

    return get, names_of
