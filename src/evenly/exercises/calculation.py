"""What topics share: numbers of one's own read, and steps put together."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ..byhand.exact import Exact
from ..byhand.recorder import Recorder
from ..byhand.traced import Traced
from ..byhand.work import Work
from ..errors import ConfigurationError, DataError, ShapeError
from .base import Ask, Inputs, Solution, expect_shape

_HOLDS = {"at least": operator.ge, "more than": operator.gt, "below": operator.lt}


def sizes_of(inputs: Inputs, **axes: str) -> tuple[int, ...]:
    """The sizes that inputs share, in the order in which they are named.

    Arguments:
        inputs: by name.
        axes: of each input the names of its axes, ``x="n width", kernel="width units"``: those of
            one name are of one size. A number is that size, ``_`` any.

    Raises:
        DataError: an input of another shape.
    """
    known: dict[str, int] = {}
    for name, words in axes.items():
        own = words.split()
        wanted = [int(word) if word.isdecimal() else known.get(word) for word in own]
        got = expect_shape(name, inputs[name], *wanted)
        known |= {word: n for word, n in zip(own, got, strict=True)
                  if word != "_" and not word.isdecimal()}
    return tuple(known.values())


def within(what: str, value: Any, least: Any = None, below: Any = None,
           more_than: Any = None) -> Fraction:
    """A single number within bounds; DataError for anything else."""
    fraction = single(what, value).fraction
    if fraction is None:
        raise DataError(f"{what} must be a whole number or a fraction, got "
                        f"{np.asarray(value)[()]!r}")
    bounds = {"at least": least, "more than": more_than, "below": below}
    rules = {words: bound for words, bound in bounds.items() if bound is not None}
    if not all(_HOLDS[words](fraction, bound) for words, bound in rules.items()):
        wanted = " and ".join(f"{words} {bound}" for words, bound in rules.items())
        raise DataError(f"{what} must be {wanted}, got {fraction}")
    return fraction


def single(what: str, value: Any) -> Exact:
    """A single number; DataError for several."""
    values = np.asarray(value, object)
    if values.ndim:
        raise DataError(f"{what} must be a single number, got shape {values.shape}")
    return Exact(values[()])


def number(inputs: Inputs, name: str) -> Exact:
    """An input that is a single number; DataError for several."""
    return single(name, inputs[name])


def count(inputs: Inputs, name: str, least: int, most: int) -> int:
    """An input that is a whole number within bounds; DataError for others."""
    value = number(inputs, name).fraction
    if value is None or value.denominator != 1 or not least <= value <= most:
        raise DataError(f"{name} must be a whole number from {least} to {most}, got {value}")
    return int(value)


def positive(inputs: Inputs, name: str) -> Exact:
    """An input above 0; DataError for others."""
    return Exact(within(name, inputs[name], more_than=0))


def share(inputs: Inputs, name: str) -> Exact:
    """An input of at least 0 and below 1; DataError for others."""
    return Exact(within(name, inputs[name], least=0, below=1))


def shares(what: str, values: Any) -> list[Fraction]:
    """Likewise of several, one behind the other."""
    return [within(what, value, least=0, below=1) for value in np.asarray(values).reshape(-1)]


def whole_numbers(what: str, values: Any, least: int, most: int) -> Any:
    """Whole numbers within bounds, as integers; DataError for others."""
    for value in np.asarray(values).reshape(-1):
        fraction = Exact(value).fraction
        if fraction is None or fraction.denominator != 1 or not least <= fraction <= most:
            raise DataError(f"{what} must be whole numbers from {least} to {most}, got {value}")
    return np.array([int(Exact(v)) for v in np.asarray(values).reshape(-1)],
                    np.int64).reshape(np.shape(values))


def at_least(what: str, values: Any, least: Any, exclusive: bool = False) -> None:
    """DataError unless all numbers are at least so large (or larger)."""
    for value in np.asarray(values).reshape(-1):
        if value < least or (exclusive and value == least):
            word = "more than" if exclusive else "at least"
            raise DataError(f"{what} must be {word} {least}, got {value}")


def check_varies(work: Work, title: str, what: str) -> None:
    """DataError where a deviation, or root of a mean square, is 0: nothing is divided by it."""
    if any(Exact(v) == 0 for v in work[title].value.reshape(-1)):
        words = "mean square" if title.endswith("root") else "variance"
        raise DataError(f"{what}: some numbers that are normalized together have {words} 0, which "
                        "has no inverse: let them differ")


def fits(make: Any) -> Any:
    """What `make()` gives; what does not fit of someone's own numbers is a DataError."""
    try:
        return make()
    except (ShapeError, ConfigurationError) as error:
        raise DataError(str(error)) from error


class Draft:
    """A calculation that is no network, as it is worked out and written down: what is given, said
    and asked for.

    Arguments:
        batch: how many examples it is about, 0 for none.
    """

    def __init__(self, batch: int = 0) -> None:
        self.recorder, self.batch = Recorder(exact=True), batch
        self.run, self.words = self.recorder.run, dict[str, str]()
        self.said: list[str] = []
        self.asked: list[Ask] = []

    def given(self, name: str, value: Any, words: str, layer: str = "") -> Traced:
        """Numbers that it starts from, shown under these words."""
        self.words[f"{layer}.{name}" if layer else name] = words
        return self.recorder.given(name, value, layer)

    def say(self, *sentences: str) -> None:
        """Paragraphs of the problem."""
        self.said += sentences

    def ask(self, *steps: Ask) -> None:
        """Steps that are asked for."""
        self.asked += steps

    def solution(self, axes: Mapping[str, tuple[str, ...]], **setting: Any) -> Solution:
        """What has come together; `axes` as in :class:`Work`, `setting` as in :class:`Solution`."""
        work = Work(tuple(self.recorder.steps), self.batch, axes=dict(axes))
        return Solution(work, tuple(self.said), tuple(self.asked), self.words, setting)


def timed(title: str, t: int) -> str:
    """The title of a step that recurs, the time counted from 1."""
    return title if t == 1 else f"{title} ({t})"


def text(value: Any) -> str:
    """A number within a sentence: ``3/4``."""
    return repr(Exact(value))


def is_square(value: int) -> bool:
    """Whether it is the square of a whole number."""
    return value >= 0 and round(value**0.5) ** 2 == value


def root(value: Fraction) -> Fraction | None:
    """The root of a fraction where it is one."""
    whole = value.numerator * value.denominator
    if not is_square(whole):
        return None
    return Fraction(round(whole**0.5), value.denominator)


def pick(rng: np.random.Generator, options: Sequence[Any]) -> Any:
    """One of several, each as likely."""
    return options[int(rng.integers(len(options)))]
