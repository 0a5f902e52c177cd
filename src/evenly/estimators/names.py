"""Plain arguments as an evenly network, optimizer and settings. A new name is one row."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..clipping import ClipGlobalNorm
from ..errors import ConfigurationError
from ..initializers import (
    HeNormal,
    HeUniform,
    Initializer,
    Orthogonal,
    XavierNormal,
    XavierUniform,
)
from ..layers import (
    ELU,
    GELU,
    SELU,
    BatchNorm,
    Dense,
    Dropout,
    GroupNorm,
    HardSigmoid,
    HardSwish,
    Layer,
    LayerNorm,
    LeakyReLU,
    Mish,
    PReLU,
    ReLU,
    RMSNorm,
    Sequential,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
)
from ..optimizers import SGD, Adam, AdamW, Momentum, Optimizer, RMSprop
from ..penalties import L2

Make = Callable[[], Any]

ACTIVATIONS: dict[str, Make] = {
    "relu": ReLU, "leaky_relu": LeakyReLU, "prelu": PReLU, "elu": ELU, "selu": SELU, "gelu": GELU,
    "silu": SiLU, "mish": Mish, "tanh": Tanh, "sigmoid": Sigmoid, "softplus": Softplus,
    "softsign": Softsign, "hard_sigmoid": HardSigmoid, "hard_swish": HardSwish,
}
INITIALIZERS: dict[str, Make] = {
    "he": HeNormal, "he_uniform": HeUniform, "xavier": XavierNormal,
    "xavier_uniform": XavierUniform, "orthogonal": Orthogonal,
}
OPTIMIZERS: dict[str, Make] = {
    "sgd": SGD, "momentum": Momentum, "nesterov": lambda: Momentum(nesterov=True),
    "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW,
}
# A normalization from the width of the layer that it normalizes.
NORMS: dict[str, Callable[[int], Layer]] = {
    "batch": lambda width: BatchNorm(),
    "layer": lambda width: LayerNorm(),
    "rms": lambda width: RMSNorm(),
    # The most groups, at most 8, that divide the width and hold two values each.
    "group": lambda width: GroupNorm(
        groups=max(n for n in range(1, 9) if width % n == 0 and (n == 1 or width // n > 1))
    ),
}
DEFAULT_RATE = 2e-3


def hidden_widths(hidden: Any) -> tuple[int, ...]:
    """The widths of the hidden layers; none at all makes a linear model."""
    several = hidden if isinstance(hidden, (tuple, list)) else (hidden,)
    try:
        widths = tuple(operator.index(width) for width in several)
    except TypeError:
        widths = (0,)
    if isinstance(hidden, bool) or not all(width >= 1 for width in widths):
        raise _wrong("hidden", "a whole number >= 1, or a tuple of such", hidden)
    return widths


def network(
    *, hidden: Any, activation: Any, norm: Any, dropout: Any, init: Any, outputs: int
) -> Sequential:
    """Dense, normalization, activation and dropout for each hidden layer, and a dense layer for
    the outputs."""
    widths = hidden_widths(hidden)
    layers: list[Layer] = []
    per_layer = zip(
        widths, _each("activation", activation, len(widths)), _each("norm", norm, len(widths)),
        _each("dropout", dropout, len(widths)), strict=True,
    )
    kernel = _initializer(init)
    for width, own_activation, own_norm, own_dropout in per_layer:
        norm_layers = _norm(own_norm, width)
        # A bias in front of a batch normalization has no effect.
        centered = bool(norm_layers) and norm_layers[0].subtracts_mean
        layers += [
            Dense(width, bias=not centered, kernel_init=kernel), *norm_layers,
            *_activation(own_activation), *_dropout(own_dropout),
        ]
    # The output layer has no rectifier behind it, so "he" would make it too large.
    last = XavierNormal() if isinstance(init, str) else kernel
    return Sequential([*layers, Dense(outputs, kernel_init=last)])


def _each(what: str, value: Any, layers: int) -> tuple[Any, ...]:
    """One value a hidden layer."""
    if not isinstance(value, (tuple, list)):
        return (value,) * layers
    if len(value) != layers:
        raise ConfigurationError(
            f"{what}: expects one value, or one for each of the {layers} hidden layers, got "
            f"{len(value)}"
        )
    return tuple(value)


def _activation(value: Any) -> list[Layer]:
    if value is None or (isinstance(value, str) and value == "identity"):
        return []
    return [_named("activation", value, ACTIVATIONS, Layer, "a layer, or None")]


def _norm(value: Any, width: int) -> list[Layer]:
    if value is None:
        return []
    if isinstance(value, str) and value in NORMS:
        return [NORMS[value](width)]
    return [_named("norm", value, dict.fromkeys(NORMS, BatchNorm), Layer, "a layer, or None")]


def _dropout(value: Any) -> list[Layer]:
    if isinstance(value, Layer):
        return [value]
    if value is None or (_is_number(value) and value == 0):
        return []
    if not _is_number(value) or not 0 <= value < 1:
        raise _wrong("dropout", "a rate at least 0 and below 1, a layer, or None", value)
    return [Dropout(float(value))]


def _initializer(value: Any) -> Initializer:
    if not isinstance(value, str) and hasattr(value, "sample") and not isinstance(value, type):
        return value  # type: ignore[no-any-return]
    return _named("init", value, INITIALIZERS, (), "an initializer")  # type: ignore[no-any-return]


def optimizer_of(value: Any, learning_rate: Any) -> Optimizer:
    """The optimizer: AdamW by default, with its learning rate where one is given."""
    if learning_rate is not None and (not _is_number(learning_rate) or not learning_rate > 0):
        raise _wrong("learning_rate", "a number > 0, or None", learning_rate)
    if value is None:
        rate = DEFAULT_RATE if learning_rate is None else float(learning_rate)
        return AdamW(rate)
    made = _named("optimizer", value, OPTIMIZERS, Optimizer, "an optimizer, or None")
    if learning_rate is not None:
        made = replace(made, learning_rate=float(learning_rate))
    return made  # type: ignore[no-any-return]


def penalty_of(l2: Any, penalty: Any) -> Any:
    """The penalty from either argument; both at once cannot be meant."""
    if not _is_number(l2) or not 0 <= l2 < math.inf:
        raise _wrong("l2", "a number >= 0", l2)
    if l2 and penalty is not None:
        raise ConfigurationError(f"l2={l2} and penalty={penalty}: give one of them")
    return L2(float(l2)) if l2 else penalty


def clip_of(clip: Any) -> Any:
    """A number as the largest norm of all gradients together."""
    if _is_number(clip):
        if not clip > 0:
            raise _wrong("clip", "a number > 0, a clipping value, or None", clip)
        return ClipGlobalNorm(float(clip))
    return clip


def whole(what: str, value: Any, least: int, words: str = "") -> int:
    """A setting as a whole number."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least:
        raise _wrong(what, f"a whole number >= {least}{words}", value)
    return number


def share(what: str, value: Any) -> float:
    """A setting as a share of the rows."""
    if not _is_number(value) or not 0 < value < 1:
        raise _wrong(what, "a share between 0 and 1", value)
    return float(value)


def element_type(dtype: Any) -> str:
    """The element type of the training."""
    if dtype not in ("float32", "float64"):
        raise _wrong("dtype", "'float32' or 'float64'", dtype)
    return str(dtype)


def batch_rows(batch: Any, rows: int) -> int:
    """Rows a step: by default a twentieth of the table, between 16 and 256."""
    if isinstance(batch, str) and batch == "auto":
        return min(rows, max(16, min(256, 1 << (max(1, rows // 20) - 1).bit_length())))
    if batch is None:
        return rows
    return min(rows, whole("batch", batch, 1, ', "auto", or None for all rows'))


def most_epochs(value: Any, stops: bool) -> int:
    """Passes over the rows: by default 300 where early stopping ends training, 130 where nothing
    does (on small tables twice as many fit no better, and make it far too sure)."""
    if isinstance(value, str) and value == "auto":
        return 300 if stops else 130
    return whole("max_epochs", value, 1, ', or "auto"')


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _named(what: str, value: Any, table: Mapping[str, Make], kind: Any, else_: str) -> Any:
    if kind and isinstance(value, kind):
        return value
    if isinstance(value, str) and value in table:
        return table[value]()
    names = ", ".join(repr(name) for name in table)
    hint = "; call it" if isinstance(value, type) else ""
    raise _wrong(what, f"one of {names}, or {else_}", value, hint)


def _wrong(what: str, rule: str, came: Any, hint: str = "") -> ConfigurationError:
    return ConfigurationError(f"{what} must be {rule}, got {came!r}{hint}")
