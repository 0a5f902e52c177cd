"""Practice in the terminal: a step is asked for, graded at once, and asked for once more."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..byhand.document import Paragraph, StepBlock
from ..byhand.notation import Notation
from ..byhand.recorder import Step
from ..exercises.base import Ask, Exercise
from .answers import AnswerError, read_answer
from .grade import UNREADABLE, WRONG, Grade, StepGrade, grade
from .report import legend, number_matrix, write_mistake, write_step

if TYPE_CHECKING:
    from rich.console import Console

_HELP = ("Type numbers such as 3, 9/4, 1.25 or sqrt(5)/2, several with spaces between them: a row, "
         "or all rows; without spaces within a number: 3/2, 2*sqrt(3), (1 1/2). ? gives "
         "a hint, show the work, skip goes on, quit ends.")
_INTERRUPTED = 130
# How often a step may be answered.
_TRIES = 2


class _Quit(Exception):
    """The learner wants to end."""


class _Skip(Exception):
    """The learner wants to go on."""


@dataclass(frozen=True)
class Practised:
    """What came of a practice.

    Attributes:
        grade: of what was answered.
        status: 0, or 130 after Ctrl-C.
        ended: whether the learner ended it before its last step.
    """

    grade: Grade
    status: int
    ended: bool

    @property
    def right(self) -> bool:
        """Whether every number is right."""
        return self.grade.points == self.grade.possible


def practise(exercise: Exercise, console: Console | None = None,
             read: Callable[[str], str] | None = None) -> int:
    """Asks for an exercise step by step, and grades each at once.

    Arguments:
        exercise: what is asked.
        console: where it is shown; None: standard output.
        read: gives a line for a prompt, as ``input`` does, which is the default. EOFError and
            KeyboardInterrupt from it end the practice.

    Returns:
        0, or 130 after Ctrl-C.
    """
    return practised(exercise, console, read).status


def practised(exercise: Exercise, console: Console | None = None,
              read: Callable[[str], str] | None = None) -> Practised:
    """As :func:`practise`, and tells what came of it."""
    if console is None:
        from rich.console import Console

        console = Console(highlight=False)
    session = _Session(exercise, console, input if read is None else read)
    status, ended = 0, True
    try:
        session.run()
        ended = False
    except (_Quit, EOFError):
        console.print()
    except KeyboardInterrupt:
        console.print()
        status = _INTERRUPTED
    return Practised(session.summary(), status, ended)


def split_numbers(line: str, most: int) -> list[str]:
    """The numbers of a line, of which there are at most so many: at spaces that stand outside of
    parentheses, and semicolons. Where only one is left, spaces within it are its own.

    Example:
        >>> split_numbers("3 -1/2, sqrt(2 + 3)", 3), split_numbers("1 1/2", 1)
        (['3', '-1/2', 'sqrt(2 + 3)'], ['1 1/2'])
    """
    if most == 1 and not _complaint(line):
        return [line.strip()]
    parts, depth, word = [], 0, ""
    for sign in line:
        depth += (sign == "(") - (sign == ")")
        if depth <= 0 and (sign.isspace() or sign == ";"):
            parts.append(word)
            word = ""
        else:
            word += sign
    return [p for p in (re.sub(r",$", "", part) for part in [*parts, word]) if p]


class _Session:
    """One run through an exercise."""

    def __init__(self, exercise: Exercise, console: Console, read: Callable[[str], str]) -> None:
        self.exercise, self.console, self.read = exercise, console, read
        self.answers: dict[str, Any] = {}
        self.shown: set[str] = set()
        self.done = 0

    def run(self) -> None:
        """The whole exercise."""
        self._say(self.exercise.title, "bold underline")
        for block in self.exercise.document().blocks:
            if isinstance(block, Paragraph):
                self._say(block.text.replace("`", ""))
            elif isinstance(block, StepBlock) and not block.blank:
                self._say(f"{block.title} ({block.view.step.title})", "bold")
                self.console.print(number_matrix(block.view.step))
        self._say(_HELP, "dim")
        self.console.print(legend(self.console.encoding))
        asked = zip(self.exercise.solution.asked, self.exercise.asked.items(), strict=True)
        for number, (ask, (key, step)) in enumerate(asked, 1):
            self._step(number, ask, key, step)
            self.done = number

    def summary(self) -> Grade:
        """Says what was reached."""
        graded = grade(self.exercise, self.answers)
        self._say(f"{graded.points} of {graded.possible} points, {self.done} of "
                  f"{len(graded.steps)} steps"
                  + (f"; {graded.followed} from your own numbers" if graded.followed else "")
                  + (f"; shown: {len(self.shown)}" if self.shown else "") + ".", "bold")
        named = [step for step in graded.steps if step.mistake is not None]
        for step in named:
            self._say(f"{step.words}:")
            write_mistake(self.console, step)
        return graded

    def _step(self, number: int, ask: Ask, key: str, step: Step) -> None:
        shape = " x ".join(map(str, step.value.shape)) or "1"
        self.console.print()
        self._say(f"{number}. {ask.words} ({shape} number{'s' * (step.value.size > 1)})", "bold")
        cells: list[Any] = [None] * step.value.size
        try:
            waiting = list(range(step.value.size))
            for left in range(_TRIES - 1, -1, -1):
                self._fill(ask, key, step, cells, waiting)
                self.answers[key] = _nested(cells, step)
                graded = grade(self.exercise, self.answers)[key]
                write_step(self.console, graded)
                waiting = _wrong(graded)
                if not waiting:
                    return
                if left:
                    self._say("Once more, the wrong ones.")
                    for i in waiting:
                        cells[i] = None
            self._say("Go on: what follows is graded from your own numbers too.")
        except _Skip:
            if any(cell is not None for cell in cells) and key not in self.shown:
                self.answers[key] = _nested(cells, step)

    def _fill(self, ask: Ask, key: str, step: Step, cells: list[Any], waiting: list[int]) -> None:
        """Reads the numbers that are missing."""
        open_ = list(waiting)
        while open_:
            given = split_numbers(self._line(ask, key, step, open_[0]), len(open_))
            if len(given) > len(open_):
                self._say(f"{len(given)} numbers, {len(open_)} are left: type them again.")
                continue
            bad = next((error for error in map(_complaint, given) if error), None)
            if bad is not None:
                self._say(f"{bad}. Type this line again.")
                continue
            for text in given:
                cells[open_.pop(0)] = text

    def _line(self, ask: Ask, key: str, step: Step, flat: int) -> str:
        """A line that is no command."""
        while True:
            line = self.read(f"{_place(step, flat)}> ").strip()
            if line == "?":
                self._say(ask.hint or "There is no hint for this step.")
                if step.formula:
                    self._say(f"Formula: {step.formula}")
            elif line == "show":
                self._show(key, step)
                raise _Skip
            elif line == "skip":
                raise _Skip
            elif line in ("quit", "exit"):
                raise _Quit
            elif line:
                return line

    def _show(self, key: str, step: Step) -> None:
        """The work of a step: its formula with numbers, and the numbers. It gets no points."""
        self.shown.add(key)
        self.answers.pop(key, None)
        notation = Notation()
        numbers = [i for i in range(step.value.size) if step.number_at(i) != 0]
        flat = numbers[0] if numbers else 0
        expression = step.expression(flat)
        if step.formula:
            self._say(f"Formula: {step.formula}")
        if expression is not None:
            self._say(f"{_place(step, flat)}: {notation.expression(expression)} = "
                      f"{notation.number(step.number_at(flat))}")
        self.console.print(number_matrix(step))

    def _say(self, text: str, style: str = "") -> None:
        from rich.text import Text

        self.console.print(Text(text, style=style))


def _complaint(text: str) -> str:
    try:
        read_answer(text)
    except AnswerError as error:
        return str(error)
    return ""


def _wrong(graded: StepGrade) -> list[int]:
    """Flat indices of what is wrong."""
    flat = np.asarray(graded.verdicts, object).reshape(-1)
    return [i for i, verdict in enumerate(flat) if verdict in (WRONG, UNREADABLE)]


def _nested(cells: list[Any], step: Step) -> Any:
    array = np.empty(len(cells), object)
    array[:] = cells
    return array.reshape(step.value.shape).tolist()


def _place(step: Step, flat: int) -> str:
    """Where a number stands, counted from 1: ``"row 2, column 1"``."""
    shape = step.value.shape
    if step.value.size == 1:
        return "number"
    at = [int(i) + 1 for i in np.unravel_index(flat, shape)]
    at = [i for i, n in zip(at, shape, strict=True) if n > 1]
    if len(at) == 1:
        return f"number {at[0]}"
    return f"{', '.join(map(str, at[:-2]))}{', ' * (len(at) > 2)}row {at[-2]}, column {at[-1]}"

