from __future__ import annotations

import threading

import pytest

from evenly.study import Design, Outcome, Table, run_all

SMALL = Design(seeds=2, epochs=4, hidden=(8,), batch=16)


def scores(outcome: Outcome) -> list[tuple[str, int, float | None]]:
    return [(run.variant, run.seed, run.test_score) for run in outcome.runs]


def test_every_variant_runs_with_every_seed(blobs: Table) -> None:
    told: list[tuple[str, int]] = []
    outcome = run_all(blobs, SMALL, on_epoch=lambda variant, seed: told.append((variant, seed)))
    assert not outcome.interrupted
    names = [row.name for row in SMALL.rows]
    assert [(run.seed, run.variant) for run in outcome.runs] == [
        (seed, name) for seed in (0, 1) for name in names
    ]
    assert len(told) == 2 * 6 * 4
    for run in outcome.runs:
        assert [point.epoch for point in run.epochs] == [1, 2, 3, 4]
        assert run.diverged is None
        # The score is the last epoch's, not the best one's.
        assert run.test_score == pytest.approx(run.epochs[-1].test_score)
        assert run.gap("accuracy") == pytest.approx((run.train_score or 0) - (run.test_score or 0))
        assert run.tested("accuracy") == pytest.approx(run.test_score)
        assert [name for name, _ in run.test] == [
            "accuracy", "balanced-accuracy", "auc", "log-loss", "brier"
        ]
        assert run.tested("log-loss") == pytest.approx(run.test_loss, rel=1e-5)


def test_results_depend_neither_on_jobs_nor_on_threads(blobs: Table) -> None:
    alone = run_all(blobs, SMALL, jobs=1)
    assert scores(run_all(blobs, SMALL, jobs=3)) == scores(alone)
    assert scores(run_all(blobs, SMALL, jobs=2, threads=2)) == scores(alone)


def test_a_variant_that_changes_nothing_gives_the_same_numbers(
    blobs: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same split, weights and batches: pairs. A difference here would be noise in every study."""
    from evenly.study import designs

    twin = designs.Variant("twin", "nothing")
    monkeypatch.setattr(designs, "VARIANTS", (designs.PLAIN, twin))
    outcome = run_all(blobs, Design(variants=("twin",), seeds=2, epochs=3, hidden=(8,)))
    by_name = {
        name: [run.test_loss for run in outcome.runs if run.variant == name]
        for name in ("plain", "twin")
    }
    assert by_name["plain"] == by_name["twin"]
    assert by_name["plain"][0] != by_name["plain"][1]


def test_numbers_are_learned(line: Table) -> None:
    design = Design(variants=("plain",), seeds=1, epochs=80, hidden=(16,), batch=8, lr=0.01)
    (run,) = run_all(line, design).runs
    assert run.test_score is not None
    assert run.test_score > 0.9


def test_divergence_is_recorded_and_the_study_goes_on(line: Table) -> None:
    design = Design(
        variants=("plain", "l2"), seeds=2, epochs=5, hidden=(8,), optimizer="sgd", lr=1e20
    )
    outcome = run_all(line, design, jobs=2)
    assert len(outcome.runs) == 4
    assert not outcome.interrupted
    for run in outcome.runs:
        assert run.diverged
        assert "\n" not in run.diverged
        assert run.test_score is None
        assert run.gap("r2") is None
        assert run.tested("r2") is None


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_stop_keeps_what_has_finished_and_drops_the_rest(blobs: Table, jobs: int) -> None:
    stop = threading.Event()
    epochs = []

    def note(variant: str, seed: int) -> None:
        epochs.append(variant)
        if len(epochs) == 4 * 8 + 2:
            stop.set()

    outcome = run_all(blobs, SMALL, jobs=jobs, stop=stop, on_epoch=note)
    assert outcome.interrupted
    assert 6 <= len(outcome.runs) < 12
    assert all(len(run.epochs) == 4 for run in outcome.runs)


def test_a_stop_after_the_last_epoch_changes_nothing(blobs: Table) -> None:
    stop = threading.Event()
    count = []

    def note(variant: str, seed: int) -> None:
        count.append(seed)
        if len(count) == 3:
            stop.set()

    design = Design(seeds=1, epochs=3, hidden=(8,), variants=("plain",))
    outcome = run_all(blobs, design, stop=stop, on_epoch=note)
    assert not outcome.interrupted
    assert len(outcome.runs) == 1


def test_an_error_in_a_run_ends_the_study_soon(blobs: Table) -> None:
    def fail(variant: str, seed: int) -> None:
        raise RuntimeError("broken bar")

    with pytest.raises(RuntimeError, match="broken bar"):
        run_all(blobs, Design(seeds=200, epochs=50, hidden=(8,)), jobs=2, on_epoch=fail)
