from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from evenly.report import history_jsonl, results_csv
from evenly.study.records import RunRecord, StudyRecord

SCORE = "test_accuracy"
Make = Callable[..., StudyRecord]


def test_results_hold_a_line_a_run(make_study: Make, broken_run: RunRecord) -> None:
    study = make_study()
    rows = list(
        csv.DictReader(io.StringIO(results_csv(replace(study, runs=(*study.runs[:5], broken_run)))))
    )
    assert [(row["variant"], row["seed"]) for row in rows] == [
        (name, str(seed)) for seed in (0, 1) for name in ("plain", "dropout", "l2")
    ] + [("simplest", "0"), ("simplest", "1")]
    assert [row["kind"] for row in rows] == ["network"] * 6 + ["reference"] * 2
    assert float(rows[6]["difference_from_plain"]) == pytest.approx(0.41 - float(rows[0][SCORE]))
    assert [row["test_auc"] for row in rows] == ["0.9"] * 5 + ["", "", ""]
    assert {row["net"] for row in rows} == {"mlp"}
    plain, dropout = rows[0], rows[1]
    assert plain["difference_from_plain"] == ""
    assert float(dropout["difference_from_plain"]) == pytest.approx(0.02)
    assert float(dropout["gap"]) == pytest.approx(
        float(dropout["train_score"]) - float(dropout["test_score"])
    )
    assert rows[5]["status"] == "diverged"
    assert rows[5]["test_score"] == rows[5]["difference_from_plain"] == rows[5][SCORE] == ""


def test_gap_and_difference_are_of_the_measure_that_decides(make_study: Make) -> None:
    study = replace(make_study(), measure="auc")
    rows = list(csv.DictReader(io.StringIO(results_csv(study))))
    assert float(rows[1]["gap"]) == pytest.approx(0.09)
    assert float(rows[1]["difference_from_plain"]) == 0.0


def test_history_holds_a_line_an_epoch(make_study: Make, broken_run: RunRecord) -> None:
    study = make_study(epochs=3)
    text = history_jsonl(replace(study, runs=(study.runs[0], broken_run)))
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["variant"], line["epoch"]) for line in lines] == [
        ("plain", 1),
        ("plain", 2),
        ("plain", 3),
        ("l2", 1),
        ("l2", 2),
    ]
    assert {line["net"] for line in lines} == {"mlp"}
    assert lines[0]["test_loss"] == pytest.approx(1.2)
    # JSON has no word for a number that is not finite.
    assert lines[4]["loss"] is None
    assert lines[4]["test_score"] is None
