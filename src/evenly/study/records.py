"""What a study hands over: frozen values that hold numbers and text, and no arrays.

The report and the command line read these and nothing below them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

# `outdone`: better than plain, and no better than the simplest answer. `reference`: a line that no
# network is behind.
Verdict = Literal[
    "baseline", "helped", "hurt", "unclear", "diverged", "untested", "outdone", "reference"
]
Standing = Literal["better", "worse", "unclear", "untested"]

MOST_DIGITS = 6

# (name of the measure, its value or None where it is not defined)
Measured = tuple[tuple[str, float | None], ...]


@dataclass(frozen=True, slots=True)
class EpochPoint:
    """One epoch of one run.

    `loss` and `score` are means over the epoch's batches, while the weights moved and dropout was
    on. `test_loss` and `test_score` are measured after the epoch, on the test part. `seconds` are
    those since the run began to train.
    """

    epoch: int
    loss: float
    score: float | None
    test_loss: float | None
    test_score: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One variant trained with one seed. A diverged run has no scores, and says where it broke.

    The simplest answer and the linear model are runs too, without epochs and losses. `note` says
    what a reader of the run must know. `train` and `test` hold every measure of the study's task.
    """

    variant: str
    seed: int
    epochs: tuple[EpochPoint, ...]
    train_loss: float | None
    train_score: float | None
    test_loss: float | None
    test_score: float | None
    seconds: float
    diverged: str | None = None
    train: Measured = ()
    test: Measured = ()
    note: str = ""

    def tested(self, measure: str) -> float | None:
        """A measure on the test part; None where the run has none."""
        return dict(self.test).get(measure)

    def gap(self, measure: str) -> float | None:
        """A measure on the training part minus the same on the test part, dropout off."""
        train, test = dict(self.train).get(measure), self.tested(measure)
        return None if train is None or test is None else train - test


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over `count` seeds, and half the width of its 95 % interval where it has one."""

    mean: float
    half_width: float | None
    count: int

    @property
    def low(self) -> float:
        """The lower end; the mean where there is no interval."""
        return self.mean - (self.half_width or 0.0)

    @property
    def high(self) -> float:
        """The upper end; the mean where there is no interval."""
        return self.mean + (self.half_width or 0.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """How a measure is written: accuracies in percent, R² as it is. Numbers from `exponent_from` on
    are written with an exponent."""

    name: str
    factor: float
    digits: int
    unit: str
    difference_unit: str
    lower_is_better: bool = False
    exponent_from: float = 1000.0

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return -1 if self.lower_is_better else 1

    def value(self, score: float) -> str:
        """The score, without its unit: `97.3`."""
        return self._number(score, "")

    def signed(self, difference: float) -> str:
        """A difference with its sign: `+0.4`; a true zero and a rounded one are both `0.0`."""
        text = self._number(difference, "+")
        return text[1:] if float(text) == 0 else text

    def _number(self, score: float, sign: str) -> str:
        # R² has no lower bound: one run gone wrong must not push a table out of its page.
        number = score * self.factor
        if abs(number) >= self.exponent_from:
            return f"{number:{sign}.1e}"
        long = abs(number) >= 10 and self.factor == 1
        digits = min(1, self.digits) if long else self.digits
        return f"{number:{sign}.{digits}f}"

    def interval(self, interval: Interval) -> str:
        """`97.3 ±0.6`, or the mean alone where there is no interval."""
        mean = self.value(interval.mean)
        if interval.half_width is None:
            return mean
        return f"{mean} ±{self.value(interval.half_width)}"

    def difference(self, interval: Interval) -> str:
        """`+0.4 [-0.1, +0.9]`, or the mean alone where there is no interval."""
        if interval.half_width is None:
            return self.signed(interval.mean)
        scale, ends = self, (interval.low, interval.high)
        # An end beside 0 is not rounded to it: the verdict may turn on which side it is.
        while ends[0] * ends[1] > 0 and scale.digits < MOST_DIGITS and "0" in map(_bare, map(
            scale.signed, ends
        )):
            scale = replace(scale, digits=scale.digits + 1)
        low, high = map(scale.signed, ends)
        return f"{scale.signed(interval.mean)} [{low}, {high}]"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A network against the simplest answer or the linear model: the paired difference from it, its
    p-value, and the same after Holm's correction over the networks."""

    reference: str
    standing: Standing
    difference: Interval | None
    p: float | None
    p_holm: float | None


def _bare(text: str) -> str:
    """`0` for a number that is written as zero, whatever its digits."""
    return "0" if float(text) == 0 else text


@dataclass(frozen=True, slots=True)
class VariantRecord:
    """One variant over all its seeds, or one of the references: the simplest answer, the linear
    model.

    `test` is the measure that decides, on the test part. `difference` is the paired difference from
    plain, `p` the p-value of that difference and `p_holm` the same after Holm's correction over the
    variants. `against` holds how the network stands to each reference. `target_epochs` is the
    median epoch that first reached the target, over the `target_reached` seeds that did, and
    None where fewer than half of them did. `seconds` is the mean training time of one run.
    """

    name: str
    adds: str
    network: str
    verdict: Verdict
    finished: int
    diverged: int
    test: Interval | None
    difference: Interval | None
    p: float | None
    p_holm: float | None
    gap: float | None
    target_epochs: float | None
    target_reached: int
    seconds: float | None
    against: tuple[Comparison, ...] = ()

    @property
    def alone(self) -> bool:
        """Whether the interval leaves 0 out and Holm's correction takes that back."""
        return (
            self.verdict == "unclear"
            and self.difference is not None
            and self.difference.half_width is not None
            and self.difference.low * self.difference.high > 0
        )

    def standing(self, reference: str) -> Standing:
        """How the network stands to a reference."""
        return next((c.standing for c in self.against if c.reference == reference), "untested")


@dataclass(frozen=True, slots=True)
class DataRecord:
    """The table that was studied.

    `inputs` counts columns after text became one-hot columns; `examples` says in words what an
    example is to the network, `parts` which rows train and which test, where that is not a random
    part of them. Where seeds differ, `train_rows` and `test_rows` are of the smallest training
    part.
    """

    name: str
    target: str
    task: Literal["classification", "regression"]
    task_reason: str
    rows: int
    number_columns: int
    text_columns: int
    gaps: int
    inputs: int
    examples: str
    classes: tuple[str, ...]
    train_rows: int
    test_rows: int
    sha256: str | None
    notes: tuple[str, ...]
    parts: str = ""


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A whole study: everything that the report shows.

    `net` is the network's name, `net_title` what such networks are called. `measure` names the
    measure that decides and `scale` says how it is written; `curve_scale` is that of the curves,
    which are always loss and score. `comparisons` counts the differences from plain that were
    tested together. `fit_command` (empty where `evenly fit` cannot train such a network) and
    `fit_code` train what `advice` recommends.
    """

    data: DataRecord
    net: str
    net_title: str
    measure: str
    scale: Scale
    curve_scale: Scale
    settings: tuple[tuple[str, str], ...]
    variants: tuple[VariantRecord, ...]
    references: tuple[VariantRecord, ...]
    runs: tuple[RunRecord, ...]
    reference_runs: tuple[RunRecord, ...]
    seeds: int
    runs_asked: int
    interrupted: bool
    sentence: str
    command: str
    versions: tuple[tuple[str, str], ...]
    started: str
    seconds: float
    comparisons: int = 0
    advice: str = ""
    fit_command: str = ""
    fit_code: str = ""
