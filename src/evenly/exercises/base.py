"""What an exercise is: a topic with numbers put in.

A topic draws inputs that come out well (``draw``) and works them out (``solve``). The two know
nothing of each other, so that anyone's own numbers can be worked out as well.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from ..byhand.document import Block, Document, Heading, Paragraph, StepBlock
from ..byhand.exact import Exact
from ..byhand.notation import readable
from ..byhand.recorder import Step
from ..byhand.views import Shown, View
from ..byhand.work import Work
from ..errors import ConfigurationError, DataError
from ..random import generator
from .claims import sentence
from .own_numbers import read_numbers

LEVELS = (1, 2, 3)
# What explains a file of inputs.
_ABOUT = "about"
Inputs = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """A number that says how large an exercise is.

    Attributes:
        name: ``"examples"``.
        default, least, most: whole numbers.
    """

    name: str
    default: int
    least: int
    most: int


@dataclass(frozen=True)
class Ask:
    """A step that is asked for.

    Attributes:
        title: of the step within the work, ``"batch_norm_1.variance"``.
        words: what is to be computed.
        hint: a help, which does not give it away.
        phase: where several phases have a step of that title; "" takes the first.
    """

    title: str
    words: str
    hint: str = ""
    phase: str = ""


@dataclass(frozen=True)
class Solution:
    """An exercise worked out.

    Attributes:
        work: every step.
        text: the problem, a paragraph each.
        asked: the steps that are asked for, in order.
        given: titles of the given steps to show, with words for each; others are not shown.
        setting: what else a grader may need to know, by name: the layer of the lesson, its rate.
    """

    work: Work
    text: tuple[str, ...]
    asked: tuple[Ask, ...]
    given: Mapping[str, str]
    setting: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Topic:
    """A kind of exercise.

    Attributes:
        name: as the command line calls it, ``"batch-norm"``.
        title: of its sheets.
        about: what is learned, in a sentence or two, with the formula.
        levels: what the three levels ask for.
        sizes: the numbers that its shape consists of.
        draw: ``draw(rng, level, **sizes)`` gives hand-friendly inputs.
        solve: ``solve(inputs, level)`` works them out; raises DataError for inputs that do not fit.
        fields: what each input is, by name: the documentation of an input file.
        conventions: where textbooks differ, the words for it and what each means, the default
            first; `draw` and `solve` then take a ``convention``.
    """

    name: str
    title: str
    about: str
    levels: tuple[str, str, str]
    sizes: tuple[Size, ...]
    draw: Callable[..., Inputs]
    solve: Callable[..., Solution]
    fields: Mapping[str, str]
    conventions: Mapping[str, str] = field(default_factory=dict)

    def exercise(self, seed: int = 0, level: int = 1, inputs: Inputs | None = None,
                 convention: str = "", **sizes: int) -> Exercise:
        """An exercise of this kind.

        Arguments:
            seed: each gives other numbers; the same seed always the same.
            level: 1, 2 or 3.
            inputs: numbers of one's own, instead of drawn ones: by name, as :attr:`fields` says;
                whole numbers, decimals, or fractions as text (``"3/4"``). What stands under
                ``"about"`` is not read.
            convention: one of :attr:`conventions`; "" for the first.
            sizes: by name.

        Raises:
            ConfigurationError: a level, size, seed or convention that there is not.
            DataError: inputs that do not fit together.
        """
        if level not in LEVELS or isinstance(level, bool):
            raise ConfigurationError(f"{self.name}: level must be 1, 2 or 3, got {level!r}")
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**64:
            raise ConfigurationError(
                f"{self.name}: seed must be a whole number from 0 to 2^64 - 1, got {seed!r}"
            )
        chosen, agreed = self._sizes(sizes), self._agreed(convention)
        if inputs is None:
            key = ",".join([self.name, str(level), *(f"{n}={s}" for n, s in chosen.items())])
            drawn = self.draw(generator(seed, key), level, **chosen, **agreed)
        else:
            drawn = self._read(inputs)
        word = agreed.get("convention", "")
        solution = self.solved(drawn, level, word)
        _check_finite(self.name, solution)
        return Exercise(self, seed, level, chosen, drawn, inputs is not None, solution, word)

    def solved(self, inputs: Inputs, level: int, convention: str = "") -> Solution:
        """The inputs worked out; the text says the convention, where there are several."""
        agreed = self._agreed(convention)
        solution = self.solve(inputs, level, **agreed)
        said = tuple(f"Convention `{word}`: {self.conventions[word]}." for word in agreed.values())
        return replace(solution, text=solution.text + said)

    def _agreed(self, convention: str) -> dict[str, str]:
        if convention == "" or convention in self.conventions:
            first = next(iter(self.conventions), "")
            return {"convention": convention or first} if first else {}
        known = ", ".join(self.conventions) or "none to choose from"
        raise ConfigurationError(f"{self.name}: no convention is called {convention!r}; there "
                                 f"{'are' if self.conventions else 'is'} {known}")

    def _sizes(self, given: Mapping[str, int]) -> dict[str, int]:
        known = {size.name: size for size in self.sizes}
        for name, value in given.items():
            if name not in known:
                raise ConfigurationError(
                    f"{self.name}: no size is called '{name}'; there are "
                    f"{', '.join(known) or 'none'}"
                )
            size = known[name]
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole or not size.least <= value <= size.most:
                raise ConfigurationError(
                    f"{self.name}: {name} must be a whole number from {size.least} to {size.most}, "
                    f"got {value!r}"
                )
        return {name: int(given.get(name, size.default)) for name, size in known.items()}

    def _read(self, inputs: Mapping[str, Any]) -> Inputs:
        if not isinstance(inputs, Mapping):
            raise DataError(f"{self.name}: inputs are numbers by name, got {type(inputs).__name__}")
        names = ", ".join(self.fields)
        for name in inputs:
            if name not in self.fields and name != _ABOUT:
                raise DataError(f"{self.name}: no input is called '{name}'; there are {names}")
        missing = [name for name in self.fields if name not in inputs]
        if missing:
            raise DataError(f"{self.name}: the input '{missing[0]}' is missing; there must be "
                            f"{names}")
        return {name: read_numbers(f"{self.name}: {name}", value)
                for name, value in inputs.items() if name != _ABOUT}


@dataclass(frozen=True)
class Exercise:
    """An exercise: a topic, its numbers, and their solution.

    Attributes:
        topic, seed, level, sizes: what it was made of.
        inputs: its numbers by name.
        own: whether these are someone's own.
        solution: every step.
        convention: by which it is worked out; "" where there is one alone.

    Example:
        >>> from evenly.exercises import exercise
        >>> sheet = exercise("relu", seed=1)
        >>> sheet.title, list(sheet.asked)
        ('ReLU, level 1, seed 1', ['relu_1.y'])
    """

    topic: Topic
    seed: int
    level: int
    sizes: Mapping[str, int]
    inputs: Inputs
    own: bool
    solution: Solution
    convention: str = ""

    @property
    def title(self) -> str:
        """``"Batch normalization, level 1, seed 7"``."""
        source = "own numbers" if self.own else f"seed {self.seed}"
        if self.convention != next(iter(self.topic.conventions), ""):
            source += f", convention {self.convention}"
        return f"{self.topic.title}, level {self.level}, {source}"

    @cached_property
    def asked(self) -> dict[str, Step]:
        """The steps that are asked for, by the key under which answers name them. Their formulas
        go back to given numbers and to other steps that are asked for."""
        work, steps = self.solution.work, {}
        for ask in self.solution.asked:
            step = find_step(work, ask)
            key = ask.title if ask.title not in steps else f"{step.phase}: {ask.title}"
            steps[key] = step
        visible = {step.number for step in steps.values()}
        return {key: work.through(step, visible) for key, step in steps.items()}

    def again(self, inputs: Inputs) -> Solution:
        """Other inputs worked out likewise."""
        return self.topic.solved(inputs, self.level, self.convention)

    @property
    def place(self) -> dict[str, Any]:
        """What a link says, beside numbers of one's own."""
        agreed = {"convention": self.convention} if self.convention else {}
        return {"seed": self.seed, "level": self.level, **self.sizes, **agreed}

    @property
    def link(self) -> str:
        """Where the page of ``evenly serve`` has it: ``/exercise/relu?seed=1&level=1&...``."""
        words = self.place
        if self.own:
            words["inputs"] = json.dumps(self.numbers(), separators=(",", ":"))
        return f"/exercise/{quote(self.topic.name)}?{urlencode(words)}"

    def document(self, answers: bool = False) -> Document:
        """The exercise as a sheet, or with `answers` as its key."""
        work = self.solution.work
        blocks: list[Block] = [Paragraph(text) for text in self.solution.text]
        blocks.append(Heading("Given"))
        for title, words in self.solution.given.items():
            blocks.append(StepBlock(_view(work, work.given(title)), words))
        blocks.append(Heading("Solution" if answers else "Compute"))
        for number, (ask, (key, step)) in enumerate(
            zip(self.solution.asked, self.asked.items(), strict=True), 1
        ):
            blocks.append(StepBlock(_view(work, step), f"{number}. {ask.words}", blank=not answers,
                                    hint=ask.hint, key=key))
        if answers and (claims := sentence(self.topic.name)):
            blocks.append(Paragraph(claims))
        return Document(self.title + (": key" if answers else ""), tuple(blocks))

    def answers(self) -> dict[str, Any]:
        """The right answers, by key: nested lists of text, as a learner would write them."""
        return {key: written(step.value) for key, step in self.asked.items()}

    def sheet(self) -> dict[str, Any]:
        """What a file of answers holds: which exercise it is, and blanks to fill in."""
        made: dict[str, Any] = {"exercise": self.topic.name, "seed": self.seed,
                                "level": self.level, "sizes": dict(self.sizes)}
        if self.convention:
            made["convention"] = self.convention
        if self.own:
            made["inputs"] = {name: written(np.asarray(value, object), exactly=True)
                              for name, value in self.inputs.items()}
        blanks = {key: _blank(written(step.value)) for key, step in self.asked.items()}
        return {**made, "answers": blanks}

    def key(self) -> dict[str, Any]:
        """What the file of a key holds: the sheet's, filled in, with a mark that it is a key."""
        return {**self.sheet(), "key": True, "answers": self.answers()}

    def template(self) -> dict[str, Any]:
        """What a file of inputs holds: these numbers, to be changed, under their names, and what
        each name is under ``"about"``, which is not read."""
        return {_ABOUT: dict(self.topic.fields), **self.numbers()}

    def numbers(self) -> dict[str, Any]:
        """The numbers by name, as nested lists: whole ones as such, others as text."""
        return {name: _plain(written(np.asarray(value, object), exactly=True))
                for name, value in self.inputs.items()}


def _check_finite(name: str, solution: Solution) -> None:
    """DataError where a number that is shown or asked for is none: it names the step at which the
    calculation leaves the numbers."""
    work = solution.work
    asked = [find_step(work, ask) for ask in solution.asked]
    if all(is_finite(step.value) for step in asked):
        return
    last = max(step.number for step in asked)
    step = next(s for s in work.steps[: last + 1] if not is_finite(s.value))
    flat = next(i for i, v in enumerate(step.value.reshape(-1)) if not is_finite(v))
    found = float(step.number_at(flat))
    what = "is not defined" if found != found else "is infinite"
    how = f" = {step.formula}" if step.formula else ""
    raise DataError(
        f"{name}: with these numbers {step.title}{how} {what}: a division by 0, a root of a "
        "negative number, a logarithm of 0, or a number beyond 10^308: change them")


def is_finite(values: Any) -> bool:
    """Whether all numbers are."""
    return all(Exact(v).is_exact or math.isfinite(float(v)) for v in np.asarray(values).reshape(-1))


def by_name(*topics: Topic) -> dict[str, Topic]:
    """What a module of topics declares."""
    return {topic.name: topic for topic in topics}


def find_step(work: Work, ask: Ask) -> Step:
    """The step that is asked for."""
    for step in work.steps:
        if step.title == ask.title and ask.phase in ("", step.phase) and step.origin is not None:
            return step
    raise KeyError(f"no step '{ask.title}' in {[step.title for step in work.steps]}")


def expect_shape(what: str, array: Any, *shape: int | None) -> tuple[int, ...]:
    """The shape of an input; raises DataError unless it fits, with None for any length."""
    got: tuple[int, ...] = np.shape(array)
    if len(got) != len(shape) or any(w is not None and w != g
                                     for w, g in zip(shape, got, strict=True)):
        wanted = ", ".join("any" if w is None else str(w) for w in shape)
        raise DataError(f"{what} must have shape ({wanted}), got {got}")
    return got


def written(values: Any, exactly: bool = False) -> Any:
    """Numbers as nested lists of text: fractions and roots as one reads them, else decimals of six
    digits.

    Arguments:
        exactly: fractions that no one would read stay fractions too.
    """
    values = np.asarray(values)
    if values.ndim == 0:
        number = Exact(values[()])
        if not exactly:
            number = readable(number)
        return repr(number) if number.is_exact else f"{float(number):.6g}"
    return [written(part, exactly) for part in values]


def _plain(values: Any) -> Any:
    """Written numbers, whole ones as such."""
    if isinstance(values, list):
        return [_plain(part) for part in values]
    return int(values) if values.lstrip("-").isdecimal() else values


def _blank(values: Any) -> Any:
    return [_blank(part) for part in values] if isinstance(values, list) else ""


def _view(work: Work, step: Step) -> View:
    """The whole of a step."""
    everything = 10**6
    shown = Shown(work, most_rows=everything, most_columns=everything, most_tables=everything)
    return shown.view(step)
