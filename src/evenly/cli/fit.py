"""`evenly fit`: a network for a table of one's own, as one file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from .helping import command
from .needed import need
from .reading_options import reading_of, reading_options
from .set_option import set_option, sets_of
from .values import (
    AT_LEAST_1,
    CLASS_LOSSES,
    LOSSES,
    NOT_NEGATIVE,
    PATH,
    POSITIVE,
    RATE,
    SEED,
    SHARE,
    Word,
    class_weights,
    quantiles,
    threshold,
    widths,
)

NORMS = ("batch", "layer", "rms", "group")
OPTIMIZERS = (
    "adamw", "adam", "adamax", "nadam", "radam", "adagrad", "rmsprop", "momentum", "nesterov",
    "sgd",
)
SCHEDULES = ("cosine", "linear", "one_cycle", "warmup", "plateau", "flat_cosine", "coslog")
EFFORTS = ("fast", "default", "best")


def _or_none(*words: str) -> Word:
    return Word({**dict(zip(words, words, strict=True)), "none": None})


@command()
@click.argument("table", type=PATH, nargs=-1, required=True, metavar="TABLE...")
@click.option("--target", metavar="NAME", help="Column to predict.")
@click.option("--out", type=PATH, default=Path("model.evenly"), help="File to write.")
@click.option("--report", type=PATH, help="A .html page to write: scores, pictures, worst rows.")
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    help="Classes or numbers. Told apart by the target's values if not said.",
)
@reading_options
@click.option("--hidden", metavar="A,B", default="128,64",
              help="Widths of the hidden layers; none: a linear model.")
@click.option("--norm", type=_or_none(*NORMS), metavar="NAME", default="batch",
              help="Normalization: batch, layer, rms, group or none.")
@click.option("--dropout", type=RATE, default=0.2, help="Share of units that dropout drops.")
@click.option("--l2", type=NOT_NEGATIVE, default=0.0, help="Strength of an L2 penalty.")
@click.option("--scale", type=_or_none("standard", "robust", "normal"), metavar="NAME",
              default="standard",
              help="Of the inputs: standard, robust or normal (for long tails), or none.")
@click.option("--embedding", type=_or_none("periodic", "piecewise"), metavar="NAME", default="none",
              help="Several inputs of each: periodic, piecewise or none.")
@click.option("--categories", type=click.Choice(["auto", "indicators", "embedding", "target"]),
              default="auto", help="What categories of many levels become: inputs of the most "
              "frequent, rows of a learned table, means of the target; auto: the first and last.")
@click.option("--levels", type=AT_LEAST_1,
              help="Many are more levels than this.  [default: 100; of embedding and target 9]")
@click.option("--optimizer", type=Word({name: name for name in OPTIMIZERS}), metavar="NAME",
              help=f"{', '.join(OPTIMIZERS)}.  [default: adamw, learning rate 0.002]")
@click.option("--lr", type=POSITIVE, help="Learning rate.  [default: the optimizer's own]")
@click.option("--schedule", type=_or_none(*SCHEDULES), metavar="NAME", default="cosine",
              help=f"Of the learning rate: {', '.join(SCHEDULES)} or none.")
@click.option("--batch", type=Word({"auto": "auto", "all": None}, AT_LEAST_1), metavar="ROWS",
              default="auto", help="Rows a step: a number, auto, or all.")
@click.option("--loss", type=Word({name: name for name in (*LOSSES, *CLASS_LOSSES)}),
              metavar="NAME", help=f"For numbers: {', '.join(LOSSES)}; for classes: "
              f"{', '.join(CLASS_LOSSES)}.  [default: squared, cross_entropy]")
@click.option("--quantiles", metavar="A,B",
              help="For numbers: predict these quantiles, such as 0.1,0.5,0.9.")
@click.option("--class-weight", metavar="WEIGHTS",
              help="balanced, or a weight for each class: yes=5,no=1.")
@click.option("--threshold", metavar="VALUE",
              help="For two classes: the probability from which on the second is answered, or a "
                   "measure to tune it for, such as f1.")
@click.option("--calibrate", is_flag=True,
              help="For classes: make probabilities what they say, on the held-out rows.")
@click.option("--interval-fraction", type=SHARE, metavar="SHARE",
              help="For numbers: rows to hold out for the intervals of predict alone.")
@click.option("--effort", type=click.Choice(EFFORTS), default="default",
              help="How many networks to train, and how long, by the size of the table.")
@click.option("--members", type=AT_LEAST_1,
              help="Networks to train; the mean of their predictions is the model's.  "
                   "[default: by --effort]")
@click.option("--sharing", type=Word({"kernels": "kernels"}), metavar="NAME",
              help="kernels: the members are within one network, and share its kernels.")
@click.option("--time-limit", type=POSITIVE, metavar="SECONDS",
              help="End the training after so many seconds, with the best so far.")
@click.option("--groups", metavar="NAME",
              help="Column of rows that belong together: a group is held out whole or not at all.")
@click.option("--monitor", metavar="NAME", default="loss",
              help="What ends training: loss, score, or a scorer of scikit-learn, such as roc_auc.")
@click.option("--epochs", type=AT_LEAST_1,
              help="Passes over the rows, at most.  [default: by --effort]")
@click.option("--patience", type=AT_LEAST_1,
              help="Epochs without improvement to go on for.  [default: by --effort]")
@click.option("--average", type=Word({"ema": "ema", "swa": "swa"}), metavar="NAME",
              help="Mean of the weights that is kept: ema or swa.")
@click.option("--refit", is_flag=True,
              help="In the end train anew on the held-out rows too, for as many epochs.")
@click.option("--all-rows", is_flag=True, help="Hold no rows out; train for all epochs.")
@click.option("--seed", type=SEED, default=0, help="Of weights, held-out rows and batches.")
@set_option
@click.option("--checkpoint", type=PATH, metavar="FOLDER",
              help="Read Parquet files larger than memory piece by piece, and write down here, "
                   "every ten minutes, what was learned.")
@click.option("--resume", is_flag=True, help="Go on from the --checkpoint.")
@click.option("--curves", type=PATH, help="A .png or .svg of the curves.")
@click.option("--doctor", is_flag=True, help="Say what ails the training, if anything does.")
@click.option("--quiet", is_flag=True,
              help="Keep in the model, and do not print, what was left out or read otherwise.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
def fit(table: tuple[Path, ...], **given: Any) -> int:
    """Train a network on a table and write it into one file.

    TABLE is a .csv, .tsv, .xlsx or .parquet file (a text may be packed: .gz, .zst), a folder of
    Parquet files, an .npz file with x of shape (rows, features), or - for standard input; several
    are read one below the other. Each column is taken for a type, and new tables are read by the
    types of training: `evenly columns TABLE` shows them beforehand. A tenth of the rows is held
    out, and training ends when the loss on them no longer improves.

    `mpiexec -n 4 evenly fit TABLE ...` trains with four processes, on one machine or several, and
    ends with the same file.
    """
    from .processes import across, is_started_with_others

    return across(lambda: _fit(table, given)) if is_started_with_others() else _fit(table, given)


def _fit(table: tuple[Path, ...], given: dict[str, Any]) -> int:
    from evenly.parallel import Alone, entered

    from .fitting import Asked, fit_table

    need("fit", "sklearn", "polars", *(["matplotlib"] if given["curves"] else []),
         *(["matplotlib", "jinja2"] if given["report"] else []))
    several = (entered() or Alone()).size > 1
    if several and any(str(path) == "-" for path in table):
        raise click.UsageError("-: standard input reaches one of several processes: give a file")
    if several and given["time_limit"]:
        raise click.UsageError("--time-limit: several processes have several clocks, and would end "
                               "at different steps: give --epochs")
    if given["resume"] and given["checkpoint"] is None:
        raise click.UsageError("--resume: goes with --checkpoint FOLDER")
    if given["checkpoint"] is not None:
        for name in ("groups", "threshold", "calibrate", "interval_fraction", "class_weight",
                     "doctor", "time_limit", "members", "sharing", "average", "refit"):
            if given[name]:
                raise click.UsageError(f"--{name.replace('_', '-')}: is for tables in memory: "
                                       "leave it out beside --checkpoint")
    return fit_table(Asked(
        tables=table, reading=reading_of(given), settings=_settings(given),
        sets=sets_of(given["sets"]), groups=given["groups"], checkpoint=given["checkpoint"],
        resume=given["resume"],
        **{name: given[name] for name in ("target", "out", "report", "task", "curves", "doctor",
                                          "quiet", "force", "sep", "encoding")},
    ))


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    """The options as arguments of the estimators."""
    hidden, levels = given["hidden"], quantiles(given["quantiles"])
    return {
        # What is said alone: numbers and classes each take some of them.
        **({"loss": given["loss"] or "quantile"} if given["loss"] or levels else {}),
        **({"quantiles": levels} if levels else {}),
        "hidden": () if hidden == "none" else widths(hidden),
        **({"threshold": threshold(given["threshold"])} if given["threshold"] else {}),
        **({"calibrate": True} if given["calibrate"] else {}),
        **({"interval_fraction": given["interval_fraction"]} if given["interval_fraction"] else {}),
        "effort": given["effort"],
        **{argument: given[option] for argument, option in
           (("members", "members"), ("max_epochs", "epochs"), ("patience", "patience"))
           if given[option] is not None},
        **({"sharing": given["sharing"]} if given["sharing"] else {}),
        **({"time_limit": given["time_limit"]} if given["time_limit"] else {}),
        **({"average": given["average"]} if given["average"] else {}),
        **({"refit": True} if given["refit"] else {}),
        "monitor": given["monitor"],
        "learning_rate": given["lr"],
        **({"scale": given["scale"] or False} if given["scale"] != "standard" else {}),
        **({"embedding": given["embedding"]} if given["embedding"] else {}),
        **({"levels": given["levels"]} if given["levels"] is not None else {}),
        **({"class_weight": class_weights(given["class_weight"])} if given["class_weight"] else {}),
        "early_stopping": not given["all_rows"],
        "random_state": given["seed"],
        "verbose": sys.stderr.isatty(),
        "doctor": True if given["doctor"] else None,
        **{name: given[name] for name in
           ("categories", "norm", "dropout", "l2", "optimizer", "schedule", "batch")},
    }
