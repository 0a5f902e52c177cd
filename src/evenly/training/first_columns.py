"""Initialization by the data, column by column: each unit's own deviation, and its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine import Engine, as_lengths
from ..errors import ConfigurationError, ShapeError
from ..layers import Dense
from ..layers.base import Run, own_arrays
from ..layers.containers import Joined
from ..program.graph import Step, trace
from ..random import generator
from ..rows.data import check_finite
from .model import Model
from .unit_variance import Walk

# Rows that a bias lies between.
_ROWS = 5


def unit_columns(model: Model, x: Any, *, biases: bool = True, lengths: Any = None) -> Model:
    """Scales each column of each dense kernel so that what it gives on x has deviation 1, layer by
    layer from the input on; and places the biases of hidden units within the data.

    ``kernel[:, j] /= std(x kernel[:, j])`` over the rows of x; a column that gives
    the same number everywhere stays as it is. ``bias[j] = -(w_1 z_1 + ... + w_5 z_5)``, z being the
    unit's ``x kernel[:, j]`` of five rows drawn for it, and w weights that sum to 1, each in
    proportion to a number of the exponential distribution: so the unit is at 0 somewhere among the
    rows. The biases of the last dense layer stay, and so do the layers of other kinds;
    :func:`evenly.lsuv` knows those, and scales layers as a whole.

    Arguments:
        model: from :func:`evenly.init`, whose kernels are scaled; its seed decides the rows. It
            stays as it is.
        x: rows as for training, some hundred: (rows, features...).
        biases: whether biases are placed.
        lengths: (rows,): how many steps of each sequence the layers in front take for counting.

    Returns:
        A new model, to be given to :func:`evenly.fit`.

    Raises:
        ShapeError: rows of another shape than the model's, or none.
        DataError: NaN or infinity in x.

    Source: Holzmüller, Grinsztajn and Steinwart 2024, "Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data", appendix (data-driven weights, and biases "he+5"); the biases
    after Steinwart 2019, "A sober look at neural network initializations".

    Example:
        >>> import evenly as ev
        >>> x = np.random.default_rng(0).normal(5.0, 3.0, (200, 30))
        >>> model = unit_columns(ev.init(ev.Sequential([ev.Dense(50), ev.ReLU()]), 30), x)
        >>> bool(abs((x @ model.weights["dense_1.kernel"]).std(axis=0) - 1).max() < 1e-5)
        True
    """
    if not isinstance(model, Model):
        raise ConfigurationError(
            f"unit_columns: expects a model, got {model!r}: make one with init(net, input_shape)"
        )
    engine, program = model.engine, model.engine.program
    x = engine.rows(x)
    if len(x) < max(1, program.training_rows):
        raise ShapeError(f"unit_columns: expects at least {max(1, program.training_rows)} rows, "
                         f"got {len(x)}: give some hundred")
    lengths = as_lengths(program, lengths, len(x))
    check_finite(x, "unit_columns", lengths)
    steps = trace(program.net, program.input_shape)[0]
    dense = [step.name for step in steps if isinstance(step.layer, Dense)]
    walk = _Columns({name: array.astype(np.float64) for name, array in model.weights.items()},
                    Run(training=False, seed=engine.seed, lengths=lengths),
                    frozenset(dense[:-1] if biases else ()))
    walk.run(steps, x.astype(np.float64))
    return Model(Engine(program, seed=engine.seed, weights=walk.weights))


@dataclass(frozen=True)
class _Columns(Walk):
    """One way through the network; `placed` are the layers whose biases are."""

    placed: frozenset[str]

    def output(self, step: Step, inputs: list[Any]) -> Any:
        if isinstance(step.layer, Joined) or not isinstance(step.layer, Dense):
            return super().output(step, inputs)
        own = own_arrays(self.weights, step.name)
        z = inputs[0] @ own["kernel"]
        deviations = z.std(axis=0)
        # A constant's computed deviation is rounding, not signal.
        scales = np.where(deviations > 1e-12 * np.abs(z).max(axis=0), deviations, 1.0)
        own["kernel"] = own["kernel"] / scales
        if step.name in self.placed and "bias" in own:
            own["bias"] = -self._middles(step.name, z / scales)
        self.weights.update({f"{step.name}.{slot}": array for slot, array in own.items()})
        return self.forward(step, inputs[0], own)

    def _middles(self, name: str, z: Any) -> Any:
        """For each column a point between five of its values."""
        draws = generator(self.circumstances.seed, f"{name}.bias")
        rows = draws.integers(0, len(z), (_ROWS, z.shape[1]))
        weights = draws.exponential(size=rows.shape)
        return (np.take_along_axis(z, rows, axis=0) * weights).sum(axis=0) / weights.sum(axis=0)
