"""A lesson and a step as text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from .base import Claimed, Lesson, Own, Predict, Read, Sheet, Step
from .progress import Kept, Progress

_DONE, _NEXT = "\N{CHECK MARK}", "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}"


def next_step(lesson: Lesson, progress: Progress) -> int | None:
    """The number of the first step that is not done; None behind the last."""
    return next((number for number, step in enumerate(lesson.steps, 1)
                 if not progress.has(lesson.name, step.key)), None)


def done(lesson: Lesson, progress: Progress) -> int:
    """How many of its steps are done."""
    return sum(progress.has(lesson.name, step.key) for step in lesson.steps)


def path(lesson: Lesson, progress: Progress, at: int | None, encoding: str | None,
         width: int) -> Iterator[str]:
    """A line a step, with a mark at those that are done and at the one where one is.

    Arguments:
        at: the number of that one; None for none.
        encoding, width: of the terminal.
    """
    signs = _DONE, _NEXT
    try:
        "".join(signs).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        signs = "x", ">"
    for number, step in enumerate(lesson.steps, 1):
        mark = signs[0] if progress.has(lesson.name, step.key) else " "
        here = signs[1] if number == at else " "
        yield textwrap.fill(f"{here} {mark} {number:2}. {step.kind}: {step.title}", width,
                            subsequent_indent=" " * 8)


def step_text(step: Step, kept: Kept | None = None) -> Iterator[str]:
    """The paragraphs of a step; lines of code are one, indented."""
    if isinstance(step, Read):
        yield from step.text
        if step.formula:
            yield f"    {step.formula}"
        yield f"Source: {step.source}."
    elif isinstance(step, Sheet):
        yield step.why
        yield f"    {step.command}"
    elif isinstance(step, Predict):
        numbers = "\n".join(f"    {name} = {value}" for name, value in step.given.items())
        yield f"On the sheet `{step.topic}`, level {step.level}, seed {step.seed}:\n{numbers}"
        yield f"{step.words}: {step.before}."
        yield f"{step.question} What becomes of that number?"
    elif isinstance(step, Claimed):
        yield step.about
        yield f"    {step.command}"
        if kept is not None:
            yield f"It was run here: {kept.verdict}. {kept.sentence} {kept.effect}."
    else:
        assert isinstance(step, Own)
        yield step.text
        if any("table.csv" in line for line in step.commands):
            yield "`table.csv` and its column `kind` stand for your own."
        yield "\n".join(f"    {line}" if line else "" for line in step.lines)
