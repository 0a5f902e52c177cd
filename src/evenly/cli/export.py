"""`evenly export`: a network for other programs, as an ONNX model."""

from __future__ import annotations

from pathlib import Path

import click

from .helping import command
from .values import PATH


@command()
@click.argument("model", type=PATH)
@click.argument("out", type=PATH, metavar="FILE.onnx")
@click.option("--channels-first", is_flag=True,
              help="Images and sequences go in as (batch, channels, ...).")
@click.option("--lengths", is_flag=True,
              help="A second input says how many steps of each sequence count.")
@click.option("--dtype", type=click.Choice(["float32", "float64"]),
              help="Of the numbers.  [default: that of predictions]")
@click.option("--opset", type=int, metavar="N",
              help="A higher opset than is needed.  [default: the lowest that serves]")
@click.option("--external", is_flag=True,
              help="Write the arrays into FILE.onnx.data, as is done with more than 2 GB.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
def export(
    model: Path, out: Path, channels_first: bool, lengths: bool, dtype: str | None,
    opset: int | None, external: bool, force: bool,
) -> int:
    """Write a network as an ONNX model, which other programs run.

    MODEL is a file that `evenly fit` or `evenly.save` wrote. Of a network for a table each column
    is an input of its name, and types, gaps, categories and scales are in the graph.
    """
    from evenly.exchange import to_onnx
    from evenly.exchange.onnx.files import data_file, is_large, save_onnx

    from .loading import load_file
    from .writing import cannot, check_place

    check_place(out, (".onnx",), force=force, inputs={"model": model})
    if external:
        check_place(data_file(out), (), force=force, inputs={"model": model})
    proto = to_onnx(load_file(model), channels_first=channels_first, lengths=lengths, dtype=dtype,
                    opset=opset)
    if is_large(proto) and not external:
        external = True
        check_place(data_file(out), (), force=force, inputs={"model": model})
    try:
        save_onnx(proto, out, external)
    except OSError as error:
        raise cannot(out, error) from error
    inputs = ", ".join(one.name for one in proto.graph.input)
    outputs = ", ".join(one.name for one in proto.graph.output)
    click.echo(f"{out}: opset {proto.opset_import[0].version}; reads {inputs}; gives {outputs}")
    return 0
