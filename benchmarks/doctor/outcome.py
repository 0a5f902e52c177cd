"""One training, and how well it did on rows that it never saw."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import evenly as ev
from evenly.settings import Settings

from .data import Data
from .networks import Plan, build, targets

# What is worse than this is as bad: a loss of three times that of a constant answer, R^2 of -1.
WORST_RISK, WORST_SCORE = 3.0, -1.0


@dataclass(frozen=True)
class Outcome:
    """What became of a training.

    Attributes:
        score: on the judge's rows: balanced accuracy, or R^2.
        risk: there: cross-entropy over that of a constant answer; None where scores mean none.
        train_score: on the training rows, in inference mode, likewise.
        watch_score: on the validation rows.
        losses: of the epochs.
        diverged: whether a number was not finite.
    """

    score: float
    risk: float | None
    train_score: float
    watch_score: float
    losses: tuple[float, ...]
    diverged: bool


def train(plan: Plan, data: Data, seed: int) -> Outcome:
    """Trains once, without a doctor."""
    return fit_settings(build(plan, data), plan, data, seed)


def fit_settings(settings: Settings, plan: Plan, data: Data, seed: int) -> Outcome:
    """Trains given settings; the plan says how targets and answers are to be read, unless another
    loss than its own is lowered."""
    if isinstance(settings.loss, (ev.SoftmaxCrossEntropy, ev.BinaryCrossEntropy)):
        plan = replace(plan, loss="")
    settings, prepare, back = _plain(settings, plan, data)
    diverged = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = ev.fit(
                settings.net, prepare(data.x), back.forth(data.y), loss=settings.loss,
                optimizer=settings.optimizer, epochs=settings.epochs, batch=settings.batch,
                penalty=settings.penalty, clip=settings.clip, constraint=settings.constraint,
                augment=settings.augment, schedule=settings.schedule,
                early_stopping=settings.early_stopping, seed=seed, threads=1, progress=False,
                validation=(prepare(data.watch_x), back.forth(data.watch_y)),
            )
        except ev.errors.DivergenceError as error:
            model, diverged = error.model, True
    with np.errstate(all="ignore"):
        scores = {part: back.back(model.predict(prepare(x)).astype(float)) for part, x in
                  (("train", data.x), ("watch", data.watch_x), ("judge", data.judge_x))}
    return Outcome(
        score=score(plan, data, scores["judge"], data.judge_y),
        risk=risk(plan, data, scores["judge"], data.judge_y),
        train_score=score(plan, data, scores["train"], data.y),
        watch_score=score(plan, data, scores["watch"], data.watch_y),
        losses=tuple(float(record.loss) for record in model.history),
        diverged=diverged or not np.isfinite(scores["judge"]).all(),
    )


@dataclass(frozen=True)
class _Targets:
    plan: Plan
    data: Data
    mean: float = 0.0
    deviation: float = 1.0

    def forth(self, y: Any) -> Any:
        given = targets(self.plan, self.data, y)
        if (self.mean, self.deviation) == (0.0, 1.0):
            return given
        return (given - self.mean) / self.deviation

    def back(self, scores: Any) -> Any:
        return scores * self.deviation + self.mean


def _plain(settings: Settings, plan: Plan, data: Data) -> tuple[Settings, Any, _Targets]:
    """Settings that take inputs and targets as they are, and what is to be done to these."""
    def prepare(x: Any) -> Any:
        return x

    own = _Targets(plan, data)
    if settings.inputs == "standardized":
        axis = tuple(range(data.x.ndim - 1))
        mean, deviation = data.x.mean(axis, dtype=float), data.x.std(axis, dtype=float)
        deviation = np.where(deviation > 1e-12, deviation, 1)

        def prepare(x: Any) -> Any:
            return ((x - mean) / deviation).astype(np.float32)
    if settings.targets == "standardized":
        given = targets(plan, data, data.y)
        own = _Targets(plan, data, float(given.mean()), float(given.std()) or 1.0)
    return replace(settings, inputs="as they are", targets="as they are"), prepare, own


def score(plan: Plan, data: Data, scores: Any, y: Any) -> float:
    """Balanced accuracy, or R^2."""
    if data.task == "numbers":
        errors = ((scores[:, 0] - y) ** 2).mean()
        value = 1 - errors / y.var() if np.isfinite(errors) else WORST_SCORE
        return float(max(value, WORST_SCORE))
    answers = _answers(plan, data, scores, y)
    classes = np.unique(y)
    return float(np.mean([(answers[y == one] == one).mean() for one in classes]))


def _answers(plan: Plan, data: Data, scores: Any, y: Any) -> Any:
    classes = np.unique(y)
    if plan.loss == "numbers" or (data.task == "labels" and plan.loss):
        nearest = np.abs(np.nan_to_num(scores[:, :1], nan=1e9) - classes).argmin(axis=1)
        return classes[nearest]
    if data.task == "labels":
        return classes[(scores[:, 0] > 0) * 1]
    return np.nan_to_num(scores, nan=-1e9).argmax(axis=1)


def risk(plan: Plan, data: Data, scores: Any, y: Any) -> float | None:
    """Cross-entropy over that of a constant answer, where scores mean it."""
    if data.task == "numbers" or plan.loss:
        return None
    if not np.isfinite(scores).all():
        return WORST_RISK
    if data.task == "labels":
        scores = np.column_stack([np.zeros(len(scores)), scores[:, 0]])
        y = (y == y.max()) * 1
    top = scores.max(axis=1, keepdims=True)
    logarithms = scores - top - np.log(np.exp(scores - top).sum(axis=1, keepdims=True))
    entropy = -logarithms[np.arange(len(y)), y].mean()
    return float(min(entropy / math.log(scores.shape[1]), WORST_RISK))
