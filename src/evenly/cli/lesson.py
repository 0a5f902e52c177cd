"""`evenly lesson`: short paths through sheets, predictions, tested claims and one's own network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .helping import command
from .needed import need

if TYPE_CHECKING:
    from rich.console import Console

    from evenly.lessons import Lesson
    from evenly.lessons.progress import Book, Kept


@command()
@click.argument("name", required=False)
@click.option("--list", "listed", is_flag=True, help="List the lessons.")
@click.option("--step", type=int, metavar="N", help="Show this step.  [default: the next]")
@click.option("--practice", is_flag=True, help="Go through, step by step, from --step on.")
@click.option("--answer", metavar="NUMBER", help="Your prediction, where the step asks for one.")
@click.option("--run", "runs", is_flag=True,
              help="Run the study of the step, in its short form, and keep its verdict.")
@click.option("--done", "marks", is_flag=True,
              help="Note the step as done, as for a sheet that came out right on paper.")
@click.option("--reset", is_flag=True, help="Forget what has been done of this lesson.")
def lesson(name: str | None, listed: bool, step: int | None, practice: bool, answer: str | None,
           runs: bool, marks: bool, reset: bool) -> int:
    """A lesson: a short path of things to read, sheets to do, numbers to predict, claims to see
    tested, and lines for your own network.

    What is done is kept in $XDG_DATA_HOME/evenly/lessons.json (~/.local/share/evenly/lessons.json
    without the variable), and sent nowhere. A wrong prediction is status 1.
    """
    doing = [word for word, said in (
        ("--practice", practice), ("--answer", answer is not None), ("--run", runs),
        ("--done", marks), ("--reset", reset)) if said]
    if listed or name is None:
        if name is not None or not listed or doing or step is not None:
            raise click.UsageError("name one lesson, or say --list to see them all")
        return _list()
    if len(doing) > 1:
        raise click.UsageError(f"{doing[0]} goes without {doing[1]}")
    if reset and step is not None:
        raise click.UsageError("--reset goes without --step: it forgets the whole lesson")
    from evenly.lessons import lesson as find
    from evenly.lessons.shown import next_step

    found = find(name)
    book = _book(strict=marks or reset)
    if reset:
        book.change(lambda own: own.without(name))
        click.echo(f"{found.title}: nothing is done now.")
        return 0
    at = next_step(found, book.progress) if step is None else step
    if at is None:
        if not doing:
            return _show(found, book, None)
        raise click.UsageError(f"{name}: all steps are done: say which with --step, or --reset")
    chosen = found.step(at)
    if practice:
        from .lesson_practice import go_through

        return go_through(found, book, at, _console(), input, _study)
    if marks:
        book.change(lambda own: own.with_done(name, chosen.key))
        click.echo(f"{found.title}, step {at} is done.")
        return 0
    if answer is not None:
        return _answer(found, book, at, answer)
    if runs:
        return _run(found, book, at)
    return _show(found, book, at)


def _list() -> int:
    """All lessons, and how far each is."""
    from evenly.lessons import lessons
    from evenly.lessons.shown import done

    progress = _book().progress
    for one in lessons():
        far = done(one, progress)
        click.echo(f"{one.name}: {one.title} ({one.minutes} minutes, {len(one.steps)} steps"
                   f"{f', {far} done' if far else ''})\n    {one.about}")
    return 0


def _show(found: Lesson, book: Book, at: int | None) -> int:
    """The path, where one is, and the step."""
    from evenly.lessons import Claimed
    from evenly.lessons.shown import done, path

    from .lesson_practice import say, show

    console, progress = _console(), book.progress
    far = done(found, progress)
    say(console, found.title, "bold underline")
    say(console, f"{found.about} {found.minutes} minutes; {far} of {len(found.steps)} steps done.")
    say(console, "\n" + "\n".join(path(found, progress, at, console.encoding,
                                              console.width)) + "\n")
    if at is None:
        say(console, "All is done.", "bold")
    else:
        step = found.step(at)
        say(console, f"{at}. {step.kind}: {step.title}", "bold")
        kept = progress.kept.get(step.study) if isinstance(step, Claimed) else None
        show(console, step, kept)
        say(console, f"\n{_how(found.name, at, step.kind)}", "dim")
    if found.further:
        say(console, "\nFurther sheets:", "bold")
        for topic, why in found.further.items():
            say(console, f"    evenly exercise {topic}: {why}")
    return 0


def _how(name: str, at: int, kind: str) -> str:
    """How a step is done."""
    line = f"evenly lesson {name} --step {at}"
    how = {"Predict": f"{line} --answer NUMBER", "See it tested": f"{line} --run, then --done"}
    return f"Do it: {how.get(kind, f'{line} --practice')}" if kind in (*how, "Do a sheet") \
        else f"Go on: {line} --done"


def _answer(found: Lesson, book: Book, at: int, answer: str) -> int:
    from evenly.lessons import Predict

    step = found.step(at)
    if not isinstance(step, Predict):
        raise click.UsageError(f"--answer: step {at} of {found.name} asks for no number: its kind "
                               f"is '{step.kind}'")
    right, words = step.verdict(answer)
    if right is None:
        raise click.UsageError(f"--answer: {words}")
    if right:
        book.change(lambda own: own.with_done(found.name, step.key))
    click.echo(words)
    return 0 if right else 1


def _run(found: Lesson, book: Book, at: int) -> int:
    from evenly.lessons import Claimed

    step = found.step(at)
    if not isinstance(step, Claimed):
        raise click.UsageError(f"--run: step {at} of {found.name} has no study: its kind is "
                               f"'{step.kind}'")
    kept = _study(step.study)
    if kept is None:
        return 130
    book.change(lambda own: own.with_kept(step.study, kept).with_done(found.name, step.key))
    click.echo(f"{kept.verdict}: {step.claim}\n{kept.sentence}\n{kept.effect}")
    return 0


def _study(name: str) -> Kept | None:
    """Runs a study in its short form; None where Ctrl-C stopped it."""
    need("lesson", "sklearn", "pandas", "polars", "pyarrow", "matplotlib")
    import threading

    from evenly.claims.catalog import load
    from evenly.claims.runs import run_all
    from evenly.lessons.progress import Kept

    from .running import cores, ctrl_c, progress

    study, stop = load(name), threading.Event()
    stopping = "evenly: stopping; Ctrl-C again stops at once"
    with progress(len(study.cases("tour"))) as (advance, say, end), \
            ctrl_c(stop, lambda words: say(stopping), end):
        results = run_all([study], "tour", jobs=cores(), backend="threading", stop=stop,
                          on_done=lambda cell: advance(name, cell.asks[1].block))
    if stop.is_set() or not results:
        click.echo("evenly: stopped: the study has no verdict", err=True)
        return None
    record = results[0].record
    headline = record.headline
    return Kept(record.verdict, record.sentence, f"{headline.words}: {headline.effect}")


def _book(strict: bool = False) -> Book:
    """What has been done. What is wrong with its file is told; where it must be written, that is an
    error."""
    from evenly.lessons.progress import Book, place

    def tell(words: str) -> None:
        if strict:
            raise click.UsageError(words)
        click.echo(f"evenly: warning: {words}", err=True)

    return Book(place(), tell)


def _console() -> Console:
    import shutil

    from rich.console import Console

    return Console(highlight=False, width=min(shutil.get_terminal_size().columns, 100))
