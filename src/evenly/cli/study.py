"""`evenly study`: the claims, tested; or what helps on one table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from .backend_options import BACKEND, backend_options
from .helping import command
from .reading_options import READING, WORDS, reading_of, reading_options

DEFAULT_OUT = "evenly-study"
DIGITS = "digits"
# Options of each kind of study; the others belong to both.
OF_CLAIMS = ("blocks", "data", "short")
OF_BOTH = ("what", "target", *BACKEND, "out", "force", "resume")


@command()
@click.argument("what", required=False, metavar="[NAME | FILE.py | TABLE]")
@click.option("--list", "listed", is_flag=True, help="List the ready studies, and stop.")
@click.option("--short", is_flag=True, help="One claim in the form that the tour has.")
@click.option("--blocks", type=int, help="Repetitions of a claim.  [default: the study's own]")
@click.option(
    "--data", type=click.Path(path_type=Path), metavar="TABLE",
    help="A table of your own that a claim is tried on, with its --target.",
)
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
    "--measure",
    metavar="NAME",
    help="Decides: accuracy, balanced-accuracy, auc, log-loss or brier; r2, mae or rmse."
    "  [default: accuracy or r2]",
)
@click.option("--groups", metavar="NAME", help="Column whose values no split parts.")
@click.option(
    "--split",
    metavar="NAME",
    default="random",
    help="random, or time: each seed tests rows behind those that train.",
)
@click.option("--time", metavar="NAME", help="Column that --split time orders the rows by.")
@reading_options
@click.option("--keep-columns", is_flag=True, help="Have --groups and --time as inputs too.")
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
@backend_options
@click.option("--resume", is_flag=True, help="Go on where the study in --out was stopped.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path(DEFAULT_OUT), help="Folder to write."
)
@click.option("--force", is_flag=True, help="Replace the report in a folder that exists.")
@click.pass_context
def study(context: click.Context, /, what: str | None, listed: bool, **given: Any) -> int:
    """Test the claims about these techniques, or compare networks on one table.

    TABLE is a .csv, .tsv, .parquet or .npz file, whose columns are read as `evenly fit` reads them:
    `evenly columns TABLE` shows as what. Images and sequences are arrays in .npz files: x
    of shape (rows, height, width[, channels]) or (rows, steps, features). Its variants are plain (a
    network without normalization and regularization), batch-norm, layer-norm, dropout, l2 and
    batch-norm+dropout. Beside them stand the simplest answer and a linear model.

    Writes report.html and the numbers beside it into the folder --out.
    """
    if listed:
        from .claims import list_studies

        return list_studies()
    said = {name for name in given
            if context.get_parameter_source(name) is not ParameterSource.DEFAULT}
    for_table = sorted(said - set(OF_CLAIMS) - set(OF_BOTH))
    for_claims = sorted(said & set(OF_CLAIMS))
    if _is_claim(what) and not (what is None and for_table):
        if for_table:
            option = WORDS.get(for_table[0], for_table[0]).replace("_", "-")
            raise click.UsageError(f"--{option}: is for the study of a table, and {what} "
                                   "is a claim: leave it out")
        from .claims import AskedClaims, study_claims

        return study_claims(AskedClaims(
            what=what, is_short=given["short"],
            **{name: given[name] for name in (*OF_BOTH[1:], "blocks", "data")},
        ))
    if for_claims:
        raise click.UsageError(f"--{for_claims[0]}: is for claims (evenly study --list), not for "
                               "the study of a table: leave it out")
    from .table_study import Asked, study_table

    table = None if what in (None, DIGITS) and not Path(what or "").is_file() else what
    options = {name: value for name, value in given.items()
               if name not in (*OF_CLAIMS, *READING) or name in ("sep", "encoding")}
    return study_table(Asked(table=None if table is None else Path(table),
                             reading=reading_of(given), **options))


def _is_claim(what: str | None) -> bool:
    """Whether that names a claim: nothing (the tour), a Python file, a word that is no file."""
    if what is None or what.endswith(".py"):
        return True
    return what != DIGITS and "." not in what and not Path(what).exists()
