"""Keras's layers, losses and optimizers in the words of the records."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..records import LayerInfo, LossInfo, NetworkInfo, OptimizerInfo
from ..records.network import ACTIVATIONS, DATA

_KINDS = {
    "Dense": "dense", "EinsumDense": "dense", "Embedding": "embedding", "SimpleRNN": "rnn",
    "LSTM": "lstm", "GRU": "gru", "BatchNormalization": "batch_norm",
    "LayerNormalization": "layer_norm", "GroupNormalization": "group_norm",
    "RMSNormalization": "rms_norm", "Dropout": "dropout", "SpatialDropout1D": "spatial_dropout",
    "SpatialDropout2D": "spatial_dropout", "SpatialDropout3D": "spatial_dropout",
    "AlphaDropout": "alpha_dropout", "GaussianDropout": "gaussian_dropout",
    "GaussianNoise": "gaussian_noise", "ReLU": "relu", "LeakyReLU": "leaky_relu",
    "PReLU": "prelu", "ELU": "elu", "Softmax": "softmax", "Add": "add", "Concatenate": "concat",
}
_RESHAPING = ("InputLayer", "Flatten", "Reshape", "Identity")
_FUNCTIONS = {"swish": "silu", "hard_silu": "hard_swish", "relu6": "relu",
              "log_softmax": "softmax", "exponential": "other"}
_OPTIMIZERS = {
    "Adagrad": "adagrad", "RMSprop": "rmsprop", "Adam": "adam", "AdamW": "adamw",
    "Adamax": "adamax", "Nadam": "nadam",
}
_LOSSES = {
    "sparse_categorical_crossentropy": "classes", "categorical_crossentropy": "classes",
    "binary_crossentropy": "labels", "mean_squared_error": "squared_error",
    "mse": "squared_error", "mean_absolute_error": "absolute_error", "mae": "absolute_error",
    "huber": "huber", "huber_loss": "huber",
}


@dataclass(frozen=True)
class KerasLayer:
    """A layer at its place.

    Attributes:
        layer: of Keras.
        name: in the records.
        kind: likewise.
        activation: the kind of what is computed behind it, "" for nothing; it has a name of its own
            then.
    """

    layer: Any
    name: str
    kind: str
    activation: str = ""

    @property
    def last(self) -> str:
        """The name under which its outputs stand."""
        return f"{self.name} ({self.activation})" if self.activation else self.name

    @property
    def last_kind(self) -> str:
        return self.activation or self.kind


def layers_of(model: Any) -> list[KerasLayer]:
    """All layers of a model, those of models within it too; without those that only reshape."""
    found = []
    for layer in flat_layers(model):
        if type(layer).__name__ in _RESHAPING:
            continue
        kind, activation = layer_kind(layer)
        found.append(KerasLayer(layer, layer.name, kind, activation))
    return found


def flat_layers(model: Any) -> Iterator[Any]:
    """The layers in order, those of models within it too."""
    for layer in model.layers:
        if hasattr(layer, "layers") and not hasattr(layer, "forward_layer"):
            yield from flat_layers(layer)
        else:
            yield layer


def layer_kind(layer: Any) -> tuple[str, str]:
    """(kind of a layer, kind of the activation that it computes behind itself or "")."""
    inner = getattr(layer, "forward_layer", None) or getattr(layer, "layer", None)
    if inner is not None:
        return layer_kind(inner)[0], ""
    name = type(layer).__name__
    function = _function(getattr(layer, "activation", None))
    if name == "Activation":
        return function or "other", ""
    kind = _KINDS.get(name)
    if kind is None:
        kind = "conv" if "Conv" in name else "pool" if "Pooling" in name else "other"
    # A recurrent layer's activation is within its steps.
    return kind, function if kind in ("dense", "conv") else ""


def _function(activation: Any) -> str:
    name = getattr(activation, "__name__", "")
    if name in ("", "linear"):
        return ""
    name = _FUNCTIONS.get(name, name)
    return name if name in ACTIVATIONS else "other"


def network_info(model: Any) -> NetworkInfo:
    """The layers of a built model."""
    infos: list[LayerInfo] = []
    known: dict[Any, str] = {}
    before = DATA
    for layer in flat_layers(model):
        inputs = _inputs(layer, known) or (before,)
        if type(layer).__name__ in _RESHAPING:
            known[layer] = inputs[0] if type(layer).__name__ != "InputLayer" else DATA
            before = known[layer]
            continue
        kind, activation = layer_kind(layer)
        own = KerasLayer(layer, layer.name, kind, activation)
        infos.append(_layer_info(own, inputs))
        if activation:
            infos.append(LayerInfo(own.last, activation, (own.name,), infos[-1].shape))
        known[layer] = before = own.last
    shape = getattr(model, "input_shape", None)
    return NetworkInfo(
        tuple(infos), _shape(shape), sum(_size(w) for w in model.trainable_weights), (before,)
    )


def _inputs(layer: Any, known: dict[Any, str]) -> tuple[str, ...]:
    """The names of what a layer of a functional model reads."""
    nodes = getattr(layer, "_inbound_nodes", [])
    parents = [parent.operation for parent in nodes[0].parent_nodes] if nodes else []
    return tuple(known[parent] for parent in parents if parent in known)


def _layer_info(own: KerasLayer, inputs: tuple[str, ...]) -> LayerInfo:
    layer = own.layer
    settings: dict[str, float | str | bool | None] = {}
    for theirs, name in (("epsilon", "epsilon"), ("rate", "rate"), ("momentum", "decay"),
                         ("negative_slope", "slope"), ("dropout", "dropout"),
                         ("recurrent_dropout", "recurrent_dropout")):
        value = getattr(layer, theirs, None)
        if isinstance(value, (bool, int, float)):
            settings[name] = value
    for name in ("kernel_initializer", "embeddings_initializer"):
        if getattr(layer, name, None) is not None:
            settings["initializer"] = type(getattr(layer, name)).__name__
    weights = kernels(layer)
    fan_in = fan_out = None
    if weights and own.kind in ("dense", "conv", "embedding", "rnn", "lstm", "gru"):
        shape = weights[0].shape
        positions = math.prod(shape[:-2])
        fan_in, fan_out = int(shape[-2]) * positions, int(shape[-1]) * positions
    try:
        after = _shape(layer.output.shape)
    except (AttributeError, ValueError):  # of a model that is no graph
        after = ()
    return LayerInfo(own.name, own.kind, inputs, after, fan_in, fan_out,
                     bool(getattr(layer, "use_bias", False)), settings)


def kernels(layer: Any) -> list[Any]:
    """The kernels of a layer: what is trained of it and has two axes or more."""
    return [weight for weight in layer.trainable_weights if len(weight.shape) > 1]


def _shape(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, (tuple, list)) or (shape and isinstance(shape[0], (tuple, list))):
        return ()
    return tuple(int(n) for n in shape[1:] if n is not None)


def _size(weight: Any) -> int:
    return math.prod(int(n) for n in weight.shape)


def loss_info(loss: Any) -> LossInfo | None:
    """The loss of a compiled model: its name, a function, or an object of ``keras.losses``."""
    if loss is None or isinstance(loss, (dict, list)):
        return None
    config = loss.get_config() if hasattr(loss, "get_config") else {}
    name = loss if isinstance(loss, str) else config.get("name") or getattr(loss, "__name__", "")
    kind = _LOSSES.get(str(name), "other")
    settings: dict[str, float | str | bool | None] = {}
    for word in ("label_smoothing", "delta"):
        if isinstance(config.get(word), (int, float)):
            settings[word] = config[word]
    scores = bool(config.get("from_logits", False))
    if kind == "classes":
        kind = "softmax_cross_entropy" if scores else "cross_entropy_of_probabilities"
    elif kind == "labels":
        kind = "binary_cross_entropy" + ("" if scores else "_of_probabilities")
    return LossInfo(kind, settings)


def optimizer_info(optimizer: Any) -> OptimizerInfo:
    """An optimizer of Keras's."""
    name = type(optimizer).__name__
    momentum = float(getattr(optimizer, "momentum", 0.0) or 0.0)
    kind = _OPTIMIZERS.get(name, "other")
    if name == "SGD":
        kind = "momentum" if momentum else "sgd"
    settings: dict[str, float | str | bool | None] = {"momentum": momentum}
    for word in ("beta_1", "beta_2", "epsilon", "weight_decay"):
        value = getattr(optimizer, word, None)
        if isinstance(value, (int, float)):
            settings[word] = value
    clips = (("global_clipnorm", "global_norm"), ("clipnorm", "norm"), ("clipvalue", "value"))
    clip = next(((own, float(getattr(optimizer, theirs))) for theirs, own in clips
                 if getattr(optimizer, theirs, None)), ("", None))
    schedule = getattr(optimizer, "_learning_rate", None)
    return OptimizerInfo(
        kind, float(optimizer.learning_rate), settings,
        type(schedule).__name__ if hasattr(schedule, "get_config") else "", *clip,
    )
