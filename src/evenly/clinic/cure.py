"""Cures that are tried: the same training with and without, on the same seeds."""

from __future__ import annotations

import math
import statistics
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..doctor import Cure, Diagnosis, Finding
from ..errors import (
    ConfigurationError,
    DataError,
    DivergenceError,
    DoctorWarning,
    ShapeError,
)
from ..layers.base import expect
from ..losses import Loss
from ..rows.data import Examples, as_arrays, rows_of, split
from ..settings import Settings
from ..study.records import Interval
from ..study.statistics import interval
from ..training import fit
from ..training.model import as_sequential

# Differences that are of use to anybody: of a score, and of a loss as a share of it.
LEAST, LESS = 0.01, 0.05


@dataclass(frozen=True)
class Trial:
    """A cure that was tried.

    Attributes:
        kind: of the finding that it is for.
        cure: what it does.
        before, after: the validation score of each seed without and with it; after is empty where
            the cure could not be applied.
        effect: after less before, of the pairs, with its 95 % interval.
        loss_effect: likewise of the validation loss, where both are of the same loss; lower is
            better.
        helped: whether the interval lies above 0; or that of the loss below 0, by a twentieth at
            least, and the score is no worse.
        problem: why it could not be applied, else "".
    """

    kind: str
    cure: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    effect: Interval | None
    loss_effect: Interval | None
    helped: bool
    problem: str = ""

    def __str__(self) -> str:
        if self.effect is None:
            return f"{self.kind}: {self.cure} Cannot be applied here: {self.problem}"
        text = (f"{self.kind}: {self.cure} {statistics.fmean(self.before):.3f} became "
                f"{statistics.fmean(self.after):.3f}, {_shown(self.effect)}")
        if self.loss_effect is not None:
            text += f"; the loss {_shown(self.loss_effect)}"
        return f"{text}: {'helps' if self.helped else 'does not help for sure'}."


@dataclass(frozen=True)
class Cured:
    """What trying came to. ``print`` shows it; :meth:`code` is to be copied.

    Attributes:
        settings: those that did best: with every cure that helped.
        trials: each cure that was tried, in order.
        diagnosis: of the first training.
        left: what the doctor says of the training with those settings.
        score_name: what the scores are: accuracy, or R2.
        targets: what to do to the targets for these settings, as code; "" for nothing.
    """

    settings: Settings
    trials: tuple[Trial, ...]
    diagnosis: Diagnosis
    left: Diagnosis
    score_name: str
    targets: str = ""

    @property
    def helped(self) -> bool:
        """Whether any cure did."""
        return any(trial.helped for trial in self.trials)

    def code(self) -> str:
        """Python source of the training with the settings that did."""
        return (f"{self.targets}\n" if self.targets else "") + self.settings.code()

    def __str__(self) -> str:
        lines = [self.diagnosis.headline]
        if self.trials:
            lines += ["", f"Tried, by {self.score_name} on validation rows, in pairs of "
                          f"{len(self.trials[0].before)} seeds:"]
            lines += [f"- {trial}" for trial in self.trials]
        lines += ["", "The settings that did:" if self.helped else
                  "Nothing helped for sure. The settings as they were:", "", self.code()]
        if self.left.findings and self.trials:
            lines += ["", f"Left: {self.left.headline}"]
        return "\n".join(lines)


def cure(
    settings: Settings, x: Any, y: Any, *, validation: float | tuple[Any, ...] = 0.2,
    seeds: int = 5, finding: Finding | None = None, most: int = 6, sample_weight: Any = None,
    lengths: Any = None, dtype: str = "float32",
) -> Cured:
    """Tries cures and keeps those that help: the doctor's word is not believed.

    Trains with the settings, takes the first finding's first cure, trains with it on the same
    seeds (the same split, the same first weights where shapes agree, the same batches), and
    compares the validation scores in pairs. A cure that helps stays, and the doctor looks again;
    where it does not, the next cure, then the next finding, is tried.

    Arguments:
        settings: of the training.
        x, y: inputs and targets, arrays as for :func:`evenly.fit`.
        validation: a share of the rows to judge by, drawn anew for each seed; or (x, y), or (x, y,
            lengths).
        seeds: trainings of each kind, >= 2.
        finding: what to cure; by default what the doctor finds first.
        most: cures to try at most.
        sample_weight, lengths, dtype: as for :func:`evenly.fit`.

    Returns:
        A :class:`Cured`: the settings that did, each trial, and the code to copy.

    Raises:
        ConfigurationError: fewer than two seeds.
        ShapeError, ConfigurationError, DataError: as :func:`evenly.fit`, before training.

    Source: Kim et al. 2023, "Repairing DNN architecture: are we there yet?" (cures must be
    compared with chance); Nadeau and Bengio 2003 for the interval.

    Example:
        >>> import evenly as ev
        >>> x = np.random.default_rng(0).standard_normal((200, 2))
        >>> y = (x[:, 0] > x[:, 1]).astype(int)
        >>> net = ev.Sequential([ev.Dense(16), ev.ReLU(), ev.Dense(2)])
        >>> sick = ev.Settings(net, ev.SoftmaxCrossEntropy(), ev.SGD(1e-4), epochs=10)
        >>> cured = cure(sick, x, y, seeds=3)
        >>> cured.trials[0].kind, cured.helped
        ('rate_too_low', True)
    """
    expect(isinstance(seeds, int) and seeds >= 2, settings, "cure: seeds must be at least 2", seeds)
    expect(isinstance(most, int) and most >= 1, settings, "cure: most must be at least 1", most)
    net = as_sequential(settings.net)
    settings = replace(settings, net=net)
    x, y = as_arrays(x, y, "cure")
    data = Examples(x, y, rows_of(sample_weight, len(x), "sample_weight"),
                    rows_of(lengths, len(x), "lengths"))
    pairs = _Pairs(data, validation, seeds, dtype)
    return _try(pairs, settings, finding, most)


@dataclass(frozen=True)
class _State:
    """Settings, and what trainings with them came to."""

    settings: Settings
    scores: tuple[float, ...]
    losses: tuple[float, ...]
    diagnosis: Diagnosis

    def is_ahead_of(self, other: _State) -> bool:
        """By the means alone, for sure or not."""
        return statistics.fmean(self.scores) > statistics.fmean(other.scores)


def _try(pairs: _Pairs, settings: Settings, finding: Finding | None, most: int) -> Cured:
    # What is sure is compared with; what leads, sure or not, is gone on with: two ailments may hide
    # what a single cure does.
    first = sure = lead = pairs.train(settings)
    trials: list[Trial] = []
    tried: set[str] = set()
    waiting = list(_cures(finding, first.diagnosis))
    while waiting and len(trials) < most:
        kind, next_cure = waiting.pop(0)
        if next_cure.text in tried:
            continue
        tried.add(next_cure.text)
        trial, changed = _trial(pairs, lead.settings, sure, kind, next_cure)
        trials.append(trial)
        if changed is None:
            continue
        if trial.helped:
            sure = lead = changed
            waiting = list(_cures(None, lead.diagnosis))
        elif changed.is_ahead_of(lead):
            lead = changed
            waiting = [*_cures(None, lead.diagnosis), *waiting]
    return Cured(sure.settings, tuple(trials), first.diagnosis, sure.diagnosis, pairs.score_name,
                 _code_of_targets(sure.settings.loss, pairs.y))


def _cures(finding: Finding | None, diagnosis: Diagnosis) -> Iterator[tuple[str, Cure]]:
    """The cures that are changes of settings, of the first finding first."""
    findings = [] if finding is None else [finding]
    for one in (*findings, *diagnosis.findings):
        for each in one.cures:
            if each.change is not None:
                yield one.kind, each


def _trial(
    pairs: _Pairs, settings: Settings, sure: _State, kind: str, cure: Cure
) -> tuple[Trial, _State | None]:
    try:
        changed = pairs.train(cure(settings))
    except (ConfigurationError, ShapeError, DataError) as error:
        return Trial(kind, cure.text, sure.scores, (), None, None, False, str(error)), None
    effect = interval(_differences(sure.scores, changed.scores), pairs.ratio)
    helped = _ends(effect)[0] > 0 and effect.mean >= LEAST
    loss_effect = None
    if _is_same_loss(sure.settings, changed.settings) and all(
            map(math.isfinite, (*sure.losses, *changed.losses))):
        loss_effect = interval(_differences(sure.losses, changed.losses), pairs.ratio)
        less = -loss_effect.mean >= LESS * abs(statistics.fmean(sure.losses))
        helped |= _ends(loss_effect)[1] < 0 and less and effect.mean > -LEAST
    trial = Trial(kind, cure.text, sure.scores, changed.scores, effect, loss_effect, helped)
    return trial, changed


def _differences(before: Sequence[float], after: Sequence[float]) -> list[float]:
    return [b - a for a, b in zip(before, after, strict=True)]


def _is_same_loss(one: Settings, other: Settings) -> bool:
    return one.loss == other.loss and one.targets == other.targets


def _ends(effect: Interval) -> tuple[float, float]:
    """The ends of an interval; where all pairs differ alike, that difference."""
    half = effect.half_width or 0.0
    return effect.mean - half, effect.mean + half


def _shown(effect: Interval) -> str:
    if effect.half_width is None:
        return f"{effect.mean:+.3f} in every pair"
    low, high = _ends(effect)
    return f"{effect.mean:+.3f} ({low:+.3f} to {high:+.3f})"


class _Pairs:
    """Trainings on the same seeds, and their scores.

    Attributes:
        ratio: rows to judge by over rows to train with, where each seed draws them anew.
        score_name: accuracy or R2.
    """

    def __init__(self, data: Examples, validation: Any, seeds: int, dtype: str) -> None:
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
        self.classes = _classes(self.y)
        self.score_name = "accuracy" if self.classes is not None else "R2"

    def train(self, settings: Settings) -> _State:
        """The validation score and loss of each seed, and the first training's diagnosis."""
        scores, losses, diagnosis = [], [], None
        for seed, (train, held) in enumerate(self._parts):
            score, loss, seen = self._one(settings, train, held, seed)
            scores.append(score)
            losses.append(loss)
            diagnosis = diagnosis if diagnosis is not None else seen
        assert diagnosis is not None
        return _State(settings, tuple(scores), tuple(losses), diagnosis)

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
                return self._constant(train, held), math.inf, seen
        score = self._score(settings.loss, model.predict(held.x, held.lengths), held.y)
        kept = model.history[(model.history.best_epoch or len(model.history)) - 1]
        loss = kept.validation_loss if kept.validation_loss is not None else math.inf
        return score, loss, model.diagnosis if seed == 0 else None

    def _score(self, loss: Loss, answers: Any, y: Any) -> float:
        answers, y = np.asarray(answers, dtype=np.float64), np.asarray(y)
        right = _classes(y) if self.classes is not None else None
        if right is None:
            y = y.reshape(answers.shape).astype(np.float64)
            spread = float(((y - y.mean(axis=0)) ** 2).sum())
            return 1 - float(((answers - y) ** 2).sum()) / spread if spread > 0 else 0.0
        if answers.shape[-1] == 1 or answers.shape == right.shape:
            border = 0.5 if not loss.counts_right_answers else 0.0
            if self.y.ndim == 1 and self.y.max() > 1:
                return float((np.rint(answers.reshape(right.shape)) == right).mean())
            return float(((answers.reshape(right.shape) > border) == (right > 0)).mean())
        return float((answers.argmax(axis=-1) == right).mean())

    def _constant(self, train: Examples, held: Examples) -> float:
        if self.classes is None:
            return 0.0
        own, other = _classes(np.asarray(train.y)), _classes(np.asarray(held.y))
        values, counts = np.unique(own, return_counts=True)
        return float((other == values[counts.argmax()]).mean())


def _classes(y: Any) -> Any:
    """Targets as class numbers; None where they are quantities."""
    if y.ndim == 2 and y.shape[1] > 1:
        is_one_hot = bool(np.isin(y, (0, 1)).all()) and bool((y.sum(axis=1) == 1).all())
        return y.argmax(axis=1) if is_one_hot else None
    flat = y.reshape(-1) if y.ndim == 2 else y
    if y.ndim > 2 or (flat.dtype.kind not in "iub" and not (
            bool((flat == np.floor(flat)).all()) and len(np.unique(flat)) == 2)):
        return None
    values = np.unique(flat)
    is_small = len(values) <= max(20, len(flat) // 20)
    return flat.astype(np.int64) if is_small and values.min() >= 0 else None


def _targets(loss: Loss, y: Any) -> Any:
    """Targets as a loss takes them: a cure may change the loss."""
    y = np.asarray(y)
    if loss.targets_are_classes and y.ndim == 2 and y.shape[1] > 1 and _classes(y) is not None:
        return y.argmax(axis=1)
    if loss.targets_are_classes and y.dtype.kind == "f" and y.ndim <= 2 and \
            bool((y == np.floor(y)).all()):
        return y.reshape(len(y)).astype(np.int64)
    return y


def _code_of_targets(loss: Loss, y: Any) -> str:
    if loss.targets_are_classes and y.ndim == 2 and y.shape[1] > 1:
        return "y = y.argmax(axis=1)"
    if loss.targets_are_classes and y.dtype.kind == "f":
        return "y = y.astype(int)"
    return ""
