"""`evenly fit`: a network for a table of one's own, as one file."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import click

from .needed import need
from .values import (
    AT_LEAST_1,
    NOT_NEGATIVE,
    PATH,
    POSITIVE,
    RATE,
    SEED,
    Word,
    class_weights,
    widths,
)

if TYPE_CHECKING:
    from evenly.study import Table
    from evenly.tables import TableModel

NORMS = ("batch", "layer", "rms", "group")
OPTIMIZERS = (
    "adamw", "adam", "adamax", "nadam", "radam", "adagrad", "rmsprop", "momentum", "nesterov",
    "sgd",
)
SCHEDULES = ("cosine", "linear", "one_cycle", "warmup", "plateau")


def _or_none(*words: str) -> Word:
    return Word({**dict(zip(words, words, strict=True)), "none": None})


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("table", type=PATH)
@click.option("--target", metavar="NAME", help="Column to predict.")
@click.option("--out", required=True, type=PATH, help="File to write.")
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    help="Classes or numbers. Told apart by the target's values if not said.",
)
@click.option("--without", metavar="A,B", help="Columns that are no inputs.")
@click.option("--hidden", metavar="A,B", default="128,64",
              help="Widths of the hidden layers; none: a linear model.")
@click.option("--norm", type=_or_none(*NORMS), metavar="NAME", default="batch",
              help="Normalization: batch, layer, rms, group or none.")
@click.option("--dropout", type=RATE, default=0.2, help="Share of units that dropout drops.")
@click.option("--l2", type=NOT_NEGATIVE, default=0.0, help="Strength of an L2 penalty.")
@click.option("--optimizer", type=Word({name: name for name in OPTIMIZERS}), metavar="NAME",
              help=f"{', '.join(OPTIMIZERS)}.  [default: adamw, learning rate 0.002]")
@click.option("--lr", type=POSITIVE, help="Learning rate.  [default: the optimizer's own]")
@click.option("--schedule", type=_or_none(*SCHEDULES), metavar="NAME", default="cosine",
              help="Of the learning rate: cosine, linear, one_cycle, warmup, plateau or none.")
@click.option("--batch", type=Word({"auto": "auto", "all": None}, AT_LEAST_1), metavar="ROWS",
              default="auto", help="Rows a step: a number, auto, or all.")
@click.option("--class-weight", metavar="WEIGHTS",
              help="balanced, or a weight for each class: yes=5,no=1.")
@click.option("--epochs", type=AT_LEAST_1, default=100, help="Passes over the rows, at most.")
@click.option("--patience", type=AT_LEAST_1, default=20,
              help="Epochs without improvement to go on for.")
@click.option("--all-rows", is_flag=True, help="Hold no rows out; train for all epochs.")
@click.option("--seed", type=SEED, default=0, help="Of weights, held-out rows and batches.")
@click.option("--curves", type=PATH, help="A .png or .svg of the curves.")
@click.option("--doctor", is_flag=True, help="Say what ails the training, if anything does.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
def fit(
    table: Path,
    target: str | None,
    out: Path,
    task: str | None,
    without: str | None,
    curves: Path | None,
    doctor: bool,
    force: bool,
    **given: Any,
) -> int:
    """Train a network on a table and write it into one file.

    TABLE is a .csv, .tsv or .parquet file, or an .npz file with x of shape (rows, features). Text
    columns become one input a value, gaps the median. A tenth of the rows is held out, and training
    ends when the loss on them no longer improves.
    """
    need("fit", "sklearn", "pandas", "pyarrow", *(["matplotlib"] if curves else []))
    from evenly.errors import DoctorWarning
    from evenly.saving import save
    from evenly.study import load

    from .writing import cannot, check_place, is_same

    settings = _settings(given) | {"doctor": True if doctor else None}
    for path, kinds in ((out, ()), (curves, (".png", ".svg"))):
        if path is not None:
            check_place(path, kinds, force=force, inputs={"table": table})
    if curves is not None and is_same(curves, out):
        raise click.UsageError(f"--curves: expects another file than --out, got {curves}")
    left_out = tuple(name.strip() for name in (without or "").split(",") if name.strip())
    data = load(table, target, cast(Literal["classification", "regression"] | None, task),
                without=left_out)
    if data.example is not None and len(data.example) > 1:
        raise click.UsageError(
            f"{table}: expects x of shape (rows, features), got examples of shape {data.example}: "
            "reshape x"
        )
    with warnings.catch_warnings():
        # What is found stands in the diagnosis, which is shown whole.
        warnings.simplefilter("ignore", DoctorWarning)
        model = _trained(data, settings)
    try:
        save(out, model)
    except OSError as error:
        raise cannot(out, error) from error
    if curves is not None:
        from .curves import draw

        try:
            draw(curves, model)
        except click.UsageError as error:
            raise click.UsageError(f"{error.message}; the network is in {out}") from error
    _summary(data, model, out, curves)
    if doctor:
        click.echo()
        click.echo(str(model.estimator.diagnosis_))
    return 130 if model.estimator.history_.stopped == "interrupted" else 0


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    """The options as arguments of the estimators."""
    hidden = given["hidden"]
    return {
        "hidden": () if hidden == "none" else widths(hidden),
        "learning_rate": given["lr"],
        "class_weight": class_weights(given["class_weight"]),
        "max_epochs": given["epochs"],
        "early_stopping": not given["all_rows"],
        "random_state": given["seed"],
        "verbose": sys.stderr.isatty(),
        **{name: given[name] for name in
           ("norm", "dropout", "l2", "optimizer", "schedule", "batch", "patience")},
    }


def _trained(data: Table, settings: dict[str, Any]) -> TableModel:
    from evenly.tables import train

    if not data.classes:
        if settings["class_weight"] is not None:
            raise click.UsageError(
                f"--class-weight: expects classes, '{data.target_name}' is numbers: leave it out, "
                "or say --task classification"
            )
        settings = {name: value for name, value in settings.items() if name != "class_weight"}
    return train(data.inputs, data.answers, data.target_name, **settings)


def _summary(data: Table, model: TableModel, out: Path, curves: Path | None) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    estimator = model.estimator
    what = f"one of {len(data.classes)} classes" if data.classes else "a number"
    console.print(Text(f"{data.name}: '{data.target_name}', {what} ({data.task_reason}); "
                       f"{len(data.target)} rows, {model.columns.width} inputs"))
    for note in data.notes:
        console.print(Text(note))
    score = "accuracy" if data.classes else "R2"
    kept = estimator.best_epoch_ or estimator.n_iter_
    record = estimator.history_[kept - 1]
    line = (f"{estimator.n_iter_} epochs, kept: {kept}; training loss {record.loss:.4f}, {score} "
            f"{record.score:.4f}")
    if record.validation_loss is not None:
        line += (f"; held out: loss {record.validation_loss:.4f}, {score} "
                 f"{record.validation_score:.4f}")
    else:
        line += "; " + ("too few rows to hold some out" if estimator.early_stopping else
                        "no rows were held out")
    console.print(Text(line))
    for path in (out, curves):
        if path is not None:
            console.print(Text.assemble("Written: ", (str(path), "bold")), soft_wrap=True)
