"""`evenly predict`: predictions of a trained network for the rows of a table."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from .helping import command
from .needed import need
from .values import PATH, SHARE_OF_100


@command()
@click.argument("model", type=PATH)
@click.argument("table", type=PATH, nargs=-1, required=True, metavar="TABLE...")
@click.option("--out", type=PATH,
              help="A .csv file to write.  [default: standard output]")
@click.option("--proba/--no-proba", default=True, help="The probability of each class too.")
@click.option("--interval", type=SHARE_OF_100, metavar="PERCENT",
              help="For numbers: lower and upper ends that so many percent of rows lie between.")
@click.option("--na", multiple=True, metavar="WORD",
              help="A word of TABLE that stands for a gap, beside those of training.")
@click.option("--sep", metavar="MARK", help="What stands between the cells of TABLE.")
@click.option("--encoding", metavar="NAME", help="Of TABLE, where it is text.")
@click.option("--quiet", is_flag=True, help="Do not say what is unlike training.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
def predict(
    model: Path, table: tuple[Path, ...], out: Path | None, proba: bool, interval: float | None,
    na: tuple[str, ...], sep: str | None, encoding: str | None, quiet: bool, force: bool,
) -> int:
    """Predict the rows of a table with a network that `evenly fit` wrote.

    Prints a CSV table: the predicted column, and for classes the probability of each. The columns
    of TABLE may come in any order, and are read by the types of training; - is standard input.
    Where TABLE has the target too, the scores of its rows are said on standard error, and so is
    what is unlike training.
    """
    need("predict", "sklearn", "polars")
    from .loading_tables import check_rows, load_table_model, of_table, read_tables
    from .writing import check_place, write_bytes

    if out is not None:
        for source in table:
            given = {} if str(source) == "-" else {"table": source}
            check_place(out, (".csv",), force=force, inputs={"model": model, **given})
    loaded = load_table_model(model)
    if interval is not None and hasattr(loaded, "classes_"):
        raise click.UsageError(
            f"--interval: is for numbers, and '{loaded.target_}' is one of "
            f"{len(loaded.classes_)} classes: leave it out, its probabilities are printed"
        )
    read = read_tables(table, {"sep": sep, "encoding": encoding, "na": na})
    check_rows(read)
    with of_table(read.name):
        columns, notes = predicted(loaded, read.frame, proba=proba, interval=interval)
        notes += scored(loaded, read.frame)
    if not quiet:
        for note in (*read.notes, *notes):
            click.echo(f"evenly: {read.name}: {note}", err=True)
    text = as_csv(columns)
    if out is None:
        sys.stdout.write(text)
    else:
        write_bytes(out, text.encode())
    return 0


def predicted(
    model: Any, frame: Any, *, proba: bool = True, interval: float | None = None
) -> tuple[dict[str, Any], list[str]]:
    """(columns of predictions by name, what is unlike training).

    Arguments:
        model: a fitted TableClassifier or TableRegressor.
        frame: a polars frame.
        proba: whether the probability of each class is told.
        interval: the percent of rows that lie between lower and upper ends; None: none are told.
    """
    from evenly.errors import TableWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TableWarning)
        notes = list(model.encode(frame)[1])
        target = model.target_
        answers = model.predict(frame)
        columns: dict[str, Any] = {}
        if hasattr(model, "classes_"):
            columns[target] = [str(label) for label in answers]
        elif answers.ndim == 1:
            columns[target] = answers
        else:
            columns |= {f"{target} ({share:g})": answers[:, place]
                        for place, share in enumerate(model.quantiles)}
        if hasattr(model, "classes_") and proba:
            chances = model.predict_proba(frame)
            columns |= {f"p({name})": chances[:, place]
                        for place, name in enumerate(model.classes_)}
        if interval is not None:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                low, high = np.asarray(model.predict_interval(frame, interval / 100)).T
            notes += [str(one.message) for one in caught
                      if not issubclass(one.category, TableWarning)]
            columns |= {"lower": low, "upper": high}
    return columns, notes


def scored(model: Any, frame: Any) -> list[str]:
    """The measures of rows whose target is in the table, in a line; none where it is not."""
    from evenly import explain
    from evenly.errors import DataError

    from . import telling

    target = model.columns_.target
    if target is None or target.name not in frame.columns or not frame.height:
        return []
    try:
        answers, _, notes = explain.answers_of(model, frame)
    except DataError as error:
        return [f"not scored: {error}"]
    if not len(answers):
        return [*notes, "not scored: no row has a target"]
    line = telling.measured_line(answers.measured(), answers.task, len(answers))
    return [*notes, f"'{target.name}' is in the table: {line} on {len(answers):,} rows"]


def as_csv(columns: Mapping[str, Any]) -> str:
    """Columns as CSV text: numbers with all of their digits."""
    import polars as pl

    return pl.DataFrame({name: pl.Series(values, dtype=pl.String) if isinstance(values, list)
                         else np.asarray(values) for name, values in columns.items()}).write_csv()
