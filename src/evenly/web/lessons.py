"""The pages of lessons: all of them, and one with its steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.datastructures import QueryParams

from ..errors import EvenlyError
from ..lessons import Claimed, Lesson, Own, Predict, Read, Sheet, Step, lesson, lessons, with_topic
from ..lessons.progress import Kept, read
from . import spec
from .pages import render
from .refusals import Refusal

_LONGEST_ANSWER = 100


def overview() -> str:
    """The page of all lessons."""
    return render("lessons.html.j2", lessons=lessons(), compact=spec.compact)


def page(name: str, query: QueryParams, kept: Path | None) -> str:
    """The page of a lesson.

    Arguments:
        name: of the lesson.
        query: a prediction, ``step=3&answer=5/2``, or nothing.
        kept: the file in which the terminal keeps what came of studies; None: none is read.

    Raises:
        Refusal: there is no such lesson or step.
    """
    found = _found(name)
    predicted, answer = _prediction(found, query)
    studies, trouble = _kept(kept)
    steps = [_step(number, step, studies, answer if number == predicted else None)
             for number, step in enumerate(found.steps, 1)]
    return render("lesson.html.j2", lesson=found, steps=steps, trouble=trouble,
                  local=kept is not None)


def around(topic: str, level: int) -> list[tuple[str, str]]:
    """(link, title) of the lessons that an exercise belongs to, at its step."""
    return [(f"/lesson/{found.name}{_anchor(found, topic, level)}", found.title)
            for found in with_topic(topic)]


def _anchor(found: Lesson, topic: str, level: int) -> str:
    """Where a sheet stands in a lesson: at its level, else at any."""
    own = [(step.level != level, number) for number, step in enumerate(found.steps, 1)
           if isinstance(step, Sheet) and step.topic == topic]
    return f"#step-{min(own)[1]}" if own else ""


def _found(name: str) -> Lesson:
    try:
        return lesson(name)
    except EvenlyError as error:
        raise Refusal(404, spec.as_sentence(str(error))) from error


def _prediction(found: Lesson, query: QueryParams) -> tuple[int, str]:
    """(the number of the step that was answered, the answer); (0, "") where nothing was."""
    words: Mapping[str, str] = dict(query)
    if not words:
        return 0, ""
    if set(words) != {"step", "answer"} or len(query.multi_items()) != 2:
        raise Refusal(400, "The link of a lesson knows 'step' and 'answer', once each.")
    if not (words["step"].isascii() and words["step"].isdecimal() and len(words["step"]) < 4):
        raise Refusal(400, f"The link's 'step' must be a whole number, got '{words['step'][:40]}'.")
    number = int(words["step"])
    if not isinstance(found.step(number), Predict):
        raise Refusal(400, f"Step {number} of this lesson asks for no number.")
    if len(words["answer"]) > _LONGEST_ANSWER:
        raise Refusal(400, f"An answer has at most {_LONGEST_ANSWER} characters.")
    return number, words["answer"]


def _kept(path: Path | None) -> tuple[Mapping[str, Kept], str]:
    """(what came of studies, what is wrong with the file)."""
    try:
        return ({}, "") if path is None else (read(path).kept, "")
    except EvenlyError as error:
        return {}, str(error)
    except OSError as error:
        return {}, f"{path}: cannot be read: {error.strerror or error}"


def _step(number: int, step: Step, studies: Mapping[str, Kept], answer: str | None
          ) -> dict[str, Any]:
    """A step as the template shows it."""
    shown: dict[str, Any] = {
        "number": number, "kind": step.kind, "title": step.title,
        "key": step.key, "texts": (), "formula": "", "source": "", "lines": "", "sheet": None,
        "predict": None, "answer": answer, "right": None, "words": "", "kept": None,
        "tested": isinstance(step, Claimed),
    }
    if isinstance(step, Read):
        return shown | {"texts": step.text, "formula": step.formula, "source": step.source}
    if isinstance(step, Sheet):
        identity = step.exercise.sheet()
        identity.pop("answers")
        return shown | {"texts": (step.why,), "sheet": {
            "link": spec.link(step.exercise), "identity": spec.compact(identity),
            "paper": spec.link(step.exercise, "sheet")}}
    if isinstance(step, Claimed):
        return shown | {"texts": (step.about,), "lines": step.command,
                        "kept": studies.get(step.study)}
    if isinstance(step, Own):
        stands = ("`table.csv` and its column `kind` stand for your own.",) \
            if any("table.csv" in line for line in step.commands) else ()
        return shown | {"texts": (step.text, *stands), "lines": "\n".join(step.lines)}
    right, words = (None, "") if answer is None else step.verdict(answer)
    return shown | {"predict": step, "right": right, "words": words, "sheet": {
        "link": spec.link(step.sheet), "identity": "", "paper": ""}}
