"""What a tested claim hands over: plain values that hold numbers and text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["holds", "fails", "cannot tell"]


@dataclass(frozen=True)
class RunRecord:
    """One training.

    Attributes:
        levels: of each factor.
        block: that it belongs to.
        values: its measures: numbers, or lists of them.
    """

    levels: Mapping[str, Any]
    block: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class PartRecord:
    """One expectation of a claim and what came of it.

    Attributes:
        words: what is compared.
        expects: in words: "below 0", "above 0", "within 2.0 points of 0".
        effect: mean and 95 % interval in words: ``-3.1 [-4.0, -2.2] points``.
        mean, low, high: the same as numbers (logarithms where it is a ratio).
        values: a number a block.
        at_each: the mean at each level of the factors that it must hold at.
        p: of the outcome that the verdict names, the smaller of both where it names none.
        p_holm: after Holm's correction over the parts.
        verdict: of this part.
        corrected: whether the interval alone would have said more than the corrected verdict.
        counts: whether it takes part in the claim's verdict.
    """

    words: str
    expects: str
    effect: str
    mean: float
    low: float
    high: float
    values: tuple[float, ...]
    at_each: Mapping[str, float]
    p: float
    p_holm: float
    verdict: Verdict
    corrected: bool
    counts: bool
    ratio: bool


@dataclass(frozen=True)
class ClaimRecord:
    """A claim and its verdict.

    Attributes:
        name, claim, source, about: as the study declares them.
        verdict: by the rule of :mod:`evenly.claims.parts`.
        sentence: what was found, in one sentence.
        parts: the expectations, those that count first.
        factors: the levels that were run.
        blocks, blocks_done: asked for, and those whose trainings all ended.
        form: "tour" or "long".
        runs: the trainings.
        seconds: of processor time that its trainings took.
        interrupted: whether trainings were given up.
        exercises, layers: where to see it by hand, and what it is about.
        command: that runs it again.
    """

    name: str
    claim: str
    source: str
    about: str
    verdict: Verdict
    sentence: str
    parts: tuple[PartRecord, ...]
    factors: Mapping[str, tuple[Any, ...]]
    blocks: int
    blocks_done: int
    form: str
    runs: tuple[RunRecord, ...]
    seconds: float
    interrupted: bool
    exercises: tuple[str, ...]
    layers: tuple[str, ...]
    command: str

    @property
    def headline(self) -> PartRecord:
        """The part that says most about the verdict: the first that decided it."""
        counted = [part for part in self.parts if part.counts]
        return next((part for part in counted if part.verdict == self.verdict), counted[0])
