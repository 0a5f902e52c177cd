"""What stands between the inputs and the first layer: each number as several."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..layers import Layer, Periodic, PiecewiseLinear, Sequential
from ..rows.sources import is_sparse
from .names import Make, named

EMBEDDINGS: dict[str, Make] = {"periodic": Periodic, "piecewise": PiecewiseLinear}
# So many rows say where bins end.
BIN_ROWS = 10_000


def embedding_of(value: Any) -> list[Layer]:
    """The argument `embedding` as layers."""
    if value is None:
        return []
    layer = named("embedding", value, EMBEDDINGS, Layer, "a layer, or None")
    return list(layer.layers) if isinstance(layer, Sequential) else [layer]


def check_alone(embedding: Any, net: Any) -> None:
    """Raises ConfigurationError where a network of one's own has the inputs to itself."""
    if embedding is not None and net is not None:
        raise ConfigurationError(
            f"embedding={embedding!r} with a net of your own: put the layer in front of it, "
            "Sequential([Periodic(), ...])"
        )


def learns_bins(embedding: Any) -> bool:
    """Whether the rows of training say where bins end."""
    return any(isinstance(layer, PiecewiseLinear) for layer in embedding_of(embedding)[:1])


def bins_for(net: Sequential, x: Any) -> dict[str, Any]:
    """The arrays of a network's first layer, by name, whose bins hold as many rows each.

    Arguments:
        net: it begins with a PiecewiseLinear.
        x: training rows as the network reads them, in an order that says nothing.
    """
    first = net.named.layers[0]
    assert isinstance(first, PiecewiseLinear)
    rows = x[:BIN_ROWS]
    dense = rows.toarray() if is_sparse(rows) else np.asarray(rows)
    return {f"{first.name}.{name}": array for name, array in first.bins_of(dense).items()}
