"""Trainings in pairs, on the same seeds, and what they are judged by."""

from __future__ import annotations

import math
import statistics
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..doctor import Diagnosis
from ..doctor.thresholds import LIMITS
from ..errors import ConfigurationError, DivergenceError, DoctorWarning
from ..losses import Loss
from ..probes.baselines import best_constant_loss
from ..probes.data import summary_of_targets
from ..probes.describe import loss_info
from ..rows.data import Examples, as_arrays, split
from ..settings import Settings
from ..study.records import Interval
from ..training import fit

# Differences that are of use to anybody: of a score, and of a loss as a share of it.
LEAST, LESS = 0.01, 0.05
# Measures by the names that are given for them, with those that are shown.
_NAMES = {"accuracy": "accuracy", "balanced": "balanced accuracy", "R2": "R2", "loss": "loss"}


@dataclass(frozen=True)
class State:
    """Settings, and what trainings with them came to.

    Attributes:
        settings: of all of them.
        scores, losses: of the validation rows, by seed.
        diagnosis: of the first.
    """

    settings: Settings
    scores: tuple[float, ...]
    losses: tuple[float, ...]
    diagnosis: Diagnosis


@dataclass(frozen=True)
class Judge:
    """What trainings are judged by.

    Attributes:
        name: as it is shown.
        score: of (targets, answers); not asked for a loss.
        sign: 1 where higher is better, -1 where lower is.
    """

    name: str
    score: Callable[[Any, Any], float]
    sign: int = 1

    @classmethod
    def of(cls, measure: Any, classes: Any) -> Judge:
        """The judge by a name, a function, or by the targets.

        Arguments:
            measure: as :func:`evenly.cure` takes it.
            classes: the targets as class numbers, None where they are quantities.

        Raises:
            ConfigurationError: a measure that there is not, or that has no meaning for the targets.
        """
        if callable(measure):
            return cls(getattr(measure, "__name__", "measure"),
                       lambda y, answers: float(measure(y, answers)))
        if measure is None:
            measure = "R2" if classes is None else \
                "balanced" if _is_imbalanced(classes) else "accuracy"
        if not isinstance(measure, str) or measure not in _NAMES:
            raise ConfigurationError(
                f"cure: measure is one of {', '.join(_NAMES)}, or a function of (targets, answers),"
                f" got {measure!r}"
            )
        if (measure in ("accuracy", "balanced")) != (classes is not None) and measure != "loss":
            fits = "R2" if classes is None else "accuracy or balanced"
            raise ConfigurationError(
                f"cure: measure={measure!r} has no meaning for these targets: give {fits}, or loss"
            )
        score = {"accuracy": _accuracy, "balanced": _balanced, "R2": _r2}.get(measure, _no_score)
        return cls(_NAMES[measure], score, -1 if measure == "loss" else 1)

    @property
    def is_loss(self) -> bool:
        """Whether the validation loss is what counts."""
        return self.sign < 0

    def gain(self, before: Sequence[float], after: Sequence[float]) -> float:
        """By how much the means differ, above 0 where it is for the better."""
        return self.sign * (statistics.fmean(after) - statistics.fmean(before))

    def better_end(self, effect: Interval) -> float:
        """The end of an interval that is least in favour: above 0 where the change is for the
        better, for sure."""
        low, high = ends(effect)
        return low if self.sign > 0 else -high

    def least(self, before: Sequence[float]) -> float:
        """The difference that is of use to anybody."""
        size = abs(statistics.fmean(before))
        return LESS * size if self.is_loss else LEAST * max(1.0, size)


def ends(effect: Interval) -> tuple[float, float]:
    """The ends of an interval; where all pairs differ alike, that difference."""
    half = effect.half_width or 0.0
    return effect.mean - half, effect.mean + half


def _is_imbalanced(classes: Any) -> bool:
    counts = np.unique(classes, return_counts=True)[1]
    return bool(counts.max() >= LIMITS["imbalance"].value * counts.min())


def _accuracy(y: Any, answers: Any) -> float:
    return float((answers == y).mean())


def _balanced(y: Any, answers: Any) -> float:
    return float(np.mean([(answers[y == one] == one).mean() for one in np.unique(y)]))


def _r2(y: Any, answers: Any) -> float:
    spread = float(((y - y.mean(axis=0)) ** 2).sum())
    return 1 - float(((answers - y) ** 2).sum()) / spread if spread > 0 else 0.0


def _no_score(y: Any, answers: Any) -> float:
    raise AssertionError("a loss is no function of answers alone")


class Pairs:
    """Trainings on the same seeds, and their scores.

    Attributes:
        ratio: rows to judge by over rows to train with, where each seed draws them anew.
        judge: what they are judged by.
        y: the targets.
    """

    def __init__(
        self, data: Examples, validation: Any, seeds: int, dtype: str,
        measure: str | Callable[[Any, Any], float] | None = None,
    ) -> None:
        self._dtype = dtype
        self.y = np.asarray(data.y)
        self.ratio = 0.0
        if isinstance(validation, tuple):
            held = Examples(*as_arrays(validation[0], validation[1], "cure, validation"), None,
                            validation[2] if len(validation) > 2 else None)
            self._parts = [(data, held)] * seeds
        else:
            self._parts = [split(data, float(validation), seed) for seed in range(seeds)]
            train, held = self._parts[0]
            self.ratio = len(held.x) / len(train.x)
        self.classes = classes_of(self.y)
        self.judge = Judge.of(measure, self.classes)

    def train(self, settings: Settings) -> State:
        """The validation score and loss of each seed, and the first training's diagnosis."""
        scores, losses, diagnosis = [], [], None
        for seed, (train, held) in enumerate(self._parts):
            score, loss, seen = self._one(settings, train, held, seed)
            scores.append(score)
            losses.append(loss)
            diagnosis = diagnosis if diagnosis is not None else seen
        assert diagnosis is not None
        return State(settings, tuple(scores), tuple(losses), diagnosis)

    def _one(
        self, settings: Settings, train: Examples, held: Examples, seed: int
    ) -> tuple[float, float, Diagnosis | None]:
        y, held_y = (_targets(settings.loss, part.y) for part in (train, held))
        parts = (held.x, held_y) if held.lengths is None else (held.x, held_y, held.lengths)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DoctorWarning)
            try:
                model = fit(settings, train.x, y, validation=parts, seed=seed,
                            sample_weight=train.weights, lengths=train.lengths, dtype=self._dtype,
                            progress=False, doctor=seed == 0)
            except DivergenceError as error:
                # It learned nothing that is of use.
                seen = error.model.diagnosis if seed == 0 else None
                return self._constant(settings.loss, train, held), math.inf, seen
        kept = model.history[(model.history.best_epoch or len(model.history)) - 1]
        loss = kept.validation_loss if kept.validation_loss is not None else math.inf
        answers = settings.loss.predicted(model.predict(held.x, held.lengths))
        score = loss if self.judge.is_loss else self._score(
            settings.loss, settings.loss.judged(answers), held.y)
        return score, loss, model.diagnosis if seed == 0 else None

    def _score(self, loss: Loss, answers: Any, y: Any) -> float:
        answers, y = np.asarray(answers, dtype=np.float64), np.asarray(y)
        if self.classes is None:
            return self.judge.score(y.reshape(answers.shape).astype(np.float64), answers)
        right = classes_of(y, known=True)
        return self.judge.score(right, self._answered(loss, answers, right))

    def _answered(self, loss: Loss, answers: Any, right: Any) -> Any:
        """The classes that are answered."""
        if answers.shape[-1] != 1 and answers.shape != right.shape:
            return answers.argmax(axis=-1)
        one = answers.reshape(right.shape)
        if self.y.ndim == 1 and self.y.max() > 1:
            return np.rint(one).astype(np.int64)
        return (one > (0.5 if not loss.counts_right_answers else 0.0)).astype(np.int64)

    def _constant(self, loss: Loss, train: Examples, held: Examples) -> float:
        """The score of the best constant answer: of a training that learned nothing."""
        if self.judge.is_loss:
            y = loss.prepare(_targets(loss, train.y), *self._scored(loss, train.y))
            told = loss_info(loss)
            summary, own = summary_of_targets(y[:, 0] if y.shape[1:] == (1,) else y, told)
            lowest = best_constant_loss(own, summary, told)
            return math.inf if lowest is None else lowest
        if self.classes is None:
            return 0.0 if self.judge.name == "R2" else self.judge.score(
                np.asarray(held.y, np.float64),
                np.full(held.y.shape, np.asarray(train.y, np.float64).mean(axis=0)))
        own, other = classes_of(np.asarray(train.y), known=True), classes_of(
            np.asarray(held.y), known=True)
        values, counts = np.unique(own, return_counts=True)
        return self.judge.score(other, np.full(other.shape, values[counts.argmax()]))

    def _scored(self, loss: Loss, y: Any) -> tuple[tuple[int, ...], Any]:
        """The shape of one row's scores, as the targets have it, and an element type."""
        y = np.asarray(y)
        if loss.targets_are_classes:
            return (int(classes_of(self.y, known=True).max()) + 1,), np.dtype("float64")
        outputs = y.shape[-1] if y.ndim > 1 else 1
        return (*y.shape[1:-1], outputs * loss.outputs_each), np.dtype("float64")


def classes_of(y: Any, known: bool = False) -> Any:
    """Targets as class numbers; None where they are quantities.

    Arguments:
        y: targets.
        known: whether they are classes: a few rows do not show it.
    """
    if y.ndim == 2 and y.shape[1] > 1:
        is_one_hot = bool(np.isin(y, (0, 1)).all()) and bool((y.sum(axis=1) == 1).all())
        return y.argmax(axis=1) if is_one_hot else None
    flat = y.reshape(-1) if y.ndim == 2 else y
    if y.ndim > 2 or (not known and flat.dtype.kind not in "iub" and not (
            bool((flat == np.floor(flat)).all()) and len(np.unique(flat)) == 2)):
        return None
    if known:
        return flat.astype(np.int64)
    values = np.unique(flat)
    is_small = len(values) <= max(20, len(flat) // 20)
    return flat.astype(np.int64) if is_small and values.min() >= 0 else None


def _targets(loss: Loss, y: Any) -> Any:
    """Targets as a loss takes them: a cure may change the loss."""
    y = np.asarray(y)
    if loss.targets_are_classes and y.ndim == 2 and y.shape[1] > 1 and classes_of(y) is not None:
        return y.argmax(axis=1)
    if loss.targets_are_classes and y.dtype.kind == "f" and y.ndim <= 2 and \
            bool((y == np.floor(y)).all()):
        return y.reshape(len(y)).astype(np.int64)
    return y


def code_of_targets(loss: Loss, y: Any) -> str:
    if loss.targets_are_classes and y.ndim == 2 and y.shape[1] > 1:
        return "y = y.argmax(axis=1)"
    if loss.targets_are_classes and y.dtype.kind == "f":
        return "y = y.astype(int)"
    return ""
