"""Studies by name and by file."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import pkgutil
import sys
from functools import cache
from pathlib import Path

from ..study.errors import StudyError
from .study import Study, with_origin


def names() -> tuple[str, ...]:
    """The ready studies, those of the tour first."""
    return tuple(ready())


def tour() -> tuple[Study, ...]:
    """The studies that ``evenly study`` runs without arguments."""
    from . import ready as room

    return tuple(ready()[name] for name in room.TOUR)


@cache
def ready() -> dict[str, Study]:
    """The ready studies by name: every study of every module of :mod:`evenly.claims.ready`."""
    from . import ready as room

    found: dict[str, Study] = {}
    for module in pkgutil.iter_modules(room.__path__):
        loaded = importlib.import_module(f"{room.__name__}.{module.name}")
        for study in _studies(loaded):
            assert study.name not in found, f"two studies are called {study.name}"
            found[study.name] = study
    order = {name: place for place, name in enumerate(room.TOUR)}
    return dict(sorted(found.items(), key=lambda item: (order.get(item[0], len(order)), item[0])))


def load(name: str) -> Study:
    """A ready study by its name, or a user's by the path of its file.

    Raises:
        StudyError: there is none; the file cannot be loaded or holds none.

    Example:
        >>> from evenly.claims import load
        >>> load("zero-weights").claim[:12]
        'Zero weights'
    """
    if name.endswith(".py"):
        return from_file(name)
    if name in ready():
        return ready()[name]
    close = difflib.get_close_matches(name.lower(), names(), n=1, cutoff=0.5)
    remedy = f"did you mean '{close[0]}'?" if close else "evenly study --list shows all"
    raise StudyError(f"study: there is no '{name}': {remedy}")


def from_file(path: str, name: str | None = None) -> Study:
    """The study in a Python file; of several the one of that name. The file is run, once for each
    of its contents.

    Raises:
        StudyError: the file is not there, does not run, or holds no study of that name.
    """
    file = Path(path).resolve()
    if not file.is_file():
        raise StudyError(f"{path}: there is no such file")
    found = [study for study in _of_file(file, file.read_bytes(), path)
             if name in (None, study.name)]
    if not found:
        raise StudyError(f"{path}: holds no Study: assign one to a name, as STUDY = Study(...)")
    if len(found) > 1:
        raise StudyError(f"{path}: holds {len(found)} studies: keep one to a file")
    return with_origin(found[0], path)


@cache
def _of_file(file: Path, contents: bytes, path: str) -> list[Study]:
    module_name = f"evenly_study_{hashlib.sha256(contents + bytes(file)).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise StudyError(f"{path}: is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    # What was compiled of the file before may be of other contents, written in the same second.
    try:
        exec(compile(contents, str(file), "exec"), module.__dict__)
    except Exception as error:
        line = _line_of(error, file)
        raise StudyError(f"{path}{line}: {type(error).__name__}: {error}") from error
    return _studies(module)


def _studies(module: object) -> list[Study]:
    return [value for value in vars(module).values() if isinstance(value, Study)]


def _line_of(error: Exception, file: Path) -> str:
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    trace, line = error.__traceback__, ""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            line = f", line {trace.tb_lineno}"
        trace = trace.tb_next
    return line
