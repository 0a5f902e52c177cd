"""From runs to the record of a study: means, intervals, verdicts and the sentence."""

from __future__ import annotations

import importlib.metadata
import platform
import statistics as plain_statistics
from collections.abc import Sequence
from dataclasses import replace

from . import statistics
from .data import Table, input_shape, part_sizes
from .designs import Design, Variant, build, describe
from .records import DataRecord, RunRecord, Scale, StudyRecord, VariantRecord, Verdict
from .runs import Outcome

TARGET_SHARE = 0.95
SIGNIFICANCE = 1 - statistics.CONFIDENCE
# Below this many test rows over all seeds, a second decimal of a percentage is noise.
MANY_TEST_ROWS = 20_000
MANY_SEEDS = 30
LIBRARIES = ("evenly", "numpy", "scipy", "scikit-learn", "pandas", "matplotlib")


def summarize(
    table: Table, design: Design, outcome: Outcome, *, command: str, started: str
) -> StudyRecord:
    """Make the record of a study from its runs.

    Args:
        table: what was studied.
        design: how.
        outcome: the finished runs.
        command: the line that runs the study again.
        started: when it started, as text.
    """
    data = describe_data(table, design)
    scale = make_scale(table, design, data.test_rows)
    variants = compare(table, design, outcome.runs, data.test_rows / data.train_rows)
    return StudyRecord(
        data=data,
        net=design.net,
        net_title=design.network.title,
        scale=scale,
        settings=settings(table, design),
        variants=variants,
        runs=outcome.runs,
        seeds=design.seeds,
        runs_asked=design.seeds * len(design.rows),
        interrupted=outcome.interrupted,
        sentence=sentence(variants, scale),
        command=command,
        versions=versions(),
        started=started,
        seconds=outcome.seconds,
    )


def describe_data(table: Table, design: Design) -> DataRecord:
    """The table in numbers and names."""
    train_rows, test_rows = part_sizes(table, design)
    shape = input_shape(table, design)
    return DataRecord(
        name=table.name,
        target=table.target_name,
        task=table.task,
        task_reason=table.task_reason,
        rows=train_rows + test_rows,
        number_columns=len(table.numbers),
        text_columns=len(table.texts),
        gaps=table.gaps,
        inputs=table.width,
        examples=_examples(table, design, shape),
        classes=table.classes,
        train_rows=train_rows,
        test_rows=test_rows,
        sha256=table.sha256,
        notes=table.notes,
    )


def _examples(table: Table, design: Design, shape: tuple[int, ...]) -> str:
    if len(shape) > 1:
        return design.network.words(shape)
    # As a reader counts them: before text became one-hot columns.
    columns = design.network.words((len(table.numbers) + len(table.texts),))
    if table.example is None or len(table.example) < 2:
        return columns
    return f"{columns} ({' x '.join(map(str, table.example))}, flattened)"


def make_scale(table: Table, design: Design, test_rows: int) -> Scale:
    """Percent for accuracies, the bare number for R²."""
    if table.task == "regression":
        return Scale("R²", 1.0, 3, "", "")
    digits = 1 if test_rows * design.seeds < MANY_TEST_ROWS else 2
    return Scale("accuracy", 100.0, digits, "%", "points")


def settings(table: Table, design: Design) -> tuple[tuple[str, str], ...]:
    """The settings that all variants share, as names and text."""
    loss = "softmax cross-entropy" if table.classes else "mean squared error, target scaled"
    return (
        ("network", f"{design.net}: {design.network.title}"),
        ("hidden layers", ", ".join(map(str, design.widths))),
        ("optimizer", f"{design.optimizer}, learning rate {design.rate:g}"),
        ("loss", loss),
        ("epochs", str(design.passes)),
        ("batch", f"{design.batch} rows"),
        ("seeds", ", ".join(map(str, range(design.seeds)))),
        ("test part", f"{design.test_fraction:.0%} of the rows, a new split for each seed"),
        ("numbers", "float32"),
    )


def versions() -> tuple[tuple[str, str], ...]:
    """The versions of Python and of the libraries at work."""
    found = [("Python", platform.python_version())]
    for name in LIBRARIES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return (*found, ("system", f"{platform.system()} {platform.machine()}"))


def compare(
    table: Table, design: Design, runs: Sequence[RunRecord], test_ratio: float
) -> tuple[VariantRecord, ...]:
    """One record a variant, with Holm's correction over all that were tested against plain."""
    by_variant = {row.name: [run for run in runs if run.variant == row.name] for row in design.rows}
    targets = _targets(runs)
    plain = by_variant[design.rows[0].name]
    shape = input_shape(table, design)
    records = [
        _one(
            row,
            design.adds(row),
            by_variant[row.name],
            plain,
            targets,
            test_ratio,
            describe(build(row, design, shape, table.outputs)),
        )
        for row in design.rows
    ]
    tested = [i for i, record in enumerate(records) if record.p is not None]
    adjusted = statistics.holm([p for record in records if (p := record.p) is not None])
    for i, p_holm in zip(tested, adjusted, strict=True):
        records[i] = replace(records[i], p_holm=p_holm)
    return tuple(
        replace(record, verdict=_verdict(record, i == 0)) for i, record in enumerate(records)
    )


def _one(
    row: Variant,
    adds: str,
    runs: Sequence[RunRecord],
    plain: Sequence[RunRecord],
    targets: dict[int, float],
    test_ratio: float,
    network: str,
) -> VariantRecord:
    base = {run.seed: run.test_score for run in plain if run.test_score is not None}
    finished = [run for run in runs if run.diverged is None]
    scores = [run.test_score for run in finished if run.test_score is not None]
    differences = [
        run.test_score - base[run.seed]
        for run in finished
        if run.test_score is not None and run.seed in base
    ]
    compared = bool(differences) and runs is not plain
    gaps = [gap for run in finished if (gap := run.gap) is not None]
    reached = [
        epoch
        for run in finished
        if run.seed in targets
        and (epoch := statistics.epochs_to(run.epochs, targets[run.seed])) is not None
    ]
    enough = reached and 2 * len(reached) >= len(finished)
    return VariantRecord(
        name=row.name,
        adds=adds,
        network=network,
        verdict="untested",
        finished=len(finished),
        diverged=len(runs) - len(finished),
        test=statistics.interval(scores, test_ratio) if scores else None,
        difference=statistics.interval(differences, test_ratio) if compared else None,
        p=statistics.p_value(differences, test_ratio) if compared else None,
        p_holm=None,
        gap=plain_statistics.fmean(gaps) if gaps else None,
        target_epochs=plain_statistics.median(reached) if enough else None,
        target_reached=len(reached),
        seconds=plain_statistics.fmean(run.seconds for run in finished) if finished else None,
    )


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


def _verdict(record: VariantRecord, is_plain: bool) -> Verdict:
    if record.diverged:
        return "diverged"
    if is_plain:
        return "baseline"
    if record.difference is None or record.difference.count < 2:
        return "untested"
    if record.p_holm is None or record.p_holm >= SIGNIFICANCE:
        return "unclear"
    return "helped" if record.difference.mean > 0 else "hurt"


def sentence(variants: Sequence[VariantRecord], scale: Scale) -> str:
    """What helped, what hurt, what cannot be told apart, in one sentence."""
    others = variants[1:]
    if not others:
        return "Only plain was run: there is nothing to compare it with."
    if all(v.diverged and not v.finished for v in variants):
        return "Every run diverged: a lower learning rate is worth a try."
    counts = [v.difference.count for v in others if v.difference is not None]
    seeds = max(counts, default=0)
    parts = []
    for verdict in ("helped", "hurt"):
        group = [_with_size(v, scale) for v in others if v.verdict == verdict]
        if group:
            parts.append(f"{_listed(group)} {verdict}")
    unclear = [v.name for v in others if v.verdict == "unclear"]
    if unclear:
        few = " with so few seeds" if seeds < MANY_SEEDS else ""
        parts.append(f"{_listed(unclear)} cannot be told apart from plain{few}")
    untested = [v.name for v in others if v.verdict == "untested"]
    if untested:
        parts.append(f"{_listed(untested)} cannot be judged: that takes at least two seeds")
    broken = [
        f"{v.name} (in {v.diverged} of {v.diverged + v.finished} runs)"
        for v in variants
        if v.verdict == "diverged"
    ]
    if broken:
        parts.append(f"{_listed(broken)} diverged, so that a lower learning rate is worth a try")
    start = {0: "", 1: "With 1 seed: "}.get(seeds, f"With {seeds} seeds: ")
    return f"{start}{'; '.join(parts)}."


def _with_size(variant: VariantRecord, scale: Scale) -> str:
    if variant.difference is None:
        return variant.name
    unit = f" {scale.difference_unit}" if scale.difference_unit else f" {scale.name}"
    return f"{variant.name} ({scale.signed(variant.difference.mean)}{unit})"


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
