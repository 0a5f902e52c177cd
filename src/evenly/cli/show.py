"""`evenly show`: what is in a file that Evenly wrote."""

from __future__ import annotations

import math
import re
import shlex
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from evenly.layers import Ensemble
from evenly.program.graph import trace
from evenly.training.together import unnumbered

from . import telling
from .helping import command
from .needed import need
from .values import PATH


@command()
@click.argument("model", type=PATH)
@click.option("--all", "every", is_flag=True, help="Show every column and every line.")
def show(model: Path, every: bool) -> int:
    """Show a saved network: columns, scores, layers, memory, and how it was trained."""
    need("show", "sklearn")
    from evenly.tables import TableModel

    from .loading import load_file

    loaded = load_file(model)
    console = telling.console()
    if isinstance(loaded, TableModel):
        _table(console, model, loaded, every)
        loaded = loaded.estimator_
    elif hasattr(loaded, "get_params"):
        console.print(Text(f"settings, as options of fit: {shlex.join(_words(loaded))}"))
    network = getattr(loaded, "model_", loaded)
    program = network.engine.program
    console.print(_layers(program, every))
    console.print(Text(
        f"{program.parameters:,} parameters; training takes {_size(program.state_bytes)} for "
        f"parameters and optimizer and {_size(program.work_bytes)} for a batch of {program.batch}; "
        f"{program.dtype}"
    ))
    console.print(Text(f"loss {program.loss!r}; optimizer {program.optimizer!r}"))
    console.print(Text(_training(network.history)))
    return 0


def _words(estimator: Any) -> list[str]:
    from evenly.tables import option_words

    return option_words(estimator.get_params(deep=False))


def _table(console: Console, path: Path, model: Any, every: bool) -> None:
    """What a network for a table reads, and what it came to."""
    from evenly import explain

    classes = [str(name) for name in getattr(model, "classes_", ())]
    shown = ", ".join(classes[:8]) + (f" and {len(classes) - 8} more" if len(classes) > 8 else "")
    console.print(Text(f"{path}: predicts '{model.target_}', "
                       f"{f'one of {shown}' if classes else 'a number'}"))
    lines, most = explain.column_lines(model), 10**9 if every else telling.MOST_COLUMNS
    console.print(telling.columns_table(lines, most))
    scores = vars(model).get("scores_")
    notes = model.notes_ if scores is None else scores.notes
    for note in notes[:most]:
        console.print(Text(note), style="yellow")
    if len(notes) > most:
        console.print(Text(f"and {len(notes) - most:,} more lines: --all shows them"), style="dim")
    if scores is not None:
        console.print(telling.scores_table(scores))
        for line in scores.lines:
            if line.note:
                console.print(Text(f"{line.words}: {line.note}"), style="yellow")
        console.print(Text(
            f"trained on {scores.training_rows:,} rows of {scores.table}"
            + (f", {scores.held_out_rows:,} were held out" if scores.held_out_rows else "")
            + "; scores are without dropout"))
    console.print(Text(f"settings, as options of fit: {shlex.join(_words(model))}"))


def _layers(program: Any, every: bool) -> Any:
    table = telling.plain_table("layer", "what", "output", "parameters", right=("parameters",))
    counts: dict[str, int] = {}
    for name, spec in program.arrays.items():
        layer = name.rpartition(".")[0]
        counts[layer] = counts.get(layer, 0) + math.prod(spec.shape) * spec.trainable
    steps, _ = trace(program.net, program.input_shape)
    alike = 0 if every else _members_alike(program.net)
    for step in steps:
        if alike and re.match(r"member_(?!1_)\d+_", step.name):
            continue
        table.add_row(step.name, type(step.layer).__name__, " x ".join(map(str, step.after)),
                      f"{counts.get(step.name, 0):,}")
    if alike:
        table.caption = f"{alike} members, each with layers as the first has: --all shows them"
        table.caption_justify = "left"
    return table


def _members_alike(net: Any) -> int:
    """How many members a network is the mean of, where they are alike but for their names; else
    0."""
    layers = net.parts
    if len(layers) != 1 or not isinstance(layers[0], Ensemble) or len(layers[0].members) < 2:
        return 0
    members = [unnumbered(part, i) for i, part in enumerate(layers[0].members, 1)]
    return len(members) if all(one == members[0] for one in members) else 0


def _training(history: Any) -> str:
    if not len(history):
        return "not trained"
    kept = history.best_epoch or len(history)
    record = history[kept - 1]
    text = (f"trained for {len(history)} epochs in {history[-1].seconds:.1f} s (ended: "
            f"{history.stopped}); kept: epoch {kept}, loss {record.loss:.4f}")
    if record.validation_loss is not None:
        text += f"; held out: loss {record.validation_loss:.4f}"
    return text


def _size(size: int) -> str:
    return f"{size / 2**20:.2f} MiB" if size >= 2**20 else f"{size / 2**10:.1f} KiB"
