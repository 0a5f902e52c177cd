"""`evenly exercise`: exercises by hand, with numbers that come out well, and their keys."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from evenly.byhand.document import Document
    from evenly.exercises import Exercise

# Each format: the ending of its files, and what renders it (module and function).
FORMATS = {
    "text": (".txt", "terminal:render_text"),
    "markdown": (".md", "markdown:render_markdown"),
    "latex": (".tex", "latex:render_latex"),
    "html": (".html", "html:render_html"),
    "pdf": (".pdf", "pdf:pdf_bytes"),
    "typst": (".typ", "pdf:typst_source"),
    "json": (".json", ""),
}
PAPERS = ("A4", "Letter")
_ON_PAPER = ("pdf", "typst")
_RENDERERS = "evenly.byhand.render"
_LARGEST_INPUT = 10**6
_MOST_SHEETS = 1_000


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("name", required=False)
@click.option("--list", "listed", is_flag=True, help="List the exercises.")
@click.option("--seed", type=int, default=0, help="Each gives other numbers.")
@click.option("--level", type=click.IntRange(1, 3), default=1, help="1 asks least, 3 most.")
@click.option("--size", "sizes", multiple=True, metavar="NAME=N",
              help="How large, such as examples=4; may be given several times.")
@click.option("--input", "own", type=click.Path(path_type=Path), metavar="FILE",
              help="Your own numbers: a .json file, an array for each name.")
@click.option("--answers", is_flag=True, help="The key instead of the sheet.")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="text",
              help="json is a sheet to fill in, for evenly grade.")
@click.option("--paper", type=click.Choice(PAPERS), default="A4", help="Of pdf and typst.")
@click.option("--out", type=click.Path(path_type=Path), metavar="PATH",
              help="A file to write; with --sheets a folder.  [default: standard output]")
@click.option("--sheets", type=click.IntRange(1, _MOST_SHEETS), metavar="N",
              help="Write N different sheets and their keys into the folder --out: seeds SEED, "
              "SEED + 1, ...")
@click.option("--practice", is_flag=True, help="Solve it here, step by step.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
def exercise(name: str | None, listed: bool, seed: int, level: int, sizes: tuple[str, ...],
             own: Path | None, answers: bool, format_: str, paper: str, out: Path | None,
             sheets: int | None, practice: bool, force: bool) -> int:
    """An exercise: a problem to be solved by hand, whose numbers come out well.

    \b
    evenly exercise --list
    evenly exercise batch-norm --seed 7 --level 2
    evenly exercise batch-norm --seed 7 --level 2 --answers
    evenly exercise adam --sheets 30 --out sheets --format pdf
    """
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
    chosen, inputs = _sizes(sizes), None if own is None else _read(own)

    def make(seed: int) -> Exercise:
        from evenly.exercises import topic

        try:
            return topic(name).exercise(seed, level, inputs, **chosen)
        except RecursionError as error:
            raise click.UsageError(f"{own}: nested too deep: give arrays of a few axes") from error

    if sheets is not None:
        if out is None:
            raise click.UsageError("--sheets needs --out: the folder to write to")
        return _write_sheets(make, seed, sheets, name, format_, paper, out, force)
    if out is not None:
        from .writing import check_place

        check_place(out, (FORMATS[format_][0],), force=force)
    made = make(seed)
    if practice:
        return _practise(made)
    if out is not None:
        from .writing import write_bytes

        write_bytes(out, _rendered(made, answers, format_, paper))
        click.echo(f"{made.title}: {out}")
    elif format_ == "text":
        _show(made.document(answers))
    else:
        data = _rendered(made, answers, format_, paper)
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
        rows.append(f"{name}: {found.title}{levels}\n    --size {sizes}" if sizes else
                    f"{name}: {found.title}{levels}")
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


def _rendered(made: Exercise, answers: bool, format_: str, paper: str) -> bytes:
    """An exercise in a format, as the bytes of a file."""
    if format_ == "json":
        content = made.sheet() | ({"answers": made.answers()} if answers else {})
        return (json.dumps(content, indent=1) + "\n").encode()
    module, _, function = FORMATS[format_][1].partition(":")
    render = _renderer(module, function)
    settings = (paper,) if format_ in _ON_PAPER else ()
    result: str | bytes = render(made.document(answers), *settings)
    return result.encode() if isinstance(result, str) else result


def _renderer(module: str, function: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(importlib.import_module(f"{_RENDERERS}.{module}"), function)
    return found


def _show(document: Document) -> None:
    """A document on the terminal."""
    width = min(shutil.get_terminal_size().columns, 100)
    if sys.stdout.isatty():
        from rich.console import Console

        parts = _renderer("terminal", "renderables")(document, width)
        Console(highlight=False, width=width).print(*parts, sep="\n")
    else:
        click.echo(_renderer("terminal", "render_text")(document, width), nl=False)


def _practise(made: Exercise) -> int:
    from evenly.grading.practice import practise

    return practise(made)


# Many sheets --------------------------------------------------------------------------------------


def _write_sheets(make: Callable[[int], Exercise], seed: int, sheets: int, name: str, format_: str,
                  paper: str, folder: Path, force: bool) -> int:
    """Sheets and keys in a folder: all of them or none."""
    import tempfile

    from .writing import cannot, write_bytes

    if folder.exists():
        if not folder.is_dir():
            raise click.UsageError(f"{folder}: is a file, expects a folder: name another")
        if any(folder.iterdir()) and not force:
            raise click.UsageError(f"{folder}: is not empty: say --force to replace the sheets in "
                                   "it, or name another folder")
    try:
        # Beside the folder: then it takes the folder's name in one step.
        temporary = Path(tempfile.mkdtemp(prefix=".evenly-", dir=folder.absolute().parent))
    except OSError as error:
        raise cannot(folder, error) from error
    try:
        names = []
        for number in range(seed, seed + sheets):
            made = make(number)
            for answers in (False, True):
                ending = FORMATS[format_][0]
                names.append(f"{name}-{number}{'-key' if answers else ''}{ending}")
                write_bytes(temporary / names[-1], _rendered(made, answers, format_, paper))
        os.chmod(temporary, 0o777 & ~_umask())
        try:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
            if not folder.exists():
                temporary.rename(folder)
            else:
                for file in names:
                    os.replace(temporary / file, folder / file)
        except OSError as error:
            raise cannot(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    click.echo(f"{folder}: {sheets} {'sheets' if sheets > 1 else 'sheet'} and "
               f"{'their keys' if sheets > 1 else 'its key'}, seeds {seed} to {seed + sheets - 1}")
    return 0


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
