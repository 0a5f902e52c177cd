"""`evenly grade`: filled-in sheets of exercises, graded; a class at once to CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .helping import command

if TYPE_CHECKING:
    from evenly.grading.grade import Grade, StepGrade

    # (file, name, grade or what went wrong)
    Row = tuple[Path, str, "Grade | str"]

_FAILED = 2
# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@command()
@click.argument("answers", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--csv", "table", type=click.Path(path_type=Path),
              help="A .csv file to write: a row for each sheet.")
@click.option("--show", is_flag=True, help="Show the right numbers beside what is wrong.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
def grade(answers: tuple[Path, ...], table: Path | None, show: bool, force: bool) -> int:
    """Grade filled-in sheets of exercises.

    ANSWERS are files that `evenly exercise` wrote, with the blanks filled in (and "name", if you
    like), or folders of such files. One sheet gets a report, several a table. A number has its
    point if it is right, or if it follows from the learner's own earlier numbers; known mistakes
    are named. A file that cannot be graded is reported, the others are graded all the same, and the
    exit status is 2. Keys that stand beside the sheets are passed over.
    """
    from .writing import check_place, write_bytes

    if table is not None:
        check_place(table, (".csv",), force=force)
    rows, keys = [], []
    for path in _files(answers):
        row = _graded(path)
        if row is None:
            keys.append(path)
        else:
            rows.append(row)
    if keys and not rows:
        raise click.UsageError(
            f"{keys[0]}: is a key of the exercise, no answers of a learner: name the sheets that "
            "were filled in"
        )
    failed = [(path, result) for path, _, result in rows if isinstance(result, str)]
    _print(rows, show)
    if table is not None:
        write_bytes(table, _csv(rows).encode("utf-8"))
    if keys:
        click.echo(f"evenly: {', '.join(map(str, keys[:3]))}"
                   + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
                   + (": the key of a sheet, which is nobody's answers: passed over"
                      if len(keys) == 1 else
                      ": the keys of sheets, which are nobody's answers: passed over"), err=True)
    for _, message in failed:
        click.echo(f"evenly: {' '.join(message.split())}", err=True)
    if failed and len(rows) > 1:
        click.echo(f"evenly: {len(failed)} of {len(rows)} sheets could not be graded", err=True)
    return _FAILED if failed else 0


def _files(answers: Sequence[Path]) -> list[Path]:
    """The files that are meant: those of a folder in the order of their names."""
    found: list[Path] = []
    for path in answers:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() == ".json")
            if not inside:
                raise click.UsageError(f"{path}: holds no .json file")
            found += inside
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def _graded(path: Path) -> Row | None:
    """The row of a file; None for a key."""
    from evenly.errors import EvenlyError
    from evenly.grading.sheets import read_sheet

    name = ""
    try:
        sheet = read_sheet(path)
        if sheet.key:
            return None
        name = sheet.name
        return path, name, sheet.grade()
    except OSError as error:
        return path, name, f"{path}: cannot be read: {error.strerror or error}"
    except EvenlyError as error:
        text = str(error)
        return path, name, text if text.startswith(str(path)) else f"{path}: {text}"


def _print(rows: list[Row], show: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from evenly.grading.report import write_grade

    console = Console(highlight=False)
    good = [(path, name, result) for path, name, result in rows if not isinstance(result, str)]
    if len(rows) == 1 or (show and good):
        for path, name, result in good:
            write_grade(console, result, name or (path.name if len(rows) > 1 else ""), show)
        return
    if not good:
        return
    table = Table("Learner", "Points", "Of", "Carried forward", "Mistakes")
    for path, name, result in good:
        named = dict.fromkeys(map(_named, result.steps))
        table.add_row(Text(name or path.name), str(result.points), str(result.possible),
                      str(result.followed), Text("; ".join(filter(None, named))))
    console.print(table)


def _csv(rows: list[Row]) -> str:
    """A row for each sheet; the columns of the steps come in the order in which they are met."""
    # The title of a step as it stands on the sheet, its number too: two may have the same words.
    steps = {(result.exercise, step.key): f"{number}. {step.words}" for _, _, result in rows
             if not isinstance(result, str) for number, step in enumerate(result.steps, 1)}
    several = len({exercise for exercise, _ in steps}) > 1
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    heads: list[str] = []
    for (exercise, _), words in steps.items():
        title = f"{exercise}: {words}" if several else words
        heads += [f"{title} points", f"{title} mistake"]
    writer.writerow(["file", "name", "exercise", "points", "possible", "carried forward", "error",
                     *map(_safe, heads)])
    for path, name, result in rows:
        first: list[Any] = [_safe(str(path)), _safe(name)]
        if isinstance(result, str):
            writer.writerow([*first, "", "", "", "", _safe(" ".join(result.split())),
                             *[""] * len(heads)])
            continue
        cells: list[Any] = []
        graded = {(result.exercise, step.key): step for step in result.steps}
        for column in steps:
            step = graded.get(column)
            cells += ["", ""] if step is None else \
                [step.points, _named(step)]
        writer.writerow([*first, _safe(result.title), result.points, result.possible,
                         result.followed, "", *cells])
    return out.getvalue()


def _named(step: StepGrade) -> str:
    """The mistakes of a step, of which any may be the one; "" for none."""
    return " or ".join(mistake.name for mistake in step.mistakes)


def _safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
