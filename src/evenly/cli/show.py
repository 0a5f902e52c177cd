"""`evenly show`: what is in a file that Evenly wrote."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evenly.program.graph import trace

from .needed import need
from .values import PATH


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("model", type=PATH)
def show(model: Path) -> int:
    """Show a saved network: layers, shapes, parameters, memory, and how it was trained."""
    need("show", "sklearn")
    from evenly.tables import TableModel

    from .loading import load_file

    loaded = load_file(model)
    console = Console(highlight=False)
    if isinstance(loaded, TableModel):
        what = f"one of {', '.join(loaded.classes)}" if loaded.classes else "a number"
        console.print(Text(f"{model}: predicts '{loaded.target}', {what}"))
        console.print(_columns(loaded))
        loaded = loaded.estimator
    if hasattr(loaded, "get_params"):
        console.print(Text(f"settings, as options of fit: {_options(loaded)}"))
    network = getattr(loaded, "model_", loaded)
    program = network.engine.program
    console.print(_layers(program))
    console.print(Text(
        f"{program.parameters:,} parameters; training takes {_size(program.state_bytes)} for "
        f"parameters and optimizer and {_size(program.work_bytes)} for a batch of {program.batch}; "
        f"{program.dtype}"
    ))
    console.print(Text(f"loss {program.loss!r}; optimizer {program.optimizer!r}"))
    console.print(Text(_training(network.history)))
    return 0


def _options(estimator: Any) -> str:
    from evenly.tables import option_words

    return " ".join(option_words(estimator.get_params(deep=False)))


def _columns(model: Any) -> Table:
    from evenly.tables import TextColumn

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("column", "type", "inputs", "of training"):
        table.add_column(title, justify="right" if title == "inputs" else "left")
    for column in model.columns.columns:
        if isinstance(column, TextColumn):
            shown = ", ".join(column.values[:5]) + (", ..." if len(column.values) > 5 else "")
            kind = "text"
        else:
            kind, shown = "numbers", f"median {column.median:g}"
        if column.gaps:
            shown += "; gaps"
        table.add_row(column.name, kind, str(column.width), shown)
    return table


def _layers(program: Any) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("layer")
    table.add_column("what")
    table.add_column("output")
    table.add_column("parameters", justify="right")
    counts: dict[str, int] = {}
    for name, spec in program.arrays.items():
        layer = name.rpartition(".")[0]
        counts[layer] = counts.get(layer, 0) + math.prod(spec.shape) * spec.trainable
    steps, _ = trace(program.net, program.input_shape)
    for step in steps:
        table.add_row(step.name, type(step.layer).__name__, " x ".join(map(str, step.after)),
                      f"{counts.get(step.name, 0):,}")
    return table


def _training(history: Any) -> str:
    if not len(history):
        return "not trained"
    kept = history.best_epoch or len(history)
    record = history[kept - 1]
    text = (f"trained for {len(history)} epochs in {history[-1].seconds:.1f} s (ended: "
            f"{history.stopped}); kept: epoch {kept}, loss {record.loss:.4f}, score "
            f"{record.score:.4f}")
    if record.validation_loss is not None:
        text += f"; held out: {record.validation_loss:.4f}, {record.validation_score:.4f}"
    return text


def _size(size: int) -> str:
    return f"{size / 2**20:.2f} MiB" if size >= 2**20 else f"{size / 2**10:.1f} KiB"
