"""Plain arguments as an evenly network. A new name is one row."""

from __future__ import annotations

import numbers
import operator
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ConfigurationError
from ..initializers import (
    HeNormal,
    HeUniform,
    Initializer,
    LeCunNormal,
    LeCunUniform,
    Orthogonal,
    XavierNormal,
    XavierUniform,
)
from ..layers import (
    ELU,
    GELU,
    SELU,
    BatchEnsemble,
    BatchNorm,
    Dense,
    Dropout,
    GroupNorm,
    HardSigmoid,
    HardSwish,
    Layer,
    LayerNorm,
    LeakyReLU,
    MemberDense,
    MemberMean,
    Members,
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

Make = Callable[[], Any]

# No formulas: the kernels are scaled by the training rows (evenly.lsuv, evenly.unit_columns).
LSUV, UNIT_COLUMNS = "lsuv", "unit_columns"

ACTIVATIONS: dict[str, Make] = {
    "relu": ReLU, "leaky_relu": LeakyReLU, "prelu": PReLU, "elu": ELU, "selu": SELU, "gelu": GELU,
    "silu": SiLU, "mish": Mish, "tanh": Tanh, "sigmoid": Sigmoid, "softplus": Softplus,
    "softsign": Softsign, "hard_sigmoid": HardSigmoid, "hard_swish": HardSwish,
}
INITIALIZERS: dict[str, Make] = {
    "he": HeNormal, "he_uniform": HeUniform, "xavier": XavierNormal,
    "xavier_uniform": XavierUniform, "lecun": LeCunNormal, "lecun_uniform": LeCunUniform,
    "orthogonal": Orthogonal, LSUV: Orthogonal, UNIT_COLUMNS: HeNormal,
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


def hidden_widths(hidden: Any) -> tuple[int, ...]:
    """The widths of the hidden layers; none at all makes a linear model."""
    several = hidden if isinstance(hidden, (tuple, list)) else (hidden,)
    try:
        widths = tuple(operator.index(width) for width in several)
    except TypeError:
        widths = (0,)
    if isinstance(hidden, bool) or not all(width >= 1 for width in widths):
        raise wrong("hidden", "a whole number >= 1, or a tuple of such", hidden)
    return widths


def network(
    *, hidden: Any, activation: Any, norm: Any, dropout: Any, init: Any, outputs: int,
    members: int = 0, first: str = "signs", mean: Mapping[str, Any] | None = None,
) -> Sequential:
    """Dense, normalization, activation and dropout for each hidden layer, and a dense layer for
    the outputs; or the same for several members that share their kernels.

    Arguments:
        hidden, activation, norm, dropout, init: as of the estimators.
        outputs: how many.
        members: within the network; 0: it is one itself.
        first: of members, the first factors of the inputs.
        mean: of members, the arguments of MemberMean.
    """
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
        linear: Layer = (
            BatchEnsemble(width, scale_inputs=bool(layers), kernel_init=kernel) if members
            else Dense(width, bias=not centered, kernel_init=kernel)
        )
        layers += [linear, *norm_layers, *_activation(own_activation), *_dropout(own_dropout)]
    # The output layer has no rectifier behind it, so "he" would make it too large.
    last = XavierNormal() if isinstance(init, str) else kernel
    if members:
        return Sequential([Members(members, first), *layers,
                           MemberDense(outputs, kernel_init=last), MemberMean(**(mean or {}))])
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
    return [named("activation", value, ACTIVATIONS, Layer, "a layer, or None")]


def _norm(value: Any, width: int) -> list[Layer]:
    if value is None:
        return []
    if isinstance(value, str) and value in NORMS:
        return [NORMS[value](width)]
    return [named("norm", value, dict.fromkeys(NORMS, BatchNorm), Layer, "a layer, or None")]


def _dropout(value: Any) -> list[Layer]:
    if isinstance(value, Layer):
        return [value]
    if value is None or (is_number(value) and value == 0):
        return []
    if not is_number(value) or not 0 <= value < 1:
        raise wrong("dropout", "a rate at least 0 and below 1, a layer, or None", value)
    return [Dropout(float(value))]


def _initializer(value: Any) -> Initializer:
    if not isinstance(value, str) and hasattr(value, "sample") and not isinstance(value, type):
        return value  # type: ignore[no-any-return]
    return named("init", value, INITIALIZERS, (), "an initializer")  # type: ignore[no-any-return]


def is_number(value: Any) -> bool:
    """Whether it is a number, and no truth value."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def named(what: str, value: Any, table: Mapping[str, Make], kind: Any, else_: str) -> Any:
    """A value of its kind, or what a name stands for."""
    if kind and isinstance(value, kind):
        return value
    if isinstance(value, str) and value in table:
        return table[value]()
    names = ", ".join(repr(name) for name in table)
    hint = "; call it" if isinstance(value, type) else ""
    raise wrong(what, f"one of {names}, or {else_}", value, hint)


def wrong(what: str, rule: str, came: Any, hint: str = "") -> ConfigurationError:
    """The error of a setting that cannot be."""
    return ConfigurationError(f"{what} must be {rule}, got {came!r}{hint}")
