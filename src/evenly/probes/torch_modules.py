"""PyTorch's modules, losses and optimizers in the words of the records."""

from __future__ import annotations

import math
from typing import Any

from ..records import LayerInfo, LossInfo, OptimizerInfo

_KINDS = {
    "Linear": "dense", "LazyLinear": "dense", "Bilinear": "other",
    "Embedding": "embedding", "EmbeddingBag": "embedding",
    "RNN": "rnn", "LSTM": "lstm", "GRU": "gru",
    "LayerNorm": "layer_norm", "GroupNorm": "group_norm", "RMSNorm": "rms_norm",
    "Dropout": "dropout", "Dropout1d": "spatial_dropout", "Dropout2d": "spatial_dropout",
    "Dropout3d": "spatial_dropout", "AlphaDropout": "alpha_dropout",
    "FeatureAlphaDropout": "alpha_dropout",
    "ReLU": "relu", "ReLU6": "relu", "LeakyReLU": "leaky_relu", "RReLU": "leaky_relu",
    "PReLU": "prelu", "ELU": "elu", "CELU": "elu", "SELU": "selu", "GELU": "gelu", "SiLU": "silu",
    "Mish": "mish", "Hardswish": "hard_swish", "Sigmoid": "sigmoid", "Tanh": "tanh",
    "Hardsigmoid": "hard_sigmoid", "Softsign": "softsign", "Softplus": "softplus",
    "Softmax": "softmax", "LogSoftmax": "softmax", "Softmax2d": "softmax",
}
RESHAPING = ("Flatten", "Unflatten", "Identity", "PixelShuffle", "PixelUnshuffle")
# What functions leave in the graph of gradients.
FUNCTIONS = {
    "ReluBackward": "relu", "LeakyReluBackward": "leaky_relu", "EluBackward": "elu",
    "GeluBackward": "gelu", "SiluBackward": "silu", "MishBackward": "mish",
    "HardswishBackward": "hard_swish", "SigmoidBackward": "sigmoid", "TanhBackward": "tanh",
    "HardsigmoidBackward": "hard_sigmoid", "SoftplusBackward": "softplus",
    "SoftmaxBackward": "softmax", "LogSoftmaxBackward": "softmax",
    "NativeDropoutBackward": "dropout", "NativeBatchNormBackward": "batch_norm",
    "NativeLayerNormBackward": "layer_norm", "CatBackward": "concat",
}
# Those of them that keep their result.
WITH_RESULT = ("relu", "sigmoid", "tanh", "softmax", "elu")
_LOSSES = {
    "CrossEntropyLoss": "softmax_cross_entropy", "cross_entropy": "softmax_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy",
    "binary_cross_entropy_with_logits": "binary_cross_entropy",
    "BCELoss": "binary_cross_entropy_of_probabilities",
    "binary_cross_entropy": "binary_cross_entropy_of_probabilities",
    "NLLLoss": "nll", "nll_loss": "nll", "MSELoss": "squared_error", "mse_loss": "squared_error",
    "L1Loss": "absolute_error", "l1_loss": "absolute_error", "SmoothL1Loss": "huber",
    "smooth_l1_loss": "huber", "HuberLoss": "huber", "huber_loss": "huber",
    "PoissonNLLLoss": "poisson", "poisson_nll_loss": "poisson",
}
_OPTIMIZERS = {
    "Adagrad": "adagrad", "RMSprop": "rmsprop", "Adam": "adam", "AdamW": "adamw",
    "Adamax": "adamax", "NAdam": "nadam", "RAdam": "radam",
}


def module_kind(module: Any) -> str:
    """One of the kinds of the records."""
    for kind in type(module).__mro__:  # a subclass is what it is made of
        name = kind.__name__
        if not kind.__module__.startswith("torch."):
            continue
        if name in _KINDS:
            return _KINDS[name]
        if name.startswith(("Conv", "LazyConv")):
            return "conv"
        if "BatchNorm" in name:
            return "batch_norm"
        if name.startswith(("InstanceNorm", "LazyInstanceNorm")):
            return "instance_norm"
        if "Pool" in name:
            return "pool"
    return "other"


def module_info(
    name: str, module: Any, inputs: tuple[str, ...], shape: tuple[int, ...]
) -> LayerInfo:
    """A module as a layer of the records."""
    kind = module_kind(module)
    settings: dict[str, float | str | bool | None] = {}
    for theirs, own in (("eps", "epsilon"), ("negative_slope", "slope"), ("p", "rate"),
                        ("alpha", "alpha"), ("dropout", "dropout"),
                        ("bidirectional", "bidirectional"), ("num_layers", "layers"),
                        ("nonlinearity", "activation")):
        value = getattr(module, theirs, None)
        if isinstance(value, (bool, int, float, str)):
            settings[own] = value
    if kind == "batch_norm":
        momentum = getattr(module, "momentum", None)
        settings["decay"] = 1 - momentum if momentum is not None else None
        settings["frozen"] = not module.training
    if type(module).__name__ == "LogSoftmax":
        settings["log"] = True
    weights = kernels(module)
    fan_in = fan_out = None
    if weights and kind in ("dense", "conv"):
        weight = weights[0][1]
        positions = math.prod(weight.shape[2:])
        fan_in, fan_out = int(weight.shape[1]) * positions, int(weight.shape[0]) * positions
        if getattr(module, "transposed", False):
            fan_in, fan_out = fan_out, fan_in
    elif kind in ("rnn", "lstm", "gru"):
        fan_in, fan_out = int(module.input_size), int(module.hidden_size)
    elif weights and kind == "embedding":
        fan_in, fan_out = (int(size) for size in weights[0][1].shape)
    bias = getattr(module, "bias", None)
    return LayerInfo(name, kind, inputs, shape, fan_in, fan_out,
                     bool(bias) if isinstance(bias, bool) else bias is not None, settings)


def kernels(module: Any) -> list[tuple[str, Any]]:
    """The kernels of a module, (name, parameter) each: its own parameters of two axes or more."""
    return [(name, parameter) for name, parameter in module.named_parameters(recurse=False)
            if parameter.ndim > 1]


def by_unit(module: Any, name: str, kernel: Any) -> Any:
    """A kernel, as an array, as (numbers of a unit, units); None where units read different
    inputs."""
    kind = module_kind(module)
    if kind == "dense":
        return kernel.T
    if kind == "conv" and module.groups == 1:
        if getattr(module, "transposed", False):
            kernel = kernel.swapaxes(0, 1)
        return kernel.reshape(len(kernel), -1).T
    if kind in ("rnn", "lstm", "gru") and name in ("weight_ih_l0", "weight_hh_l0"):
        units = module.hidden_size
        return kernel.reshape(-1, units, kernel.shape[-1]).transpose(0, 2, 1).reshape(-1, units)
    return None


def loss_info(loss: Any) -> LossInfo | None:
    """A loss: a module, or a function of ``torch.nn.functional``."""
    if loss is None:
        return None
    named = [kind.__name__ for kind in type(loss).__mro__]
    if hasattr(loss, "__name__"):
        named.insert(0, loss.__name__)
    kind = next((_LOSSES[name] for name in named if name in _LOSSES), "other")
    if not getattr(loss, "log_input", True):  # the mean itself, and not its logarithm
        kind = "other"
    settings: dict[str, float | str | bool | None] = {}
    for theirs, own in (("label_smoothing", "label_smoothing"), ("reduction", "reduction"),
                        ("delta", "delta"), ("beta", "delta")):
        value = getattr(loss, theirs, None)
        if isinstance(value, (int, float, str)):
            settings[own] = value
    if getattr(loss, "weight", None) is not None or getattr(loss, "pos_weight", None) is not None:
        settings["class_weights"] = True
    return LossInfo(kind, settings)


def optimizer_info(optimizer: Any) -> OptimizerInfo:
    """An optimizer of ``torch.optim``, by its first group of parameters."""
    group = optimizer.param_groups[0]
    named = [kind.__name__ for kind in type(optimizer).__mro__]
    kind = next((_OPTIMIZERS[name] for name in named if name in _OPTIMIZERS), "other")
    momentum = float(group.get("momentum", 0.0) or 0.0)
    if "SGD" in named:
        kind = "momentum" if momentum else "sgd"
    settings: dict[str, float | str | bool | None] = {"momentum": momentum}
    for theirs, own in (("eps", "epsilon"), ("weight_decay", "weight_decay"),
                        ("nesterov", "nesterov"), ("alpha", "beta")):
        if isinstance(group.get(theirs), (bool, int, float)):
            settings[own] = group[theirs]
    if "betas" in group:
        settings["beta_1"], settings["beta_2"] = (float(beta) for beta in group["betas"])
    return OptimizerInfo(kind, float(group["lr"]), settings)
