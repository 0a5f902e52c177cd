"""From runs to the record of a study."""

from __future__ import annotations

import importlib.metadata
import platform

from .advice import advise
from .checks import check_measure
from .comparing import compare
from .data import Table, input_shape
from .designs import Design
from .measures import BY_NAME, default_measure, scale_of
from .parts import in_words, part_sizes, rows_ratio
from .records import DataRecord, StudyRecord
from .runs import Outcome
from .sentences import sentence

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

    Raises:
        StudyError: the measure that decides is not one of the table's task.
    """
    check_measure(table, design)
    data = describe_data(table, design)
    plain_measure = default_measure(table.task)
    row = plain_measure if design.measure is None else BY_NAME[design.measure]
    runs = (*outcome.runs, *outcome.references)
    values = [value for run in runs if (value := run.tested(row.name)) is not None]
    scale, curve_scale = (
        scale_of(each, values, data.test_rows * design.seeds) for each in (row, plain_measure)
    )
    variants, references = compare(
        table,
        design,
        outcome.runs,
        outcome.references,
        rows_ratio(table, design),
        row.name,
        scale.sign,
    )
    advice = advise(table, design, variants, references, scale)
    return StudyRecord(
        data=data,
        net=design.net,
        net_title=design.network.title,
        measure=row.name,
        scale=scale,
        curve_scale=curve_scale,
        settings=settings(table, design),
        variants=variants,
        references=references,
        runs=outcome.runs,
        reference_runs=outcome.references,
        seeds=design.seeds,
        runs_asked=design.seeds * len(design.rows),
        interrupted=outcome.interrupted,
        sentence=sentence(variants, references, scale),
        command=command,
        versions=versions(),
        started=started,
        seconds=outcome.seconds,
        comparisons=sum(variant.p is not None for variant in variants),
        advice=advice.words,
        fit_command=advice.command,
        fit_code=advice.code,
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
        rows=len(table.target),
        number_columns=len(table.columns) - len(table.texts),
        text_columns=len(table.texts),
        gaps=table.gaps,
        inputs=table.width,
        examples=_examples(table, design, shape),
        classes=table.classes,
        train_rows=train_rows,
        test_rows=test_rows,
        sha256=table.sha256,
        notes=table.notes,
        parts=in_words(table, design),
    )


def _examples(table: Table, design: Design, shape: tuple[int, ...]) -> str:
    if len(shape) > 1:
        return design.network.words(shape)
    # As a reader counts them: before text became one-hot columns.
    columns = design.network.words((len(table.columns),))
    if table.example is None or len(table.example) < 2:
        return columns
    return f"{columns} ({' x '.join(map(str, table.example))}, flattened)"


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
        ("test part", _test_part(table, design)),
        ("numbers", "float32"),
    )


def _test_part(table: Table, design: Design) -> str:
    if design.split == "time":
        return "a window of rows behind those that train, another one for each seed"
    if table.groups is not None:
        share = f"{design.test_fraction:.0%} of the groups of '{table.groups_name}'"
        return f"{share} with all their rows, a new split for each seed"
    return f"{design.test_fraction:.0%} of the rows, a new split for each seed"


def versions() -> tuple[tuple[str, str], ...]:
    """The versions of Python and of the libraries at work."""
    found = [("Python", platform.python_version())]
    for name in LIBRARIES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return (*found, ("system", f"{platform.system()} {platform.machine()}"))
