"""What is answered to whom."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response

from ..exercises import CATALOGUE, Exercise, Topic, claims, topic
from . import lessons, present, spec
from .guard import LONGEST_BODY
from .pages import render
from .refusals import Refusal, answer

T = TypeVar("T")

# Exercises are worked out by so many threads; so many requests may wait for one.
_THREADS, _WAITING = 2, 32
# Seconds that a request's body may take to arrive.
_PATIENCE = 10.0
_ANSWERS, _ANSWER = 2_000, 100
# Seeds that one can say aloud.
_SEEDS = 10_000

# The parts of the catalogue, and the modules whose topics belong there.
_GROUPS = {
    "Normalization": ("batch_norm", "normalizations", "weight_norm", "statistics"),
    "Layers": ("linear", "windows", "output_sizes", "recurrent", "gates", "members", "fronts"),
    "Activations": ("activations",),
    "Losses": ("losses",),
    "Initialization": ("initialization", "depth", "orthogonal"),
    "Regularization": ("dropout", "penalties", "targets"),
    "Optimization": ("optimizers", "adaptive", "clipping", "schedules", "watching",
                     "mini_batches", "averaging"),
}
_OTHERS = "More"


class Endpoints:
    """The pages and what they ask, with a bounded number of threads that do the arithmetic."""

    def __init__(self, kept: Path | None = None) -> None:
        self.kept = kept
        self.limiter: anyio.CapacityLimiter | None = None
        self.waiting = 0

    # Pages ---------------------------------------------------------------------------------------

    async def catalogue(self, request: Request) -> Response:
        """All exercises, or those that hold every word of a search."""
        return HTMLResponse(await self._worked(_catalogue, request.query_params.get("q", "")[:100]))

    async def exercise(self, request: Request) -> Response:
        return HTMLResponse(await self._worked(_exercise, *_link(request)))

    async def sheet(self, request: Request) -> Response:
        return HTMLResponse(await self._worked(_sheet, *_link(request), False))

    async def key(self, request: Request) -> Response:
        return HTMLResponse(await self._worked(_sheet, *_link(request), True))

    async def lessons(self, request: Request) -> Response:
        return HTMLResponse(await self._worked(lessons.overview))

    async def lesson(self, request: Request) -> Response:
        return HTMLResponse(await self._worked(lessons.page, *_link(request), self.kept))

    # Questions -----------------------------------------------------------------------------------

    async def grade(self, request: Request) -> Response:
        """An exercise and answers: the verdicts."""
        data = await self._json(request, {"exercise", "seed", "level", "sizes", "inputs",
                                          "convention", "answers"})
        return answer(await self._worked(_grade, data))

    async def work(self, request: Request) -> Response:
        """An exercise: how its numbers come about."""
        data = await self._json(request, {"exercise", "seed", "level", "sizes", "inputs",
                                          "convention", "steps"})
        return answer(await self._worked(_work, data))

    async def _json(self, request: Request, known: set[str]) -> dict[str, Any]:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refusal(415, "The request must be JSON, with the header Content-Type: "
                               "application/json.")
        body = b""
        try:
            with anyio.fail_after(_PATIENCE):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > LONGEST_BODY:
                        raise Refusal(413, f"The request is too long: at most {LONGEST_BODY} "
                                           "bytes.")
        except TimeoutError as error:
            raise Refusal(408, "The request took too long to arrive.") from error
        except ClientDisconnect as error:
            raise Refusal(400, "The request broke off.") from error
        data = spec.parse(body, "The request")
        if not isinstance(data, dict):
            raise Refusal(400, "The request must be a JSON object.")
        for name in data:
            if name not in known:
                raise Refusal(400, f"The request knows no '{name}'; there are "
                                   f"{', '.join(sorted(known))}.")
        return data

    async def _worked(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function returns, worked out in a thread."""
        if self.limiter is None:
            self.limiter = anyio.CapacityLimiter(_THREADS)
        if self.waiting >= _WAITING:
            raise Refusal(503, "Too many are asking at once. Try again in a moment.")
        self.waiting += 1
        try:
            return await anyio.to_thread.run_sync(functools.partial(function, *arguments),
                                                  limiter=self.limiter)
        finally:
            self.waiting -= 1


def _link(request: Request) -> tuple[str, Any]:
    return request.path_params["name"], request.query_params


def _catalogue(words: str) -> str:
    wanted = words.lower().split()
    found: dict[str, list[Topic]] = {group: [] for group in (*_GROUPS, _OTHERS)}
    for name, module in CATALOGUE.items():
        own = topic(name)
        if all(word in _text(own) for word in wanted):
            group = next((g for g, modules in _GROUPS.items()
                          if module.rpartition(".")[2] in modules), _OTHERS)
            found[group].append(own)
    groups = {group: topics for group, topics in found.items() if topics}
    return render("catalogue.html.j2", groups=groups, every=len(CATALOGUE), words=words,
                  count=sum(map(len, groups.values())), text=_text,
                  seed=secrets.randbelow(_SEEDS))


def _text(topic: Topic) -> str:
    """Where a search looks."""
    return " ".join([topic.name, topic.title, topic.about, *topic.levels]).lower()


def _exercise(name: str, query: Any) -> str:
    exercise = spec.from_link(name, query)
    identity = exercise.sheet()
    identity.pop("answers")
    return render(
        "exercise.html.j2", exercise=exercise, topic=exercise.topic,
        texts=present.texts(exercise), given=present.given(exercise),
        asked=present.asked(exercise), inputs=present.inputs(exercise),
        identity=spec.compact(identity), start=spec.compact(spec.own_inputs(exercise)),
        links=_links(exercise), claims=claims.sentence(name),
        around=lessons.around(name, exercise.level),
    )


def _links(exercise: Exercise) -> dict[str, str]:
    return {
        "this": spec.link(exercise), "sheet": spec.link(exercise, "sheet"),
        "key": spec.link(exercise, "key"),
        "new": spec.link(exercise, seed=secrets.randbelow(_SEEDS)),
    }


def _sheet(name: str, query: Any, answers: bool) -> str:
    exercise = spec.from_link(name, query)
    worked = present.shown_work(exercise, list(exercise.asked)) if answers else []
    return render(
        "sheet.html.j2", exercise=exercise, topic=exercise.topic, answers=answers,
        texts=present.texts(exercise), given=present.given(exercise),
        asked=present.asked(exercise), worked={step["key"]: step for step in worked},
        links=_links(exercise),
    )


def _grade(data: dict[str, Any]) -> dict[str, Any]:
    from ..grading import grade

    exercise = spec.from_json(data)
    return dict(grade(exercise, _answers(exercise, data.get("answers"))).as_dict())


def _answers(exercise: Exercise, answers: Any) -> dict[str, Any]:
    """Answers as the grader takes them: of each step its array, nested lists of text."""
    if not isinstance(answers, dict):
        raise Refusal(400, "'answers' must be nested lists of text by step.")
    left = [_ANSWERS]
    read = {}
    for key, value in answers.items():
        if key not in exercise.asked:
            raise Refusal(400, f"'answers' has no step '{key}'; there are "
                               f"{', '.join(exercise.asked)}.")
        read[key] = _read(f"The answer to '{key}'", value, exercise.asked[key].value.shape, left)
    return read


def _read(what: str, value: Any, shape: tuple[int, ...], left: list[int]) -> Any:
    if shape:
        if not isinstance(value, list) or len(value) != shape[0]:
            got = len(value) if isinstance(value, list) else "no list"
            raise Refusal(400, f"{what} must have the shape of its step: {shape[0]} here, got "
                               f"{got}.")
        return [_read(what, part, shape[1:], left) for part in value]
    left[0] -= 1
    if left[0] < 0:
        raise Refusal(400, f"At most {_ANSWERS} answers are graded at once.")
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise Refusal(400, f"{what} must consist of text or numbers.")
    text = str(value)
    if len(text) > _ANSWER:
        raise Refusal(400, f"{what} must consist of numbers of at most {_ANSWER} characters.")
    return text


def _work(data: dict[str, Any]) -> dict[str, Any]:
    exercise = spec.from_json(data)
    keys = data.get("steps", list(exercise.asked))
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise Refusal(400, "'steps' must be a list of names.")
    for key in keys:
        if key not in exercise.asked:
            raise Refusal(400, f"'steps' has no '{key}'; there are {', '.join(exercise.asked)}.")
    return {
        "title": exercise.title, "link": spec.link(exercise),
        "steps": present.shown_work(exercise, list(dict.fromkeys(keys))),
        "given": [{"step": part.number, "cells": [asdict(cell) for matrix in part.matrices
                                                  for _, row in matrix.rows for cell in row]}
                  for part in present.given(exercise)],
    }
