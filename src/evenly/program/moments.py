"""Statistics that a convolution takes for the batch normalization behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .fusion import Node

# The buffers of a line by their slots, and a note for who prints it.
Shared = tuple[dict[str, str], str]


def shared_moments(
    nodes: Sequence[Node], batch: int, want: Callable[..., str]
) -> dict[str, Shared]:
    """For convolutions, and the batch normalizations that read what they give as it is: where one
    leaves mean and squares of each example, while these are in the cache, for the other.

    Arguments:
        nodes: of the network.
        batch: rows of a batch.
        want: plans a buffer: its name, shape and type; returns the name.
    """
    made_by = {node.output: node for node in nodes}
    shared = dict[str, Shared]()
    for node in nodes:
        maker = made_by.get(node.inputs[0])
        if (maker is None or node.layer.kernel != "batch_norm" or maker.has_epilogue
                or maker.layer.kernel != "convolution" or maker.name in shared
                or maker.layer.output_shape(maker.before) != node.before):
            continue
        each = (2, node.before[-1])
        own = {"moments": want(f"{maker.name}.moments", (batch, *each), "float64")}
        shared[node.name] = own, f"statistics from {maker.name}"
        count = int(maker.layer.numbers(maker.before)["bands"])
        if count > 1:
            name = want(f"{maker.name}.band_moments", (batch, count, *each), "float64")
            own = {**own, "band_moments": name}
        shared[maker.name] = own, f"with the statistics for {node.name}"
    return shared
