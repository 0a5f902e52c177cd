"""What the doctor sees of a case: the record of one training, and what was tried before it."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import evenly as ev
from evenly.doctor import Diagnosis, diagnose
from evenly.records import TrainingRecord
from evenly.records.plain import from_plain, to_plain
from evenly.training.before import before_training

from .cases import Case
from .networks import build, targets


def watch(case: Case) -> TrainingRecord:
    """Trains once, watched, with the case's first seed."""
    plan, data = case.make()
    settings = build(plan, data)
    x, y = data.x, targets(plan, data, data.y)
    held = data.watch_x, targets(plan, data, data.watch_y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = before_training(settings, x, y, validation=held, seed=case.seed)
        try:
            model = ev.fit(settings, x, y, validation=held, seed=case.seed, threads=1,
                           progress=False, doctor=True)
        except ev.errors.DivergenceError as error:
            model = error.model
    return replace(model.record, checks=before.checks)


def plain(record: TrainingRecord) -> dict[str, Any]:
    """As JSON holds it."""
    return {"record": to_plain(record)}


def record_of(line: dict[str, Any]) -> TrainingRecord:
    """Back from JSON."""
    return from_plain(TrainingRecord, line["record"])  # type: ignore[no-any-return]


def verdict(line: dict[str, Any], limits: dict[str, float] | None = None) -> Diagnosis:
    """What the doctor says of it."""
    return diagnose(record_of(line), limits)
