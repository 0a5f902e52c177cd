"""The catalogue of known mistakes: a row for each, and the search in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...byhand.expressions import Place, places
from ...byhand.recorder import Step
from ...exercises.base import Exercise
from ..answers import Answer, agrees
from ..own import Own
from .around import AROUND
from .base import Context as Context
from .base import Mistake as Mistake
from .cells import CELLS
from .experiments import EXPERIMENTS
from .fronts import FRONTS
from .layers import LAYERS
from .limits import LIMITS
from .losses import LOSSES
from .planned import PLANNED
from .statistics import STATISTICS
from .updates import UPDATES
from .windows import WINDOWS

# In this order: of several that fit, the first is named first.
MISTAKES: tuple[Mistake, ...] = (
    *STATISTICS, *LAYERS, *WINDOWS, *CELLS, *LOSSES, *UPDATES, *LIMITS, *AROUND,
    *PLANNED, *EXPERIMENTS, *FRONTS,
)


# An answer that says too little, which is no step as it comes out with a mistake.
ROUNDED = Mistake(
    "rounded too far", "The number was rounded to fewer digits than say what it is.",
    "Give four digits behind the point, or the fraction.", ("*",), lambda c: ())
# So many are said.
_MOST = 3


def name_mistakes(exercise: Exercise, own: Own, step: Step) -> tuple[Mistake, ...]:
    """The known mistakes that give a learner's numbers of a step, one or several that give the same
    ones; () if none does.

    They are looked for in the learner's own numbers first, then in the right ones (he may have gone
    on from these); and not only in the step itself but also in those in front of it that were not
    asked for.
    """
    # As the definition makes it: of what lies in front of it, asked for or not.
    step = own.work.steps[step.number]
    answers = own.answers[step.number]
    worlds = [own]
    if any(own.answers.get(s.number) for s in exercise.asked.values() if s.number < step.number):
        worlds.append(Own(own.work, {step.number: answers}))
    found = [ROUNDED] if _too_short(own, step, answers) else []
    for world in worlds:
        found += _direct(exercise, world, step, answers)
        if len(found) < _MOST:
            found += _hidden(exercise, world, step, answers)
        if found:
            break
    return tuple({mistake.name: mistake for mistake in found}.values())[:_MOST]


def _direct(exercise: Exercise, own: Own, step: Step,
            answers: Mapping[int, Answer]) -> list[Mistake]:
    """The mistakes made at the step itself."""
    context = Context(exercise, own, step)
    return [mistake for mistake in MISTAKES if mistake.applies(step)
            and any(_fits(own, step, answers, version) for version in mistake.versions(context))]


def _hidden(exercise: Exercise, own: Own, step: Step,
            answers: Mapping[int, Answer]) -> list[Mistake]:
    """The mistakes made on the way to the step, where its result was not asked for: those nearest
    to it."""
    asked = {s.number for s in exercise.asked.values()}
    for number in sorted(_between(own, step, asked), reverse=True):
        inner = own.work.steps[number]
        found = []
        for mistake in MISTAKES:
            if not mistake.applies(inner):
                continue
            for version in mistake.versions(Context(exercise, own, inner)):
                wrong = {i: Answer(v) for i, v in enumerate(version.reshape(-1))}
                other = own.with_answers({**own.answers, number: wrong})
                if _fits(own, step, answers, other.following(step)):
                    found.append(mistake)
                    break
        if found:
            return found
    return []


def _too_short(own: Own, step: Step, answers: Mapping[int, Answer]) -> bool:
    """Whether all that was answered is right but for decimals that were rounded to few digits."""
    short = False
    for flat, answer in answers.items():
        rights = step.number_at(flat), own.follows(Place(step.number, flat))
        if any(agrees(answer, right) for right in rights):
            continue
        if answer.decimals is None or not any(
                abs(float(answer.value) - float(right)) <= answer.half_unit for right in rights):
            return False
        short = True
    return short


def _between(own: Own, step: Step, asked: set[int]) -> set[int]:
    """The steps that a step is made of which are neither asked for nor given."""
    found: set[int] = set()
    waiting = [step]
    while waiting:
        here = waiting.pop()
        for flat in range(here.value.size):
            expression = here.expression(flat)
            for place in places(expression) if expression is not None else ():
                source = own.work.steps[place.step]
                if place.step not in asked | found and source.origin is not None:
                    found.add(place.step)
                    waiting.append(source)
    return found


def _fits(own: Own, step: Step, answers: Mapping[int, Answer], version: Any) -> bool:
    """Whether all that was answered is what a mistake gives; as nearly as the rounding of earlier
    numbers lets one say."""
    flat = version.reshape(-1)
    return all(agrees(answer, flat[i])
               or agrees(answer, flat[i], _slack(own, Place(step.number, i), flat[i]))
               for i, answer in answers.items())


def _slack(own: Own, place: Place, value: Any) -> float:
    """How far a wrong number may be off: relative to its size as far as the right one."""
    slack = own.slack(place)
    if not slack:
        return 0.0
    follows = abs(float(own.follows(place)))
    return slack * max(1.0, abs(float(value)) / follows) if follows else slack


__all__ = ["MISTAKES", "ROUNDED", "Context", "Mistake", "name_mistakes"]
