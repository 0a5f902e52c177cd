"""A study's record to report on, made of plain values: no training, no table."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evenly.study.records import (
    Comparison,
    DataRecord,
    EpochPoint,
    Interval,
    RunRecord,
    Scale,
    StudyRecord,
    VariantRecord,
)


def run(variant: str, seed: int, level: float, epochs: int) -> RunRecord:
    points = tuple(
        EpochPoint(i, 1 / i, level - 0.3 / i, 1.2 / i, level - 0.2 / i + seed / 100, 0.01)
        for i in range(1, epochs + 1)
    )
    score = points[-1].test_score
    return RunRecord(
        variant, seed, points, 0.1, level + 0.02, 0.2, score, 0.25,
        train=(("accuracy", level + 0.02), ("auc", 0.99)), test=(("accuracy", score), ("auc", 0.9)),
    )


def reference(name: str, seed: int, level: float) -> RunRecord:
    measured = (("accuracy", level), ("auc", None))
    return RunRecord(
        name, seed, (), None, None, None, None, 0.01, train=measured, test=measured
    )


def variant(name: str, verdict: Any, difference: Interval | None) -> VariantRecord:
    return VariantRecord(
        name=name,
        adds=f"what {name} adds",
        network="Dense(8) · ReLU · Dense(3)",
        verdict=verdict,
        finished=2,
        diverged=0,
        test=Interval(0.91, 0.02, 2),
        difference=difference,
        p=0.01,
        p_holm=0.02,
        gap=0.02,
        target_epochs=3.0,
        target_reached=2,
        seconds=0.25,
        against=(Comparison("simplest", "better", Interval(0.5, 0.01, 2), 0.001, 0.002),),
    )


@pytest.fixture
def make_study() -> Callable[..., StudyRecord]:
    """A study of plain, dropout and l2; keywords replace its fields."""

    def make(epochs: int = 6, **changes: Any) -> StudyRecord:
        data = DataRecord(
            name="a<b>.csv",
            target="R&D",
            task="classification",
            task_reason="the target is text",
            rows=120,
            number_columns=4,
            text_columns=1,
            gaps=3,
            inputs=7,
            examples="5 columns",
            classes=("x", "y", "z"),
            train_rows=90,
            test_rows=30,
            sha256="0" * 64,
            notes=("Left out, because they are empty: q.",),
        )
        levels = {"plain": 0.9, "dropout": 0.92, "l2": 0.85}
        values: dict[str, Any] = {
            "data": data,
            "net": "mlp",
            "net_title": "dense networks",
            "measure": "accuracy",
            "curve_scale": Scale("accuracy", 100.0, 1, "%", "points"),
            "scale": Scale("accuracy", 100.0, 1, "%", "points"),
            "settings": (("epochs", "6"), ("seeds", "0, 1")),
            "variants": (
                variant("plain", "baseline", None),
                variant("dropout", "helped", Interval(0.02, 0.01, 2)),
                variant("l2", "hurt", Interval(-0.05, 0.02, 2)),
            ),
            "runs": tuple(
                run(name, seed, level, epochs)
                for seed in range(2)
                for name, level in levels.items()
            ),
            "references": (
                replace(
                    variant("simplest", "reference", Interval(-0.5, 0.01, 2)),
                    adds="always 'x<y>'", test=Interval(0.41, 0.02, 2), target_epochs=None,
                ),
            ),
            "reference_runs": tuple(reference("simplest", seed, 0.41) for seed in range(2)),
            "seeds": 2,
            "runs_asked": 6,
            "interrupted": False,
            "sentence": "With 2 seeds: dropout (+2.0 points) helped; l2 (-5.0 points) hurt.",
            "command": "evenly study 'a<b>.csv' --target 'R&D'",
            "versions": (("Python", "3.11.7"), ("evenly", "0.1.0")),
            "started": "2025-01-02 03:04:05+00:00",
            "seconds": 1.5,
            "comparisons": 2,
            "advice": "To train on all rows what the study recommends, dropout: it helped.",
            "fit_command": "evenly fit 'a<b>.csv' --target 'R&D'",
            "fit_code": "table = load(Path('a<b>.csv'), 'R&D', None)",
        }
        return StudyRecord(**(values | changes))

    return make


@pytest.fixture
def broken_run() -> RunRecord:
    """A run that diverged in its second epoch."""
    points = (
        EpochPoint(1, 3.0, 0.1, 9.0, 0.1, 0.01),
        EpochPoint(2, math.inf, 0.1, math.nan, math.nan, 0.01),
    )
    return RunRecord("l2", 1, points, None, None, None, None, 0.1, "epoch 2, step 9: not finite")
