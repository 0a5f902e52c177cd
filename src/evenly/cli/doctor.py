"""`evenly doctor`: what ails a training, by its record; or on a table, and cures are tried."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .helping import command
from .needed import need
from .values import AT_LEAST_1, PATH, RATE, Checked, widths

SEEDS = Checked("integer", int, "a whole number of at least 2", lambda n: n >= 2)


@command()
@click.argument("records", type=PATH, required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the diagnosis as JSON.")
@click.option("--page", type=PATH, metavar="FILE", help="An .html file: the evidence, drawn.")
@click.option("--cure", "table", type=PATH, metavar="TABLE",
              help="A table to train on as `evenly fit` does, and to try cures on.")
@click.option("--target", metavar="NAME", help="Column of the table to predict.")
@click.option("--hidden", metavar="A,B", default="128,64", help="Widths of the hidden layers.")
@click.option("--dropout", type=RATE, default=0.0, help="Share of units that dropout drops.")
@click.option("--epochs", type=AT_LEAST_1, default=30, help="Passes over the rows.")
@click.option("--seeds", type=SEEDS, default=5, help="Trainings of each kind.")
@click.option("--measure", type=click.Choice(["accuracy", "balanced", "R2", "loss"]),
              help="What cures are judged by: by default R2, or accuracy, balanced where classes "
                   "are rare.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
def doctor(
    records: Path | None,
    as_json: bool,
    page: Path | None,
    table: Path | None,
    target: str | None,
    hidden: str,
    dropout: float,
    epochs: int,
    seeds: int,
    measure: str | None,
    force: bool,
) -> int:
    """Say what ails a training, the evidence, and the cure.

    RECORDS is a .jsonl file that `fit(..., doctor="run.jsonl")`, watch_torch, the Keras callback or
    a Recorder wrote. With --cure a network is trained on TABLE, and cures are tried in pairs on the
    same seeds: it ends with the settings that did, as code to copy.
    """
    if (records is None) == (table is None):
        raise click.UsageError("doctor: expects a .jsonl file of records, or --cure TABLE")
    need("doctor", *(["matplotlib", "jinja2"] if page else []),
         *(["sklearn", "scipy", "pandas", "pyarrow"] if table else []))
    from .writing import check_place, write_bytes

    source = records if records is not None else table
    assert source is not None
    if page is not None:
        check_place(page, (".html",), force=force, inputs={"file": source})
    if table is not None:
        text, diagnosis = _cured(table, target, hidden, dropout, epochs, seeds, measure)
    else:
        diagnosis = _diagnosed(source)
        text = str(diagnosis)
    if page is not None:
        from evenly.clinic.page import render

        write_bytes(page, render(diagnosis, source.name).encode("utf-8"))
    click.echo(diagnosis.to_json() if as_json else text)
    if page is not None and not as_json:
        click.echo(f"Written: {page}")
    return 0


def _diagnosed(records: Path) -> Any:
    from evenly.doctor import diagnose
    from evenly.records import read_lines

    try:
        return diagnose(read_lines(records))
    except OSError as error:
        raise click.UsageError(
            f"{records}: cannot be read: {error.strerror or error}") from error


def _cured(
    table: Path, target: str | None, hidden: str, dropout: float, epochs: int, seeds: int,
    measure: str | None,
) -> tuple[str, Any]:
    import numpy as np

    import evenly as ev
    from evenly.clinic.cure import cure
    from evenly.study import load
    from evenly.tables import Inputs

    data = load(table, target, None)
    if data.example is not None and len(data.example) > 1:
        raise click.UsageError(
            f"{table}: expects x of shape (rows, features), got examples of shape {data.example}: "
            "reshape x"
        )
    x, _ = Inputs.learn(data.columns, data.values).encode(data.values)
    layers: list[ev.Layer] = []
    for width in widths(hidden):
        layers += [ev.Dense(width), ev.ReLU(), *([ev.Dropout(dropout)] if dropout else [])]
    if data.classes:
        layers.append(ev.Dense(len(data.classes)))
        loss: ev.Loss = ev.SoftmaxCrossEntropy()
    else:
        layers.append(ev.Dense(1))
        loss = ev.MeanSquaredError()
    settings = ev.Settings(ev.Sequential(layers), loss, epochs=epochs)
    cured = cure(settings, x, np.asarray(data.target), seeds=seeds, measure=measure)
    return str(cured), cured.diagnosis
