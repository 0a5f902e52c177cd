"""A network with its arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..doctor import Diagnosis, diagnose
from ..engine import Engine, Evaluation, as_array
from ..errors import ConfigurationError
from ..layers.base import Layer, Shape
from ..layers.containers import Sequential
from ..losses import Loss
from ..program import NetworkPlot, drawn, program_html, training_rows
from ..program import compile as compile_program
from ..records import TrainingRecord
from ..rows.sources import as_source, evaluate, predict
from ..rows.streams import Stream
from ..rows.training_set import (
    check_shape,
    check_stream,
    check_targets,
    evaluate_any,
    predict_stream,
)
from ..showing import unfolding
from .history import History


class Model:
    """A network, its arrays by name, and what it was trained with.

    Made by :func:`evenly.fit` and :func:`evenly.init`.

    Attributes:
        engine: runs the network; ``engine.program`` says what was compiled.
        history: records of the training, empty without one.
        record: what was measured of it, where it was watched (``doctor=True``), else None.

    Example:
        >>> import evenly as ev
        >>> model = ev.init(ev.Sequential([ev.Dense(2)]), input_shape=3, seed=0)
        >>> model.predict(np.zeros((1, 3)))
        array([[0., 0.]], dtype=float32)
    """

    def __init__(
        self, engine: Engine, history: History | None = None,
        record: TrainingRecord | None = None,
    ) -> None:
        self.engine = engine
        self.history = history if history is not None else History()
        self.record = record

    @property
    def net(self) -> Sequential:
        """The network as a value."""
        return self.engine.program.net

    @property
    def input_shape(self) -> Shape:
        """The shape of one example."""
        return self.engine.program.input_shape

    @property
    def loss(self) -> Loss | None:
        """The loss that it was compiled with."""
        return self.engine.program.loss

    @property
    def diagnosis(self) -> Diagnosis:
        """What ailed its training, by its record; no findings mean healthy.

        Raises:
            ConfigurationError: the training was not watched.
        """
        if self.record is None:
            raise ConfigurationError("the model has no record of its training: fit it with "
                                     "doctor=True")
        return diagnose(self.record)

    @property
    def weights(self) -> Mapping[str, Any]:
        """Parameters and running statistics by name (``dense_1.kernel``): the arrays themselves,
        no copies. What is written into them counts at the next prediction."""
        return self.engine.arrays

    def predict(self, x: Any, lengths: Any = None) -> Any:
        """Scores in inference mode.

        Arguments:
            x: (rows, features...); a SciPy sparse matrix is made dense a few rows at a time, an
                array in a file (``numpy.memmap``) is read so. Or a :class:`ParquetRows` or a
                :class:`Batches`.
            lengths: (rows,): how many steps of each sequence count; all by default.

        Returns:
            A new array (rows, outputs...).

        Raises:
            ShapeError: examples of another shape than those it was made for.
        """
        if isinstance(x, Stream):
            check_stream(x, None, 1, None, {"lengths": lengths}, "predict")
            check_shape(self.engine, x.outline().shape, "predict")
            return predict_stream(self.engine, x)
        return predict(self.engine, as_source(x), lengths)

    def predict_proba(self, x: Any, lengths: Any = None) -> Any:
        """Probabilities: the softmax or the logistic function of the scores, as the loss has it.

        Raises:
            DataError: the loss has no probabilities.
        """
        return self._loss(None).probabilities(self.predict(x, lengths))

    def evaluate(
        self, x: Any, y: Any = None, sample_weight: Any = None, lengths: Any = None
    ) -> Evaluation:
        """Mean loss and score (fraction of right answers, or R^2) in inference mode.

        Arguments:
            x: as for :meth:`predict`; a source brings its own targets and weights.
            y, sample_weight, lengths: as for :func:`evenly.fit`.
        """
        if isinstance(x, Stream):
            given = {"sample_weight": sample_weight, "lengths": lengths}
            check_stream(x, y, 1, None, given, "evaluate")
            self._loss(None)
            shape, _, has_targets = x.outline()
            check_targets(x, has_targets, "evaluate")
            check_shape(self.engine, shape, "evaluate")
            return evaluate_any(self.engine, x)
        return evaluate(self.engine, as_source(x), as_array(y, "y"), sample_weight, lengths)

    def gradients(
        self, x: Any, y: Any, loss: Loss | None = None, sample_weight: Any = None,
        lengths: Any = None,
    ) -> tuple[float, dict[str, Any]]:
        """Loss and gradients on one batch, in training mode; nothing is changed.

        Arguments:
            x, y: the batch.
            loss: by default the model's own.
            sample_weight, lengths: of the examples, as in :func:`evenly.fit`.

        Returns:
            (loss, gradients by name): ``"d_x"`` on the input, ``"dense_1.kernel"`` and so on, the
            penalty's part included. New arrays.
        """
        own = self.engine.program
        x = self.engine.rows(x)
        program = compile_program(
            own.net, own.input_shape, max(1, len(x)), self._loss(loss), penalty=own.penalty,
            dtype=own.dtype, input_gradient=True,
        )
        engine = Engine(program, seed=self.engine.seed, weights=self.weights)
        value, d_x, gradients = engine.gradients(x, y, sample_weight, lengths)
        return value, {"d_x": d_x.copy(), **{k: g.copy() for k, g in gradients.items()}}

    def _loss(self, loss: Loss | None) -> Loss:
        loss = loss if loss is not None else self.loss
        if loss is None:
            raise ConfigurationError("the model has no loss: give init or gradients one")
        return loss

    def plot(self) -> NetworkPlot:
        """Draws the network as SVG: its layers with shapes and parameters from the input down,
        branches beside each other, layers that are computed together without a gap. A notebook
        shows it; ``model.plot().save("net.svg")`` writes a file.

        Example:
            >>> import evenly as ev
            >>> ev.init(ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(2)]), 3).plot()
            NetworkPlot(236 x 192)
        """
        return drawn(self.engine.program)

    def _repr_html_(self) -> str:
        program, parts = self.engine.program, []
        lines = [f"{program.parameters:,} parameters, {program.input_shape} -> "
                 f"{program.output_shape}, {program.dtype}, "
                 f"{type(self.loss).__name__ if self.loss else 'no loss'}"]
        if len(self.history):
            lines.append(self.history.headline)
            parts = [unfolding("training", self.history.inside)]
        return program_html(program, "Model", lines, *parts)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}

    def __repr__(self) -> str:
        program = self.engine.program
        return (
            f"Model({len(program.net.named_layers())} layers, {program.parameters:,} parameters, "
            f"{program.input_shape} -> {program.output_shape}, {len(self.history)} epochs)"
        )


def init(
    net: Layer,
    input_shape: int | Shape,
    seed: int = 0,
    *,
    loss: Loss | None = None,
    dtype: str = "float32",
    threads: int | None = None,
) -> Model:
    """An untrained model.

    Arguments:
        net: the network.
        input_shape: the shape of one example.
        seed: of the initial weights.
        loss: for ``gradients``, ``evaluate`` and ``predict_proba``.
        dtype: ``"float32"`` or ``"float64"``.
        threads: by default as many as the work is worth.

    Raises:
        ShapeError, ConfigurationError: as :func:`evenly.compile`.
    """
    batch = training_rows(net, input_shape)
    program = compile_program(net, input_shape, batch, loss, dtype=dtype)
    return Model(Engine(program, seed=seed, threads=threads))


def as_sequential(net: Any) -> Sequential:
    """A layer, or a list of layers, as a network."""
    if isinstance(net, Sequential):
        return net
    return Sequential([net] if isinstance(net, Layer) else net)
