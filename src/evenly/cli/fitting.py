"""A network for a table: from the words of `evenly fit` to the file, and what is said of it."""

from __future__ import annotations

import datetime
import platform
import shlex
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from rich.text import Text

from evenly import parallel
from evenly.version import __version__

from . import telling
from .fit_checks import check_groups, check_losses, check_settings, target_of
from .loading_tables import of_table, read_tables, sampled_files
from .set_option import with_sets
from .values import OF_CLASSES, OF_NUMBERS
from .writing import cannot, check_place, is_same, write_bytes

if TYPE_CHECKING:
    from evenly.explain import FitRecord
    from evenly.reading.table import Read
    from evenly.tables import TableModel

INTERRUPTED = 130
# Columns whose worth is found where no report is asked for: of more it takes its time.
MOST_COLUMNS = 100


@dataclass(frozen=True)
class Asked:
    """The words of the command: a field an option.

    Attributes:
        reading: how the columns are to be read, as arguments of the estimators for tables.
        settings: the network and its training, as such arguments.
        sets: likewise, what has no option of its own; they win.
    """

    tables: tuple[Path, ...]
    target: str | None
    groups: str | None
    checkpoint: Path | None
    resume: bool
    out: Path
    report: Path | None
    task: str | None
    curves: Path | None
    doctor: bool
    quiet: bool
    force: bool
    sep: str | None
    encoding: str | None
    reading: Mapping[str, Any]
    settings: Mapping[str, Any]
    sets: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fitted:
    """A trained network, and what it was trained on.

    Attributes:
        read: the table.
        frame: its rows that have a target.
        why: why the target is classes or numbers.
        notes: what was left out, read otherwise, or looks odd: a line each.
    """

    model: TableModel
    read: Read
    frame: Any
    why: str
    notes: tuple[str, ...]


def fit_table(asked: Asked) -> int:
    """Trains as asked for, writes the files, and returns the exit status.

    Raises:
        UsageError, EvenlyError: before any work is done, where something cannot work.
    """
    group = parallel.entered() or parallel.Alone()
    if group.rank == 0:
        _check_places(asked)
    started = datetime.datetime.now().astimezone()
    read = read_tables(asked.tables, vars(asked)) if asked.checkpoint is None \
        else sampled_files(asked.tables, asked.settings)
    parallel.agree(group, {"the SHA-256 of the table": read.sha256})
    fitted = _fitted(asked, read)
    model, record = fitted.model, None
    is_stopped = model.estimator_.history_.stopped == "interrupted"
    if group.rank:  # the first tells and writes
        return INTERRUPTED if is_stopped else 0
    try:
        record = _record(asked, fitted, started)
        model.scores_ = record.scores
    except KeyboardInterrupt:
        is_stopped = True
    _save(asked.out, model)
    written = [asked.out, *_pages(asked, fitted, record)]
    _tell(asked, fitted, record, written)
    return INTERRUPTED if is_stopped else 0


def _check_places(asked: Asked) -> None:
    sources = [{"table": path} for path in asked.tables if str(path) != "-"]
    taken: dict[str, Path] = {}
    for option, path, kinds in (("--out", asked.out, ()), ("--report", asked.report, (".html",)),
                                ("--curves", asked.curves, (".png", ".svg"))):
        if path is None:
            continue
        for source in sources or [{}]:
            check_place(path, kinds, force=asked.force, inputs=source)
        for other, place in taken.items():
            if is_same(path, place):
                raise click.UsageError(f"{option}: expects another file than {other}, got {path}")
        taken[option] = path


def _fitted(asked: Asked, read: Read) -> Fitted:
    from evenly.errors import DoctorWarning, TableWarning
    from evenly.tables import Reading, TableClassifier, TableRegressor
    from evenly.tables.asked import answered

    frame, target = read.frame, target_of(read, asked.target)
    with of_table(read.name):
        rules = dict(asked.reading)
        reading = Reading(**rules)
        reading.check(frame.columns, target)
        check_groups(read, asked.groups, target)
        found = answered(frame, target, reading, asked.task)  # type: ignore[arg-type]
        task, notes = found.task, [*read.notes, *found.notes]
        frame = frame if found.rows.all() else frame.filter(found.rows)
        check_settings(asked.settings, target, task, OF_NUMBERS, OF_CLASSES)
        check_losses(asked.settings.get("loss"), target, task)
        rules["types"] = found.types(reading.types)
        kind = TableClassifier if task == "classification" else TableRegressor
        model = with_sets(kind(quiet=True, **rules, **asked.settings), asked.sets)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if asked.checkpoint is None:
                model.fit(frame, target, groups=asked.groups)
            else:
                from evenly.tables.folders import fit_files

                fit_files(model, asked.tables, frame, target, checkpoint=asked.checkpoint,
                          resume=asked.resume)
    # What the doctor finds stands in the diagnosis, what the columns are in the notes.
    notes += [*model.notes_, *(str(one.message) for one in caught
                               if not issubclass(one.category, (DoctorWarning, TableWarning)))]
    model.notes_ = tuple(notes)
    return Fitted(model, read, frame, found.reason, tuple(notes))


# What it came to --------------------------------------------------------------------------------


def _record(asked: Asked, fitted: Fitted, started: datetime.datetime) -> FitRecord:
    """Scores, and what a report tells where one is asked for."""
    from evenly import explain

    model = fitted.model
    answers, _, _ = explain.answers_of(model, fitted.frame)
    held = np.asarray(model.held_out_, np.int64)
    aside = model._set_aside
    totals = np.array(model.columns_.totals, np.int64)  # sums of other rows, no examples
    rows = np.setdiff1d(np.arange(len(answers)), np.concatenate([held, aside, totals]))
    training = answers.rows(rows) if len(rows) < len(answers) else answers
    held_out = answers.rows(held) if len(held) else None
    scores = explain.score(
        training, held_out, explain.linear_inputs(model), table=fitted.read.name,
        target=model.target_, notes=fitted.notes, sha256=fitted.read.sha256,
    )
    part, numbers = (training, rows) if held_out is None else (held_out, held)
    lines = explain.column_lines(model)
    inputs = sum(not line.left_out for line in lines)
    return explain.explained(
        part, numbers, scores, lines, model.columns_.values(part.frame)[0],
        part="training" if held_out is None else "held-out", history=model.estimator_.history_,
        settings=_settings(model), facts=_facts(fitted, started), command=_command(),
        full=asked.report is not None, worth=asked.report is not None or inputs <= MOST_COLUMNS,
    )


def _settings(model: TableModel) -> tuple[tuple[str, str], ...]:
    words = option_words(model)
    return (("network and training", shlex.join(words)),)


def _facts(fitted: Fitted, started: datetime.datetime) -> tuple[tuple[str, str], ...]:
    model = fitted.model
    network = model.estimator_.model_.engine.program
    now = datetime.datetime.now().astimezone()
    found = [
        ("table", fitted.read.name),
        ("target", f"{model.target_} ({fitted.why})"),
        ("inputs", f"{model.inputs_.width:,} of {len(model.columns_.inputs):,} columns"),
        ("parameters", f"{network.parameters:,}"),
        ("evenly", __version__), ("NumPy", np.__version__), ("Python", platform.python_version()),
        ("started", started.isoformat(sep=" ", timespec="seconds")),
        ("took", f"{(now - started).total_seconds():.1f} seconds"),
    ]
    if fitted.read.sha256:
        found.insert(1, ("SHA-256", fitted.read.sha256))
    return tuple(found)


def _command() -> str:
    """The line as it was typed."""
    return shlex.join(["evenly", *(click.get_current_context().find_root().obj or ())])


def option_words(model: TableModel) -> list[str]:
    """A model's settings as the options of `evenly fit` that give them."""
    from evenly.tables import option_words as words

    return words(model.get_params(deep=False))


# Files ------------------------------------------------------------------------------------------


def _save(out: Path, model: TableModel) -> None:
    from evenly.saving import save

    try:
        save(out, model)
    except OSError as error:
        raise cannot(out, error) from error


def _pages(asked: Asked, fitted: Fitted, record: FitRecord | None) -> list[Path]:
    """Writes the report and the curves; those that were written."""
    written = []
    try:
        if asked.report is not None and record is not None:
            from evenly.report import render_fit

            write_bytes(asked.report, render_fit(record).encode())
            written.append(asked.report)
        if asked.curves is not None:
            from .curves import draw

            draw(asked.curves, fitted.model)
            written.append(asked.curves)
    except click.UsageError as error:
        raise click.UsageError(f"{error.message}; the network is in {asked.out}") from error
    return written


# What is said -----------------------------------------------------------------------------------


def _tell(asked: Asked, fitted: Fitted, record: FitRecord | None, written: list[Path]) -> None:
    console, model = telling.console(), fitted.model
    estimator = model.estimator_
    classes = getattr(estimator, "classes_", ())
    what = f"one of {len(classes)} classes" if len(classes) else "a number"
    console.print(Text(f"{fitted.read.name}: '{model.target_}', {what} ({fitted.why}); "
                       f"{fitted.frame.height:,} "
                       f"{'rows' if asked.checkpoint is None else 'rows of a sample'}, "
                       f"{_count(model.inputs_.width, 'input')} of "
                       f"{_count(len(model.columns_.inputs), 'column')}"))
    if not asked.quiet:
        for note in fitted.notes:
            console.print(Text(note), style="yellow")
    if record is not None:
        if record.importance:
            console.print(telling.worth_table(record.importance, record.importance_measure, 8))
        console.print(telling.scores_table(record.scores))
        for line in record.scores.lines:
            if line.note:
                console.print(Text(f"{line.words}: {line.note}"), style="yellow")
    console.print(Text(trained(estimator, record)))
    for path in written:
        console.print(Text.assemble("Written: ", (str(path), "bold")), soft_wrap=True)
    if asked.doctor:
        click.echo()
        click.echo(str(estimator.diagnosis_))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def trained(estimator: Any, record: FitRecord | None) -> str:
    """How training went, in a line."""
    history = estimator.history_
    kept = estimator.best_epoch_ or estimator.n_iter_
    text = f"{estimator.n_iter_} epochs in {history[-1].seconds:.1f} s"
    if history.stopped == "interrupted":
        text += ", stopped early"
    if len(estimator.members_) > 1:
        text = f"{len(estimator.members_)} networks, the first: {text}"
    if estimator.time_ran_out_:
        text += ", and time ran out"
    if record is None:
        return text + f"; kept: epoch {kept}"
    scores = record.scores
    if scores.held_out_rows:
        return (f"{text}; kept: epoch {kept}; {scores.training_rows:,} rows trained, "
                f"{scores.held_out_rows:,} were held out; scores are without dropout")
    if estimator.refit_history_ is not None:
        best = history[kept - 1]
        what = "accuracy" if hasattr(estimator, "classes_") else "R2"
        return (f"{text}; best: epoch {kept}, where {what} on the held-out rows was "
                f"{best.validation_score:.3f}; then trained anew on all rows for "
                f"{_count(len(estimator.refit_history_), 'epoch')}, so nothing else here tells how "
                "new rows will do")
    why = "too few rows to hold some out" if estimator.early_stopping else "no rows were held out"
    return f"{text}; {why}: nothing here tells how new rows will do"


