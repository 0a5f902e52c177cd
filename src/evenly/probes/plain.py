"""A recorder that anyone can feed: NumPy arrays in, a record and a diagnosis out."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import ConfigurationError, DataError
from ..given import as_array
from ..records import LossInfo, OptimizerInfo, Probe, TrainingRecord
from .arrays import (
    measure_outputs,
    measure_weights,
    norm_of_change,
    output_gradient,
    root_mean_square,
    twin_share,
)
from .collected import Collected, Watched, chain, layer_probe

_LOSSES = ("softmax_cross_entropy", "binary_cross_entropy", "cross_entropy_of_probabilities",
           "binary_cross_entropy_of_probabilities", "nll", "squared_error", "absolute_error",
           "huber", "quantile", "quantiles", "poisson", "gamma", "focal_cross_entropy",
           "binary_focal_cross_entropy", "other")


class Recorder(Watched):
    """Records a training of any making, fed with NumPy arrays, for the doctor.

    Every part may be left out; the doctor says less then. Arrays are read at once, none is kept.

    Arguments:
        layers: the layers from first to last, name to kind: ``dense``, ``conv``, ``relu``,
            ``sigmoid``, ``tanh``, ``dropout``, ``batch_norm``, ``lstm``, ``softmax``, ...
        loss: its kind: ``softmax_cross_entropy`` and ``binary_cross_entropy`` (from scores),
            ``cross_entropy_of_probabilities``, ``squared_error``, ...
        optimizer: its kind, ``sgd``, ``momentum``, ``adam``, ...
        learning_rate: at the beginning.
        batch: rows a step.
        data, validation: (x, y) of the two parts, for their summaries.
        epochs: how many there will be, where that is known.

    Raises:
        ConfigurationError: a kind that is none.

    Example:
        >>> import evenly as ev
        >>> recorder = ev.Recorder({"hidden": "dense", "relu": "relu"}, loss="squared_error")
        >>> weights = np.full((3, 8), 0.5)
        >>> for step in range(3):
        ...     recorder.step(1.0, outputs={"relu": np.zeros((16, 8))},
        ...                   weights={"hidden": weights}, gradients={"hidden": weights * 0})
        >>> probe = recorder.record.probes[-1]
        >>> probe.layers["relu"].dead_share, probe.layers["hidden"].twin_share
        (1.0, 1.0)
    """

    def __init__(
        self, layers: Mapping[str, str] | None = None, *, loss: str | None = None,
        optimizer: str | None = None, learning_rate: float | None = None,
        batch: int | None = None, data: tuple[Any, Any] | None = None,
        validation: tuple[Any, Any] | None = None, epochs: int | None = None,
    ) -> None:
        self._collected = kept = Collected("plain", epochs)
        self._kinds = dict(layers or {})
        if layers is not None:
            kept.network = chain(self._kinds)
        if loss is not None:
            if loss not in _LOSSES:
                raise ConfigurationError(
                    f"Recorder: no kind of loss is named {loss!r}: use one of {', '.join(_LOSSES)}"
                )
            kept.loss = LossInfo(loss)
        if optimizer is not None:
            kept.optimizer = OptimizerInfo(
                optimizer, math.nan if learning_rate is None else learning_rate
            )
        kept.batch = batch
        self._spent = 0.0
        kept.describe_data(data, validation)

    def step(
        self, loss: float, *, outputs: Mapping[str, Any] | None = None,
        output_gradients: Mapping[str, Any] | None = None,
        weights: Mapping[str, Any] | None = None, gradients: Mapping[str, Any] | None = None,
        updated: Mapping[str, Any] | None = None, learning_rate: float | None = None,
        gradient_norm: float | None = None, rows: int | None = None,
    ) -> None:
        """A step. With arrays it is looked at: give them at step 0 and now and then.

        Arguments:
            loss: of the step.
            outputs: of layers, (rows, ..., units), in training mode.
            output_gradients: of the loss on these.
            weights: kernels before the step, (..., inputs, units).
            gradients: of the loss on these.
            updated: the kernels after the step.
            learning_rate: of this step.
            gradient_norm: of all gradients, before clipping; by default that of `gradients`.
            rows: of the batch; by default those of the outputs.

        Raises:
            DataError: arrays whose shapes do not fit together, or are no numbers.
        """
        begin = time.process_time()
        parts = {"outputs": outputs, "output_gradients": output_gradients, "weights": weights,
                 "gradients": gradients, "updated": updated}
        arrays = {part: {name: _array(part, name, value) for name, value in (given or {}).items()}
                  for part, given in parts.items()}
        names = list(dict.fromkeys([
            *self._kinds, *(name for given in arrays.values() for name in given)
        ]))
        if any(arrays.values()):
            with np.errstate(all="ignore"):
                layers = {name: layer_probe(self._told(name, arrays)) for name in names}
            own = arrays["gradients"].values()
            if gradient_norm is None and own:
                gradient_norm = math.sqrt(sum(root_mean_square(g) ** 2 * g.size for g in own))
            sizes = [len(y) for y in arrays["outputs"].values() if y.ndim]
            kept = self._collected
            self._collected.probe(Probe(
                kept.steps, kept.epoch_number, float(loss), gradient_norm, learning_rate,
                rows or (sizes[0] if sizes else kept.batch or 0), layers,
            ))
        self._collected.step(float(loss))
        self._spent += time.process_time() - begin

    def _told(self, name: str, arrays: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        kind = self._kinds.get(name, "other")
        told: dict[str, Any] = {}
        y = arrays["outputs"].get(name)
        if y is not None:
            outputs = measure_outputs(y, kind)
            told |= outputs.told
            told["dead_share"] = self._collected.dead.share(name, outputs.zero_units)
        d_y = arrays["output_gradients"].get(name)
        if d_y is not None:
            told["output_gradient"] = output_gradient(d_y)
        kernel, gradient = arrays["weights"].get(name), arrays["gradients"].get(name)
        if kernel is not None:
            if gradient is not None and gradient.shape != kernel.shape:
                raise DataError(f"Recorder: the weights of '{name}' have shape {kernel.shape}, "
                                f"their gradient {gradient.shape}")
            told |= measure_weights([kernel], [] if gradient is None else [gradient])
            if gradient is not None and kernel.ndim > 1:
                told["twin_share"] = twin_share(
                    *(array.reshape(-1, array.shape[-1]) for array in (kernel, gradient))
                )
            after = arrays["updated"].get(name)
            if after is not None:
                told["update_ratio"] = norm_of_change([kernel], [after])
        return told

    def epoch(
        self, *, loss: float | None = None, score: float | None = None,
        train_loss: float | None = None, train_score: float | None = None,
        validation_loss: float | None = None, validation_score: float | None = None,
        penalty: float | None = None, learning_rate: float | None = None,
    ) -> None:
        """An epoch is over.

        Arguments:
            loss, score: means in training mode; the loss by default that of its steps.
            train_loss, train_score: of training rows in inference mode.
            validation_loss, validation_score: in inference mode.
            penalty: its part of the cost.
            learning_rate: of the last step.
        """
        self._collected.epoch(
            loss=loss, score=score, train_loss=train_loss, train_score=train_score,
            validation_loss=validation_loss, validation_score=validation_score, penalty=penalty,
            learning_rate=learning_rate,
        )

    @property
    def record(self) -> TrainingRecord:
        """What was told so far."""
        return self._collected.record(self._spent)


def _array(part: str, name: str, value: Any) -> Any:
    array = as_array(value, f"Recorder: {part} of '{name}'")
    if array.dtype.kind not in "iubf" or array.ndim == 0 or not array.size:
        raise DataError(f"Recorder: {part} of '{name}' must be an array of numbers, got "
                        f"{array.dtype} of shape {array.shape}")
    return array if array.dtype.kind == "f" else array.astype(np.float64)
