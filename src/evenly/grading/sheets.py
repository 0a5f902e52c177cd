"""Files of answers: which exercise they answer, and by whom."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import DataError, EvenlyError, FileFormatError
from ..exercises import Exercise, topic
from .grade import Grade, check_steps, grade

# A sheet of 400 numbers takes some kilobytes.
LARGEST = 2**20
_FIELDS = ("exercise", "seed", "level", "sizes", "inputs", "convention", "answers", "name", "key")


@dataclass(frozen=True)
class Sheet:
    """A filled-in sheet.

    Attributes:
        exercise: what was asked.
        answers: what was answered, as :func:`grade` takes it.
        name: of the learner; "" if it does not say.
        key: whether it is no learner's, but the key of a sheet.
    """

    exercise: Exercise
    answers: Mapping[str, Any]
    name: str
    key: bool = False

    def grade(self) -> Grade:
        """The grade of the answers."""
        return grade(self.exercise, self.answers)


def sheet_of(data: Any) -> Sheet:
    """A sheet from what its file holds: :meth:`Exercise.sheet` with its blanks filled in, and
    perhaps a ``"name"``. A key says ``"key": true``.

    Raises:
        DataError, ConfigurationError: fields that are missing or wrong.
    """
    if not isinstance(data, dict):
        raise DataError(f"a sheet of answers is an object with fields, got {type(data).__name__}")
    for field in data:
        if field not in _FIELDS:
            raise DataError(f"a sheet has no field '{field[:40]}'; there are {', '.join(_FIELDS)}")
    for field, kind, words in (("exercise", str, "the name of an exercise"),
                               ("answers", dict, "answers by step")):
        if not isinstance(data.get(field), kind):
            raise DataError(f"'{field}' must be {words}, got {data.get(field)!r:.60}")
    name, sizes = data.get("name", ""), data.get("sizes", {})
    if not isinstance(name, str) or len(name) > 200:
        raise DataError(f"'name' must be text of at most 200 characters, got {name!r:.60}")
    made = topic(data["exercise"])
    known = [size.name for size in made.sizes]
    if not isinstance(sizes, dict) or any(key not in known for key in sizes):
        raise DataError(f"'sizes' must be numbers by name, of {', '.join(known) or 'none'}, got "
                        f"{sizes!r:.60}")
    if not isinstance(data.get("key", False), bool):
        raise DataError(f"'key' must be true or false, got {data['key']!r:.60}")
    convention = data.get("convention", "")
    if not isinstance(convention, str):
        raise DataError(f"'convention' must be a word, got {convention!r:.60}")
    exercise = made.exercise(data.get("seed", 0), data.get("level", 1), data.get("inputs"),
                             convention, **sizes)
    check_steps(exercise, data["answers"])
    for field in ("level",) if "inputs" in data else ("seed", "level"):
        if field not in data:
            raise DataError(f"'{field}' is missing: without it nobody knows which numbers were "
                            "asked for; it stands in the sheet that evenly exercise wrote")
    return Sheet(exercise, data["answers"], " ".join(name.split()), data.get("key", False))


def read_sheet(path: str | os.PathLike[str]) -> Sheet:
    """A sheet from its file.

    Raises:
        FileFormatError: no JSON, too large, or fields that are missing or wrong.
        OSError: as ``open``.
    """
    with open(path, "rb") as file:
        raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise FileFormatError(path, f"larger than {LARGEST:,} bytes, which no sheet of answers is")
    try:
        return sheet_of(json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse))
    except EvenlyError as error:
        raise FileFormatError(path, str(error)) from error
    except (ValueError, RecursionError) as error:
        raise FileFormatError(path, f"not a JSON file: {error}") from error


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not a finite number")
