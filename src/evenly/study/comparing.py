"""From runs to one record a line: means, paired differences, corrected tests, verdicts.

Three families of tests, each corrected by itself with Holm's method:

- the variants against plain: what helped, what hurt;
- all networks, and the linear model, against the simplest answer: whether anything was learned;
- all networks against the linear model: whether a network is needed.
"""

from __future__ import annotations

import statistics as plain_statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace

from . import statistics
from .data import Table, input_shape
from .designs import Design, build, describe
from .records import Comparison, Interval, RunRecord, Standing, VariantRecord, Verdict
from .references import REFERENCES

TARGET_SHARE = 0.95
SIGNIFICANCE = 1 - statistics.CONFIDENCE
Runs = Mapping[str, Sequence[RunRecord]]


def compare(
    table: Table,
    design: Design,
    runs: Sequence[RunRecord],
    references: Sequence[RunRecord],
    test_ratio: float,
    measure: str,
    sign: int,
) -> tuple[tuple[VariantRecord, ...], tuple[VariantRecord, ...]]:
    """Records of the variants, and of the references that have runs.

    Args:
        table, design: what was studied, and how.
        runs, references: of the networks, and of the simplest answer and the linear model.
        test_ratio: n_test / n_train of the corrected t.
        measure: the measure that decides.
        sign: 1 where more of it is better, -1 where less is.
    """
    shape = input_shape(table, design)
    names = [row.name for row in design.rows]
    by_name: Runs = {
        **_grouped(runs, names), **_grouped(references, [row.name for row in REFERENCES])
    }
    plain = names[0]
    targets = _targets(runs)
    networks = []
    for row in design.rows:
        network = describe(build(row, design, shape, table.outputs))
        record = _line(row.name, by_name, plain, targets, test_ratio, measure)
        networks.append(replace(record, adds=design.adds(row), network=network))
    lines = [
        _line(row.name, by_name, plain, {}, test_ratio, measure)
        for row in REFERENCES
        if by_name[row.name]
    ]
    networks = _corrected(networks)
    against = {
        line.name: _against(
            line.name,
            [*names, *(other.name for other in lines[i + 1 :])],
            by_name,
            test_ratio,
            measure,
            sign,
        )
        for i, line in enumerate(lines)
    }

    def stands(name: str) -> tuple[Comparison, ...]:
        return tuple(found[name] for found in against.values() if name in found)

    networks = [replace(record, against=stands(record.name)) for record in networks]
    return (
        tuple(
            replace(record, verdict=_verdict(record, i == 0, sign))
            for i, record in enumerate(networks)
        ),
        tuple(
            replace(line, verdict="reference", adds=describe_reference(table, line.name),
                    against=stands(line.name))
            for line in lines
        ),
    )


def describe_reference(table: Table, name: str) -> str:
    """What a reference answers, in words."""
    if name == "linear":
        return "logistic regression" if table.classes else "ridge regression"
    if not table.classes:
        return "always the mean"
    import numpy as np

    most = int(np.bincount(table.target).argmax())
    return f"always '{table.classes[most]}'"


def _grouped(runs: Sequence[RunRecord], names: Sequence[str]) -> Runs:
    return {name: [run for run in runs if run.variant == name] for name in names}


def _line(
    name: str,
    by_name: Runs,
    plain: str,
    targets: dict[int, float],
    test_ratio: float,
    measure: str,
) -> VariantRecord:
    runs = by_name[name]
    finished = [run for run in runs if run.diverged is None]
    scores = [score for run in finished if (score := run.tested(measure)) is not None]
    differences = _differences(runs, by_name[plain], measure) if name != plain else []
    gaps = [gap for run in finished if (gap := run.gap(measure)) is not None]
    reached = [
        epoch
        for run in finished
        if run.seed in targets
        and (epoch := statistics.epochs_to(run.epochs, targets[run.seed])) is not None
    ]
    enough = reached and 2 * len(reached) >= len(finished)
    return VariantRecord(
        name=name,
        adds="",
        network="",
        verdict="untested",
        finished=len(finished),
        diverged=len(runs) - len(finished),
        test=statistics.interval(scores, test_ratio) if scores else None,
        difference=statistics.interval(differences, test_ratio) if differences else None,
        p=statistics.p_value(differences, test_ratio) if differences else None,
        p_holm=None,
        gap=plain_statistics.fmean(gaps) if gaps else None,
        target_epochs=plain_statistics.median(reached) if enough else None,
        target_reached=len(reached),
        seconds=plain_statistics.fmean(run.seconds for run in finished) if finished else None,
    )


def _differences(
    runs: Sequence[RunRecord], others: Sequence[RunRecord], measure: str
) -> list[float]:
    """Of each seed that both have: the one less the other."""
    base = {run.seed: score for run in others if (score := run.tested(measure)) is not None}
    return [
        score - base[run.seed]
        for run in runs
        if run.seed in base and (score := run.tested(measure)) is not None
    ]


def _corrected(records: Sequence[VariantRecord]) -> list[VariantRecord]:
    """With Holm's correction over all that were tested against plain."""
    found = list(records)
    tested = [i for i, record in enumerate(records) if record.p is not None]
    adjusted = statistics.holm([p for record in records if (p := record.p) is not None])
    for i, p_holm in zip(tested, adjusted, strict=True):
        found[i] = replace(found[i], p_holm=p_holm)
    return found


def _against(
    reference: str,
    names: Sequence[str],
    by_name: Runs,
    test_ratio: float,
    measure: str,
    sign: int,
) -> dict[str, Comparison]:
    """How each line stands to a reference, with Holm's correction over them."""
    pairs = {name: _differences(by_name[name], by_name[reference], measure) for name in names}
    p_values = {name: statistics.p_value(pairs[name], test_ratio) for name in names if pairs[name]}
    known = {name: p for name, p in p_values.items() if p is not None}
    adjusted = dict(zip(known, statistics.holm(list(known.values())), strict=True))
    found = {}
    for name in names:
        difference = statistics.interval(pairs[name], test_ratio) if pairs[name] else None
        standing = _standing(difference, adjusted.get(name), sign)
        found[name] = Comparison(
            reference, standing, difference, p_values.get(name), adjusted.get(name)
        )
    return found


def _standing(difference: Interval | None, p_holm: float | None, sign: int) -> Standing:
    if difference is None or difference.count < 2:
        return "untested"
    if p_holm is None or p_holm >= SIGNIFICANCE:
        return "unclear"
    return "better" if sign * difference.mean > 0 else "worse"


def _targets(runs: Sequence[RunRecord]) -> dict[int, float]:
    """For each seed, 95 % of the best test score that any variant had after any epoch.

    One target for all variants of a seed, so that a poor variant does not look fast by reaching its
    own poor best. None where the best is not above zero, as R² may be.
    """
    best: dict[int, float] = {}
    for run in runs:
        for point in run.epochs:
            if point.test_score is not None:
                best[run.seed] = max(best.get(run.seed, 0.0), point.test_score)
    return {seed: TARGET_SHARE * score for seed, score in best.items() if score > 0}


def _verdict(record: VariantRecord, is_plain: bool, sign: int) -> Verdict:
    if record.diverged:
        return "diverged"
    if is_plain:
        return "baseline"
    standing = _standing(record.difference, record.p_holm, sign)
    if standing in ("untested", "unclear"):
        return "untested" if standing == "untested" else "unclear"
    if standing == "worse":
        return "hurt"
    # Above plain is no help where plain itself is worth nothing.
    useless = any(c.reference == "simplest" and c.standing != "better" for c in record.against)
    return "outdone" if useless else "helped"
