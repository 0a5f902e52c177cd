"""The network in Evenly."""

from __future__ import annotations

import evenly as ev

from .case import LEARNING_RATE, RATE, Net
from .stack import Part, Stack

_NORMS = {"batch": ev.BatchNorm, "layer": ev.LayerNorm}


_RECURRENT = {"rnn": ev.RNN, "lstm": ev.LSTM, "gru": ev.GRU}
_PLAIN = {
    "batch_norm": ev.BatchNorm, "relu": ev.ReLU, "flatten": ev.Flatten,
    "global_average_pool": ev.GlobalAveragePool,
}


def network(net: Net | Stack) -> ev.Sequential:
    if isinstance(net, Stack):
        return ev.Sequential([_layer(part) for part in net.parts])
    layers: list[ev.Layer] = []
    for units in net.hidden:
        layers += [ev.Dense(units), _NORMS[net.norm](), ev.ReLU(), ev.Dropout(RATE)]
    return ev.Sequential([*layers, ev.Dense(net.sizes[-1])])


def _layer(part: Part) -> ev.Layer:
    if part.kind == "conv":
        return ev.Conv2D(part.units, 3, padding="same", bias=False)
    if part.kind == "dense":
        return ev.Dense(part.units)
    if part.kind == "max_pool":
        return ev.MaxPool2D(2)
    if part.kind == "dropout":
        return ev.Dropout(RATE)
    if part.kind in _RECURRENT:
        return _RECURRENT[part.kind](part.units)
    return _PLAIN[part.kind]()


def program(net: Net | Stack) -> ev.Program:
    shape = net.shape if isinstance(net, Stack) else net.sizes[:1]
    return ev.compile(
        network(net), input_shape=shape, batch=net.batch, loss=ev.SoftmaxCrossEntropy(),
        optimizer=ev.Adam(LEARNING_RATE), dtype="float32",
    )


def engine(net: Net | Stack, threads: int | None) -> ev.Engine:
    return ev.Engine(program(net), seed=0, threads=threads)
