"""The claims: the tour of all, one by its name, one of the user's own."""

from __future__ import annotations

import csv
import io
import shlex
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from .backend_options import backend_of
from .needed import need
from .running import ctrl_c, progress

if TYPE_CHECKING:
    from rich.console import Console

    from evenly.claims import Result, Study

STYLES = {"holds": "green", "fails": "red", "cannot tell": "yellow"}
REPORT, PARTS, RUNS = "report.html", "claims.csv", "runs.jsonl"
COLUMNS = ("study", "claim", "verdict", "part", "expected", "part_verdict", "mean", "low", "high",
           "ratio", "p", "p_holm", "counts", "blocks")


@dataclass(frozen=True)
class AskedClaims:
    """The words of the command: a field an option.

    Attributes:
        what: the name of a ready study, the path of a user's, or None for the tour.
        data, target: a table of the user's own that the claim is tried on.
    """

    what: str | None
    is_short: bool
    blocks: int | None
    data: Path | None
    target: str | None
    jobs: int | None
    backend: str
    scheduler: str | None
    out: Path
    force: bool
    resume: bool


def list_studies() -> int:
    """Prints the ready studies, a line each."""
    need("study", "sklearn", "pandas", "matplotlib", "jinja2")
    from rich.table import Table

    from evenly.claims.catalog import load, names, tour

    console = _console()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("study", no_wrap=True)
    table.add_column("claim")
    table.add_column("tour", no_wrap=True)
    for name in names():
        study = load(name)
        table.add_row(name, study.claim, "yes" if study in tour() else "")
    console.print(table)
    console.print("evenly study runs those of the tour in their short form; evenly study NAME runs "
                  "one in its long form.", style="dim")
    return 0


def study_claims(asked: AskedClaims) -> int:
    """Runs the studies that were asked for, writes the report, and returns the exit status.

    Raises:
        UsageError, StudyError, ReportError: before any work is done, where something cannot work.
    """
    need("study", "sklearn", "pandas", "polars", "pyarrow", "matplotlib", "jinja2")
    from evenly import report
    from evenly.claims.page import render
    from evenly.claims.runs import fingerprint, run_all
    from evenly.study.cells import Store

    studies = _studies(asked)
    form: Literal["tour", "long"] = "tour" if asked.what is None or asked.is_short else "long"
    report.check_folder(asked.out, force=asked.force or asked.resume, names=(REPORT, PARTS, RUNS))
    stop = threading.Event()
    total = sum(len(study.cases(form, asked.blocks)) for study in studies)
    with backend_of(vars(asked)) as jobs:
        # What has ended is kept from the first training on: the folder is there before the report.
        asked.out.mkdir(parents=True, exist_ok=True)
        store = Store(asked.out / RUNS, fingerprint(studies, form), resume=asked.resume)
        with progress(total) as (advance, say, end), ctrl_c(stop, say, end):
            results = run_all(
                studies, form, blocks=asked.blocks, jobs=jobs, backend=None, store=store, stop=stop,
                on_done=lambda cell: advance(cell.key.split(" ", 1)[0], cell.asks[1].block),
            )
    if not results:
        click.echo("evenly: stopped before a block had finished: what has ended is in "
                   f"{asked.out / RUNS}: go on with --resume", err=True)
        return 130
    command = _command(asked)
    title = "The claims, tested" if asked.what is None else results[0].record.claim
    report.write_folder(
        asked.out,
        {REPORT: render(results, title=title, command=command, missing=_missing(studies, results)),
         PARTS: _parts_csv(results)},
        force=True,
    )
    show(results, asked.out / REPORT)
    is_whole = len(results) == len(studies) and not any(r.record.interrupted for r in results)
    if not is_whole:
        _console().print(f"Stopped early; go on with: {command} --resume", style="yellow",
                         markup=False)
    return 0 if is_whole else 130


def _studies(asked: AskedClaims) -> list[Study]:
    from evenly.claims.catalog import load, tour
    from evenly.claims.data import on_table

    studies = list(tour()) if asked.what is None else [load(asked.what)]
    if asked.blocks is not None:
        studies = [study.with_blocks(asked.blocks) for study in studies]
    if asked.data is None:
        if asked.target is not None:
            raise click.UsageError("--target: goes with a table: evenly study TABLE --target NAME, "
                                   "or evenly study NAME --data TABLE --target NAME")
        return studies
    if asked.what is None:
        raise click.UsageError("--data: goes with one claim: evenly study NAME --data TABLE")
    return [on_table(studies[0], asked.data, asked.target)]


def _missing(studies: Sequence[Study], results: Sequence[Result]) -> list[str]:
    """The names of studies of which no block ended."""
    told = {result.study.name for result in results}
    return [study.name for study in studies if study.name not in told]


def show(results: Sequence[Result], report: Path) -> None:
    """Prints the table of the claims: verdict, claim, what was measured, a sentence each."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    console = _console()
    table = Table(box=None, padding=(0, 2, 1, 0), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for result in results:
        record = result.record
        headline = record.headline
        few = ("" if record.blocks_done == record.blocks
               else f" ({record.blocks_done} of {record.blocks} blocks)")
        table.add_row(
            Text(record.verdict, style=STYLES[record.verdict]),
            Group(Text(record.claim, style="bold"), Text(record.sentence + few),
                  Text(f"{headline.words}: {headline.effect}", style="dim")),
        )
    console.print(table)
    console.print(_about(results), style="dim", markup=False)
    console.print(Text.assemble("Report: ", (str(report), "bold")), soft_wrap=True)


def _about(results: Sequence[Result]) -> str:
    counts = {verdict: sum(result.verdict == verdict for result in results) for verdict in STYLES}
    total = (", ".join(f"{count} {'hold' if verdict == 'holds' and count != 1 else verdict}"
                       for verdict, count in counts.items() if count) + ". "
             if len(results) > 1 else "")
    return (f"{total}[ ]: 95 % intervals of paired differences. A verdict asks for p < 0.05 after "
            "Holm's correction over all that a claim says; \"cannot tell\" is no proof of "
            "the contrary.")


def _parts_csv(results: Sequence[Result]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for result in results:
        record = result.record
        for part in record.parts:
            writer.writerow((record.name, record.claim, record.verdict, part.words, part.expects,
                             part.verdict, part.mean, part.low, part.high, part.ratio, part.p,
                             part.p_holm, part.counts, record.blocks_done))
    return text.getvalue()


def _command(asked: AskedClaims) -> str:
    """The line that runs this again."""
    words = ["evenly", "study"]
    if asked.what is not None:
        words += [asked.what, *(["--short"] if asked.is_short else [])]
    for option, value in (("--blocks", asked.blocks), ("--data", asked.data),
                          ("--target", asked.target)):
        words += [option, str(value)] if value is not None else []
    return shlex.join([*words, "--out", str(asked.out)])


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False)
