"""`evenly tune`: the settings of a network that do best on one table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .backend_options import BACKEND, backend_options
from .fit import EFFORTS
from .helping import command
from .needed import need
from .reading_options import reading_of, reading_options
from .set_option import set_option, sets_of
from .values import AT_LEAST_1, PATH, POSITIVE, SEED, Checked

DEFAULT_OUT = Path("evenly-tune")
HELD_OUT = Checked("number", lambda text: float(text) if "." in text else int(text),
                   "a share between 0 and 1, or a number of parts of at least 2",
                   lambda value: 0 < value < 1 or (isinstance(value, int) and value >= 2))
OBJECTIVES = {"score": ("score",), "score,time": ("score", "time")}


@command()
@click.argument("table", type=PATH, nargs=-1, required=True, metavar="TABLE...")
@click.option("--target", metavar="NAME", help="Column to predict.")
@click.option("--task", type=click.Choice(["classification", "regression"]),
              help="Classes or numbers. Told apart by the target's values if not said.")
@reading_options
@click.option("--space", type=PATH, metavar="FILE",
              help="TOML: a list or {low, high, log} for each setting.  [default: around what "
                   "`evenly fit` has]")
@click.option("--trials", type=AT_LEAST_1, default=50, help="Settings to try, the first as "
              "`evenly fit` has them; those in the store count.")
@click.option("--time-limit", type=POSITIVE, metavar="SECONDS",
              help="End after so many seconds, with what has finished.")
@click.option("--cv", type=HELD_OUT, metavar="SHARE|PARTS", default="0.25",
              help="Rows to judge by: a share, held out once, or parts, each held out in turn.")
@click.option("--scoring", metavar="NAME",
              help="A scorer of scikit-learn, such as roc_auc.  [default: accuracy or r2]")
@click.option("--objectives", type=click.Choice(list(OBJECTIVES)), default="score",
              help="Score alone, or seconds of training beside it.")
@click.option("--groups", metavar="NAME",
              help="Column of rows that belong together: a group is held out whole or not at all.")
@click.option("--effort", type=click.Choice(EFFORTS), default="default",
              help="Of each trial, as of `evenly fit`: how many networks, and how long.")
@set_option
@click.option("--no-pruning", is_flag=True, help="Train every setting to its end.")
@click.option("--round", "round_", type=AT_LEAST_1, default=4,
              help="Settings that are chosen at once, whatever the number of --jobs.")
@click.option("--seed", type=SEED, default=0, help="Of all that is drawn.")
@backend_options
@click.option("--store", metavar="PATH|URL", help="SQLite file, or postgresql://USER@HOST/NAME, "
              "which several machines may share.  [default: search.db in --out]")
@click.option("--name", metavar="NAME", default="evenly", help="Of the search in its store.")
@click.option("--resume", is_flag=True, help="Go on with what the store has.")
@click.option("--out", type=PATH, default=DEFAULT_OUT, help="Folder to write.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
@click.option("--force", is_flag=True, help="Replace the search in a folder that exists.")
def tune(table: tuple[Path, ...], **given: Any) -> int:
    """Search for the settings of a network that do best on rows of a table that are held out.

    TABLE is read as `evenly fit` reads it. The first setting is what `evenly fit` has by itself, so
    the best is never worse than it on these rows. What is tried next depends on what did well
    (Optuna); a setting that falls behind is ended early.

    Writes report.html and search.json into the folder --out, and prints the line of `evenly fit`
    that trains the best. Ctrl-C ends it with what has finished, and --resume goes on.
    """
    need("tune", "sklearn", "polars", "optuna", "matplotlib", "jinja2")
    from .tuning import Asked, tune_table

    return tune_table(Asked(
        tables=table, reading=reading_of(given), sets=sets_of(given["sets"]),
        objectives=OBJECTIVES[given["objectives"]], prune=not given["no_pruning"],
        round=given["round_"], backend={name: given[name] for name in BACKEND},
        **{name: given[name] for name in (
            "target", "task", "space", "trials", "time_limit", "cv", "scoring", "groups", "effort",
            "seed", "store", "name", "resume", "out", "as_json", "force", "sep", "encoding", "na",
        )},
    ))
