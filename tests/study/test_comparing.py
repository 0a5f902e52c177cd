"""Networks beside the simplest answer and the linear model, and measures where less is better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evenly.study import Design, Outcome, StudyRecord, Table, summarize
from evenly.study.data import make_table
from evenly.study.records import RunRecord
from evenly.study.statistics import holm, p_value

Make = Callable[..., RunRecord]
RATIO = 25 / 75
ALWAYS = (0.951, 0.949, 0.950, 0.952, 0.948)


@pytest.fixture
def strokes() -> Table:
    """95 of 100 rows say no."""
    inputs = pd.DataFrame({"x": np.random.default_rng(0).normal(size=100)})
    target = pd.Series(["no"] * 95 + ["yes"] * 5)
    return make_table("strokes", inputs, target, "stroke", None, None)


def lines(make: Make, scores: dict[str, Sequence[float]]) -> tuple[RunRecord, ...]:
    return tuple(
        make(name, seed, score) for name, own in scores.items() for seed, score in enumerate(own)
    )


def study(
    table: Table,
    make: Make,
    networks: dict[str, Sequence[float]],
    references: dict[str, Sequence[float]],
    **changes: object,
) -> StudyRecord:
    seeds = len(next(iter(networks.values())))
    design = replace(Design(variants=tuple(networks), seeds=seeds), **changes)  # type: ignore[arg-type]
    runs = lines(make, networks)
    outcome = Outcome(runs, False, 1.0, lines(make, references))
    return summarize(table, design, outcome, command="", started="")


def moved(scores: Sequence[float], by: float) -> tuple[float, ...]:
    """Scores with a difference that is not the same in every seed."""
    jitter = np.random.default_rng(int(1e4 * (by + 1))).normal(0, 4e-4, len(scores))
    jitter -= jitter.mean()
    return tuple(score + by + float(j) for score, j in zip(scores, jitter, strict=True))


def test_what_is_worse_than_always_saying_no_did_not_help(strokes: Table, make_run: Make) -> None:
    plain = moved(ALWAYS, -0.05)
    record = study(
        strokes,
        make_run,
        {"plain": plain, "l2": moved(plain, 0.02), "dropout": moved(plain, -0.02)},
        {"simplest": ALWAYS, "linear": moved(ALWAYS, 0.0)},
    )
    assert [v.verdict for v in record.variants] == ["baseline", "outdone", "hurt"]
    assert "helped" not in record.sentence
    assert record.sentence == (
        "With 5 seeds: every network is worse than always saying 'no' (95.0 %) and than a "
        "linear model (95.0 %); l2 (+2.0 points) is better than plain, and of no use all the same; "
        "dropout (-2.0 points) hurt."
    )
    assert [v.standing("simplest") for v in record.variants] == ["worse"] * 3
    assert [line.adds for line in record.references] == ["always 'no'", "logistic regression"]


def test_what_is_not_shown_to_be_better_is_of_no_use_either(
    strokes: Table, make_run: Make
) -> None:
    plain = moved(ALWAYS, -0.02)
    near = tuple(s + d for s, d in zip(ALWAYS, (0.003, -0.002, 0.002, -0.003, 0.0), strict=True))
    record = study(strokes, make_run, {"plain": plain, "l2": near}, {"simplest": ALWAYS})
    assert record.variants[1].p is not None
    assert record.variants[1].p < 0.05
    assert record.variants[1].verdict == "outdone"
    assert record.sentence.startswith(
        "With 5 seeds: no network is shown to be better than always saying 'no' (95.0 %); "
    )


def test_networks_that_are_worth_it_are_said_last(strokes: Table, make_run: Make) -> None:
    plain = moved(ALWAYS, 0.02)
    references = {"simplest": ALWAYS, "linear": moved(ALWAYS, 0.005)}
    record = study(
        strokes, make_run, {"plain": plain, "l2": moved(plain, 0.01)}, references
    )
    assert record.sentence == (
        "With 5 seeds: l2 (+1.0 points) helped; every network is better than a linear model "
        "(95.5 %)."
    )
    some = study(
        strokes, make_run, {"plain": moved(ALWAYS, 0.0), "l2": moved(plain, 0.01)}, references
    )
    assert some.sentence == (
        "With 5 seeds: l2 (+3.0 points) helped; l2 is better than a linear model (95.5 %), the "
        "others not for sure."
    )


def test_each_reference_has_a_family_of_its_own(strokes: Table, make_run: Make) -> None:
    networks = {"plain": moved(ALWAYS, 0.01), "l2": (0.96, 0.95, 0.97, 0.96, 0.95)}
    linear = (0.95, 0.96, 0.95, 0.94, 0.96)
    record = study(strokes, make_run, networks, {"simplest": ALWAYS, "linear": linear})

    def differences(name: str, base: Sequence[float]) -> list[float]:
        return [a - b for a, b in zip(networks[name], base, strict=True)]

    def p(values: list[float]) -> float:
        found = p_value(values, RATIO)
        assert found is not None
        return found

    against_linear = holm([p(differences(name, linear)) for name in networks])
    own = [p(differences(name, ALWAYS)) for name in networks]
    own.append(p([a - b for a, b in zip(linear, ALWAYS, strict=True)]))
    against_simplest = holm(own)
    found = {(line.name, c.reference): c.p_holm
             for line in (*record.variants, *record.references) for c in line.against}
    expected = {
        ("plain", "linear"): against_linear[0], ("l2", "linear"): against_linear[1],
        ("plain", "simplest"): against_simplest[0], ("l2", "simplest"): against_simplest[1],
        ("linear", "simplest"): against_simplest[2],
    }
    assert found == pytest.approx(expected)
    # The variants against plain are not corrected for these.
    assert record.variants[1].p_holm == record.variants[1].p
    assert record.comparisons == 1


def test_one_seed_says_only_what_means_say(strokes: Table, make_run: Make) -> None:
    below = study(strokes, make_run, {"plain": [0.9], "l2": [0.91]}, {"simplest": [0.95]})
    assert below.sentence.startswith(
        "With 1 seed: no network is better than always saying 'no' (95.0 %); "
    )
    above = study(strokes, make_run, {"plain": [0.9], "l2": [0.96]}, {"simplest": [0.95]})
    assert above.sentence == (
        "With 1 seed: l2 cannot be judged: that takes at least two seeds."
    )


def losses(run: RunRecord) -> RunRecord:
    """A run whose log loss is its score."""
    assert run.test_score is not None
    return replace(
        run, train=(("log-loss", run.test_score - 0.1),), test=(("log-loss", run.test_score),)
    )


def test_where_less_is_better_all_signs_turn(strokes: Table, make_run: Make) -> None:
    def make(*words: object) -> RunRecord:
        return losses(make_run(*words))

    base = (0.30, 0.31, 0.29, 0.32, 0.28)
    record = study(
        strokes,
        make,
        {"plain": base, "l2": moved(base, -0.05), "dropout": moved(base, 0.05)},
        {"simplest": moved(base, 0.1), "linear": moved(base, -0.1)},
        measure="log-loss",
    )
    assert record.scale.lower_is_better
    assert record.curve_scale.name == "accuracy"
    assert [v.verdict for v in record.variants] == ["baseline", "helped", "hurt"]
    assert [v.standing("simplest") for v in record.variants] == ["better"] * 3
    assert [v.standing("linear") for v in record.variants] == ["worse"] * 3
    assert record.variants[1].gap == pytest.approx(-0.1)
    assert record.sentence == (
        "With 5 seeds: every network is worse than a linear model (log loss 0.200); "
        "l2 (-0.050 log loss) helped; dropout (+0.050 log loss) hurt."
    )
    # Epochs are still counted to a score: curves are loss and score, whatever decides.
    assert [v.target_reached for v in record.variants] == [0, 0, 5]


def test_an_interval_that_leaves_0_out_and_is_unclear_is_explained(
    blobs: Table, make_run: Make
) -> None:
    plain = (0.900, 0.910, 0.895, 0.905, 0.902)
    level = (0.91, 0.90, 0.90, 0.91, 0.90)
    others = dict.fromkeys(("batch-norm", "layer-norm", "dropout", "batch-norm+dropout"), level)
    record = study(
        blobs, make_run,
        {"plain": plain, "l2": (0.91, 0.935, 0.92, 0.94, 0.925), **others}, {},
    )
    (l2,) = [v for v in record.variants if v.name == "l2"]
    assert l2.verdict == "unclear"
    assert l2.alone
    assert not any(v.alone for v in record.variants if v is not l2)
    assert (
        "(the interval of l2 leaves 0 out, which is too little among 5 comparisons: Holm's "
        "correction)" in record.sentence
    )


def test_plain_is_called_what_it_is(blobs: Table, make_run: Make) -> None:
    record = study(blobs, make_run, {"plain": [0.9, 0.8], "l2": [0.9, 0.7]}, {})
    assert "the network without normalization and regularization" in record.variants[0].adds
