"""The numbers of a study as files for other programs: a line a run, and a line an epoch."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from evenly.study.records import StudyRecord

COLUMNS = (
    "net",
    "kind",
    "variant",
    "seed",
    "status",
    "epochs",
    "train_loss",
    "train_score",
    "test_loss",
    "test_score",
    "gap",
    "difference_from_plain",
    "seconds",
)


def results_csv(study: StudyRecord) -> str:
    """One line a run, with a header: networks, then references. Scores are fractions; a diverged
    run has none. The last columns are all measures on the test part.

    `gap` and `difference_from_plain` are of the measure that decides: training minus test, and this
    run's test less plain's with the same seed.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names, rows = results_rows(study)
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()


def results_rows(study: StudyRecord) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The names of the columns of `results_csv`, and its rows."""
    plain = study.variants[0].name
    measure = study.measure
    base = {run.seed: run.tested(measure) for run in study.runs if run.variant == plain}
    runs = [(run, "network") for run in study.runs]
    runs += [(run, "reference") for run in study.reference_runs]
    measures = list(dict.fromkeys(name for run, _ in runs for name, _ in run.test))
    rows = []
    for run, kind in runs:
        own, other = run.tested(measure), base.get(run.seed)
        known = own is not None and other is not None and run.variant != plain
        rows.append(
            (
                study.net,
                kind,
                run.variant,
                run.seed,
                "diverged" if run.diverged else "finished",
                len(run.epochs),
                run.train_loss,
                run.train_score,
                run.test_loss,
                run.test_score,
                run.gap(measure),
                (own or 0.0) - (other or 0.0) if known else None,
                round(run.seconds, 4),
                *(run.tested(name) for name in measures),
            )
        )
    return (*COLUMNS, *(f"test_{name.replace('-', '_')}" for name in measures)), rows


def history_jsonl(study: StudyRecord) -> str:
    """One JSON object a line, one line an epoch of a run. A number that is not finite is null."""
    lines = [json.dumps(values, allow_nan=False) for values in history_rows(study)]
    return "".join(line + "\n" for line in lines)


def history_rows(study: StudyRecord) -> list[dict[str, Any]]:
    """The objects of `history_jsonl`."""
    return [
        {
            "net": study.net,
            "variant": run.variant,
            "seed": run.seed,
            "epoch": point.epoch,
            "loss": _finite(point.loss),
            "score": _finite(point.score),
            "test_loss": _finite(point.test_loss),
            "test_score": _finite(point.test_score),
            "seconds": round(point.seconds, 6),
        }
        for run in study.runs
        for point in run.epochs
    ]


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
