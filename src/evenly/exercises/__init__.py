"""The catalogue of exercises. A topic is loaded when it is asked for."""

from __future__ import annotations

import difflib
import importlib

from ..errors import ConfigurationError
from .base import Exercise as Exercise
from .base import Topic as Topic

# The modules of topics and the names of those that each declares, in the order of the list.
MODULES = {
    "layers.batch_norm": ("batch-norm",),
    "layers.dropout": ("dropout", "dropout-classic"),
    "layers.normalizations": ("layer-norm", "group-norm", "instance-norm", "rms-norm"),
    "layers.linear": ("linear", "linear-net"),
    "layers.activations": ("relu", "leaky-relu", "prelu", "elu", "selu", "gelu", "gelu-tanh",
        "silu", "mish", "softplus", "softsign", "sigmoid", "tanh", "softmax", "hard-sigmoid",
        "hard-swish"),
    "training.losses": ("softmax-cross-entropy", "binary-cross-entropy", "squared-error",
        "absolute-error", "huber"),
    "training.initialization": ("xavier", "he", "zero-initialization"),
    "layers.weight_norm": ("weight-norm",),
    "layers.depth": ("vanishing-gradients", "exploding-gradients"),
    "layers.windows": ("convolution", "convolution-1d", "max-pooling", "average-pooling",
        "global-average-pooling", "global-max-pooling"),
    "layers.recurrent": ("rnn", "lstm", "gru"),
    "training.penalties": ("l2", "l1", "elastic-net", "weight-decay", "max-norm", "unit-norm"),
    "training.optimizers": ("gradient-descent", "momentum", "nesterov", "adagrad", "rmsprop",
        "adam", "adamw", "adamax", "nadam"),
    "training.adaptive": ("adadelta", "radam", "adam-matrix"),
    "training.clipping": ("gradient-clipping",),
    "training.schedules": ("step-decay", "exponential-decay", "inverse-time-decay", "cosine",
        "cosine-restarts", "warmup", "one-cycle"),
    "training.statistics": ("input-normalization", "robust-scaling", "running-averages"),
    "training.mini_batches": ("mini-batches",),
    "topics.chance": ("dropout-expectation", "batch-statistics", "gradient-spread",
        "averaging-window"),
    "topics.scales": ("tanh-fan-in", "variance-through-layers", "matrix-chains", "large-weights"),
    "topics.data": ("min-max-scaling", "covariate-shift", "scaled-descent"),
    "topics.training": ("choosing-batch", "l2-conventions", "gradient-checking"),
    "topics.networks": ("batch-norm-backward", "equal-weights"),
    "layers.output_sizes": ("output-size",),
    "layers.gates": ("glu", "swiglu"),
    "training.targets": ("mixup", "cutmix", "label-smoothing"),
    "training.watching": ("early-stopping", "plateau"),
    "training.averaging": ("weight-averaging", "lookahead", "snapshots"),
    "training.orthogonal": ("orthogonal", "lsuv"),
    "layers.members": ("batch-ensemble",),
    "layers.fronts": ("scale", "parametric", "piecewise-linear", "periodic"),
}
CATALOGUE = {name: module for module, names in MODULES.items() for name in names}


def topic(name: str) -> Topic:
    """The topic of this name.

    Raises:
        ConfigurationError: there is none; the message names the nearest.
    """
    if not isinstance(name, str):
        raise ConfigurationError(f"exercise: expects the name of one, such as 'relu', got {name!r}")
    if name not in CATALOGUE:
        near = difflib.get_close_matches(name, CATALOGUE, 3, 0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(CATALOGUE)}"
        raise ConfigurationError(f"no exercise is called '{name}': {hint}")
    found: Topic = importlib.import_module(f".{CATALOGUE[name]}", __name__).TOPICS[name]
    return found


def exercise(name: str, seed: int = 0, level: int = 1, inputs: dict[str, object] | None = None,
             convention: str = "", **sizes: int) -> Exercise:
    """An exercise: a topic with numbers put in.

    Arguments:
        name: of the topic, ``"batch-norm"``; ``evenly exercise --list`` names them all.
        seed, level, inputs, convention, sizes: as for :meth:`Topic.exercise`.

    Returns:
        An :class:`Exercise`: its sheet, its steps, its right answers.

    Raises:
        ConfigurationError, DataError: what there is not, what does not fit.

    Example:
        >>> sheet = exercise("batch-norm", seed=7)
        >>> sheet.asked["batch_norm_1.mean"].value.shape
        (1, 3)
    """
    return topic(name).exercise(seed, level, inputs, convention, **sizes)
