"""`evenly exercise`: exercises by hand, with numbers that come out well, and their keys."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .helping import command
from .looks import FORMATS, PAPERS, Look, renderer

if TYPE_CHECKING:
    from evenly.byhand.document import Document
    from evenly.exercises import Exercise

_LARGEST_INPUT = 10**6
_MOST_SHEETS = 1_000


@command()
@click.argument("name", required=False)
@click.option("--list", "listed", is_flag=True, help="List the exercises.")
@click.option("--seed", type=int, default=0, help="Each gives other numbers.")
@click.option("--level", type=click.IntRange(1, 3), default=1, help="1 asks least, 3 most.")
@click.option("--size", "sizes", multiple=True, metavar="NAME=N",
              help="How large, such as examples=4; may be given several times.")
@click.option("--convention", default="", metavar="WORD",
              help="Where textbooks differ, such as keep for dropout; --list names them.  "
              "[default: the first]")
@click.option("--input", "own", type=click.Path(path_type=Path), metavar="FILE",
              help="Your own numbers: a .json file, an array for each name.")
@click.option("--template", is_flag=True,
              help="Show a file for --input: the drawn numbers, and what each is.")
@click.option("--answers", is_flag=True, help="The key instead of the sheet.")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="text",
              help="json is a sheet to fill in, for evenly grade.")
@click.option("--paper", type=click.Choice(PAPERS), default="A4", help="Of pdf and typst.")
@click.option("--out", type=click.Path(path_type=Path), metavar="PATH",
              help="A file to write; with --sheets a folder.  [default: standard output]")
@click.option("--sheets", type=click.IntRange(1, _MOST_SHEETS), metavar="N",
              help="Write N different sheets into the folder --out, and their keys into its "
              "folder keys: seeds SEED, SEED + 1, ...; a seed whose answers repeat is passed over.")
@click.option("--link", metavar="ADDRESS",
              help="Write under the sheet where the page has it, if `evenly serve` runs at "
              "ADDRESS, such as http://localhost:8000.")
@click.option("--practice", is_flag=True, help="Solve it here, step by step.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
def exercise(name: str | None, listed: bool, seed: int, level: int, sizes: tuple[str, ...],
             convention: str, own: Path | None, template: bool, answers: bool, format_: str,
             paper: str, out: Path | None, sheets: int | None, link: str | None, practice: bool,
             force: bool) -> int:
    """An exercise: a problem to be solved by hand, whose numbers come out well."""
    if listed or name is None:
        if name is not None or not listed:
            raise click.UsageError("name one exercise, or say --list to see them all")
        click.echo(_table())
        return 0
    if practice and (answers or out or sheets):
        raise click.UsageError("--practice goes without --answers, --out and --sheets: it shows "
                               "the key as you go")
    if sheets is not None and (own or answers):
        raise click.UsageError("--sheets goes without --input and --answers: it draws the numbers "
                               "and writes the keys too")
    if template and (answers or practice or link or sheets is not None or format_ != "text"):
        raise click.UsageError("--template goes without --answers, --practice, --link, --sheets "
                               "and --format: it is a file of numbers, in JSON")
    if link is not None and not link.startswith(("http://", "https://")):
        raise click.UsageError(f"--link {link}: expects an address such as http://localhost:8000")
    chosen, inputs = _sizes(sizes), None if own is None else _read(own)

    def make(seed: int) -> Exercise:
        from evenly.exercises import topic

        try:
            return topic(name).exercise(seed, level, inputs, convention, **chosen)
        except RecursionError as error:
            raise click.UsageError(f"{own}: nested too deep: give arrays of a few axes") from error

    if sheets is not None:
        if out is None:
            raise click.UsageError("--sheets needs --out: the folder to write to")
        from .sheets import write_sheets

        return write_sheets(make, seed, sheets, Look(format_, paper, link), out, force)
    if out is not None:
        from .writing import check_place

        check_place(out, (FORMATS["json" if template else format_][0],), force=force)
    made, look = make(seed), Look(format_, paper, link)
    if template:
        return _template(made, out)
    if practice:
        return _practise(made)
    if out is not None:
        from .writing import write_bytes

        write_bytes(out, look.rendered(made, answers))
        click.echo(f"{made.title}: {out}")
    elif format_ == "text":
        _show(look.document(made, answers))
    else:
        data = look.rendered(made, answers)
        if format_ == "pdf" and sys.stdout.isatty():
            raise click.UsageError("--format pdf writes no text: name a file with --out")
        click.echo(data, nl=False)
    return 0


def _table() -> str:
    """All exercises: name, title, what the levels ask for, sizes."""
    from evenly.exercises import CATALOGUE, topic

    rows = []
    for name in CATALOGUE:
        found = topic(name)
        levels = "".join(f"\n    {n} {words}" for n, words in enumerate(found.levels, 1))
        sizes = ", ".join(f"{s.name} {s.least}..{s.most} ({s.default})" for s in found.sizes)
        agreed = "".join(f"\n    --convention {word}: {words}"
                         for word, words in found.conventions.items())
        sized = f"\n    --size {sizes}" if sizes else ""
        rows.append(f"{name}: {found.title}{levels}{sized}{agreed}")
    return "\n".join(rows)


def _sizes(given: tuple[str, ...]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for text in given:
        name, _, number = text.partition("=")
        if not name.isidentifier() or not number.strip().isdecimal() or len(number) > 9:
            raise click.UsageError(f"--size {text}: expects NAME=N, such as examples=4")
        if name in sizes:
            raise click.UsageError(f"--size {text}: {name} is given twice")
        sizes[name] = int(number)
    return sizes


def _read(path: Path) -> Any:
    """The user's own numbers."""
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise click.UsageError(f"{path}: expects a file, got something else")
        with path.open("rb") as file:
            data = file.read(_LARGEST_INPUT + 1)
    except OSError as error:
        raise click.UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(data) > _LARGEST_INPUT:
        raise click.UsageError(f"{path}: at most {_LARGEST_INPUT:,} bytes are read: no one "
                               "computes more by hand")
    try:
        values = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{path}: is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise click.UsageError(f"{path}: expects an object, {{\"name\": [numbers], ...}}, got "
                               f"{type(values).__name__}")
    return values


# Rendering ----------------------------------------------------------------------------------------


def _show(document: Document) -> None:
    """A document on the terminal."""
    width = min(shutil.get_terminal_size().columns, 100)
    if sys.stdout.isatty():
        from rich.console import Console

        parts = renderer("terminal", "renderables")(document, width)
        Console(highlight=False, width=width).print(*parts, sep="\n")
    else:
        click.echo(renderer("terminal", "render_text")(document, width), nl=False)


def _template(made: Exercise, out: Path | None) -> int:
    """A file for --input."""
    names = made.template()
    lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in names.items()
             if name != "about"]
    about = json.dumps(names["about"], indent=2).replace("\n}", "\n }")
    text = "{\n" + ",\n".join([f' "about": {about}', *lines]) + "\n}\n"
    if out is None:
        click.echo(text, nl=False)
        return 0
    from .writing import write_bytes

    write_bytes(out, text.encode())
    click.echo(f"{made.title}: {out}")
    return 0


def _practise(made: Exercise) -> int:
    from evenly.grading.practice import practise

    return practise(made)
