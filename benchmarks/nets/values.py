"""First values of a network's arrays, the same for every peer.

A list with a dict of arrays for each layer; what holds layers has a list of such dicts: the ways of
a residual block, the tables of embeddings, the directions of a `bi_lstm`, layer by layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .stack import BIASES, DEEP, GATES, Part, Stack, walk

Values = list[dict[str, Any]]
HELD = ("inner", "shortcut", "tables", "layers")


def initial(stack: Stack) -> Values:
    """Kernels of deviation sqrt(2 / inputs), biases 0, factors 1; members begin apart."""
    random = np.random.default_rng(0)
    return [_of(part, shape, random) for part, shape in stack.walk()]


def leaves(values: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The dicts of arrays, in the order of the layers, without empty ones."""
    for each in values:
        held = [each[key] for key in HELD if key in each]
        for inner in held:
            yield from leaves(inner)
        if each and not held:
            yield each


def statistics(stack: Stack) -> list[dict[str, Any]]:
    """Running mean and variance of each normalization."""
    return [{"mean": np.zeros_like(each["beta"]), "variance": np.ones_like(each["beta"])}
            for each in leaves(initial(stack)) if "beta" in each]


def _of(part: Part, shape: tuple[int, ...], random: np.random.Generator) -> dict[str, Any]:
    inputs, units = shape[-1], part.units

    def normal(*size: int, fan: int) -> Any:
        values = random.standard_normal(size, dtype=np.float32)
        return values * np.float32((2 / fan) ** 0.5)

    def zeros(*size: int) -> Any:
        return np.zeros(size, np.float32)

    def ones(*size: int) -> Any:
        return np.ones(size, np.float32)

    match part.kind:
        case "conv":
            fan = part.size**2 * inputs
            return {"kernel": normal(part.size, part.size, inputs, units, fan=fan)}
        case "dense":
            return {"kernel": normal(inputs, units, fan=inputs), "bias": zeros(units)}
        case "batch_norm":
            return {"gamma": ones(inputs), "beta": zeros(inputs)}
        case "rnn" | "lstm" | "gru":
            columns = GATES[part.kind] * units
            found = {
                "input_kernel": normal(inputs, columns, fan=inputs),
                "recurrent_kernel": normal(units, columns, fan=4 * units), "bias": zeros(columns),
            }
            more = (BIASES[part.kind] - GATES[part.kind]) * units
            return found | ({"recurrent_bias": zeros(more)} if more else {})
        case "bi_lstm":
            one, fed = Part("lstm", units), [inputs] + [2 * units] * (DEEP - 1)
            return {"layers": [_of(one, (*shape[:1], n), random) for n in fed for _ in range(2)]}
        case "residual":
            return {key: [_of(*each, random) for each in walk(way, shape)]
                    for key, way in (("inner", part.inner), ("shortcut", part.shortcut))}
        case "embeddings":
            return {"tables": [{"table": normal(rows, units, fan=2)} for rows in part.vocabularies]}
        case "members":
            return {"factor": np.sign(normal(units, inputs, fan=1))}
        case "batch_ensemble":
            members = shape[0]
            scales = {"input_scale": ones(members, inputs)} if part.scales_inputs else {}
            return {"kernel": normal(inputs, units, fan=inputs), **scales,
                    "output_scale": ones(members, units), "bias": zeros(members, units)}
        case "member_dense":
            return {"kernel": normal(shape[0], inputs, units, fan=inputs),
                    "bias": zeros(shape[0], units)}
    return {}
