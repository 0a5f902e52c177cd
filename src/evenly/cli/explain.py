"""`evenly explain`: what the columns of a table do to a network's answers."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from rich.text import Text

from .helping import command
from .needed import need
from .values import AT_LEAST_1, PATH, SEED, Word

if TYPE_CHECKING:
    from evenly.explain import Answers, Dependence, FitRecord
    from evenly.tables.records import Measured

MEASURES = ("accuracy", "balanced-accuracy", "auc", "log-loss", "brier", "r2", "mae", "rmse")
# Columns whose dependence is drawn where none is named.
MOST_DRAWN = 3


@command()
@click.argument("model", type=PATH)
@click.argument("table", type=PATH, nargs=-1, required=True, metavar="TABLE...")
@click.option("--column", "columns", multiple=True, metavar="NAME",
              help="Show how answers change with this column; may be said several times."
                   "  [default: the most important ones]")
@click.option("--rows", type=AT_LEAST_1, metavar="N",
              help="Show the N rows that the network is most wrong about.")
@click.option("--shap", is_flag=True,
              help="Shapley values, by the package shap: what each column adds to an answer.")
@click.option("--measure", type=Word({name: name for name in MEASURES}), metavar="NAME",
              help=f"That importance is in: {', '.join(MEASURES)}.  [default: accuracy or r2]")
@click.option("--repeats", type=AT_LEAST_1, default=5, help="How often a column is shuffled.")
@click.option("--seed", type=SEED, default=0, help="Of the shuffling.")
@click.option("--format", "form", type=Word({"text": "text", "json": "json"}), metavar="NAME",
              default="text", help="text, or json.")
@click.option("--report", type=PATH, help="A .html page to write.")
@click.option("--na", multiple=True, metavar="WORD",
              help="A word of TABLE that stands for a gap, beside those of training.")
@click.option("--sep", metavar="MARK", help="What stands between the cells of TABLE.")
@click.option("--encoding", metavar="NAME", help="Of TABLE, where it is text.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
def explain(model: Path, table: tuple[Path, ...], **given: Any) -> int:
    """Show what the columns do to a network that `evenly fit` wrote.

    Importance: by how much the score is worse when a column's cells are shuffled among the rows of
    TABLE. Dependence: how the answers change with a column. TABLE has the columns of training, and
    the target for all but --column. Of the table of training itself the held-out rows alone are
    taken.
    """
    need("explain", "sklearn", "polars", *(["matplotlib", "jinja2"] if given["report"] else []))
    if given["shap"] and importlib.util.find_spec("shap") is None:
        raise click.UsageError("evenly explain needs shap: pip install shap")
    from .loading_tables import check_rows, load_table_model, of_table, read_tables
    from .writing import check_place, write_bytes

    if given["report"] is not None:
        for source in table:
            own = {} if str(source) == "-" else {"table": source}
            check_place(given["report"], (".html",), force=given["force"],
                        inputs={"model": model, **own})
    loaded = load_table_model(model)
    _check(loaded, given)
    read = read_tables(table, given)
    check_rows(read)
    with of_table(read.name):
        record, answers = _explained(loaded, read, given)
        shapley = _shapley(answers, record, given["seed"]) if given["shap"] else {}
    if given["form"] == "json":
        click.echo(as_json(record, shapley))
    else:
        tell(record, shapley, _shown(record, given["columns"]), given["rows"])
    if given["report"] is not None:
        from evenly.report import render_fit

        write_bytes(given["report"], render_fit(record).encode())
        click.echo(f"Written: {given['report']}", err=given["form"] == "json")
    return 0


def _check(model: Any, given: dict[str, Any]) -> None:
    """Raises UsageError for a column or a measure that the model does not have."""
    from evenly.study.measures import BY_NAME
    from evenly.tables.rules import nearest_names

    left_out = {column.name: column.left_out for column in model.columns_.columns}
    for name in given["columns"]:
        if name not in left_out:
            raise click.UsageError(f"--column: training had no column '{name}': "
                                   f"{nearest_names(name, left_out)}")
        if left_out[name]:
            raise click.UsageError(f"--column: '{name}' is no input: {left_out[name]}")
    task = "classification" if hasattr(model, "classes_") else "regression"
    measure = given["measure"]
    if measure is not None and BY_NAME[measure].task != task:
        fitting = ", ".join(row.name for row in BY_NAME.values() if row.task == task)
        raise click.UsageError(f"--measure: '{measure}' is not for {task}: expects one of "
                               f"{fitting}")


def _explained(model: Any, read: Any, given: dict[str, Any]) -> tuple[FitRecord, Answers]:
    from evenly import explain as computed

    answers, rows, notes = computed.answers_of(model, read.frame)
    part = "given"
    scores = vars(model).get("scores_")
    held = np.asarray(model.held_out_)
    # Of the table of training the rows that it did not learn from tell more.
    is_same = scores is not None and scores.sha256 == read.sha256 and len(answers) == scores.rows
    if is_same and len(held):
        answers, rows, part = answers.rows(held), rows[held], "held-out"
    elif is_same:
        part = "training"
    if not len(answers):
        raise click.UsageError(f"{read.name}: no row has a '{model.target_}'")
    lines = computed.column_lines(model)
    if scores is None or part == "given":
        scores = computed.FitScores(
            table=read.name, target=model.target_, task=answers.task, classes=answers.classes,
            rows=len(answers), training_rows=0, held_out_rows=len(answers), lines=(
                computed.Scored("network", "the network", (), answers.measured()),),
            measure=answers.measure().name, notes=(*read.notes, *notes),
        )
    values, unlike = model.columns_.values(answers.frame)
    for note in (*notes, *unlike):
        click.echo(f"evenly: {read.name}: {note}", err=True)
    record = computed.explained(
        answers, rows, scores, lines, values, part=part, seed=given["seed"],
        measure=given["measure"], repeats=given["repeats"], columns=given["columns"] or None,
        most_rows=given["rows"] or 10,
    )
    return record, answers


def _shown(record: FitRecord, asked: tuple[str, ...]) -> list[Dependence]:
    if asked:
        return list(record.dependence)
    return list(record.dependence[:MOST_DRAWN])


def _shapley(answers: Answers, record: FitRecord, seed: int) -> dict[str, float]:
    from evenly.explain.shapley import shapley

    found = shapley(answers, [one.column for one in record.importance], seed=seed)
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _measured(record: FitRecord) -> Measured:
    """The measures of the rows that are explained."""
    network = record.scores.lines[0]
    return network.training if record.part == "training" else network.held_out


def as_json(record: FitRecord, shapley: dict[str, float]) -> str:
    """The record as JSON, without what belongs to a training."""
    import dataclasses
    import json

    whole = dataclasses.asdict(record)
    kept = ("importance", "dependence", "confusion", "calibration", "residuals", "worst")
    scores = record.scores
    said = {
        "table": scores.table, "target": scores.target, "task": scores.task,
        "classes": scores.classes, "part": record.part, "rows": record.explained_rows,
        "scores": dict(_measured(record)), "measure": record.measured,
        **{name: whole[name] for name in kept if whole[name] is not None},
        **({"shapley": shapley} if shapley else {}),
    }
    return json.dumps(said, indent=1, allow_nan=False, ensure_ascii=False)


def tell(
    record: FitRecord, shapley: dict[str, float], shown: list[Dependence], rows: int | None
) -> None:
    """Prints importance, dependence, and what else was asked for."""
    from . import telling

    console = telling.console()
    scores = record.scores
    line = telling.measured_line(_measured(record), scores.task, record.explained_rows)
    console.print(Text(f"{scores.table}: '{scores.target}' of {record.explained_rows:,} "
                       f"{record.part} rows: {line}"))
    console.print(telling.worth_table(record.importance, record.importance_measure))
    if shapley:
        console.print()
        console.print(telling.shapley_table(shapley, record))
    for one in shown:
        console.print()
        console.print(telling.dependence_table(one, bool(scores.classes)))
    if rows is not None:
        console.print()
        console.print(telling.worst_table(record))


