"""Going through a lesson in the terminal, from one step to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from evenly.grading.practice import practised
from evenly.lessons import Claimed, Lesson, Predict, Sheet, Step
from evenly.lessons.progress import Book, Kept
from evenly.lessons.shown import done, next_step, step_text

if TYPE_CHECKING:
    from rich.console import Console

_INTERRUPTED = 130
# What may be typed at a step, by kind.
_OFFERS = {
    Sheet: "Enter begins, done: it is right on paper, skip, quit",
    Predict: "a number, show tells the answer, skip, quit",
    Claimed: "Enter goes on, run tests it now, skip, quit",
}
_OFFER = "Enter goes on, skip, quit"


class _Quit(Exception):
    """The learner wants to end."""


def go_through(lesson: Lesson, book: Book, start: int, console: Console,
               read: Callable[[str], str], study: Callable[[str], Kept | None]) -> int:
    """Goes through the steps of a lesson that are not done, from one on.

    Arguments:
        book: what has been done, and where it is kept.
        start: the number of the step to begin with, which comes even if it is done.
        read: gives a line for a prompt, as ``input`` does.
        study: runs a study by its name; None where it was stopped.

    Returns:
        0, or 130 after Ctrl-C.
    """
    status = 0
    through = _Through(lesson, book, console, read, study)
    try:
        for number in range(start, len(lesson.steps) + 1):
            step = lesson.steps[number - 1]
            if number == start or not book.progress.has(lesson.name, step.key):
                through.step(number, step)
    except (_Quit, EOFError):
        console.print()
    except KeyboardInterrupt:
        console.print()
        status = _INTERRUPTED
    through.summary()
    return status


class _Through:
    """One way through a lesson."""

    def __init__(self, lesson: Lesson, book: Book, console: Console, read: Callable[[str], str],
                 study: Callable[[str], Kept | None]) -> None:
        self.lesson, self.book, self.console = lesson, book, console
        self.read, self.study = read, study

    def step(self, number: int, step: Step) -> None:
        """Shows a step and asks until it is done or passed over."""
        say(self.console, f"\n{number}. {step.kind}: {step.title}", "bold")
        show(self.console, step, self.book.progress.kept.get(getattr(step, "study", "")))
        say(self.console, f"({_OFFERS.get(type(step), _OFFER)})", "dim")
        while True:
            line = self.read("> ").strip()
            if line in ("quit", "exit"):
                raise _Quit
            if line == "skip":
                return
            if self._answered(step, line):
                self.book.change(lambda own: own.with_done(self.lesson.name, step.key))
                return

    def summary(self) -> None:
        """How far it is, and how it goes on."""
        progress = self.book.progress
        at = next_step(self.lesson, progress)
        say(self.console, f"{done(self.lesson, progress)} of {len(self.lesson.steps)} steps done."
            + ("" if at is None else f" Go on with: evenly lesson {self.lesson.name} --practice"),
            "bold")

    def _answered(self, step: Step, line: str) -> bool:
        """Whether a step is done with that line."""
        if isinstance(step, Predict):
            return self._predicted(step, line)
        if isinstance(step, Sheet) and not line:
            return self._practised(step)
        if isinstance(step, Claimed) and line == "run":
            return self._tested(step)
        if not line or (isinstance(step, Sheet) and line == "done"):
            return True
        say(self.console, f"'{line[:40]}': {_OFFERS.get(type(step), _OFFER)}.")
        return False

    def _predicted(self, step: Predict, line: str) -> bool:
        if line == "show":
            say(self.console, f"{step.before} becomes {step.after}. {step.why} (skip goes on.)")
            return False
        right, words = step.verdict(line)
        say(self.console, words, "green" if right else "")
        return bool(right)

    def _practised(self, step: Sheet) -> bool:
        came = practised(step.exercise, self.console, self.read)
        if came.status:
            raise KeyboardInterrupt
        if not came.right:
            say(self.console, "The sheet is not all right yet: Enter begins it again, skip, quit.")
        return came.right

    def _tested(self, step: Claimed) -> bool:
        kept = self.study(step.study)
        if kept is None:
            raise KeyboardInterrupt
        self.book.change(lambda own: own.with_kept(step.study, kept))
        say(self.console, f"{kept.verdict}: {kept.sentence} {kept.effect}.")
        return True


def show(console: Console, step: Step, kept: Kept | None = None) -> None:
    """A step on the console."""
    for text in step_text(step, kept):
        say(console, text, "cyan" if text.startswith("    ") else "")


def say(console: Console, text: str, style: str = "") -> None:
    """A line, in which nothing is markup; lines to copy are not broken."""
    from rich.text import Text

    plain = text if text.startswith("    ") else text.replace("`", "")
    console.print(Text(plain, style=style), soft_wrap="\n    " in f"\n{text}")
