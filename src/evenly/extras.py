"""Packages that only some parts need: those of pyproject.toml's extras."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .errors import ConfigurationError


def needed(
    who: str, module: str, extra: str, package: str = "",
    error: type[Exception] = ConfigurationError, instead: str = "",
) -> Any:
    """A module of another package.

    Arguments:
        who: what needs it, as a message begins.
        module: its full name.
        extra: Evenly's extra that installs the package.
        package: as people call it; by default the module's first name.
        error: what is raised where it is missing.
        instead: what else could be done.

    Raises:
        error: it cannot be imported, with what to install; and why, where it is there.
    """
    try:
        return import_module(module)
    except ImportError as why:
        name = module.partition(".")[0]
        gone = isinstance(why, ModuleNotFoundError) and why.name == name
        said = "" if gone else f", which cannot be imported ({why})"
        raise error(f"{who} needs {package or name}{said}: pip install 'evenly[{extra}]'{instead}"
                    ) from why
