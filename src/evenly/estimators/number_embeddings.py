"""What stands between the inputs and the first layer: each number as several, row numbers as rows
of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..initializers import Normal
from ..layers import (
    Branches,
    Embedding,
    Flatten,
    Layer,
    Periodic,
    PiecewiseLinear,
    Sequential,
    Slice,
)
from ..layers.containers import leaves
from ..rows.sources import is_sparse
from .names import Make, named

EMBEDDINGS: dict[str, Make] = {"periodic": Periodic, "piecewise": PiecewiseLinear}
# So many rows say where bins end.
BIN_ROWS = 10_000
# Of a table of categories: numbers in a row, and the deviation of their first values.
UNITS, DEVIATION = 8, 0.1


def embedding_of(value: Any) -> list[Layer]:
    """The argument `embedding` as layers."""
    if value is None:
        return []
    layer = named("embedding", value, EMBEDDINGS, Layer, "a layer, or None")
    return list(layer.layers) if isinstance(layer, Sequential) else [layer]


def front_of(embedding: Any, coded: tuple[int, int], features: int) -> list[Layer]:
    """The layers in front of the first hidden one.

    Arguments:
        embedding: the argument, for the inputs that are quantities.
        coded: how many of the last inputs are row numbers of a table, and the table's rows.
        features: all inputs.
    """
    own, (columns, rows) = embedding_of(embedding), coded
    if not columns:
        return own
    table = [Embedding(rows, UNITS, padding=0, table_init=Normal(DEVIATION)), Flatten()]
    numbers = features - columns
    if not numbers:
        return table
    return [Branches([[Slice(0, numbers), *own], [Slice(numbers), *table]], "concatenate")]


def check_alone(embedding: Any, coded: tuple[int, int], net: Any) -> None:
    """Raises ConfigurationError where a network of one's own has the inputs to itself."""
    if net is None:
        return
    if embedding is not None:
        raise ConfigurationError(
            f"embedding={embedding!r} with a net of your own: put the layer in front of it, "
            "Sequential([Periodic(), ...])"
        )
    if coded[0]:
        raise ConfigurationError(
            'categories="embedding" with a net of your own, which would read row numbers as '
            'quantities: take categories="auto", or leave net out'
        )


def learns_bins(embedding: Any) -> bool:
    """Whether the rows of training say where bins end."""
    return any(isinstance(layer, PiecewiseLinear) for layer in embedding_of(embedding)[:1])


def bins_for(net: Sequential, x: Any) -> dict[str, Any]:
    """The arrays of a network's first PiecewiseLinear, by name, whose bins hold as many rows each.

    Arguments:
        net: its numbers, which are the first of the inputs, go to a PiecewiseLinear.
        x: training rows as the network reads them, in an order that says nothing.
    """
    first = next(layer for layer in leaves(net.named) if isinstance(layer, PiecewiseLinear))
    numbers = net.arrays(x.shape[1:])[f"{first.name}.edge"].shape[1]
    rows = x[:BIN_ROWS, :numbers]
    dense = rows.toarray() if is_sparse(rows) else np.asarray(rows)
    return {f"{first.name}.{name}": array for name, array in first.bins_of(dense).items()}
