"""`evenly predict`: predictions of a trained network for the rows of a table."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .needed import need
from .values import PATH


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("model", type=PATH)
@click.argument("table", type=PATH)
@click.option("--out", type=PATH,
              help="A .csv file to write.  [default: standard output]")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
def predict(model: Path, table: Path, out: Path | None, force: bool) -> int:
    """Predict the rows of a table with a network that `evenly fit` wrote.

    Prints a CSV table: the predicted column, and for classes the probability of each. The columns
    of TABLE may come in any order; what is unlike training is said on standard error.
    """
    need("predict", "sklearn", "pandas", "pyarrow")
    import pandas as pd

    from evenly.errors import DataError
    from evenly.study import read_columns
    from evenly.tables import TableModel

    from .loading import load_file
    from .writing import check_place, write_bytes

    if out is not None:
        check_place(out, (".csv",), force=force, inputs={"model": model, "table": table})
    loaded = load_file(model)
    if not isinstance(loaded, TableModel):
        raise click.UsageError(
            f"{model}: holds a {type(loaded).__name__}, not a network of `evenly fit`: load it in "
            "Python with evenly.load"
        )
    rows = read_columns(table)
    try:
        columns, notes = loaded.predict(rows)
    except DataError as error:
        raise click.UsageError(f"{table}: {error}") from error
    for note in notes:
        click.echo(f"evenly: {table}: {note}", err=True)
    text = pd.DataFrame(columns).to_csv(index=False)
    if out is None:
        sys.stdout.write(text)
    else:
        write_bytes(out, text.encode())
    return 0
