from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from evenly.study import Design, Outcome, StudyRecord, Table, summarize
from evenly.study.records import Interval, RunRecord, Scale
from evenly.study.statistics import holm, interval, p_value

Make = Callable[..., RunRecord]
PERCENT = Scale("accuracy", 100.0, 1, "%", "points")
R2 = Scale("R²", 1.0, 3, "", "")


def study(table: Table, runs: Sequence[RunRecord], seeds: int = 5, **changes: Any) -> StudyRecord:
    names = tuple(dict.fromkeys(run.variant for run in runs)) or ("plain",)
    design = Design(variants=names, seeds=seeds, **changes)
    interrupted = len(runs) < seeds * len(design.rows)
    outcome = Outcome(tuple(runs), interrupted, 1.0)
    return summarize(table, design, outcome, command="evenly study", started="now")


def over_seeds(make: Make, variant: str, *scores: float) -> list[RunRecord]:
    return [make(variant, seed, score) for seed, score in enumerate(scores)]


PLAIN = (0.900, 0.910, 0.895, 0.905, 0.902)


def test_verdicts_and_sentence(blobs: Table, make_run: Make) -> None:
    runs = [
        *over_seeds(make_run, "plain", *PLAIN),
        *over_seeds(make_run, "batch-norm", 0.921, 0.930, 0.914, 0.924, 0.923),
        *over_seeds(make_run, "dropout", 0.850, 0.861, 0.844, 0.857, 0.853),
        *over_seeds(make_run, "l2", 0.91, 0.90, 0.90, 0.91, 0.90),
    ]
    record = study(blobs, runs)
    assert [v.verdict for v in record.variants] == ["baseline", "helped", "hurt", "unclear"]
    assert record.sentence == (
        "With 5 seeds: batch-norm (+2.0 points) helped; dropout (-4.9 points) hurt; "
        "l2 cannot be told apart from plain with so few seeds."
    )
    assert not record.interrupted
    helped = record.variants[1]
    differences = [a - b for a, b in zip((0.921, 0.930, 0.914, 0.924, 0.923), PLAIN, strict=True)]
    ratio = 30 / 90
    assert helped.difference == interval(differences, ratio)
    assert helped.p == p_value(differences, ratio)
    assert helped.test == interval([0.921, 0.930, 0.914, 0.924, 0.923], ratio)
    p_values = [v.p for v in record.variants[1:] if v.p is not None]
    assert [v.p_holm for v in record.variants[1:]] == holm(p_values)
    assert helped.gap == pytest.approx(0.02)


def test_holm_can_turn_a_finding_into_unclear(blobs: Table, make_run: Make) -> None:
    helped = over_seeds(make_run, "l2", 0.91, 0.935, 0.92, 0.94, 0.925)
    plain = over_seeds(make_run, "plain", *PLAIN)
    alone = study(blobs, [*plain, *helped])
    others = [
        run
        for name in ("batch-norm", "layer-norm", "dropout", "batch-norm+dropout")
        for run in over_seeds(make_run, name, 0.91, 0.90, 0.90, 0.91, 0.90)
    ]
    together = study(blobs, [*plain, *helped, *others])
    assert alone.variants[1].p == together.variants[1].p
    assert alone.variants[1].verdict == "helped"
    assert together.variants[1].verdict == "unclear"


def test_pairs_are_taken_by_seed_not_by_order(blobs: Table, make_run: Make) -> None:
    plain = over_seeds(make_run, "plain", 0.5, 0.6, 0.7)
    other = over_seeds(make_run, "l2", 0.6, 0.7, 0.8)
    record = study(blobs, [*plain, *reversed(other)], seeds=3)
    assert record.variants[1].difference is not None
    assert record.variants[1].difference.mean == pytest.approx(0.1)
    # All differences are equal, so there is no spread and nothing can be said.
    assert record.variants[1].difference.half_width is None
    assert record.variants[1].verdict == "unclear"


def test_one_seed_judges_nothing(blobs: Table, make_run: Make) -> None:
    record = study(blobs, [make_run("plain", 0, 0.9), make_run("l2", 0, 0.99)], seeds=1)
    assert record.variants[1].verdict == "untested"
    assert record.variants[1].test == Interval(0.99, None, 1)
    assert record.sentence == "With 1 seed: l2 cannot be judged: that takes at least two seeds."


def test_plain_alone(blobs: Table, make_run: Make) -> None:
    record = study(blobs, over_seeds(make_run, "plain", *PLAIN))
    assert record.sentence == "Only plain was run: there is nothing to compare it with."


def test_a_diverged_run_is_counted_and_not_hidden(blobs: Table, make_run: Make) -> None:
    broken = make_run(
        "l2", 2, 0.1, diverged="epoch 1", train_score=None, test_score=None, train_loss=None
    )
    good = [run for run in over_seeds(make_run, "l2", 0.95, 0.95, 0.0, 0.96) if run.seed != 2]
    record = study(blobs, [*over_seeds(make_run, "plain", *PLAIN), *good, broken])
    variant = record.variants[1]
    assert (variant.verdict, variant.finished, variant.diverged) == ("diverged", 3, 1)
    assert "l2 (in 1 of 4 runs) diverged" in record.sentence
    assert record.interrupted


def test_all_diverged(blobs: Table, make_run: Make) -> None:
    runs = [
        make_run(name, seed, 0.1, diverged="epoch 1", train_score=None, test_score=None)
        for name in ("plain", "l2")
        for seed in range(5)
    ]
    record = study(blobs, runs)
    assert record.sentence == "Every run diverged: a lower learning rate is worth a try."


def test_epochs_are_counted_to_one_target_for_all_variants_of_a_seed(
    blobs: Table, make_run: Make
) -> None:
    runs = [
        make_run("plain", 0, 0.5, 0.90, 1.0),
        make_run("plain", 1, 0.5, 0.96, 0.97),
        make_run("l2", 0, 0.5, 0.6, 0.7),
        make_run("l2", 1, 0.95, 0.9, 0.9),
        make_run("dropout", 0, 0.1, 0.2, 0.3),
        make_run("dropout", 1, 0.1, 0.2, 0.3),
    ]
    plain, l2, dropout = study(blobs, runs, seeds=2).variants
    assert (plain.target_epochs, plain.target_reached) == (2.5, 2)
    # The l2 runs reach their own best, but only one reaches 95 % of the seed's best.
    assert (l2.target_epochs, l2.target_reached) == (1.0, 1)
    assert (dropout.target_epochs, dropout.target_reached) == (None, 0)


def test_epochs_have_no_target_where_nothing_was_learned(line: Table, make_run: Make) -> None:
    runs = [make_run(name, seed, -2.0, 0.0) for name in ("plain", "l2") for seed in range(2)]
    assert [v.target_epochs for v in study(line, runs, seeds=2).variants] == [None, None]


def test_data_and_settings_are_recorded(blobs: Table, make_run: Make) -> None:
    record = study(blobs, over_seeds(make_run, "plain", *PLAIN), hidden=(8, 4))
    assert (record.data.train_rows, record.data.test_rows) == (90, 30)
    assert record.data.classes == ("0", "1", "2")
    settings = dict(record.settings)
    assert settings["hidden layers"] == "8, 4"
    assert settings["optimizer"] == "adam, learning rate 0.001"
    assert settings["seeds"] == "0, 1, 2, 3, 4"
    assert {"Python", "evenly", "numpy"} <= dict(record.versions).keys()


@pytest.mark.parametrize(
    ("scale", "found", "text"),
    [
        (PERCENT, PERCENT.interval(Interval(0.9731, 0.0062, 5)), "97.3 ±0.6"),
        (PERCENT, PERCENT.interval(Interval(0.9731, None, 1)), "97.3"),
        (PERCENT, PERCENT.difference(Interval(0.004, 0.005, 5)), "+0.4 [-0.1, +0.9]"),
        (PERCENT, PERCENT.signed(-0.0001), "0.0"),
        # An end that is not 0 is not written so, unless 0 lies between the ends.
        (PERCENT, PERCENT.difference(Interval(0.0023, 0.0021, 5)), "+0.23 [+0.02, +0.44]"),
        (PERCENT, PERCENT.difference(Interval(-0.0023, 0.0021, 5)), "-0.23 [-0.44, -0.02]"),
        (PERCENT, PERCENT.difference(Interval(0.0002, 0.0004, 5)), "0.0 [0.0, +0.1]"),
        (R2, R2.difference(Interval(0.0002, 0.00019, 5)), "+0.00020 [+0.00001, +0.00039]"),
        (PERCENT, PERCENT.signed(0.0), "0.0"),
        (R2, R2.difference(Interval(-0.0123, 0.1, 3)), "-0.012 [-0.112, +0.088]"),
        (R2, R2.value(-1.5e30), "-1.5e+30"),
        (R2, R2.value(-12.345), "-12.3"),
    ],
)
def test_scores_are_written_short(scale: Scale, found: str, text: str) -> None:
    assert found == text
