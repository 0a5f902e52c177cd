"""Grading: every number of every step, from the right numbers and from the learner's own."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..byhand.expressions import Place, places
from ..byhand.recorder import Step
from ..errors import DataError
from ..exercises.base import Exercise, written
from .answers import Answer, AnswerError, agrees, read_answer
from .mistakes import Mistake, name_mistakes
from .own import Own, alike

RIGHT, FOLLOWS, WRONG, UNREADABLE, EMPTY = "right", "follows", "wrong", "unreadable", "empty"
# In the order in which they are counted.
VERDICTS = (RIGHT, FOLLOWS, WRONG, UNREADABLE, EMPTY)


@dataclass(frozen=True)
class StepGrade:
    """The grade of one step.

    Attributes:
        key: under which answers name it.
        words: what was to be computed.
        verdicts: one of :data:`VERDICTS` for each number, as nested lists like the answers.
        points: a point for each number that is right, or follows from the learner's own.
        followed: how many of these follow from wrong ones.
        possible: how many numbers there are.
        mistake: what was done instead, where it is a known mistake; else None.
        others: further mistakes that give the same numbers.
        notes: what was not understood, a sentence each.
        expected: the right numbers, as nested lists of text.
    """

    key: str
    words: str
    verdicts: Any
    points: int
    followed: int
    possible: int
    mistake: Mistake | None
    notes: tuple[str, ...]
    expected: Any = field(repr=False)
    others: tuple[Mistake, ...] = ()

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """All mistakes that give the numbers."""
        return () if self.mistake is None else (self.mistake, *self.others)

    def count(self, verdict: str) -> int:
        """How many numbers have this verdict."""
        return sum(v == verdict for v in np.asarray(self.verdicts, object).reshape(-1))

    def as_dict(self, expected: bool = False) -> dict[str, Any]:
        """For JSON; with `expected` the right numbers too."""
        named = [{"name": one.name, "words": one.words, "advice": one.advice}
                 for one in self.mistakes]
        made = {"key": self.key, "words": self.words, "verdicts": self.verdicts,
                "points": self.points, "followed": self.followed, "possible": self.possible,
                "mistake": named[0] if named else None, "others": named[1:],
                "notes": list(self.notes)}
        return {**made, "expected": self.expected} if expected else made


@dataclass(frozen=True)
class Grade:
    """The grade of an exercise.

    Attributes:
        exercise: the topic's name.
        title: of the exercise.
        steps: of every step that was asked for.

    Example:
        >>> from evenly.exercises import exercise
        >>> sheet = exercise("relu", seed=1)
        >>> graded = grade(sheet, sheet.answers())
        >>> graded.points == graded.possible
        True
    """

    exercise: str
    title: str
    steps: tuple[StepGrade, ...]

    @property
    def points(self) -> int:
        return sum(step.points for step in self.steps)

    @property
    def followed(self) -> int:
        """Points for what is right only from the learner's own numbers."""
        return sum(step.followed for step in self.steps)

    @property
    def possible(self) -> int:
        return sum(step.possible for step in self.steps)

    def __getitem__(self, key: str) -> StepGrade:
        return next(step for step in self.steps if step.key == key)

    def as_dict(self, expected: bool = False) -> dict[str, Any]:
        """For JSON; with `expected` the right numbers too."""
        return {"exercise": self.exercise, "title": self.title, "points": self.points,
                "followed": self.followed, "possible": self.possible,
                "steps": [step.as_dict(expected) for step in self.steps]}


def grade(exercise: Exercise, answers: Mapping[str, Any]) -> Grade:
    """Grades a learner's answers.

    A number is ``"right"``, also where right ones before it were rounded; or it ``"follows"`` from
    the learner's own earlier numbers, of which one is wrong, and has its point as well; or it is
    ``"wrong"``, ``"unreadable"`` or ``"empty"``. What a short row lacks is empty, and said.
    Where a whole step is what a known mistake gives, the mistake is named; where several give the
    same numbers, all are.

    Arguments:
        exercise: what was asked.
        answers: by key, nested lists of text or numbers of the shape of ``Exercise.sheet()``;
            ``""`` or None where nothing was written. Keys may be missing.

    Returns:
        A :class:`Grade`: points, and for each step the verdicts and the mistake, if it is known.

    Raises:
        DataError: no exercise, or answers that are not of this form.

    Example:
        >>> from evenly.exercises import exercise
        >>> sheet = exercise("batch-norm", seed=7)
        >>> answers = sheet.answers()
        >>> answers["batch_norm_1.mean"][0][0] = "100"
        >>> graded = grade(sheet, answers)
        >>> graded.possible - graded.points, graded["batch_norm_1.mean"].verdicts
        (1, [['wrong', 'right', 'right']])
    """
    if not isinstance(exercise, Exercise):
        raise DataError("grade: expects an exercise, as ev.exercise makes one, got "
                        f"{exercise!r:.60}")
    if not isinstance(answers, Mapping):
        raise DataError(f"grade: answers are lists by key, got {type(answers).__name__}")
    check_steps(exercise, answers)
    cells, short = {}, {}
    for key, step in exercise.asked.items():
        cells[key], short[key] = flat_answers(key, answers.get(key), step)
    read: dict[int, dict[int, Answer]] = {}
    unread: dict[str, dict[int, str]] = {}
    for key, step in exercise.asked.items():
        read[step.number], unread[key] = _read(cells[key])
    own = Own(exercise.solution.work, read,
              lambda: exercise.again(exercise.inputs).work,
              int(exercise.solution.setting.get("window", 0)))
    words = [ask.words for ask in exercise.solution.asked]
    sound: dict[Place, bool] = {}
    steps = tuple(
        _graded(exercise, own, key, step, about, cells[key],
                {**unread[key], **({-1: short[key]} if short[key] else {})}, sound)
        for (key, step), about in zip(exercise.asked.items(), words, strict=True)
    )
    return Grade(exercise.topic.name, exercise.title, steps)


def check_steps(exercise: Exercise, answers: Mapping[str, Any]) -> None:
    """DataError for answers to a step that is not asked for."""
    for key in answers:
        if key not in exercise.asked:
            near = difflib.get_close_matches(str(key), exercise.asked, 1, 0.4)
            hint = f"did you mean '{near[0]}'?" if near else \
                f"there are {', '.join(exercise.asked)}"
            raise DataError(f"grade: no step '{str(key)[:60]}' is asked for: {hint}")


def flat_answers(key: str, given: Any, step: Step) -> tuple[list[Any], str]:
    """(what was written for a step, one behind the other, None for what was not; "", or in words
    what is missing).

    Raises:
        DataError: another shape than the step's, or more numbers. Axes of length 1 may be left out;
            of each row, and of the rows, the last ones may be missing.
    """
    shape: tuple[int, ...] = step.value.shape
    cells: list[Any] = [None] * step.value.size
    if given is None or (isinstance(given, str) and not given.strip()):
        return cells, ""
    got, flat = _shape(key, given)
    if [n for n in got if n != 1] == [n for n in shape if n != 1]:
        return flat, ""
    plain, rows = _plain(given), tuple(n for n in shape if n != 1)
    if isinstance(plain, list) and plain and rows:
        if _depth(plain) == len(shape) != len(rows):
            plain = _squeezed(plain, shape)
        missing = _put(plain, np.arange(step.value.size).reshape(rows), cells)
        if missing is not None:
            return cells, (f"{missing} of {len(cells)} numbers are missing: it has shape "
                           f"{shape}")
    if -1 in got:
        raise DataError(f"grade: the rows of '{key}' must have equal length: it has shape {shape}")
    raise DataError(f"grade: '{key}' must have shape {shape}, got {got}")


def _put(given: Any, places: Any, cells: list[Any]) -> int | None:
    """Writes nested lists into cells, from the beginning of each row; gives how many are missing,
    or None if there are more than places."""
    if not places.ndim:
        cells[int(places)] = given
        return None if isinstance(given, list) else 0
    given = [] if given is None else given
    if not isinstance(given, list) or len(given) > len(places):
        return None
    missing = int(places[len(given) :].size)
    for part, place in zip(given, places, strict=False):
        inner = _put(part, np.asarray(place), cells)
        if inner is None:
            return None
        missing += inner
    return missing


def _squeezed(given: Any, shape: tuple[int, ...]) -> Any:
    """Nested lists without those of the axes of length 1."""
    if not shape or not isinstance(given, list):
        return given
    if shape[0] == 1 and len(given) == 1:
        return _squeezed(given[0], shape[1:])
    return [_squeezed(part, shape[1:]) for part in given]


def _plain(given: Any) -> Any:
    """Nested lists of what was written, None for blanks."""
    if isinstance(given, np.ndarray):
        given = given.tolist()
    if isinstance(given, (list, tuple)):
        return [_plain(part) for part in given]
    return None if given is None or (isinstance(given, str) and not given.strip()) else given


def _depth(given: Any) -> int:
    """How many lists are within each other."""
    return 1 + max((_depth(part) for part in given), default=0) if isinstance(given, list) else 0


def _shape(key: str, given: Any, depth: int = 0) -> tuple[tuple[int, ...], list[Any]]:
    """(shape, items one behind the other) of nested lists; -1 for a length that rows differ in."""
    if isinstance(given, np.ndarray):
        given = given.tolist()
    if not isinstance(given, (list, tuple)):
        blank = given is None or (isinstance(given, str) and not given.strip())
        return (), [None if blank else given]
    if depth > 6:
        raise DataError(f"grade: '{key}' has too many lists within each other")
    parts = [_shape(key, part, depth + 1) for part in given]
    inner = parts[0][0] if parts else ()
    if any(shape != inner for shape, _ in parts):
        inner = (-1,)
    return (len(parts), *inner), [item for _, flat in parts for item in flat]


def _read(cells: list[Any]) -> tuple[dict[int, Answer], dict[int, str]]:
    """(answers, complaints), by flat index."""
    read, unread = {}, {}
    for i, cell in enumerate(cells):
        if cell is None:
            continue
        try:
            read[i] = read_answer(cell)
        except AnswerError as error:
            unread[i] = str(error)
    return read, unread


def _graded(exercise: Exercise, own: Own, key: str, step: Step, words: str, cells: list[Any],
            unread: dict[int, str], sound: dict[Place, bool]) -> StepGrade:
    read = own.answers[step.number]
    verdicts = []
    for i, cell in enumerate(cells):
        if cell is None:
            verdicts.append(EMPTY)
        elif i in unread:
            verdicts.append(UNREADABLE)
        else:
            verdicts.append(_verdict(own, step, i, read[i], sound))
            sound[Place(step.number, i)] = verdicts[-1] == RIGHT
    named = name_mistakes(exercise, own, step) if WRONG in verdicts else ()
    followed = verdicts.count(FOLLOWS)
    nested = np.array(verdicts, object).reshape(step.value.shape).tolist()
    return StepGrade(key, words, nested, verdicts.count(RIGHT) + followed, followed, len(verdicts),
                     named[0] if named else None, tuple(unread.values()), written(step.value),
                     named[1:])


def _verdict(own: Own, step: Step, flat: int, answer: Answer, sound: dict[Place, bool]) -> str:
    if agrees(answer, step.number_at(flat)):
        return RIGHT
    place = Place(step.number, flat)
    follows = own.follows(place)
    if agrees(answer, follows) or agrees(answer, follows, own.slack(place)):
        # Where nothing before it is wrong, numbers were only rounded on the way.
        return RIGHT if _all_sound(own, place, sound) else FOLLOWS
    return WRONG


def _all_sound(own: Own, place: Place, sound: dict[Place, bool]) -> bool:
    """Whether all that a number is made of, and was answered, is right.

    Arguments:
        sound: of the numbers that were answered; those looked at are added.
    """
    expression = own.taken.steps[place.step].expression(place.flat)
    if own.taken is not own.work and expression is not None \
            and not alike(expression, own.work.steps[place.step].expression(place.flat)):
        # A wrong number took another branch.
        return False
    for source in dict.fromkeys(places(expression)) if expression is not None else ():
        if source not in sound:
            sound[source] = source.flat not in own.answers.get(source.step, {}) \
                and _all_sound(own, source, sound)
        if not sound[source]:
            return False
    return True
