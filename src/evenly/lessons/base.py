"""What a lesson is: a short path of steps, as values. Steps know exercises; studies and commands
they name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from ..byhand.exact import Exact
from ..byhand.notation import readable
from ..errors import ConfigurationError
from ..exercises import topic
from ..exercises.base import Exercise, written
from ..grading.answers import AnswerError, agrees, read_answer


@dataclass(frozen=True)
class Read:
    """A few sentences to read.

    Attributes:
        title: what about.
        text: paragraphs.
        formula: "" where there is none.
        source: who says so.
    """

    kind: ClassVar[str] = "Read"
    title: str
    text: tuple[str, ...]
    formula: str
    source: str

    @property
    def key(self) -> str:
        return f"read {slug(self.title)}"


@dataclass(frozen=True)
class Sheet:
    """An exercise to do; done when it is right.

    Attributes:
        topic: of the exercise.
        why: what to look at.
        level, seed, convention: of the exercise.
    """

    kind: ClassVar[str] = "Do a sheet"
    topic: str
    why: str
    level: int = 1
    seed: int = 1
    convention: str = ""

    @property
    def key(self) -> str:
        return " ".join(["sheet", self.topic, str(self.level), self.convention]).strip()

    @cached_property
    def exercise(self) -> Exercise:
        return topic(self.topic).exercise(self.seed, self.level, None, self.convention)

    @property
    def title(self) -> str:
        agreed = f", convention {self.convention}" if self.convention else ""
        return f"{topic(self.topic).title}, level {self.level}{agreed}"

    @property
    def command(self) -> str:
        """That has it on paper, or practises it with ``--practice``."""
        agreed = f" --convention {self.convention}" if self.convention else ""
        return f"evenly exercise {self.topic} --seed {self.seed} --level {self.level}{agreed}"


@dataclass(frozen=True)
class Change:
    """What is done to an input of a sheet: ``times`` it, ``plus`` it, or put ``to`` a number.

    Attributes:
        name: of the input.
        at: which of its numbers; None for all.
    """

    name: str
    times: Fraction | int = 1
    plus: Fraction | int = 0
    to: Fraction | int | None = None
    at: tuple[int, ...] | None = None

    def made(self, values: Any) -> Any:
        """The numbers with the change."""
        array = np.array(values, dtype=object)
        where: Any = ... if self.at is None else self.at
        array[where] = array[where] * self.times + self.plus if self.to is None else self.to
        return array


@dataclass(frozen=True)
class Predict:
    """A number of a sheet is changed: what becomes of another? The library computes the answer.

    Attributes:
        title: in a few words.
        question: in words: what is changed.
        topic, level, seed: of the sheet.
        changes: what is done.
        step, at: whose number is asked for, and which of its numbers.
        why: what the answer shows; told with the verdict.
        shows: further inputs that the learner needs to see.
    """

    kind: ClassVar[str] = "Predict"
    title: str
    question: str
    topic: str
    changes: tuple[Change, ...]
    step: str
    at: tuple[int, ...]
    why: str
    level: int = 1
    seed: int = 1
    shows: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"predict {slug(self.title)}"

    @cached_property
    def sheet(self) -> Exercise:
        """Before the change."""
        return topic(self.topic).exercise(self.seed, self.level)

    @cached_property
    def changed(self) -> Exercise:
        """After it."""
        inputs = dict(self.sheet.inputs)
        for change in self.changes:
            inputs[change.name] = change.made(inputs[change.name])
        return topic(self.topic).exercise(self.seed, self.level, inputs, self.sheet.convention)

    @property
    def given(self) -> dict[str, str]:
        """The inputs that matter, before the change, as text."""
        numbers = self.sheet.numbers()
        names = dict.fromkeys([*(change.name for change in self.changes), *self.shows])
        return {name: _flat(numbers[name]) for name in names}

    @property
    def words(self) -> str:
        """Which number is asked for: ``"The normalized examples, row 1, column 2"``."""
        asked = zip(self.sheet.asked, self.sheet.solution.asked, strict=True)
        words = next(ask.words for key, ask in asked if key == self.step)
        return f"{words}{place(self.sheet.asked[self.step].value.shape, self.at)}"

    @property
    def before(self) -> str:
        """The number before the change, as text."""
        return str(written(self._number(self.sheet)))

    @property
    def after(self) -> str:
        """The number after it, as text."""
        return str(written(self._number(self.changed)))

    def _number(self, exercise: Exercise) -> Any:
        return readable(Exact(exercise.asked[self.step].value[self.at]))

    def check(self, answer: str) -> bool:
        """Whether an answer is right.

        Raises:
            AnswerError: it is no number.
        """
        return agrees(read_answer(answer), self.changed.asked[self.step].value[self.at])

    def verdict(self, answer: str) -> tuple[bool | None, str]:
        """(whether an answer is right, None where it is no number; what there is to say)."""
        try:
            right = self.check(answer)
        except AnswerError as error:
            return None, f"{error}"
        if right:
            return True, f"Right: {self.before} becomes {self.after}. {self.why}"
        return False, f"Not {answer.strip()[:40]}. Try again, or work the changed sheet out."


@dataclass(frozen=True)
class Claimed:
    """A claim, and the study that tests it.

    Attributes:
        study: a ready study.
        claim: its claim, in its words.
        about: what to look for.
    """

    kind: ClassVar[str] = "See it tested"
    study: str
    claim: str
    about: str

    @property
    def key(self) -> str:
        return f"study {self.study}"

    @property
    def title(self) -> str:
        return self.claim

    @property
    def command(self) -> str:
        return f"evenly study {self.study} --short"


@dataclass(frozen=True)
class Own:
    """The same in a network of one's own: lines for Python, or commands.

    Attributes:
        title: in a few words.
        text: what they do, and what to look at.
        code: lines of Python.
        commands: lines for a shell; `table.csv` and its column `kind` stand for one's own.
    """

    kind: ClassVar[str] = "In your network"
    title: str
    text: str
    code: str = ""
    commands: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"own {slug(self.title)}"

    @property
    def lines(self) -> tuple[str, ...]:
        return (*self.commands, *self.code.strip().splitlines())


Step = Read | Sheet | Predict | Claimed | Own


@dataclass(frozen=True)
class Lesson:
    """A path.

    Attributes:
        name: as the command line calls it.
        title, about: of it.
        minutes: that it takes, about.
        steps: in order.
        further: sheets of the same kind that are no step, and why.

    Raises:
        ConfigurationError: two steps of the same key.
    """

    name: str
    title: str
    about: str
    minutes: int
    steps: tuple[Step, ...]
    further: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keys = [step.key for step in self.steps]
        for key in keys:
            if keys.count(key) > 1:
                raise ConfigurationError(f"lesson {self.name}: two steps are '{key}'")

    @property
    def topics(self) -> tuple[str, ...]:
        """Of its sheets, those that are worked out or changed."""
        return tuple(dict.fromkeys(step.topic for step in self.steps
                                   if isinstance(step, Sheet | Predict)))

    @property
    def studies(self) -> tuple[str, ...]:
        return tuple(step.study for step in self.steps if isinstance(step, Claimed))

    def step(self, number: int) -> Step:
        """A step by its number, from 1.

        Raises:
            ConfigurationError: there is none.
        """
        if not 1 <= number <= len(self.steps):
            raise ConfigurationError(f"lesson {self.name}: has steps 1 to {len(self.steps)}, got "
                                     f"{number}")
        return self.steps[number - 1]


def slug(title: str) -> str:
    """A title as a name: ``"what-it-does"``."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def place(shape: tuple[int, ...], at: tuple[int, ...]) -> str:
    """Where a number stands, counted from 1: ``", row 2, column 1"``; "" where it is alone."""
    long = [i + 1 for i, n in zip(at, shape, strict=True) if n > 1]
    if len(long) < 2:
        return f", number {long[0]}" if long else ""
    return f", row {long[-2]}, column {long[-1]}"


def _flat(numbers: Any) -> str:
    """Nested lists as one reads them: rows with semicolons between."""
    if not isinstance(numbers, list):
        return str(numbers)
    if any(isinstance(part, list) for part in numbers):
        return "; ".join(map(_flat, numbers))
    return ", ".join(map(str, numbers))
