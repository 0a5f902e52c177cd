"""A compiled program, its loss and its optimizer in the words of the records."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

from ..clipping import Clip, ClipGlobalNorm, ClipNorm, ClipValue
from ..layers import (
    BatchNorm,
    DropConnect,
    Layer,
    WeightNorm,
)
from ..layers.containers import Container, Joined
from ..layers.conv import Convolution
from ..losses import (
    AsymmetricCrossEntropy,
    BinaryCrossEntropy,
    BinaryFocalCrossEntropy,
    FocalCrossEntropy,
    Gamma,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Quantile,
    SoftmaxCrossEntropy,
)
from ..optimizers import (
    SGD,
    Adagrad,
    Adam,
    AdaMax,
    AdamW,
    Momentum,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
)
from ..penalties import L1, L2, ElasticNet, Penalty
from ..program import Program
from ..program.graph import INPUT_VALUE, trace
from ..records import LayerInfo, LossInfo, NetworkInfo, OptimizerInfo
from ..records.network import DATA, KINDS

_LOSSES = (
    (SoftmaxCrossEntropy, "softmax_cross_entropy"), (BinaryCrossEntropy, "binary_cross_entropy"),
    (MeanSquaredError, "squared_error"), (MeanAbsoluteError, "absolute_error"), (Huber, "huber"),
    (Poisson, "poisson"), (Gamma, "gamma"), (FocalCrossEntropy, "focal_cross_entropy"),
    (BinaryFocalCrossEntropy, "binary_focal_cross_entropy"),
    (AsymmetricCrossEntropy, "binary_focal_cross_entropy"),
)
# AdamW before Adam, whose kind it is.
_OPTIMIZERS = (
    (SGD, "sgd"), (Momentum, "momentum"), (Adagrad, "adagrad"), (RMSprop, "rmsprop"),
    (AdamW, "adamw"), (Adam, "adam"), (AdaMax, "adamax"), (NAdam, "nadam"), (RAdam, "radam"),
)
_CLIPS = ((ClipGlobalNorm, "global_norm"), (ClipNorm, "norm"), (ClipValue, "value"))
_PENALTIES = ((ElasticNet, "elastic"), (L1, "l1"), (L2, "l2"))
_INITIALIZERS = {"kernel_init": "initializer", "input_init": "initializer",
                 "table_init": "initializer"}
# Arrays that are kernels, where a layer has several that decay.
_MAIN = ("kernel", "direction", "input_kernel", "table")


def network_info(program: Program) -> NetworkInfo:
    """The layers of a program, by the names that its arrays have."""
    steps, output = trace(program.net, program.input_shape)
    layers: list[LayerInfo] = []
    known = {INPUT_VALUE: DATA}  # the name behind each value
    for step in steps:
        inputs = tuple(known[value] for value in step.inputs)
        if step.layer.reshapes:
            known[step.output] = inputs[0]
            continue
        name = own_name(step.name)
        known[step.output] = name
        layers.append(_layer_info(name, step.layer, inputs, step.before, step.after))
    return NetworkInfo(tuple(layers), program.input_shape, program.parameters, (known[output],))


def own_name(name: str) -> str:
    """A layer's name in the records, where the data has a name of its own."""
    return f"{name} (layer)" if name == DATA else name


def layer_kind(layer: Layer) -> str:
    """One of the kinds of the records."""
    if isinstance(layer, Joined):
        return "concat" if layer.join == "concatenate" else "add"
    if isinstance(layer, (WeightNorm, DropConnect)):
        return layer_kind(layer.layer)
    if isinstance(layer, Convolution):
        return "conv"
    if not type(layer).__module__.startswith("evenly."):
        return "other"
    name = layer.type_name
    if "pool" in name:
        return "pool"
    return name if name in KINDS else "other"


def _layer_info(
    name: str, layer: Layer, inputs: tuple[str, ...], before: Any, after: Any
) -> LayerInfo:
    arrays = {} if isinstance(layer, Container) else layer.arrays(before)
    kernel = next((arrays[slot] for slot in _MAIN if slot in arrays), None)
    bias = "bias" in arrays or (isinstance(layer, BatchNorm) and layer.center)
    settings = _settings(layer)
    if isinstance(layer, (WeightNorm, DropConnect)):
        settings = {**_settings(layer.layer), **settings}
        settings["weight_norm" if isinstance(layer, WeightNorm) else "drop_connect"] = (
            layer.rate if isinstance(layer, DropConnect) else True
        )
        settings.pop("rate", None)
    fan_in, fan_out = kernel.fan if kernel is not None else (None, None)
    return LayerInfo(name, layer_kind(layer), inputs, tuple(after), fan_in, fan_out, bias, settings)


def _settings(layer: Layer) -> dict[str, float | str | bool | None]:
    told: dict[str, float | str | bool | None] = {}
    if not is_dataclass(layer):
        return told
    for entry in fields(layer):
        value = getattr(layer, entry.name)
        if entry.name in ("name", "units", "filters", "bias"):
            continue
        if entry.name in _INITIALIZERS:
            told[_INITIALIZERS[entry.name]] = type(value).__name__
        elif isinstance(value, (bool, int, float, str)):
            told[entry.name] = value
    return told


def loss_info(loss: Loss) -> LossInfo:
    """A loss of Evenly's."""
    kind = next((kind for own, kind in _LOSSES if isinstance(loss, own)), "other")
    settings: dict[str, float | str | bool | None] = {"mean_over": loss.mean_over}
    for name in ("label_smoothing", "reduction", "delta", "gamma", "gamma_pos", "gamma_neg",
                 "margin"):
        if hasattr(loss, name):
            settings[name] = getattr(loss, name)
    if isinstance(loss, Quantile):
        kind = "quantile" if loss.in_target_units else "quantiles"
        settings["levels"] = " ".join(map(str, loss.several))
    if hasattr(loss, "class_weights"):
        settings["class_weights"] = loss.class_weights is not None
    return LossInfo(kind, settings)


def optimizer_info(
    optimizer: Optimizer, schedule: Any = None, clip: Clip | None = None,
    penalty: Penalty | None = None,
) -> OptimizerInfo:
    """An optimizer of Evenly's and what surrounds it."""
    kind = next((kind for own, kind in _OPTIMIZERS if isinstance(optimizer, own)), "other")
    settings = {
        entry.name: value for entry in fields(optimizer)
        if isinstance(value := getattr(optimizer, entry.name), (bool, int, float))
        and entry.name != "learning_rate"
    }
    if kind == "momentum":
        settings["momentum"] = settings.pop("beta")
    return OptimizerInfo(
        kind, float(optimizer.learning_rate), settings,
        type(schedule).__name__ if schedule is not None else "",
        next((kind for own, kind in _CLIPS if isinstance(clip, own)), ""),
        _number(clip, "max_norm", "limit"),
        next((kind for own, kind in _PENALTIES if isinstance(penalty, own)), ""),
        penalty.l1 + penalty.l2 if isinstance(penalty, ElasticNet) else
        _number(penalty, "strength"),
    )


def _number(value: Any, *names: str) -> float | None:
    return next((float(getattr(value, name)) for name in names if hasattr(value, name)), None)


def rows_of_batch_norm(program: Program) -> dict[str, int]:
    """How many numbers the statistics of each batch normalization are taken over."""
    steps, _ = trace(program.net, program.input_shape)
    return {
        own_name(step.name): program.batch * math.prod(step.before[:-1]) for step in steps
        if isinstance(step.layer, BatchNorm) and not step.layer.frozen
    }
