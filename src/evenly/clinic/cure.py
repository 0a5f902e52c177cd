"""Cures that are tried: the same training with and without, on the same seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..doctor import Cure, Diagnosis, Finding
from ..errors import ConfigurationError, DataError, ShapeError
from ..layers.base import expect
from ..rows.data import Examples, as_arrays, rows_of
from ..settings import Settings
from ..study.records import Interval
from ..study.statistics import interval
from ..training.model import as_sequential
from .pairs import LESS, Pairs, State, code_of_targets, ends


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
            better. None where the loss is what is judged by.
        helped: whether the interval lies above 0 (of a loss below 0), by so much as matters; or
            that of the loss below 0, by a twentieth at least, and the score is no worse.
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
        score_name: what the scores are: accuracy, balanced accuracy, R2, loss, or the name of the
            measure that was given.
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
    seeds: int = 5, finding: Finding | None = None, most: int = 6,
    measure: str | Callable[[Any, Any], float] | None = None, sample_weight: Any = None,
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
        measure: what to judge by, on the validation rows: ``"accuracy"``, ``"balanced"`` (accuracy,
            each class counting alike), ``"R2"``, ``"loss"``, or a function of (targets, answers)
            that is higher where answers are better, such as ``sklearn.metrics.f1_score``; classes
            come to it as numbers. By default R2 for quantities, and for classes accuracy, balanced
            where the most frequent one has eight times the rows of the rarest.
        sample_weight, lengths, dtype: as for :func:`evenly.fit`.

    Returns:
        A :class:`Cured`: the settings that did, each trial, and the code to copy.

    Raises:
        ConfigurationError: fewer than two seeds; a measure that there is not, or that has no
            meaning for these targets.
        ShapeError, ConfigurationError, DataError: as :func:`evenly.fit`, before training.

    Source: Kim et al. 2023, "Repairing DNN architecture: are we there yet?" (cures must be
    compared with chance); Nadeau and Bengio 2003 for the interval.

    Example:
        >>> import numpy as np
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
    pairs = Pairs(data, validation, seeds, dtype, measure)
    return _try(pairs, settings, finding, most)


def _try(pairs: Pairs, settings: Settings, finding: Finding | None, most: int) -> Cured:
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
        elif pairs.judge.gain(lead.scores, changed.scores) > 0:
            lead = changed
            waiting = [*_cures(None, lead.diagnosis), *waiting]
    return Cured(sure.settings, tuple(trials), first.diagnosis, sure.diagnosis, pairs.judge.name,
                 code_of_targets(sure.settings.loss, pairs.y))


def _cures(finding: Finding | None, diagnosis: Diagnosis) -> Iterator[tuple[str, Cure]]:
    """The cures that are changes of settings, of the first finding first."""
    findings = [] if finding is None else [finding]
    for one in (*findings, *diagnosis.findings):
        for each in one.cures:
            if each.change is not None:
                yield one.kind, each


def _trial(
    pairs: Pairs, settings: Settings, sure: State, kind: str, cure: Cure
) -> tuple[Trial, State | None]:
    judge = pairs.judge
    try:
        changed = pairs.train(cure(settings))
    except (ConfigurationError, ShapeError, DataError) as error:
        return Trial(kind, cure.text, sure.scores, (), None, None, False, str(error)), None
    same_loss = _is_same_loss(sure.settings, changed.settings)
    if judge.is_loss and not same_loss:
        problem = "it changes the loss, and losses of two kinds cannot be compared"
        return Trial(kind, cure.text, sure.scores, (), None, None, False, problem), None
    effect = interval(_differences(sure.scores, changed.scores), pairs.ratio)
    low, mean = judge.better_end(effect), judge.sign * effect.mean
    helped = low > 0 and mean >= judge.least(sure.scores)
    loss_effect = None
    if not judge.is_loss and same_loss and all(
            map(math.isfinite, (*sure.losses, *changed.losses))):
        loss_effect = interval(_differences(sure.losses, changed.losses), pairs.ratio)
        less = -loss_effect.mean >= LESS * abs(statistics.fmean(sure.losses))
        helped |= ends(loss_effect)[1] < 0 and less and mean > -judge.least(sure.scores)
    trial = Trial(kind, cure.text, sure.scores, changed.scores, effect, loss_effect, helped)
    return trial, changed


def _differences(before: Sequence[float], after: Sequence[float]) -> list[float]:
    return [b - a for a, b in zip(before, after, strict=True)]


def _is_same_loss(one: Settings, other: Settings) -> bool:
    return one.loss == other.loss and one.targets == other.targets


def _shown(effect: Interval) -> str:
    if effect.half_width is None:
        return f"{effect.mean:+.3f} in every pair"
    low, high = ends(effect)
    return f"{effect.mean:+.3f} ({low:+.3f} to {high:+.3f})"
