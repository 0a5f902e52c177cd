"""Which exercise a request is about: read from a link or from JSON, and written as a link."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from starlette.datastructures import QueryParams

from ..exercises import CATALOGUE, Exercise, topic
from ..grading.answers import AnswerError, read_answer
from .refusals import Refusal

# As many as exercises have, and more.
_PARAMETERS, _DEEPEST = 24, 8


def from_link(name: str, query: QueryParams) -> Exercise:
    """The exercise that a link names: ``/exercise/batch-norm?seed=7&level=2&examples=4``.

    Raises:
        Refusal, ConfigurationError, DataError: there is no such exercise.
    """
    given = query.multi_items()
    if len(given) > _PARAMETERS:
        raise Refusal(400, f"The link has {len(given)} parameters; at most {_PARAMETERS} are read.")
    words: dict[str, str] = {}
    for key, value in given:
        if key in words:
            raise Refusal(400, f"The link says '{key}' twice.")
        words[key] = value
    text, convention = words.pop("inputs", ""), words.pop("convention", "")
    inputs = parse(text, "The link's inputs") if text else None
    numbers = {key: _whole(key, value) for key, value in words.items()}
    return _made(name, numbers.pop("seed", 0), numbers.pop("level", 1), inputs, convention,
                 numbers)


def from_json(data: Mapping[str, Any]) -> Exercise:
    """The exercise that a request names: ``{"exercise": "batch-norm", "seed": 7, "level": 2,
    "sizes": {"examples": 4}}``, as in :meth:`Exercise.sheet`.

    Raises:
        Refusal, ConfigurationError, DataError: there is no such exercise.
    """
    name = data.get("exercise")
    if not isinstance(name, str):
        raise Refusal(400, "'exercise' must be the name of an exercise, such as \"batch-norm\".")
    sizes = data.get("sizes", {})
    if not isinstance(sizes, dict):
        raise Refusal(400, "'sizes' must be whole numbers by name, such as {\"examples\": 4}.")
    convention = data.get("convention", "")
    if not isinstance(convention, str):
        raise Refusal(400, "'convention' must be a word.")
    return _made(name, data.get("seed", 0), data.get("level", 1), data.get("inputs"), convention,
                 sizes)


def link(exercise: Exercise, page: str = "exercise", **other: int) -> str:
    """The address of an exercise, with everything that it consists of.

    Arguments:
        exercise: what it leads to.
        page: ``"exercise"``, ``"sheet"`` or ``"key"``.
        other: another seed or level.
    """
    words = exercise.place
    if exercise.own and "seed" not in other:
        words["inputs"] = compact(own_inputs(exercise))
    return f"/{page}/{quote(exercise.topic.name)}?{urlencode({**words, **other})}"


def own_inputs(exercise: Exercise) -> dict[str, Any]:
    """The numbers of an exercise by name, as nested lists: whole ones as such, others as text."""
    return exercise.numbers()


def compact(data: Any) -> str:
    """JSON without spaces."""
    return json.dumps(data, separators=(",", ":"))


def parse(text: str | bytes, what: str) -> Any:
    """JSON, strictly.

    Raises:
        Refusal: it is none.
    """
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Refusal(400, f"{what} must be UTF-8.") from error
    if _depth(text) > _DEEPEST:
        raise Refusal(400, f"{what} must not be nested deeper than {_DEEPEST} levels.")
    try:
        data = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object)
        # Half of a character is no text.
        json.dumps(data, ensure_ascii=False).encode("utf-8")
    except _Twice as error:
        raise Refusal(400, f"{what} must say '{error}' once.") from error
    except ValueError as error:
        raise Refusal(400, f"{what} must be JSON.") from error
    return data


def _made(name: str, seed: Any, level: Any, inputs: Any, convention: str,
          sizes: Mapping[str, Any]) -> Exercise:
    if name not in CATALOGUE:
        found = topic_refusal(name)
        raise Refusal(404, found)
    if inputs is not None and not isinstance(inputs, dict):
        raise Refusal(400, "'inputs' must be numbers by name, such as {\"x\": [[1, 2]]}.")
    known = [size.name for size in topic(name).sizes]
    for size in sizes:
        if size not in known:
            raise Refusal(400, f"{name} has no size '{size}'; there are {', '.join(known)}.")
    if inputs is not None:
        read = {key: _typed(f"{name}: {key}", value) for key, value in inputs.items()}
        return topic(name).exercise(seed, level, read, convention, **sizes)
    if all(type(number) is int for number in (seed, level, *sizes.values())):
        return _drawn(name, seed, level, convention, tuple(sorted(sizes.items())))
    # What is no whole number is refused by the topic.
    return topic(name).exercise(seed, level, None, convention, **sizes)


@functools.lru_cache(maxsize=64)
def _drawn(name: str, seed: int, level: int, convention: str,
           sizes: tuple[tuple[str, int], ...]) -> Exercise:
    return topic(name).exercise(seed, level, None, convention, **dict(sizes))


def topic_refusal(name: str) -> str:
    """What is said of an exercise that there is not."""
    try:
        topic(name)
    except ValueError as error:
        return as_sentence(str(error))
    raise AssertionError(name)


def as_sentence(message: str) -> str:
    """A message of the library's as a sentence."""
    return f"{message[:1].upper()}{message[1:]}{'' if message.endswith('?') else '.'}"


def _typed(what: str, value: Any) -> Any:
    """Numbers as they are typed into the page, the way answers are: those that are text as
    fractions."""
    if isinstance(value, list):
        return [_typed(what, part) for part in value]
    if not isinstance(value, str):
        return value
    try:
        number = read_answer(value).value.fraction
    except AnswerError as error:
        if error.asks:
            raise Refusal(400, f"{what}: {error}") from error
        return value
    # What is no fraction, and what is no number, the topic refuses.
    return value if number is None else str(number)


def _whole(key: str, value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,20}", value):
        raise Refusal(400, f"The link's '{key}' must be a whole number of at least 0, got "
                           f"'{value[:40]}'.")
    return int(value)


def _depth(text: str) -> int:
    """How deep brackets are nested at most, outside of strings."""
    depth = deepest = 0
    for mark in re.findall(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', text):
        depth += (mark in "[{") - (mark in "]}")
        deepest = max(deepest, depth)
    return deepest


class _Twice(ValueError):
    """A name that an object has twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise _Twice(key[:40])
        made[key] = value
    return made


def _no_constant(name: str) -> Any:
    raise ValueError(name)
