"""A study of one table: from the words of the command to the report."""

from __future__ import annotations

import dataclasses
import datetime
import shlex
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from .backend_options import backend_of
from .needed import need
from .reading_options import WORDS
from .running import cores, ctrl_c, progress

if TYPE_CHECKING:
    from evenly.study import Design, Outcome, Table
    from evenly.study.stored import Runs

RUNS = "runs.jsonl"


@dataclass(frozen=True)
class Asked:
    """The words of the command: a field an option."""

    table: Path | None
    target: str | None
    net: str
    task: str | None
    measure: str | None
    groups: str | None
    split: str
    time: str | None
    keep_columns: bool
    variants: str
    seeds: int
    epochs: int | None
    hidden: str | None
    batch: int | None
    lr: float | None
    optimizer: str
    jobs: int | None
    backend: str
    scheduler: str | None
    out: Path
    force: bool
    resume: bool
    sep: str | None
    encoding: str | None
    reading: Mapping[str, Any]


def study_table(asked: Asked) -> int:
    """Study a table as it was asked for, write the report, and return the exit status.

    Raises:
        UsageError, StudyError, ReportError: before any work is done, where something cannot work.
    """
    need("study", "sklearn", "pandas", "polars", "pyarrow", "matplotlib", "jinja2")
    from evenly import report
    from evenly.parallel.backends import is_away
    from evenly.study import check_fits, load, load_digits, part_sizes, summarize
    from evenly.study.stored import Runs, fingerprint
    from evenly.tables import Reading

    from .table import folded, show

    table, design = asked.table, _design(asked)
    _check_words(asked)
    report.check_folder(
        asked.out, force=asked.force or asked.resume, names=(*report.FILES, RUNS)
    )
    data = (
        load_digits()
        if table is None
        else load(
            table,
            asked.target,
            _task(asked.task),
            groups=asked.groups,
            time=asked.time,
            keep=asked.keep_columns,
            reading=Reading(**asked.reading),
            sep=asked.sep,
            encoding=asked.encoding,
        )
    )
    if asked.batch is None:
        rows, _ = part_sizes(data, design)
        design = dataclasses.replace(design, batch=min(design.batch, rows))
    started = datetime.datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    with backend_of(vars(asked)) as found:
        jobs, away = min(found, asked.seeds * len(design.rows)), is_away()
        check_fits(data, design, 1 if away else jobs)
        store = Runs(asked.out / RUNS, fingerprint(data, design), resume=asked.resume)
        outcome = _run(data, design, jobs, None if away else max(1, cores() // jobs), store)
    if not outcome.runs:
        click.echo("evenly: stopped before a run had finished: nothing written", err=True)
        return 130
    command = _command(asked, design)
    record = summarize(data, design, outcome, command=command, started=started)
    report.write_folder(
        asked.out,
        {
            "report.html": report.render(record),
            "results.csv": report.results_csv(record),
            "history.jsonl": report.history_jsonl(record),
        },
        force=True,
    )
    show(record, asked.out / "report.html")
    if outcome.interrupted:
        resumed = _command(asked, design, "--resume")
        click.echo("Go on with:")
        click.echo("\n".join(folded(resumed)))
        return 130
    # All of it is in the report.
    (asked.out / RUNS).unlink(missing_ok=True)
    return 0


def _design(asked: Asked) -> Design:
    from evenly.study import VARIANTS, Design

    return Design(
        variants=_names(asked.variants, tuple(row.name for row in VARIANTS)),
        seeds=asked.seeds,
        epochs=asked.epochs,
        net=asked.net,
        hidden=None if asked.hidden is None else _widths(asked.hidden),
        batch=Design.batch if asked.batch is None else asked.batch,
        optimizer=asked.optimizer,
        lr=asked.lr,
        split=asked.split,
        measure=asked.measure,
    )


def _check_words(asked: Asked) -> None:
    """Raises UsageError for options that need another one beside them."""
    if asked.table is None:
        given = {"target": asked.target, "task": asked.task, "groups": asked.groups,
                 "time": asked.time, "split": "time" if asked.split == "time" else None,
                 "sep": asked.sep, "encoding": asked.encoding,
                 **{WORDS.get(name, name): value or None for name, value in asked.reading.items()}}
        for name, value in given.items():
            if value is not None:
                word = {"split": " time", "text": "", "as": " NAME=TYPE"}.get(name, " NAME")
                raise click.UsageError(
                    f"--{name}: goes with a table: evenly study TABLE --{name}{word}"
                )
    if asked.time is not None and asked.split != "time":
        raise click.UsageError("--time: goes with --split time")
    if asked.keep_columns and asked.groups is None and asked.time is None:
        raise click.UsageError("--keep-columns: goes with --groups or --time")


def _names(text: str, every: tuple[str, ...]) -> tuple[str, ...]:
    """`all`, or names with commas between them."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return every if names == ("all",) else names


def _widths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(width) for width in text.split(","))
    except ValueError:
        raise click.UsageError(
            f"hidden: expects whole numbers with commas, got '{text}': try 128,64"
        ) from None


def _task(text: str | None) -> Literal["classification", "regression"] | None:
    return None if text is None else ("regression" if text == "regression" else "classification")


def _command(asked: Asked, design: Design, *more: str) -> str:
    """The line that runs this study again, with every setting that its results depend on."""
    from evenly.tables import Reading
    from evenly.tables.training import reading_words

    words = ["evenly", "study"]
    words.append("digits" if asked.table is None else str(asked.table))
    for option, value in (
        ("--target", asked.target),
        ("--task", asked.task),
        ("--measure", asked.measure),
        ("--groups", asked.groups),
        ("--split", asked.split if asked.split != "random" else None),
        ("--time", asked.time),
    ):
        if value is not None:
            words += [option, value]
    if asked.keep_columns:
        words.append("--keep-columns")
    words += reading_words(Reading(**asked.reading), asked.sep, asked.encoding)
    words += ["--variants", ",".join(row.name for row in design.rows)]
    words += ["--net", design.net, "--seeds", str(design.seeds), "--epochs", str(design.passes)]
    words += ["--hidden", ",".join(map(str, design.widths)), "--batch", str(design.batch)]
    words += ["--optimizer", design.optimizer, "--lr", repr(design.rate)]
    return shlex.join([*words, "--out", str(asked.out), *more])


def _run(
    data: Table, design: Design, jobs: int, threads: int | None, store: Runs
) -> Outcome:
    from evenly.study import run_all

    stop = threading.Event()
    total = design.seeds * len(design.rows) * design.passes
    with progress(total) as (advance, say, end), ctrl_c(stop, say, end):
        return run_all(
            data, design, jobs=jobs, threads=threads, backend=None, store=store, stop=stop,
            on_epoch=advance,
        )
