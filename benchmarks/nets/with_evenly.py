"""The network in Evenly."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import evenly as ev

from .case import LEARNING_RATE, RATE, Net
from .stack import DEEP, Part, Stack, walk
from .values import Values, leaves

_NORMS = {"batch": ev.BatchNorm, "layer": ev.LayerNorm}


_RECURRENT = {"rnn": ev.RNN, "lstm": ev.LSTM, "gru": ev.GRU}
_PLAIN = {
    "batch_norm": ev.BatchNorm, "relu": ev.ReLU, "flatten": ev.Flatten,
    "global_average_pool": ev.GlobalAveragePool, "max_pool": partial(ev.MaxPool2D, 2),
    "dropout": partial(ev.Dropout, RATE), "member_mean": partial(ev.MemberMean, "classes"),
}


_TRAINED = (
    ev.Conv2D, ev.Dense, ev.BatchNorm, *_RECURRENT.values(), ev.Embedding, ev.Members,
    ev.BatchEnsemble, ev.MemberDense,
)


def network(net: Net | Stack) -> ev.Sequential:
    if isinstance(net, Stack):
        return ev.Sequential(_layers(net.parts, net.shape))
    layers: list[ev.Layer] = []
    for units in net.hidden:
        layers += [ev.Dense(units), _NORMS[net.norm](), ev.ReLU(), ev.Dropout(RATE)]
    return ev.Sequential([*layers, ev.Dense(net.sizes[-1])])


def _layer(part: Part, shape: tuple[int, ...]) -> ev.Layer:
    units = part.units
    match part.kind:
        case "conv":
            return ev.Conv2D(units, part.size, part.stride, part.size // 2, bias=False)
        case "dense":
            return ev.Dense(units)
        case "rnn" | "lstm" | "gru":
            return _RECURRENT[part.kind](units)
        case "bi_lstm":
            return ev.LSTM(units, layers=DEEP, bidirectional=True)
        case "residual":
            ways = [_layers(way, shape) for way in (part.inner, part.shortcut)]
            return ev.Residual(*ways)
        case "embeddings":
            numbers = shape[0] - len(part.vocabularies)
            tables = [[ev.Slice(i, i + 1), ev.Embedding(rows, units), ev.Flatten()]
                      for i, rows in enumerate(part.vocabularies, numbers)]
            return ev.Branches([ev.Slice(0, numbers), *tables], "concatenate")
        case "members":
            return ev.Members(units)
        case "batch_ensemble":
            return ev.BatchEnsemble(units, scale_inputs=part.scales_inputs)
        case "member_dense":
            return ev.MemberDense(units)
    return _PLAIN[part.kind]()


def _layers(parts: Sequence[Part], shape: tuple[int, ...]) -> list[ev.Layer]:
    return [_layer(part, before) for part, before in walk(parts, shape)]


def weights(net: Stack, values: Values) -> dict[str, Any]:
    """First values by the names of Evenly's arrays."""
    wanted = [each for each in network(net).named_layers() if isinstance(each[1], _TRAINED)]
    found = {}
    for (name, layer), own in zip(wanted, leaves(values), strict=True):
        if isinstance(layer, ev.MemberDense):
            kernel, bias = own["kernel"].transpose(1, 0, 2), own["bias"]
            own = {"kernel": kernel.reshape(len(kernel), -1), "bias": bias.ravel()}
        found.update({f"{name}.{key}": value for key, value in own.items()})
    return found


def program(net: Net | Stack) -> ev.Program:
    shape = net.shape if isinstance(net, Stack) else net.sizes[:1]
    return ev.compile(
        network(net), input_shape=shape, batch=net.batch, loss=ev.SoftmaxCrossEntropy(),
        optimizer=ev.Adam(LEARNING_RATE), dtype="float32",
    )


def engine(net: Net | Stack, threads: int | None) -> ev.Engine:
    return ev.Engine(program(net), seed=0, threads=threads)
