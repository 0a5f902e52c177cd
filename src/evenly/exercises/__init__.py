"""The catalogue of exercises: a row for each topic. A topic is loaded when it is asked for."""

from __future__ import annotations

import difflib
import importlib

from ..errors import ConfigurationError
from .base import Exercise as Exercise
from .base import Topic as Topic

# Name of the topic: where it is declared.
CATALOGUE = {
    "batch-norm": "batch_norm:TOPIC",
    "dropout": "dropout:INVERTED",
    "dropout-classic": "dropout:CLASSIC",
    "layer-norm": "normalizations:LAYER",
    "group-norm": "normalizations:GROUP",
    "instance-norm": "normalizations:INSTANCE",
    "rms-norm": "normalizations:RMS",
    "linear": "linear:LAYER",
    "linear-net": "linear:NET",
    "relu": "activations:RELU_TOPIC",
    "leaky-relu": "activations:LEAKY_RELU_TOPIC",
    "prelu": "activations:PRELU_TOPIC",
    "elu": "activations:ELU_TOPIC",
    "selu": "activations:SELU_TOPIC",
    "gelu": "activations:GELU_TOPIC",
    "gelu-tanh": "activations:GELU_TANH_TOPIC",
    "silu": "activations:SILU_TOPIC",
    "mish": "activations:MISH_TOPIC",
    "softplus": "activations:SOFTPLUS_TOPIC",
    "softsign": "activations:SOFTSIGN_TOPIC",
    "sigmoid": "activations:SIGMOID_TOPIC",
    "tanh": "activations:TANH_TOPIC",
    "softmax": "activations:SOFTMAX_TOPIC",
    "hard-sigmoid": "activations:HARD_SIGMOID_TOPIC",
    "hard-swish": "activations:HARD_SWISH_TOPIC",
    "softmax-cross-entropy": "losses:CLASSES",
    "binary-cross-entropy": "losses:BINARY",
    "squared-error": "losses:SQUARED",
    "absolute-error": "losses:ABSOLUTE",
    "huber": "losses:HUBER",
    "xavier": "initialization:XAVIER",
    "he": "initialization:HE",
    "zero-initialization": "initialization:ZEROS",
    "weight-norm": "weight_norm:TOPIC",
    "vanishing-gradients": "depth:VANISHING",
    "exploding-gradients": "depth:EXPLODING",
    "convolution": "windows:CONVOLUTION",
    "convolution-1d": "windows:CONVOLUTION_1D",
    "max-pooling": "windows:MAX_POOLING",
    "average-pooling": "windows:AVERAGE_POOLING",
    "rnn": "recurrent:RNN_TOPIC",
    "lstm": "recurrent:LSTM_TOPIC",
    "gru": "recurrent:GRU_TOPIC",
    "l2": "penalties:L2_TOPIC",
    "l1": "penalties:L1_TOPIC",
    "elastic-net": "penalties:ELASTIC_NET",
    "weight-decay": "penalties:WEIGHT_DECAY",
    "max-norm": "penalties:MAX_NORM",
    "unit-norm": "penalties:UNIT_NORM",
    "gradient-descent": "optimizers:GRADIENT_DESCENT",
    "momentum": "optimizers:MOMENTUM",
    "nesterov": "optimizers:NESTEROV",
    "adagrad": "optimizers:ADAGRAD",
    "rmsprop": "optimizers:RMSPROP",
    "adam": "optimizers:ADAM",
    "adamw": "optimizers:ADAMW",
    "adamax": "optimizers:ADAMAX",
    "nadam": "optimizers:NADAM",
    "gradient-clipping": "clipping:TOPIC",
    "step-decay": "schedules:STEP_DECAY",
    "exponential-decay": "schedules:EXPONENTIAL_DECAY",
    "inverse-time-decay": "schedules:INVERSE_TIME_DECAY",
    "cosine": "schedules:COSINE",
    "cosine-restarts": "schedules:COSINE_RESTARTS",
    "warmup": "schedules:WARMUP",
    "input-normalization": "statistics:INPUT_NORMALIZATION",
    "robust-scaling": "statistics:ROBUST_SCALING",
    "running-averages": "statistics:RUNNING_AVERAGES",
    "mini-batches": "mini_batches:TOPIC",
}


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
    module, _, attribute = CATALOGUE[name].partition(":")
    found = getattr(importlib.import_module(f".{module}", __name__), attribute)
    assert isinstance(found, Topic)
    return found


def exercise(name: str, seed: int = 0, level: int = 1, inputs: dict[str, object] | None = None,
             **sizes: int) -> Exercise:
    """An exercise: a topic with numbers put in.

    Arguments:
        name: of the topic, ``"batch-norm"``; ``evenly exercise --list`` names them all.
        seed, level, inputs, sizes: as for :meth:`Topic.exercise`.

    Returns:
        An :class:`Exercise`: its sheet, its steps, its right answers.

    Raises:
        ConfigurationError, DataError: what there is not, what does not fit.

    Example:
        >>> sheet = exercise("batch-norm", seed=7)
        >>> sheet.asked["batch_norm_1.mean"].value.shape
        (1, 3)
    """
    return topic(name).exercise(seed, level, inputs, **sizes)
