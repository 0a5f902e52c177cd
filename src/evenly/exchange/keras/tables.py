"""What is called otherwise in Keras, for both directions."""

from __future__ import annotations

from typing import Any

from ... import layers as ours
from ...errors import ConfigurationError
from ...layers.base import Layer

# Keras's activation functions by name.
FUNCTIONS: dict[str, Layer] = {
    "relu": ours.ReLU(), "leaky_relu": ours.LeakyReLU(0.2), "elu": ours.ELU(), "selu": ours.SELU(),
    "gelu": ours.GELU(), "silu": ours.SiLU(), "mish": ours.Mish(), "softplus": ours.Softplus(),
    "softsign": ours.Softsign(), "sigmoid": ours.Sigmoid(), "tanh": ours.Tanh(),
    "hard_sigmoid": ours.HardSigmoid(), "hard_silu": ours.HardSwish(), "softmax": ours.Softmax(),
}
# Layers without arrays: ours by Keras's name, and how its settings are called there and with us.
PLAIN: dict[str, tuple[type[Layer], dict[str, str]]] = {
    "LeakyReLU": (ours.LeakyReLU, {"negative_slope": "slope"}),
    "ELU": (ours.ELU, {"alpha": "alpha"}),
    "Dropout": (ours.Dropout, {"rate": "rate"}),
    "AlphaDropout": (ours.AlphaDropout, {"rate": "rate"}),
    "GaussianDropout": (ours.GaussianDropout, {"rate": "rate"}),
    "GaussianNoise": (ours.GaussianNoise, {"stddev": "deviation"}),
    "GlobalAveragePooling1D": (ours.GlobalAveragePool, {}),
    "GlobalMaxPooling1D": (ours.GlobalMaxPool, {}),
}
RECURRENT = {"SimpleRNN": ours.RNN, "LSTM": ours.LSTM, "GRU": ours.GRU}
# Our arrays by Keras's attributes; those of a recurrent layer are its cell's.
AFFINE = {"gamma": "gamma", "beta": "beta"}
ARRAYS: dict[type[Layer], dict[str, str]] = {
    ours.BatchNorm: {**AFFINE, "moving_mean": "running_mean",
                     "moving_variance": "running_variance"},
    ours.LayerNorm: AFFINE, ours.GroupNorm: AFFINE, ours.InstanceNorm: AFFINE,
    ours.RMSNorm: {"scale": "gamma"},
}
# Keras's GRU has its gates in the order z, r, n, ours in r, z, n: the same swap both ways.
SWAPPED = (1, 0, 2)


def keras_module(function: str) -> Any:
    """Keras, or the error that says what is missing."""
    try:
        import keras
    except ImportError as error:
        raise ConfigurationError(
            f"{function} needs Keras 3 and one of its backends ({error}): pip install keras jax, "
            "and set KERAS_BACKEND=jax"
        ) from None
    return keras
