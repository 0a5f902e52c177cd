"""The public names, where each has its page, and what it is told to be."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import evenly as ev
from evenly import errors
from evenly.layers.base import Layer
from evenly.losses.base import Loss
from evenly.optimizers.base import Optimizer

# Modules whose names are told by the module's too, as far as there are such modules.
MODULES = ("claims", "callbacks")
# Folders of pages that show more than the docstring, by what their names are.
FOLDERS = {"layers": Layer, "losses": Loss, "optimizers": Optimizer}


@dataclass(frozen=True)
class Name:
    """A public name.

    Attributes:
        path: how it is written, ``"evenly.BatchNorm"``.
        folder: of its page.
        group: its module, for the list of the reference.
    """

    path: str
    folder: str
    group: str

    @property
    def short(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def value(self) -> Any:
        return getattr(import_module(self.path.rpartition(".")[0]), self.short)

    @property
    def page(self) -> str:
        return f"{self.folder}/{self.path.removeprefix('evenly.')}"

    @property
    def sentence(self) -> str:
        """The first sentence of its docstring, in a line."""
        first = " ".join((inspect.getdoc(self.value) or "").split("\n\n")[0].split())
        first = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", first).replace("``", "`")
        return re.sub(r"\.:$", ".", re.split(r"(?<=\.) (?=[A-Z`])", first)[0])


def _folder(value: Any) -> str:
    for folder, base in FOLDERS.items():
        if inspect.isclass(value) and issubclass(value, base) and value is not base:
            return folder
    return "reference"


def names() -> Iterator[Name]:
    """All public names, in the order of the package's table."""
    for group, own in ev._NAMES.items():
        for name in own:
            yield Name(f"evenly.{name}", _folder(getattr(ev, name)), group.split(".")[0])
    for name, value in vars(errors).items():
        if inspect.isclass(value) and issubclass(value, errors.EvenlyError):
            yield Name(f"evenly.errors.{name}", "reference", "errors")
    for module in MODULES:
        if find_spec(f"evenly.{module}"):
            home = import_module(f"evenly.{module}")
            for name in home.__all__:
                yield Name(f"evenly.{module}.{name}", "reference", module)
