"""What a study hands over: frozen values that hold numbers and text, and no arrays.

The report and the command line read these and nothing below them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["baseline", "helped", "hurt", "unclear", "diverged", "untested"]


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
    """One variant trained with one seed. A diverged run has no scores, and says where it broke."""

    variant: str
    seed: int
    epochs: tuple[EpochPoint, ...]
    train_loss: float | None
    train_score: float | None
    test_loss: float | None
    test_score: float | None
    seconds: float
    diverged: str | None = None

    @property
    def gap(self) -> float | None:
        """Training score minus test score, both after the last epoch, dropout off."""
        if self.train_score is None or self.test_score is None:
            return None
        return self.train_score - self.test_score


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
    """How a score is written: accuracies in percent, R² as it is."""

    name: str
    factor: float
    digits: int
    unit: str
    difference_unit: str

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
        if abs(number) >= 1000:
            return f"{number:{sign}.1e}"
        digits = 1 if abs(number) >= 10 and self.factor == 1 else self.digits
        return f"{number:{sign}.{digits}f}"

    def interval(self, interval: Interval) -> str:
        """`97.3 ±0.6`, or the mean alone where there is no interval."""
        mean = self.value(interval.mean)
        if interval.half_width is None:
            return mean
        return f"{mean} ±{self.value(interval.half_width)}"

    def difference(self, interval: Interval) -> str:
        """`+0.4 [-0.1, +0.9]`, or the mean alone where there is no interval."""
        mean = self.signed(interval.mean)
        if interval.half_width is None:
            return mean
        return f"{mean} [{self.signed(interval.low)}, {self.signed(interval.high)}]"


@dataclass(frozen=True, slots=True)
class VariantRecord:
    """One variant over all its seeds.

    `test` is its test score. `difference` is the paired difference from plain, `p` the p-value of
    that difference and `p_holm` the same after Holm's correction. `target_epochs` is the median
    epoch that first reached the target, over the `target_reached` seeds that did, and None where
    fewer than half of them did. `seconds` is the mean training time of one run.
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


@dataclass(frozen=True, slots=True)
class DataRecord:
    """The table that was studied. `inputs` counts columns after text became one-hot columns;
    `examples` says in words what an example is to the network."""

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


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A whole study: everything that the report shows. `net` is the network's name, `net_title`
    what such networks are called."""

    data: DataRecord
    net: str
    net_title: str
    scale: Scale
    settings: tuple[tuple[str, str], ...]
    variants: tuple[VariantRecord, ...]
    runs: tuple[RunRecord, ...]
    seeds: int
    runs_asked: int
    interrupted: bool
    sentence: str
    command: str
    versions: tuple[tuple[str, str], ...]
    started: str
    seconds: float
