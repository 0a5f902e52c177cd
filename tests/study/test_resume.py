"""Runs that are kept, resumed, and made in other processes: the same numbers."""

from __future__ import annotations

import dataclasses
import json
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evenly.errors import BackendError
from evenly.study import Design, Outcome, StudyError, Table, run_all, runs
from evenly.study.records import EpochPoint, RunRecord
from evenly.study.stored import Runs, fingerprint, from_values, to_values

SMALL = Design(seeds=3, epochs=3, hidden=(8,), batch=16, variants=("plain", "dropout"))


def numbers(outcome: Outcome) -> list[Any]:
    """All that a run is, but how long it took."""
    return [
        dataclasses.replace(
            run, seconds=0.0,
            epochs=tuple(dataclasses.replace(point, seconds=0.0) for point in run.epochs),
        )
        for run in (*outcome.runs, *outcome.references)
    ]


@pytest.mark.parametrize("backend", [
    "threading", pytest.param("loky", marks=pytest.mark.sweep)])
def test_the_same_numbers_on_any_backend(blobs: Table, backend: str) -> None:
    told: list[tuple[str, int]] = []
    alone = run_all(blobs, SMALL)
    both = run_all(blobs, SMALL, jobs=2, backend=backend,
                   on_epoch=lambda variant, seed: told.append((variant, seed)))
    assert numbers(both) == numbers(alone)
    assert not both.interrupted
    assert sorted(told) == sorted(
        (name, seed) for name in ("plain", "dropout") for seed in range(3) for _ in range(3)
    )


def test_an_unknown_backend_says_so(blobs: Table) -> None:
    for jobs in (1, 2):
        with pytest.raises(BackendError, match=r"backend: .*lokki.*: try threading or loky"):
            run_all(blobs, SMALL, jobs=jobs, backend="lokki")


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_a_stopped_study_goes_on(
    blobs: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    whole, stop, told = run_all(blobs, SMALL), threading.Event(), []

    def note(variant: str, seed: int) -> None:
        told.append(variant)
        if len(told) == 8:
            stop.set()

    path, name = tmp_path / "out" / "runs.jsonl", fingerprint(blobs, SMALL)
    first = run_all(blobs, SMALL, store=Runs(path, name, resume=False), stop=stop, on_epoch=note)
    assert first.interrupted
    assert 0 < len(first.runs) < 6
    done = {(run.variant, run.seed) for run in first.runs}
    trained: list[tuple[str, int]] = []
    real = runs.run_one

    def run_one(*words: Any) -> Any:
        trained.append((words[2].name, words[3]))
        return real(*words)

    monkeypatch.setattr(runs, "run_one", run_one)
    told.clear()
    again = run_all(
        blobs, SMALL, store=Runs(path, name, resume=True), jobs=2, backend=backend,
        on_epoch=lambda variant, seed: told.append(variant),
    )
    assert numbers(again) == numbers(whole)
    assert len(told) == 6 * 3
    if backend == "threading":
        assert not set(trained) & done
        assert len(trained) == 6 - len(done)


def test_runs_are_written_as_they_finish_and_not_before(blobs: Table, tmp_path: Path) -> None:
    path, lines = tmp_path / "out" / "runs.jsonl", []

    def note(variant: str, seed: int) -> None:
        lines.append(len(path.read_text().splitlines()) if path.exists() else 0)

    assert not path.parent.exists()
    design = dataclasses.replace(SMALL, seeds=1, epochs=1)
    run_all(blobs, design, store=Runs(path, "x", resume=False), on_epoch=note)
    # The line that says whose they are, and the two references, come with the first network.
    assert lines == [0, 4]
    first, *others = [json.loads(line) for line in path.read_text().splitlines()]
    assert first == {"evenly study": "x"}
    assert [line["key"] for line in others] == ["0 simplest", "0 linear", "0 plain", "0 dropout"]


def test_a_run_survives_the_trip_through_json() -> None:
    points = (EpochPoint(1, 0.1 + 0.2, None, math.inf, -math.inf, 0.5),)
    run = RunRecord("l2", 3, points, None, None, None, None, 1.5, "epoch 2", note="float nan",
                    train=(("auc", None),), test=(("auc", 1 / 3), ("r2", -1e300)))
    text = json.dumps(to_values(dataclasses.replace(run, note="")), allow_nan=False)
    assert from_values(json.loads(text)) == dataclasses.replace(run, note="")
    lost = dataclasses.replace(run, epochs=(EpochPoint(1, math.nan, 0.1, 0.1, 0.1, 0.1),), note="")
    back = from_values(json.loads(json.dumps(to_values(lost), allow_nan=False)))
    assert math.isnan(back.epochs[0].loss)


@pytest.mark.parametrize("change", [
    lambda table, design: (table, dataclasses.replace(design, seeds=4)),
    lambda table, design: (table, dataclasses.replace(design, hidden=(9,))),
    lambda table, design: (table, dataclasses.replace(design, lr=0.01)),
    lambda table, design: (table, dataclasses.replace(design, split="time")),
    lambda table, design: (dataclasses.replace(table, sha256="1" * 64), design),
    lambda table, design: (dataclasses.replace(table, target_name="other"), design),
    lambda table, design: (dataclasses.replace(table, groups_name="who"), design),
    lambda table, design: (dataclasses.replace(table, columns=table.columns[1:]), design),
])
def test_runs_of_another_design_or_table_are_refused(
    blobs: Table, tmp_path: Path, change: Callable[[Table, Design], tuple[Table, Design]]
) -> None:
    path = tmp_path / "runs.jsonl"
    store = Runs(path, fingerprint(blobs, SMALL), resume=False)
    store.add("0 plain", {})
    before = path.read_text()
    with pytest.raises(StudyError, match=r"runs\.jsonl: holds the runs of another design"):
        Runs(path, fingerprint(*change(blobs, SMALL)), resume=True)
    assert path.read_text() == before


def test_what_is_said_as_the_default_is_no_other_design(blobs: Table) -> None:
    said = Design(variants=("l2", "plain"), epochs=30, hidden=(128, 64), lr=0.001)
    assert fingerprint(blobs, said) == fingerprint(blobs, Design(variants=("plain", "l2")))


def test_another_measure_is_no_other_design(blobs: Table) -> None:
    by_auc = dataclasses.replace(SMALL, measure="auc")
    assert fingerprint(blobs, by_auc) == fingerprint(blobs, SMALL)
