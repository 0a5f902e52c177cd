"""The network in Evenly."""

from __future__ import annotations

import evenly as ev

from .case import LEARNING_RATE, RATE, Net

_NORMS = {"batch": ev.BatchNorm, "layer": ev.LayerNorm}


def network(net: Net) -> ev.Sequential:
    layers: list[ev.Layer] = []
    for units in net.hidden:
        layers += [ev.Dense(units), _NORMS[net.norm](), ev.ReLU(), ev.Dropout(RATE)]
    return ev.Sequential([*layers, ev.Dense(net.sizes[-1])])


def engine(net: Net, threads: int) -> ev.Engine:
    program = ev.compile(
        network(net), input_shape=net.sizes[:1], batch=net.batch, loss=ev.SoftmaxCrossEntropy(),
        optimizer=ev.Adam(LEARNING_RATE), dtype="float32",
    )
    return ev.Engine(program, seed=0, threads=threads)
