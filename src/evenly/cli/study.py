"""`evenly study`: what helps on this table, and what cannot be told apart."""

from __future__ import annotations

import dataclasses
import datetime
import os
import shlex
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Literal

import click

from .needed import need

if TYPE_CHECKING:
    from evenly.study import Design, Outcome, Table

DEFAULT_OUT = "evenly-study"


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("table", required=False, type=click.Path(path_type=Path))
@click.option("--target", metavar="NAME", help="Column to predict (array 'y' in .npz files).")
@click.option(
    "--net",
    metavar="NAME",
    default="mlp",
    help="mlp (dense layers), cnn (for images) or lstm (for sequences).",
)
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    help="Classes or numbers. Told apart by the target's values if not said.",
)
@click.option(
    "--variants",
    metavar="A,B",
    help="What to compare with plain: names with commas, or 'all'.",
    default="all",
)
@click.option("--seeds", type=int, default=5, help="How many seeds, 0 and up.")
@click.option(
    "--epochs",
    type=int,
    help="Passes over the training part.  [default: 30; cnn and lstm 20]",
)
@click.option(
    "--hidden",
    metavar="A,B",
    help="Widths of the hidden layers.  [default: 128,64; cnn and lstm 64]",
)
@click.option(
    "--batch", type=int, help="Rows a step.  [default: 32, or all that train if they are fewer]"
)
@click.option("--lr", type=float, help="Learning rate.  [default: the optimizer's own]")
@click.option(
    "--optimizer", metavar="NAME", default="adam", help="sgd, momentum, rmsprop, adam or adamw."
)
@click.option("--jobs", type=int, help="Runs at the same time.  [default: one a core]")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path(DEFAULT_OUT), help="Folder to write."
)
@click.option("--force", is_flag=True, help="Replace the report in a folder that exists.")
def study(
    table: Path | None,
    target: str | None,
    net: str,
    task: str | None,
    variants: str,
    seeds: int,
    epochs: int | None,
    hidden: str | None,
    batch: int | None,
    lr: float | None,
    optimizer: str,
    jobs: int | None,
    out: Path,
    force: bool,
) -> int:
    """Compare networks that differ in one thing, over several seeds.

    TABLE is a .csv, .tsv, .parquet or .npz file. Without it, the handwritten digits that ship with
    scikit-learn are studied. Images and sequences are arrays in .npz files: x of shape (rows,
    height, width[, channels]) or (rows, steps, features).

    The variants are plain, batch-norm, layer-norm, dropout, l2 and batch-norm+dropout. Writes
    report.html, results.csv and history.jsonl into the folder --out.
    """
    need("study", "sklearn", "pandas", "pyarrow", "matplotlib", "jinja2")
    from evenly import report
    from evenly.study import VARIANTS, Design, check_fits, load, load_digits, part_sizes, summarize

    from .table import show

    design = Design(
        variants=_names(variants, tuple(row.name for row in VARIANTS)),
        seeds=seeds,
        epochs=epochs,
        net=net,
        hidden=None if hidden is None else _widths(hidden),
        batch=Design.batch if batch is None else batch,
        optimizer=optimizer,
        lr=lr,
    )
    cores = _cores()
    if jobs is not None and jobs < 1:
        raise click.UsageError(f"jobs: expects a whole number of at least 1, got {jobs}: try 1")
    jobs = min(jobs or cores, seeds * len(design.rows))
    if table is None and target is not None:
        raise click.UsageError("--target: goes with a table: evenly study TABLE --target NAME")
    if table is None and task is not None:
        raise click.UsageError("--task: goes with a table: evenly study TABLE --task NAME")
    report.check_folder(out, force=force)
    data = load_digits() if table is None else load(table, target, _task(task))
    if batch is None:
        rows, _ = part_sizes(data, design)
        design = dataclasses.replace(design, batch=min(design.batch, rows))
    check_fits(data, design, jobs)
    command = _command(table, target, task, design, out)
    started = datetime.datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    outcome = _run(data, design, jobs, max(1, cores // jobs))
    if not outcome.runs:
        click.echo("evenly: stopped before a run had finished: nothing written", err=True)
        return 130
    record = summarize(data, design, outcome, command=command, started=started)
    report.write_folder(
        out,
        {
            "report.html": report.render(record),
            "results.csv": report.results_csv(record),
            "history.jsonl": report.history_jsonl(record),
        },
        force=force,
    )
    show(record, out / "report.html")
    return 130 if outcome.interrupted else 0


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


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _command(
    table: Path | None, target: str | None, task: str | None, design: Design, out: Path
) -> str:
    """The line that runs this study again, with every setting that its results depend on."""
    words = ["evenly", "study"]
    if table is not None:
        words.append(str(table))
    for option, value in (("--target", target), ("--task", task)):
        if value is not None:
            words += [option, value]
    words += ["--variants", ",".join(row.name for row in design.rows)]
    words += ["--net", design.net, "--seeds", str(design.seeds), "--epochs", str(design.passes)]
    words += ["--hidden", ",".join(map(str, design.widths)), "--batch", str(design.batch)]
    words += ["--optimizer", design.optimizer, "--lr", repr(design.rate)]
    return shlex.join([*words, "--out", str(out)])


def _run(data: Table, design: Design, jobs: int, threads: int) -> Outcome:
    from evenly.study import run_all

    stop = threading.Event()
    total = design.seeds * len(design.rows) * design.passes
    with _progress(total) as (advance, say, end), _ctrl_c(stop, say, end):
        return run_all(data, design, jobs=jobs, threads=threads, stop=stop, on_epoch=advance)


@contextmanager
def _progress(
    total: int,
) -> Iterator[tuple[Callable[[str, int], None], Callable[[str], None], Callable[[], None]]]:
    """A bar on a terminal, nothing elsewhere; hands out `advance`, `say` and `end`."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("training", total=total)

        def advance(variant: str, seed: int) -> None:
            bar.update(task, advance=1, description=f"seed {seed}, {variant}")

        yield advance, lambda text: bar.console.print(text, highlight=False), bar.stop


@contextmanager
def _ctrl_c(
    stop: threading.Event, say: Callable[[str], None], end: Callable[[], None]
) -> Iterator[None]:
    """The first Ctrl-C asks the runs to end; a second one ends the program at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            # A thread inside a step cannot be ended any other way. Nothing is being written yet.
            end()
            os._exit(130)
        stop.set()
        say("evenly: stopping: what has finished is kept; Ctrl-C again stops at once")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
