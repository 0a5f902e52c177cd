"""Predictions of a trained network: in double precision, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import Engine, Turns
from ..layers.containers import Sequential
from ..program import compile as compile_program
from ..rows.sources import chunk_rows, is_sparse
from ..training import Model


class ExactScores:
    """Runs a model's network, or its first layers, in inference mode.

    In double precision: what a row gives then does not depend, but for the last of sixteen digits,
    on the rows beside it, and targets of any size come back exactly. The weights are taken from
    the model at each call.

    Arguments:
        model: whose weights count.
        net: the network to run: by default the model's own; else its first layers.
        threads: as of :class:`evenly.Engine`.

    Attributes:
        model: the same.
    """

    def __init__(self, model: Model, threads: int | None, net: Sequential | None = None) -> None:
        self.model = model
        program = compile_program(
            model.net.resolved if net is None else net, model.input_shape, 1, dtype="float64"
        )
        self._engine = Engine(program, threads=threads, weights={
            name: array for name, array in model.weights.items() if name in program.arrays
        })
        # An engine has one working memory: calls from several threads take turns.
        self._turns = Turns()

    def scores(self, x: Any, prepare: Callable[[Any], Any]) -> Any:
        """(rows, outputs): the network's outputs, flat, for rows that `prepare` makes inputs of."""
        with self._turns:
            engine = self._engine
            with self.model.engine.turns:  # the weights of one step, while another thread trains
                engine.set_weights({name: self.model.weights[name] for name in engine.arrays})
            return scores_by(engine, x, prepare)


def scores_by(engine: Any, x: Any, prepare: Callable[[Any], Any]) -> Any:
    """What an engine predicts, (rows, outputs) in float64, for rows that `prepare` makes inputs
    of; so many at a time that they may be made dense."""
    rows, columns = x.shape
    result = np.empty((rows, int(np.prod(engine.program.output_shape))))
    size = chunk_rows(columns, 8)
    for start in range(0, rows, size):
        part = prepare(x[start : start + size])
        dense = part.toarray() if is_sparse(part) else np.asarray(part, np.float64)
        result[start : start + size] = engine.predict(dense).reshape(len(dense), -1)
    return result
