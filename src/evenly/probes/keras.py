"""Watches a training of Keras 3's."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..records import Probe, TrainingRecord
from .arrays import (
    measure_outputs,
    measure_weights,
    norm_of_change,
    output_gradient,
    root_mean_square,
    twin_share,
)
from .collected import Collected, Watched, layer_probe
from .keras_gradients import flow
from .keras_layers import (
    KerasLayer,
    kernels,
    layers_of,
    loss_info,
    network_info,
    optimizer_info,
)
from .pace import Pace

_SAMPLE_ROWS, _LOOKED_AT_ROWS = 1000, 128
_SCORES = ("accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy",
           "binary_accuracy", "r2_score")


def watch_keras(model: Any, data: Any = None, validation: Any = None) -> Any:
    """A Keras 3 callback that watches a training; it changes no bit of it.

    At the beginnings of epochs, as far as 1 % of the time allow it, the layers are looked at, on
    the same 128 rows of `data`: outputs in training mode, and, with the backends JAX and PyTorch,
    the gradients of the loss. How far the epoch's first step moves each kernel is seen in any case.

    Arguments:
        model: of Keras, compiled, with its shapes known.
        data, validation: (x, y) arrays, for summaries, looks and losses of training rows in
            inference mode. A sample of them is kept.

    Returns:
        A ``keras.callbacks.Callback`` with ``record``, ``diagnosis`` and ``write(path)``.

    Raises:
        ConfigurationError: what is no compiled model.

    Example:
        A network of one layer, five epochs::

            >>> import keras, evenly as ev                                    # doctest: +SKIP
            >>> watcher = ev.watch_keras(model, (x, y))                       # doctest: +SKIP
            >>> history = model.fit(x, y, epochs=5, callbacks=[watcher])      # doctest: +SKIP
            >>> print(watcher.diagnosis)                                      # doctest: +SKIP
    """
    try:
        import keras
    except ImportError as error:
        raise ConfigurationError(f"watch_keras: needs Keras 3: {error}") from None
    if not isinstance(model, keras.Model):
        raise ConfigurationError(f"watch_keras: expects a keras.Model, got {model!r}")
    if getattr(model, "optimizer", None) is None or getattr(model, "loss", None) is None:
        raise ConfigurationError("watch_keras: the model has no loss or no optimizer: compile it "
                                 "first")

    class KerasWatcher(_Watcher, keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            keras.callbacks.Callback.__init__(self)
            _Watcher.__init__(self, model, data, validation)

    return KerasWatcher()


class _Watcher(Watched):
    """The callback's part that is not Keras's."""

    def __init__(self, model: Any, data: Any, validation: Any) -> None:
        self._watched = model
        self._collected = kept = Collected("keras")
        kept.loss, kept.optimizer = loss_info(model.loss), optimizer_info(model.optimizer)
        self._pace = Pace()
        self._samples = [_sample(part) for part in (data, validation)]
        self._pending: tuple[Probe, dict[str, list[Any]], float] | None = None
        self._sum, self._steps = 0.0, 0
        layers = layers_of(model) if model.built else []
        indices = bool(layers) and layers[0].kind == "embedding"
        kept.describe_data(*self._samples, indices=indices)

    # What Keras calls ------------------------------------------------------------------------

    def on_train_begin(self, logs: Any = None) -> None:
        params = getattr(self, "params", None) or {}
        self._pace = Pace(params.get("epochs"), self._collected.steps)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        kept = self._collected
        self._sum, self._steps = 0.0, 0
        number = kept.epoch_number
        self._pace.epoch(number, kept.steps)
        if self._watched.built and (kept.steps == 0 or self._pace.due <= kept.steps):
            begin = time.process_time()
            layers = layers_of(self._watched)
            if kept.network is None:
                kept.network = network_info(self._watched)
            with np.errstate(all="ignore"):
                probe = self._look(layers)
            before = {own.name: [_array(w) for w in kernels(own.layer)] for own in layers}
            self._pending = probe, before, time.process_time() - begin

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        # Keras tells the mean of the epoch so far.
        mean = float((logs or {}).get("loss", math.nan))
        self._steps += 1
        total = mean * self._steps
        self._collected.step(total - self._sum)
        self._sum = total
        if self._pending is not None:
            self._finish()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs = logs or {}
        begin = time.process_time()
        score = next((logs[name] for name in _SCORES if name in logs), None)
        held = next((logs[f"val_{name}"] for name in _SCORES if f"val_{name}" in logs), None)
        told = {
            "loss": logs.get("loss"), "score": score, "validation_loss": logs.get("val_loss"),
            "validation_score": held, "learning_rate": self._rate(),
        }
        for part, sample in zip(("train", "validation"), self._samples, strict=True):
            if sample is not None and told.get(f"{part}_loss") is None:
                told |= self._evaluated(part, sample)
        self._collected.epoch(**told)
        self._pace.took(time.process_time() - begin)

    @property
    def record(self) -> TrainingRecord:
        """What was measured so far."""
        return self._collected.record(self._pace.spent)

    # Parts -----------------------------------------------------------------------------------

    def _rate(self) -> float:
        return float(self._watched.optimizer.learning_rate)

    def _look(self, layers: list[KerasLayer]) -> Probe:
        """The layers as the next step finds them, on the sample."""
        told: dict[str, dict[str, Any]] = {}
        for own in layers:
            told.setdefault(own.name, {})
            told.setdefault(own.last, {})
        loss, norm, rows = math.nan, None, 0
        gradients: dict[str, list[Any]] = {}
        if self._samples[0] is not None:
            x, y = (part[:_LOOKED_AT_ROWS] for part in self._samples[0])
            rows = len(x)
            seen = flow(self._watched, layers, x, y)
            loss, gradients = seen.loss, seen.gradients
            for own in layers:
                if own.name in seen.outputs:
                    outputs = measure_outputs(seen.outputs[own.name], own.last_kind)
                    told[own.last] |= outputs.told
                    told[own.last]["dead_share"] = self._collected.dead.share(
                        own.last, outputs.zero_units
                    )
                if own.name in seen.output_gradients:
                    told[own.last]["output_gradient"] = output_gradient(
                        seen.output_gradients[own.name]
                    )
            parts = [g for own in gradients.values() for g in own]
            if parts:
                norm = math.sqrt(sum(root_mean_square(g) ** 2 * g.size for g in parts))
        for own in layers:
            told[own.name] |= _weights(own, gradients.get(own.name, []))
        kept = self._collected
        kept.batch = kept.batch or (getattr(self, "params", None) or {}).get("batch_size")
        return Probe(kept.steps, kept.epoch_number, loss, norm, self._rate(), rows,
                     {name: layer_probe(own) for name, own in told.items()})

    def _finish(self) -> None:
        """The first step of the epoch is made: how far it has moved the kernels."""
        from dataclasses import replace

        assert self._pending is not None
        begin = time.process_time()
        probe, before, cost = self._pending
        self._pending = None
        if hasattr(self._watched, "jax_state_sync"):
            self._watched.jax_state_sync()
        layers = dict(probe.layers)
        for own in layers_of(self._watched):
            if before.get(own.name):
                after = [_array(w) for w in kernels(own.layer)]
                layers[own.name] = replace(
                    layers[own.name], update_ratio=norm_of_change(before[own.name], after)
                )
        loss = probe.loss if math.isfinite(probe.loss) or self._samples[0] is not None \
            else self._sum
        self._collected.probe(replace(probe, layers=layers, loss=loss))
        self._pace.looked(probe.step, cost + time.process_time() - begin)

    def _evaluated(self, part: str, sample: tuple[Any, Any]) -> dict[str, Any]:
        """Loss and score of a sample in inference mode."""
        import keras

        x, y = sample
        words = {"training": False} if self._watched._call_has_training_arg else {}
        outputs = self._watched(x, **words)
        if isinstance(outputs, (dict, list, tuple)) or self._collected.loss is None:
            return {}
        criterion = keras.losses.get(self._watched.loss)
        loss = float(np.mean(_array(criterion(y, outputs))))
        told: dict[str, Any] = {f"{part}_loss": loss}
        scores, kind = _array(outputs), self._collected.loss.kind
        if kind in ("softmax_cross_entropy", "cross_entropy_of_probabilities"):
            answers = scores.argmax(axis=-1)
            right = y.argmax(axis=-1) if y.shape == scores.shape else y.reshape(answers.shape)
            told[f"{part}_score"] = float((answers == right).mean())
            if part == "train":
                counts = np.bincount(answers.ravel(), minlength=scores.shape[-1])
                told["answers"] = tuple((counts / counts.sum()).tolist())
        elif kind.startswith("binary"):
            limit = 0.5 if "probabilities" in kind else 0.0
            right = y.reshape(scores.shape)
            told[f"{part}_score"] = float(((scores > limit) == (right > 0.5)).mean())
        elif kind in ("squared_error", "absolute_error", "huber"):
            right = y.reshape(scores.shape)
            spread = float(((right - right.mean(axis=0)) ** 2).sum())
            left = float(((right - scores) ** 2).sum())
            told[f"{part}_score"] = 1 - left / spread if spread > 0 else None
        return told


def _weights(own: KerasLayer, gradients: list[Any]) -> dict[str, Any]:
    weights = [_array(weight) for weight in kernels(own.layer)]
    if not weights:
        return {}
    told: dict[str, Any] = measure_weights(weights, gradients)
    if len(gradients) == len(weights) and (
        own.kind in ("dense", "rnn", "lstm", "gru")
        or (own.kind == "conv" and getattr(own.layer, "groups", 1) == 1
            and "Depthwise" not in type(own.layer).__name__)
    ):
        units = int(getattr(own.layer, "units", weights[0].shape[-1]))
        if all(weight.shape[-1] % units == 0 for weight in weights):
            told["twin_share"] = twin_share(
                *(np.concatenate([array.reshape(-1, units) for array in arrays])
                  for arrays in (weights, gradients))
            )
    return told


def _sample(data: Any) -> tuple[Any, Any] | None:
    if data is None:
        return None
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise ConfigurationError("watch_keras: data and validation are (x, y) arrays")
    x, y = (np.asarray(part) for part in data)
    rows = np.linspace(0, len(x) - 1, min(len(x), _SAMPLE_ROWS)).astype(np.int64)
    return x[rows], y[rows]


def _array(tensor: Any) -> Any:
    import keras

    return np.array(keras.ops.convert_to_numpy(tensor))
