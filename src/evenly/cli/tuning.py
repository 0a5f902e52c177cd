"""A search on a table: from the words of `evenly tune` to the report, and what is said of it."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from . import telling
from .backend_options import backend_of
from .fit_checks import check_groups, target_of
from .loading_tables import of_table, read_tables
from .running import ctrl_c, progress
from .set_option import with_sets
from .table import folded

if TYPE_CHECKING:
    from evenly.search import SearchRecord, TrialRecord, Tuned

INTERRUPTED = 130
STORE, REPORT, JSON = "search.db", "report.html", "search.json"
# Trials and settings that a terminal lists.
MOST_TRIALS, MOST_SETTINGS = 8, 3


@dataclass(frozen=True)
class Asked:
    """The words of the command: a field an option."""

    tables: tuple[Path, ...]
    target: str | None
    task: str | None
    reading: Mapping[str, Any]
    sep: str | None
    encoding: str | None
    na: tuple[str, ...]
    space: Path | None
    trials: int
    time_limit: float | None
    cv: Any
    scoring: str | None
    objectives: tuple[str, ...]
    groups: str | None
    effort: str
    sets: Mapping[str, Any]
    prune: bool
    round: int
    seed: int
    backend: Mapping[str, Any]
    store: str | None
    name: str
    resume: bool
    out: Path
    as_json: bool
    force: bool


def tune_table(asked: Asked) -> int:
    """Searches as asked for, writes the files, and returns the exit status.

    Raises:
        UsageError, EvenlyError: before any work is done, where something cannot work.
    """
    from evenly import report

    report.check_folder(asked.out, force=asked.force or asked.resume,
                        names=(REPORT, JSON, STORE))
    own = asked.out / STORE
    if asked.resume and asked.store is None and not own.exists():
        raise click.UsageError(f"{own}: is not there: leave out --resume")
    try:
        found = _found(asked, own)
    except KeyboardInterrupt:
        click.echo("evenly: stopped before a trial had finished: go on with --resume", err=True)
        return INTERRUPTED
    record = found.record
    report.write_folder(asked.out, {REPORT: report.render_search(record),
                                    JSON: report.search_json(record)}, force=True)
    if asked.as_json:
        click.echo(report.search_json(record))
    else:
        _tell(record, asked.out / REPORT)
    if not record.interrupted:
        return 0
    again = [word for word in _words() if word not in ("--resume", "--force")]
    click.echo("Go on with:", err=asked.as_json)
    click.echo("\n".join(folded(shlex.join([*again, "--resume"]))), err=asked.as_json)
    return INTERRUPTED if record.why_ended == "Ctrl-C" else 0


def _found(asked: Asked, own: Path) -> Tuned:
    from evenly.search import findings
    from evenly.search.problem import problem_of
    from evenly.search.rounds import search
    from evenly.search.space import space_file
    from evenly.search.store import shown
    from evenly.tables import Reading

    space = None if asked.space is None else space_file(asked.space)
    read = read_tables(asked.tables, vars(asked))
    target = target_of(read, asked.target)
    with of_table(read.name):
        check_groups(read, asked.groups, target)
        reading = Reading(**asked.reading)
        reading.check(read.frame.columns, target)
        problem = problem_of(
            (read.frame, target), groups=asked.groups, cv=asked.cv, scoring=asked.scoring,
            seed=asked.seed, task=asked.task, reading=reading,
            settings={"effort": asked.effort, "random_state": asked.seed},
        )
    problem = replace(problem, estimator=with_sets(problem.estimator, asked.sets))
    stop, best = threading.Event(), -float("inf")

    def says(state: str, number: int) -> str:
        return f"trial {number} {state}, best {best:.4g}"

    def told(trial: TrialRecord) -> None:
        nonlocal best
        best = max(best, -float("inf") if trial.score is None else trial.score)
        advance(trial.state, trial.number)

    with backend_of(dict(asked.backend)) as jobs:
        if asked.store is None:
            asked.out.mkdir(parents=True, exist_ok=True)
            if not asked.resume:
                own.unlink(missing_ok=True)
        with progress(asked.trials, says) as (advance, say, end), ctrl_c(stop, say, end):
            found = search(
                problem, space=space, trials=asked.trials, time_limit=asked.time_limit,
                objectives=asked.objectives, prune=asked.prune, round=asked.round, seed=asked.seed,
                n_jobs=jobs, storage=asked.store or own, name=asked.name, resume=asked.resume,
                on_trial=told, stop=stop,
            )
    record, files = found.record, [str(path) for path in asked.tables]
    given = "".join(f", {name}={value!r}" for name, value in
                    (("sep", asked.sep), ("encoding", asked.encoding)) if value is not None)
    code = findings.code(problem, record.best_trial, f"read({files!r}{given}).frame")
    if problem.groups is not None:
        code = code.replace("groups=groups", f"groups={asked.groups!r}")
    typed = shlex.join([shown(word) if "://" in word else word for word in _words()])
    command = findings.fit_line(problem, record.best_trial, files, target, asked.task, asked.sep,
                                asked.encoding, asked.groups)
    return replace(found, record=replace(
        record, data=f"'{target}' of {read.name}, {problem.rows:,} rows", code=code,
        command=command, typed=typed, notes=(*read.notes, *problem.notes),
        facts=(*record.facts, *((("SHA-256", read.sha256),) if read.sha256 else ())),
    ))


def _words() -> list[str]:
    """The line as it was typed."""
    return ["evenly", *(click.get_current_context().find_root().obj or ())]


def _tell(record: SearchRecord, page: Path) -> None:
    from evenly.search.records import said

    console = telling.console()
    console.print(Text(f"{record.estimator} on {record.data}; {record.told}"))
    for note in record.notes:
        console.print(Text(note), style="yellow")
    names = [*record.importances, *(name for name, _ in record.space)][:MOST_SETTINGS]
    heads = ["trial", record.scoring, "seconds", *names]
    table = telling.plain_table(*heads, right=heads)
    ranked = record.ranked()
    shown = [*ranked[:MOST_TRIALS], *(one for one in ranked[MOST_TRIALS:] if one.number == 0)]
    for one in shown:
        number = f"{one.number}, as `evenly fit` has it" if one.number == 0 else str(one.number)
        table.add_row(number, said(one.score), f"{one.seconds:.1f}",
                      *(said(one.settings.get(name)) for name in names),
                      style="bold" if one.number == record.best else "")
    console.print(table)
    if record.front:
        console.print(Text("Not beaten in score and time both: trials "
                           f"{', '.join(map(str, record.front))}."))
    if record.importances:
        shares = telling.plain_table("what mattered", "share", "", right=("share",))
        for name, share in record.importances.items():
            shares.add_row(name, f"{share:.0%}", telling.bar(share, 1.0))
        console.print(shares)
    console.print(Text(f"{record.headline} The best of many is a little lucky: rows that no trial "
                       "has seen tell what it is worth."))
    if record.command:
        console.print(Text("To train it on all rows:"))
        for line in folded(record.command):
            console.print(Text(line, style="bold"), soft_wrap=True)
    else:
        console.print(Text("The Python for it is in the report."))
    console.print(Text.assemble("Report: ", (str(page), "bold")), soft_wrap=True)
