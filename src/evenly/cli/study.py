"""`evenly study`: what helps on this table, and what cannot be told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

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
@click.option("--jobs", type=int, help="Runs at the same time.  [default: one a core]")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path(DEFAULT_OUT), help="Folder to write."
)
@click.option("--force", is_flag=True, help="Replace the report in a folder that exists.")
def study(**given: Any) -> int:
    """Compare networks that differ in one thing, over several seeds.

    TABLE is a .csv, .tsv, .parquet or .npz file. Without it, the handwritten digits that ship with
    scikit-learn are studied. Images and sequences are arrays in .npz files: x of shape (rows,
    height, width[, channels]) or (rows, steps, features).

    The variants are plain (a network without normalization and regularization), batch-norm,
    layer-norm, dropout, l2 and batch-norm+dropout. Beside them stand the simplest answer and a
    linear model. Writes report.html, results.csv and history.jsonl into the folder --out.
    """
    from .table_study import Asked, study_table

    return study_table(Asked(**given))
