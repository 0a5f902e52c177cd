"""What has been done of the lessons, kept in a file of the user's: nothing else is, and nothing is
sent anywhere.

The file is JSON. It is written under a temporary name and renamed, and only over a file that was
read as one of these.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import files
from ..errors import FileFormatError

VERSION = 1
_LARGEST = 2**20
_KIND = "lessons"


@dataclass(frozen=True)
class Kept:
    """What came of a study that was run from a lesson.

    Attributes:
        verdict: of the claim.
        sentence: what was found.
        effect: the part that decided it, in numbers.
    """

    verdict: str
    sentence: str
    effect: str


@dataclass(frozen=True)
class Progress:
    """What the file holds.

    Attributes:
        done: the keys of the steps that are done, by lesson.
        kept: what came of studies, by name.
    """

    done: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kept: Mapping[str, Kept] = field(default_factory=dict)

    def has(self, lesson: str, key: str) -> bool:
        return key in self.done.get(lesson, ())

    def with_done(self, lesson: str, key: str) -> Progress:
        """With a further step done."""
        keys = dict.fromkeys([*self.done.get(lesson, ()), key])
        return replace(self, done={**self.done, lesson: tuple(keys)})

    def without(self, lesson: str) -> Progress:
        """With nothing done of a lesson."""
        return replace(self, done={k: v for k, v in self.done.items() if k != lesson})

    def with_kept(self, study: str, kept: Kept) -> Progress:
        """With what came of a study."""
        return replace(self, kept={**self.kept, study: kept})


class Book:
    """The file at hand: what has been done, and a place for what is done next.

    Where it cannot be read or written, that is told once, and progress is held for this time only:
    a file that was not understood is never written over.

    Arguments:
        path: of the file.
        tell: called with what is wrong with it, in words.
    """

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        self.path, self._tell = path, tell
        self.progress, self._writes = Progress(), True
        self._try(lambda: read(path), "read")

    def change(self, how: Callable[[Progress], Progress]) -> None:
        """Keeps a change, made to what the file holds now: another terminal may have written."""
        self.progress = how(self.progress)
        if self._writes:
            self._try(lambda: self._written(how), "written")

    def _written(self, how: Callable[[Progress], Progress]) -> Progress:
        progress = how(read(self.path))
        write(self.path, progress)
        return progress

    def _try(self, get: Callable[[], Progress], what: str) -> None:
        try:
            self.progress = get()
        except FileFormatError as error:
            self._writes = False
            self._tell(f"{error}; progress is not kept")
        except OSError as error:
            self._writes = False
            self._tell(f"{self.path}: cannot be {what}: {error.strerror or error}; progress is not "
                       "kept: XDG_DATA_HOME names another folder")


def place(environment: Mapping[str, str] | None = None) -> Path:
    """Where progress is kept: ``$XDG_DATA_HOME/evenly/lessons.json``, without the variable
    ``~/.local/share/evenly/lessons.json``, on Windows in ``%LOCALAPPDATA%``."""
    environment = os.environ if environment is None else environment
    folder = environment.get("XDG_DATA_HOME", "")
    if not os.path.isabs(folder):  # the specification asks to pass over others
        folder = environment.get("LOCALAPPDATA", "") if sys.platform == "win32" else ""
    base = Path(folder) if folder else Path.home() / ".local" / "share"
    return base / "evenly" / "lessons.json"


def read(path: Path) -> Progress:
    """What has been done; nothing where there is no file.

    Raises:
        FileFormatError: a file that is no record of lessons, is damaged, or of a newer version.
        OSError: as ``open``.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # before open, which would wait for ever at a pipe
            raise FileFormatError(path, "is no file: move it away")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return Progress()
    if len(data) > _LARGEST:
        raise _foreign(path, f"it has more than {_LARGEST:,} bytes")
    try:
        content = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise _foreign(path, f"{error}") from error
    if not isinstance(content, dict) or content.get("evenly") != _KIND:
        raise _foreign(path, "it does not say that it is one")
    if content.get("version") != VERSION:
        raise FileFormatError(path, f"is of version {str(content.get('version'))[:20]}; this "
                                    f"Evenly reads version {VERSION}: use a newer Evenly")
    try:
        return Progress({name: _texts(keys) for name, keys in content["done"].items()},
                        {name: Kept(*_texts([one["verdict"], one["sentence"], one["effect"]]))
                         for name, one in content["studies"].items()})
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise _foreign(path, f"its fields are not as they were written: {error}") from error


def write(path: Path, progress: Progress) -> None:
    """Keeps what has been done, whole or not at all.

    Raises:
        OSError: a folder or file that cannot be written.
    """
    content = {
        "evenly": _KIND, "version": VERSION,
        "done": {name: list(keys) for name, keys in progress.done.items()},
        "studies": {name: vars(kept) for name, kept in progress.kept.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_bytes(path, (json.dumps(content, indent=1) + "\n").encode())


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"expects text, got {values!r:.60}")
    return tuple(values)


def _foreign(path: Path, why: str) -> FileFormatError:
    return FileFormatError(path, f"is no record of lessons, or damaged: {why}: move it away, and "
                                 "a new one is begun")
