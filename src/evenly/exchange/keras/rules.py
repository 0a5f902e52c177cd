"""How each Keras layer becomes layers of ours: a function for each kind, and their table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ... import layers as ours
from ...errors import ConfigurationError
from ...layers.base import Layer
from ..layout import FIRST, LAST, Layout
from ..made import Made, rate, refuse, require
from .tables import AFFINE, ARRAYS, FUNCTIONS, PLAIN


@dataclass
class Place(Layout):
    """A place in a Keras model.

    Attributes:
        flipped: whether Keras has the steps of a sequence in the other order here.
        masked: whether a mask says which steps count.
        stale: whether the steps that do not count hold other numbers than with us.
        lengths: whether lengths of sequences will stand for masks.
        name: of the layer that is read.
        where: it stands, for messages.
    """

    flipped: bool = False
    masked: bool = False
    stale: bool = False
    lengths: bool = False
    name: str | None = None
    where: str = ""

    @property
    def state(self) -> tuple[Any, ...]:
        """What branches that are joined must have alike."""
        return (self.torch if len(self.shape) > 1 else LAST, self.order is None, self.flipped,
                self.masked, self.stale, self.padding)


def array(tensor: Any) -> Any:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(tensor)).astype(np.float64)


def arrays(layer: Any, **names: str) -> dict[str, Any]:
    """A layer's arrays by our slots, as far as it has them; names: our name by Keras's."""
    found = {f".{own}": getattr(layer, theirs, None) for theirs, own in names.items()}
    return {slot: array(value) for slot, value in found.items() if value is not None}


def positions(axes: Any, place: Place) -> list[int]:
    """Keras's axes, which count the batch, as ours, which do not."""
    rank = len(place.shape) + 1
    numbers = [axis % rank for axis in (axes if isinstance(axes, (list, tuple)) else [axes])]
    if not place.first:
        return [n - 1 for n in numbers]
    return [rank - 2 if n == 1 else n - 2 for n in numbers]


def expect_channels(axis: Any, place: Place) -> None:
    """Raises ConfigurationError unless an axis is the channels'."""
    if positions(axis, place) != [len(place.shape) - 1]:
        refuse(place.where, "axis", axis, "only the channels' axis can")


def expect_format(layer: Any, place: Place) -> None:
    """Raises ConfigurationError where a layer reads other axes as channels than those before."""
    theirs = FIRST if layer.data_format == "channels_first" else LAST
    if theirs != place.torch:
        raise ConfigurationError(
            f"{place.where}: data_format={layer.data_format!r}, but here Keras has the "
            f"{place.torch}: put Permute in front of it, or give from_keras channels_first"
        )


def expect_last(place: Place) -> None:
    if place.first:
        raise ConfigurationError(f"{place.where}: works on Keras's last axis, which is not the "
                                 "channels here: put Permute or Flatten in front of it")


# Activations --------------------------------------------------------------------------------------


def activation_of(function: Any, place: Place) -> Made:
    """The layer of an activation function, or of a layer that is used as one."""
    import keras

    if function is None or function is keras.activations.linear:
        return []
    if isinstance(function, keras.layers.Layer) and type(function).__name__ in ACTIVATIONS:
        return ACTIVATIONS[type(function).__name__](function, replace(place, name=None))
    name = getattr(function, "__name__", "")
    if name not in FUNCTIONS or getattr(keras.activations, name) is not function:
        raise ConfigurationError(
            f"{place.where}: its activation {name or function!r} cannot be converted; those that "
            f"can are {', '.join(sorted(FUNCTIONS))}"
        )
    if name == "softmax":
        expect_last(place)
        if place.order is not None:
            raise ConfigurationError(f"{place.where}: softmax of flattened features cannot be "
                                     "converted here")
    return [(FUNCTIONS[name], {})]


def _named(made: Made, place: Place) -> Made:
    return [(replace(layer, name=place.name), own) for layer, own in made]  # type: ignore[type-var]


def _activation(layer: Any, place: Place) -> Made:
    return _named(activation_of(layer.activation, place), place)


def _relu(layer: Any, place: Place) -> Made:
    require(place.where, layer, max_value=None, threshold=0)
    slope = float(layer.negative_slope or 0)
    return [(ours.LeakyReLU(slope, place.name) if slope else ours.ReLU(place.name), {})]


def _softmax(layer: Any, place: Place) -> Made:
    expect_channels(layer.axis, place)
    return [(ours.Softmax(place.name), {})]


def _prelu(layer: Any, place: Place) -> Made:
    slope = array(layer.alpha)
    slope = np.moveaxis(slope, 0, -1) if place.first else slope
    if slope.size != slope.shape[-1]:
        refuse(place.where, "shared_axes", layer.shared_axes,
               "only slopes that all positions share can")
    slope = slope.reshape(-1)
    shared = len(slope) == 1
    return [(ours.PReLU(shared=shared, name=place.name),
             {".slope": slope if shared else place.to_ours(slope)})]


# Noise, shapes ------------------------------------------------------------------------------------


def _plain(layer: Any, place: Place) -> Made:
    kind, names = PLAIN[type(layer).__name__]
    settings = {own: getattr(layer, theirs) for theirs, own in names.items()}
    if "rate" in settings:
        rate(place.where, settings["rate"], "rate")
    return [(kind(**settings, name=place.name), {})]  # type: ignore[call-arg]


def _dropout(layer: Any, place: Place) -> Made:
    shape = layer.noise_shape
    if shape is None:
        return _plain(layer, place)
    expect_last(place)
    rate(place.where, layer.rate, "rate")
    if type(layer).__name__ == "Dropout" and all(n == 1 for n in shape[1:-1]) and shape[0] is None:
        if shape[-1] in (None, place.shape[-1]):
            return [(ours.SpatialDropout(layer.rate, place.name), {})]
        if shape[-1] == 1:
            return [(ours.StochasticDepth(layer.rate, place.name), {})]
    refuse(place.where, "noise_shape", shape, "only that of whole channels or examples can")


def _spatial(layer: Any, place: Place) -> Made:
    if hasattr(layer, "data_format"):
        expect_format(layer, place)
    else:
        expect_last(place)
    return [(ours.SpatialDropout(rate(place.where, layer.rate, "rate"), place.name), {})]


def _flatten(layer: Any, place: Place) -> Made:
    shape = place.shape
    if len(shape) > 1 and layer.data_format == "channels_first":
        expect_format(layer, place)
        place.torch = LAST  # Keras itself puts the channels last
    place.flatten()
    place.shape = shape  # the caller applies the layer itself
    return [(ours.Flatten(place.name), {})]


def _reshape(layer: Any, place: Place) -> Made:
    expect_last(place)
    if place.order is not None:
        refuse(place.where, "target_shape", layer.target_shape,
               "the same numbers stand in another order with us")
    place.torch = LAST
    return [(ours.Reshape(tuple(-1 if n is None else n for n in layer.target_shape), place.name),
             {})]


def _permute(layer: Any, place: Place) -> Made:
    axes = tuple(range(1, len(place.shape) + 1))
    turned = {FIRST: ((*axes[1:], 1), LAST), LAST: ((axes[-1], *axes[:-1]), FIRST)}
    dims, then = turned[place.torch]
    if layer.dims == dims:
        place.torch = then
    elif layer.dims != axes:
        refuse(place.where, "dims", layer.dims, f"with {place.torch} only {dims} can, which leaves "
               "our axes where they are")
    return []


def _embedding(layer: Any, place: Place) -> Made:
    place.torch, place.masked = LAST, layer.mask_zero
    return [(ours.Embedding(layer.input_dim, layer.output_dim, name=place.name),
             {".table": array(layer.embeddings)})]


def _masking(layer: Any, place: Place) -> Made:
    place.masked = place.stale = True  # Keras sets those steps to 0
    return []


def _flip(operation: Any, place: Place) -> Made:
    axes = operation.axis if isinstance(operation.axis, (list, tuple)) else [operation.axis]
    if len(place.shape) != 2 or place.first or [n if n is None else n % 3 for n in axes] != [1]:
        refuse(place.where, "axis", operation.axis, "only the steps of sequences can")
    place.flipped = not place.flipped
    return []


# Normalization ------------------------------------------------------------------------------------


def _batch_norm(layer: Any, place: Place) -> Made:
    require(place.where, layer, renorm=False)
    expect_channels(layer.axis, place)
    own = {slot: place.to_ours(value)
           for slot, value in arrays(layer, **ARRAYS[ours.BatchNorm]).items()}
    if not 0 <= layer.momentum < 1:
        refuse(place.where, "momentum", layer.momentum, "it must be at least 0 and below 1")
    return [(ours.BatchNorm(layer.momentum, layer.epsilon, layer.center, layer.scale,
                            not layer.trainable, place.name), own)]


def _last_axes(layer: Any, place: Place) -> tuple[int, Callable[[Any], Any]]:
    """How many of our last axes a normalization works on, and what puts its arrays in our order."""
    ours_are = positions(layer.axis, place)
    count, rank = len(ours_are), len(place.shape)
    if sorted(ours_are) != list(range(rank - count, rank)):
        refuse(place.where, "axis", layer.axis, "only the channels can, or the last axes with us")
    order = np.argsort(ours_are)
    return count, lambda value: place.to_ours(value.transpose(order) if count > 1 else value)


def _layer_norm(layer: Any, place: Place) -> Made:
    require(place.where, layer, rms_scaling=False)
    count, change = _last_axes(layer, place)
    own = {slot: change(value) for slot, value in arrays(layer, **AFFINE).items()}
    return [(ours.LayerNorm(count, layer.epsilon, layer.center, layer.scale, place.name), own)]


def _rms_norm(layer: Any, place: Place) -> Made:
    count, change = _last_axes(layer, place)
    gain = change(array(layer.scale))
    # Keras always has a gain; one that rests and does nothing is none.
    scale = layer.trainable or bool((gain != 1).any())
    return [(ours.RMSNorm(count, layer.epsilon, scale, place.name),
             {".gamma": gain} if scale else {})]


def _unit_norm(layer: Any, place: Place) -> Made:
    """x / |x| is x / rms(x), divided by the root of the number of features."""
    count, _ = _last_axes(layer, place)
    n = int(np.prod(place.shape[-count:]))
    norm = ours.RMSNorm(count, 1e-24 / n, scale=False, name=place.name)
    return [(norm, {}), _fixed(np.zeros(1), np.full(1, n**0.5), place, None)]


def _group_norm(layer: Any, place: Place) -> Made:
    expect_channels(layer.axis, place)
    if place.order is not None:
        raise ConfigurationError(
            f"{place.where}: groups of features that were flattened channels first do not stand "
            "side by side with us: put it before Flatten"
        )
    return [(ours.GroupNorm(layer.groups, layer.epsilon, layer.center, layer.scale, place.name),
             arrays(layer, **AFFINE))]


def _fixed(
    mean: Any, deviation: Any, place: Place, name: str | None
) -> tuple[Layer, dict[str, Any]]:
    """``(x - mean) / deviation`` by numbers that no training moves: a batch normalization that
    rests. Arrays of one number, or one for each channel."""
    spread = {".running_mean": mean, ".running_variance": deviation**2}
    for slot, value in spread.items():
        spread[slot] = place.to_ours(np.broadcast_to(value.reshape(-1), place.shape[-1:]))
    layer = ours.BatchNorm(epsilon=0.0, center=False, scale=False, frozen=True, name=name)
    return layer, spread


def _by_channels(value: Any, place: Place, setting: str) -> Any:
    """A constant that Keras spreads over its axes, batch included, as one for each channel."""
    value = np.asarray(value, float)
    value = value.reshape((1,) * (len(place.shape) + 1 - value.ndim) + value.shape)
    value = np.moveaxis(value, 1, -1) if place.first else value
    if value.size != value.shape[-1]:
        refuse(place.where, setting, value.shape, "only numbers for channels can")
    return value.reshape(-1)


def _linear(scale: Any, offset: Any, place: Place) -> Made:
    if not (np.isfinite(scale) & (scale > 0)).all():
        refuse(place.where, "scale", scale, "only positive factors can")
    return [_fixed(-offset / scale, 1 / scale, place, place.name)]


def _rescaling(layer: Any, place: Place) -> Made:
    scale, offset = (_by_channels(value, place, name) for name, value in
                     (("scale", layer.scale), ("offset", layer.offset)))
    return _linear(scale, offset, place)


def _normalization(layer: Any, place: Place) -> Made:
    import keras

    mean, variance = (_by_channels(array(value), place, "axis")
                      for value in (layer.mean, layer.variance))
    deviation = np.maximum(np.sqrt(variance), keras.config.epsilon())
    if layer.invert:
        return _linear(deviation, mean, place)
    return [_fixed(mean, deviation, place, place.name)]


def _operation(function: str) -> Callable[[Any, Place], Made]:
    """The rule of an operation of ``keras.ops`` that is such a function."""
    return lambda operation, place: _named([(FUNCTIONS[function], {})], place)


OPERATIONS: dict[str, Callable[[Any, Place], Made]] = {
    **{name: _operation(function) for name, function in (
        ("Relu", "relu"), ("Selu", "selu"), ("Silu", "silu"), ("Softplus", "softplus"),
        ("Mish", "mish"), ("Softsign", "softsign"), ("Sigmoid", "sigmoid"), ("Tanh", "tanh"),
        ("HardSilu", "hard_silu"), ("HardSigmoid", "hard_sigmoid"),
    )},
    "Elu": lambda op, place: [(ours.ELU(op.alpha, place.name), {})],
    "LeakyRelu": lambda op, place: [(ours.LeakyReLU(op.negative_slope, place.name), {})],
    "Gelu": lambda op, place: [(ours.GELU(op.approximate, place.name), {})],
}
ACTIVATIONS: dict[str, Callable[[Any, Place], Made]] = {
    "Activation": _activation, "ReLU": _relu, "LeakyReLU": _plain, "ELU": _plain,
    "Softmax": _softmax,
}
RULES: dict[str, Callable[[Any, Place], Made]] = {
    **OPERATIONS, **ACTIVATIONS, "PReLU": _prelu,
    "Dropout": _dropout, "AlphaDropout": _dropout, "GaussianDropout": _plain,
    "GaussianNoise": _plain,
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), _spatial),
    "Identity": lambda layer, place: [], "InputLayer": lambda layer, place: [],
    "Flatten": _flatten, "Reshape": _reshape, "Permute": _permute,
    "Flip": _flip, "Embedding": _embedding, "Masking": _masking,
    "BatchNormalization": _batch_norm, "LayerNormalization": _layer_norm,
    "RMSNormalization": _rms_norm, "UnitNormalization": _unit_norm,
    "GroupNormalization": _group_norm,
    "Rescaling": _rescaling, "Normalization": _normalization,
}
