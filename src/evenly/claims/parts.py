"""What a claim expects, and the rule by which a verdict is made of what was measured.

A part is one expectation: a number for each block, of which the claim says that it is below zero,
above zero, or within a margin of it. The rule is the same for all parts of all studies, and stands
before any of them is run.

    mean and interval   of the blocks' numbers, by Student's t (widened for splits that overlap)
    less, more          holds where the interval is on the claimed side of 0, fails where it is on
                        the other
    same                holds where the interval lies within the margin, fails where it is outside

all of it at 5 % after Holm's correction over the parts of a study (Holm 1979). A part with
``every`` asks besides that the mean be on the claimed side at each level of that factor. `least` is
the smallest effect worth the name: a smaller mean does not hold, however sure its sign.

A claim holds where all its parts hold, fails where any fails, and else cannot be told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ..study.errors import StudyError

Expects = Literal["less", "more", "same"]


class Block(Protocol):
    """The measures of one block: ``block("accuracy", norm="batch", rate=0.1)``."""

    def __call__(self, measure: str, **levels: Any) -> Any:
        """The measure at these levels: a number, or a list where the measure is one. Factors that
        are not named are averaged over."""


@dataclass(frozen=True)
class Part:
    """An expectation: what the effect of the technique on a measure is to be.

    Arguments:
        words: what is compared, as a heading: ``"gap with dropout 0.5, against none"``.
        effect: from a block to its number; of a ratio to its natural logarithm.
        expects: ``"less"``: below zero; ``"more"``: above; ``"same"``: within `margin` of it.
        margin: of ``"same"``, in the effect's own units (of a ratio, its logarithm).
        least: the smallest effect worth the name, in the same units, not negative.
        ratio: whether the effect is the logarithm of a ratio: it is told as ``x 0.62``.
        unit: of the number that is told, ``"points"`` with `factor` 100 for accuracies.
        factor: what the number is multiplied by where it is told.
        digits: behind the point.
        every: factors at each of whose levels the mean must be on the claimed side.
        name: for sentences that quote it.
        counts: False shows the part and leaves it out of the verdict.
    """

    words: str
    effect: Callable[[Block], float] = field(repr=False)
    expects: Expects
    margin: float = 0.0
    least: float = 0.0
    ratio: bool = False
    unit: str = ""
    factor: float = 1.0
    digits: int = 2
    every: tuple[str, ...] = ()
    name: str = ""
    counts: bool = True

    def __post_init__(self) -> None:
        if self.expects not in ("less", "more", "same"):
            raise StudyError(
                f"part '{self.words}': expects 'less', 'more' or 'same', got {self.expects!r}"
            )
        if (self.expects == "same") != (self.margin > 0):
            raise StudyError(
                f"part '{self.words}': a margin above 0 goes with 'same' and with nothing else, "
                f"got {self.margin:g} with '{self.expects}'"
            )
        if not self.least >= 0:
            raise StudyError(f"part '{self.words}': least must not be negative, got {self.least:g}")

    def told(self, *values: float) -> str:
        """An effect in words, ``-3.1 points`` or ``x 0.62``; of three numbers with its interval:
        ``-3.1 [-4.0, -2.2] points``."""
        numbers = [self._number(value) for value in values]
        text = numbers[0] + (f" [{', '.join(numbers[1:])}]" if len(numbers) > 1 else "")
        return f"x {text}" if self.ratio else f"{text} {self.unit}".rstrip()

    def _number(self, value: float) -> str:
        if self.ratio:
            number = math.exp(max(-700.0, min(value, 700.0)))
            return f"{number:.{self.digits}f}" if 0.01 <= number < 1e4 else f"{number:.1e}"
        number = value * self.factor
        if abs(number) >= 1e5 or 0 < abs(number) < 1e-4:
            return f"{number:+.1e}"
        # One digit of what would else be told as 0.
        is_small = 0 < abs(number) < 0.5 * 10**-self.digits
        return f"{number:+.1g}" if is_small else f"{number:+.{self.digits}f}"


def less(
    measure: str, of: Mapping[str, Any], *, than: Mapping[str, Any],
    at: Mapping[str, Any] | None = None, words: str = "", **more_of_it: Any,
) -> Part:
    """The measure at the levels `of` is to be less than at the levels `than`, the other factors at
    the levels `at` or averaged over. Further arguments are those of :class:`Part`; with
    ``ratio=True`` the logarithms of the measure are compared."""
    return _compared(measure, of, than, at, words, "less", more_of_it)


def more(
    measure: str, of: Mapping[str, Any], *, than: Mapping[str, Any],
    at: Mapping[str, Any] | None = None, words: str = "", **more_of_it: Any,
) -> Part:
    """The other way round: see :func:`less`."""
    return _compared(measure, of, than, at, words, "more", more_of_it)


def same(
    measure: str, of: Mapping[str, Any], *, than: Mapping[str, Any], margin: float,
    at: Mapping[str, Any] | None = None, words: str = "", **more_of_it: Any,
) -> Part:
    """The measure is to be the same at both, within the margin: see :func:`less`."""
    return _compared(measure, of, than, at, words, "same", {"margin": margin, **more_of_it})


def _compared(
    measure: str, of: Mapping[str, Any], than: Mapping[str, Any], at: Mapping[str, Any] | None,
    words: str, expects: Expects, settings: Mapping[str, Any],
) -> Part:
    ratio = bool(settings.get("ratio"))

    def value(block: Block, levels: Mapping[str, Any]) -> float:
        number = float(block(measure, **levels))
        if not ratio:
            return number
        if number <= 0:
            raise StudyError(f"measure '{measure}': a ratio needs numbers above 0, got {number:g}")
        return math.log(number)

    def effect(block: Block) -> float:
        shared = dict(at or {})
        return value(block, {**shared, **of}) - value(block, {**shared, **than})

    if not words:
        words = f"{measure}: {_listed(of)} against {_listed(than)}"
        words += f" ({_listed(at)})" if at else ""
    return Part(words, effect, expects, **settings)


def _listed(levels: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {level}" for name, level in levels.items())


@dataclass(frozen=True)
class Test:
    """What statistics say of one part's numbers.

    Attributes:
        mean, low, high: of the numbers, with the 95 % interval of this part alone.
        p_holds, p_fails: two-sided p-values of the claimed and of the opposite outcome.
    """

    mean: float
    low: float
    high: float
    p_holds: float
    p_fails: float


def tested(part: Part, values: Sequence[float], test_ratio: float) -> Test:
    """The test of a part on its blocks' numbers.

    Student's t with J - 1 degrees of freedom and the variance (1/J + test_ratio) s^2 of the mean
    (Nadeau and Bengio 2003 where splits overlap). Where all numbers are equal there is no spread to
    build on: a sign test then has p = 2 / 2^J.
    """
    import numpy as np
    from scipy import stats

    numbers = np.asarray(values, dtype=np.float64)
    count, mean, deviation = len(numbers), float(numbers.mean()), float(numbers.std(ddof=1))
    error = deviation * math.sqrt(1 / count + test_ratio)
    still = deviation <= 1e-12 * max(1e-300, float(np.abs(numbers).max()))

    def beyond(limit: float, above: bool) -> float:
        """One-sided p of "the mean is not above (below) the limit"."""
        far = (mean - limit) * (1 if above else -1)
        if still:
            return 0.5**count if far > 0 else 1.0
        return float(stats.t.sf(far / error, count - 1))

    half = 0.0 if still else float(stats.t.ppf(0.975, count - 1)) * error
    if part.expects == "same":
        holds = max(beyond(-part.margin, True), beyond(part.margin, False))
        fails = min(beyond(part.margin, True), beyond(-part.margin, False))
    else:
        holds = beyond(0.0, part.expects == "more")
        fails = beyond(0.0, part.expects == "less")
    return Test(mean, mean - half, mean + half, min(1.0, 2 * holds), min(1.0, 2 * fails))
