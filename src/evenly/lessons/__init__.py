"""Lessons: short paths through exercises, claims and one's own network.

| file | what it holds |
|---|---|
| `base.py` | a lesson and its steps as values |
| `paths/` | the lessons, a handful a file |
| `progress.py` | what has been done, kept in a file of the user's |
| `shown.py` | a lesson and a step as text |
"""

from __future__ import annotations

import difflib
import importlib

from ..errors import ConfigurationError
from .base import Claimed as Claimed
from .base import Lesson as Lesson
from .base import Own as Own
from .base import Predict as Predict
from .base import Read as Read
from .base import Sheet as Sheet
from .base import Step as Step

# The modules of lessons and the names of those that each declares, in the order of the list.
MODULES = {
    "basics": ("first-network", "losses", "activations"),
    "starting": ("starting-weights", "vanishing-exploding"),
    "normalization": ("input-normalization", "batch-normalization", "batch-norm-tested",
                      "layer-norm"),
    "regularization": ("dropout", "regularization", "stopping-mixing"),
    "descent": ("mini-batches", "descent-to-adam", "learning-rate-decay"),
    "networks": ("convolutions", "judging"),
}
LESSONS = {name: module for module, names in MODULES.items() for name in names}


def lesson(name: str) -> Lesson:
    """The lesson of this name.

    Raises:
        ConfigurationError: there is none; the message names the nearest.

    Example:
        >>> lesson("dropout").title
        'Dropout'
    """
    if name not in LESSONS:
        word = name.lower()
        near = [own for own in LESSONS if word and word in own] \
            or difflib.get_close_matches(word, LESSONS, 2, 0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(LESSONS)}"
        raise ConfigurationError(f"no lesson is called '{name[:60]}': {hint}")
    module = importlib.import_module(f".paths.{LESSONS[name]}", __name__)
    found: Lesson = next(one for one in module.PATHS if one.name == name)
    return found


def lessons() -> tuple[Lesson, ...]:
    """All, in order."""
    return tuple(map(lesson, LESSONS))


def with_topic(name: str) -> tuple[Lesson, ...]:
    """The lessons that an exercise is a step of, or further sheet."""
    return tuple(one for one in lessons() if name in one.topics or name in one.further)
