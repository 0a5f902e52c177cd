"""Keras models from ours."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np

from ... import layers as ours
from ...errors import ConfigurationError
from ...layers.base import Layer, Shape, own_arrays
from ...layers.containers import Joined
from ...layers.recurrent import Recurrent
from ...training import Model
from .kernels import swapped
from .tables import ARRAYS, FUNCTIONS, PLAIN, RECURRENT, keras_module


def to_keras(model: Model, *, channels_first: bool = False) -> Any:
    """Builds a model of Keras 3's from ours, with its weights and running averages: a functional
    ``keras.Model`` whose layers bear our layers' names. Keras too has the channels last.

    A batch normalization that is `frozen` becomes one with ``trainable=False``, whose gamma and
    beta rest too. Lengths of sequences stay with us: give Keras a mask for them.

    Arguments:
        model: what to convert; its arrays are copied.
        channels_first: whether Keras's examples, and answers that have positions, have the channels
            first: then a ``Permute`` stands at both ends.

    Returns:
        A ``keras.Model`` in the model's precision, not compiled.

    Raises:
        ConfigurationError: Keras is missing, its backend has not the model's precision, or a layer
            or one of its settings has no counterpart there; the message names it.

    Example:
        >>> import evenly as ev
        >>> model = ev.init(ev.Sequential([ev.Dense(8), ev.ReLU()]), 4)
        >>> [layer.name for layer in to_keras(model).layers]               # doctest: +SKIP
        ['input_layer', 'dense_1', 'relu_1']
    """
    keras = keras_module("to_keras")
    if not isinstance(model, Model):
        raise ConfigurationError(f"to_keras: expects a Model, as fit gives it, got {model!r}")
    program = model.engine.program
    _expect_precision(keras, program.dtype)
    shape, answer = model.input_shape, program.output_shape
    turned = len(shape) > 1 and channels_first
    first: Layer = model.net
    while isinstance(first, ours.Sequential) and first.layers:
        first = first.layers[0]
    theirs = (shape[-1], *shape[:-1]) if turned else shape
    start = keras.Input(theirs, dtype="int32" if first.reads_indices else program.dtype)
    x = start
    if turned:
        x = keras.layers.Permute((*range(2, len(shape) + 1), 1))(x)
    x = _Writer(keras, program.dtype, dict(model.weights)).write(model.net.named, x, shape)
    if len(answer) > 1 and channels_first:
        n = len(answer)
        x = keras.layers.Permute((n, *range(1, n)))(x)
    return keras.Model(start, keras.layers.Identity()(x) if x is start else x)


def _expect_precision(keras: Any, dtype: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX warns that it will do something else
        given = keras.ops.convert_to_numpy(keras.ops.ones((), dtype=dtype)).dtype
    if given != dtype:
        raise ConfigurationError(
            f"to_keras: the model is {dtype}, but the backend {keras.config.backend()} computes in "
            f"{given} here: allow it {dtype} first (jax.config.update('jax_enable_x64', True))"
        )


@dataclass
class _Place:
    """A layer where it stands, and what writes it: `x` goes on behind each Keras layer made."""

    writer: _Writer
    layer: Any
    x: Any
    shape: Shape
    where: str
    arrays: dict[str, Any]

    def refuse(self, why: str) -> NoReturn:
        raise ConfigurationError(f"{self.where}: {why}")

    def add(self, kind: str, *given: Any, values: dict[str, Any] | None = None, **settings: Any
            ) -> Any:
        """Puts a Keras layer here, with these values of its arrays."""
        keras = self.writer.keras
        settings = {"name": self.layer.name, "dtype": self.writer.dtype, **settings}
        made = getattr(keras.layers, kind)(*given, **settings)
        self.x = made(self.x)
        fill(made, values or {})
        return made

    def affine(self) -> dict[str, Any]:
        names = ARRAYS[type(self.layer)]
        return {theirs: self.arrays[own] for theirs, own in names.items() if own in self.arrays}


def fill(made: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        getattr(made, name).assign(np.ascontiguousarray(value))


@dataclass
class _Writer:
    """Writes layers behind one another in the functional way."""

    keras: Any
    dtype: str
    arrays: dict[str, Any]

    def write(self, layer: Layer, x: Any, shape: Shape) -> Any:
        """What the layer makes of Keras's `x`."""
        if isinstance(layer, ours.Sequential):
            for part in layer.layers:
                x, shape = self.write(part, x, shape), part.output_shape(shape)
            return x
        where = f"to_keras: {type(layer).__name__} '{layer.name}'"
        if isinstance(layer, Joined):
            outputs = [self.write(part, x, shape) for part in layer.parts]
            return self._refused(where, self._joined, layer, outputs, where)
        rule = next((_RULES[kind] for kind in type(layer).__mro__ if kind in _RULES), None)
        if rule is None:
            raise ConfigurationError(
                f"{where}: Keras has no such layer: leave it out, or replace it"
            )
        place = _Place(self, layer, x, shape, where, own_arrays(self.arrays, layer.name or ""))
        self._refused(where, rule, place)
        return place.x

    def _refused(self, where: str, rule: Callable[..., Any], *given: Any) -> Any:
        """What a rule gives; what Keras itself refuses is said with its place."""
        try:
            return rule(*given)
        except ValueError as error:
            if isinstance(error, ConfigurationError):
                raise
            raise ConfigurationError(f"{where}: Keras refuses it: {error}") from None

    def _joined(self, layer: Joined, outputs: list[Any], where: str) -> Any:
        if isinstance(layer, ours.Ensemble) and layer.of != "numbers":
            raise ConfigurationError(f"{where}: Keras averages numbers alone, not of={layer.of!r}")
        if len(outputs) == 1:
            return outputs[0]
        kind = {"sum": "Add", "concatenate": "Concatenate", "average": "Average"}[layer.join]
        made = getattr(self.keras.layers, kind)
        return made(name=layer.name, dtype=self.dtype)(outputs)


# Rules --------------------------------------------------------------------------------------------


def _plain(kind: str, names: dict[str, str]) -> Callable[[_Place], None]:
    def rule(place: _Place) -> None:
        place.add(kind, **{theirs: getattr(place.layer, own) for theirs, own in names.items()})

    return rule


def _activation(place: _Place) -> None:
    plain = replace(place.layer, name=None)
    function = next((name for name, layer in FUNCTIONS.items() if layer == plain), None)
    kind, names = next((rule for rule in PLAIN.items() if rule[1][0] is type(plain)), ("", (0, {})))
    if function is not None:
        place.add("Activation", function)
    elif kind:
        _plain(kind, names[1])(place)
    elif isinstance(plain, ours.GELU):
        place.x = place.writer.keras.ops.gelu(place.x, approximate=True)
    else:
        place.refuse("Keras has this activation with its usual settings alone")


def _kernel(place: _Place) -> dict[str, Any]:
    return {name: place.arrays[name] for name in ("kernel", "bias") if name in place.arrays}


def _dense(place: _Place) -> None:
    place.add("Dense", place.layer.units, use_bias=place.layer.bias, values=_kernel(place))


def _padded(place: _Place, padding: Any) -> str:
    """Keras's word for a padding; zeros that it has no word for stand in front."""
    if isinstance(padding, str):
        return padding
    if any(max(pair) for pair in padding):
        ends = padding[0] if len(padding) == 1 else padding
        place.add(f"ZeroPadding{len(padding)}D", ends, data_format="channels_last",
                  name=f"{place.layer.name}_padding")
    return "valid"


def _conv(place: _Place) -> None:
    layer, values = place.layer, _kernel(place)
    settings = {"kernel_size": layer.kernel_size, "strides": layer.stride,
                "dilation_rate": layer.dilation, "use_bias": layer.bias,
                "padding": _padded(place, layer.padding), "data_format": "channels_last"}
    if isinstance(layer, (ours.DepthwiseConv1D, ours.DepthwiseConv2D)):
        kernel = values["kernel"]
        values["kernel"] = kernel.reshape(*kernel.shape[:-2], place.shape[-1], layer.multiplier)
        place.add(f"DepthwiseConv{layer.rank}D", depth_multiplier=layer.multiplier, values=values,
                  **settings)
    else:
        place.add(f"Conv{layer.rank}D", layer.filters, groups=layer.groups, values=values,
                  **settings)


def _pool(place: _Place) -> None:
    layer = place.layer
    average = isinstance(layer, (ours.AveragePool1D, ours.AveragePool2D))
    counted = average and layer.count_padding
    axes = layer.windows(place.shape)
    # What stands behind the last window's end matters to nobody, unless padding counts.
    padding = next((word for word in ("valid", "same") if all(
        (a.before, a.outputs) == (b.before, b.outputs) and not (counted and a.after) for a, b in
        zip(axes, replace(layer, padding=word, ceil_mode=False).windows(place.shape), strict=True)
    )), None)
    if padding is None and counted and not any(axis.extra for axis in axes):
        padding = _padded(place, tuple((axis.before, axis.after) for axis in axes))
    if padding is None:
        place.refuse("Keras pads so that ceil(size / stride) windows fit, or not at all: use "
                     "padding='same' or 'valid'")
    kind = "AveragePooling" if average else "MaxPooling"
    place.add(f"{kind}{layer.rank}D", layer.pool_size, layer.stride, padding,
              data_format="channels_last")


def _of_rank(kind: str, *settings: str) -> Callable[[_Place], None]:
    """A layer that Keras has for sequences, images and volumes apart."""

    def rule(place: _Place) -> None:
        rank = len(place.shape) - 1
        if not 1 <= rank <= 3:
            place.refuse(f"Keras has it for 1 to 3 axes of positions, not {rank}")
        own: dict[str, Any] = {"data_format": "channels_last"}
        if (kind, rank) == ("SpatialDropout", 1):
            own = {}
        place.add(f"{kind}{rank}D", *(getattr(place.layer, name) for name in settings), **own)

    return rule


def _spatial(place: _Place) -> None:
    if len(place.shape) == 1:
        place.add("Dropout", place.layer.rate)
    else:
        _of_rank("SpatialDropout", "rate")(place)


def _dropout(place: _Place) -> None:
    if place.layer.classic:
        place.refuse("classic dropout has no counterpart: Keras scales in training")
    place.add("Dropout", place.layer.rate)


def _depth(place: _Place) -> None:
    place.add("Dropout", place.layer.rate, noise_shape=(None, *(1 for _ in place.shape)))


def _batch_norm(place: _Place) -> None:
    layer = place.layer
    place.add("BatchNormalization", momentum=layer.decay, epsilon=layer.epsilon,
              center=layer.center, scale=layer.scale, trainable=not layer.frozen,
              values=place.affine())


def _layer_norm(place: _Place) -> None:
    layer = place.layer
    place.add("LayerNormalization", axis=list(range(-layer.axes, 0)), epsilon=layer.epsilon,
              center=layer.center, scale=layer.scale, values=place.affine())


def _rms_norm(place: _Place) -> None:
    layer = place.layer
    # Keras always has a gain; where the layer lacks it, it rests at 1.
    place.add("RMSNormalization", axis=list(range(-layer.axes, 0)), epsilon=layer.epsilon,
              trainable=layer.scale, values=place.affine())


def _grouped(place: _Place) -> None:
    layer = place.layer
    place.add("GroupNormalization", layer.group_count(place.shape), epsilon=layer.epsilon,
              center=layer.center, scale=layer.scale, values=place.affine())


def _flatten(place: _Place) -> None:
    place.add("Flatten", data_format="channels_last")


def _reshape(place: _Place) -> None:
    place.add("Reshape", place.layer.output_shape(place.shape))


def _prelu(place: _Place) -> None:
    shared = range(1, len(place.shape) + place.layer.shared)
    slope = place.arrays["slope"].reshape((1,) * (len(place.shape) - 1) + (-1,))
    place.add("PReLU", shared_axes=list(shared) or None, values={"alpha": slope})


def _embedding(place: _Place) -> None:
    layer = place.layer
    if layer.padding is not None:
        place.refuse(f"padding={layer.padding} has no counterpart: Keras would train that row; its "
                     "masks skip steps instead")
    place.add("Embedding", layer.vocabulary, layer.units,
              values={"embeddings": place.arrays["table"]})


def _recurrent(place: _Place) -> None:
    layer = place.layer
    if layer.stateful:
        place.refuse("stateful needs a batch of fixed size in Keras: leave it out")
    if layer.recurrent_dropout and not isinstance(layer, ours.RNN):
        place.refuse("recurrent_dropout draws a mask for each gate in Keras, with us all gates "
                     "read the same state")
    for depth in range(1, layer.layers + 1):
        last = depth == layer.layers
        own = replace(layer, layers=1, sequences=layer.sequences or not last,
                      name=layer.name if layer.layers == 1 else f"{layer.name}_{depth}")
        _one_layer(place, own)
        if layer.dropout and not last:
            place.add("Dropout", layer.dropout, name=f"{own.name}_dropout")


def _one_layer(place: _Place, layer: Any) -> None:
    """One layer, in one direction or both."""
    keras, several = place.writer.keras, place.layer.layers > 1
    kind = next(name for name, own in RECURRENT.items() if isinstance(layer, own))
    settings = {"return_sequences": layer.sequences, "use_bias": layer.bias,
                "recurrent_dropout": layer.recurrent_dropout, "dtype": place.writer.dtype}
    if isinstance(layer, ours.GRU):
        settings["reset_after"] = layer.reset == "after"
    elif isinstance(layer, ours.RNN):
        settings["activation"] = layer.activation

    def values(name: str) -> dict[str, Any]:
        own = own_arrays(place.writer.arrays, name)
        kernels = {"kernel": own["input_kernel"], "recurrent_kernel": own["recurrent_kernel"]}
        if layer.bias:
            kernels["bias"] = own["bias"]
        if not isinstance(layer, ours.GRU):
            return kernels
        if "recurrent_bias" in own:
            inner = np.zeros_like(own["bias"])
            inner[2 * layer.units :] = own["recurrent_bias"]
            kernels["bias"] = np.stack([own["bias"], inner])
        return {key: swapped(value) for key, value in kernels.items()}

    if layer.bidirectional:
        # Expanded, a single layer in both directions is named as the first of several is.
        name = layer.name if several else f"{layer.name}_1"
        one = getattr(keras.layers, kind)(layer.units, **settings)
        made = place.add("Bidirectional", one, name=layer.name)
        fill(made.forward_layer.cell, values(name))
        fill(made.backward_layer.cell, values(f"{name}_reverse"))
        return
    made = place.add(kind, layer.units, go_backwards=layer.reverse, name=layer.name, **settings)
    fill(made.cell, values(layer.name))
    if layer.reverse and layer.sequences:
        # Keras gives the outputs in the order in which it walked, ours stay at their places.
        place.x = keras.ops.flip(place.x, axis=1)


_RULES: dict[type, Callable[[_Place], None]] = {
    **{own: _plain(kind, names) for kind, (own, names) in PLAIN.items()},
    **dict.fromkeys([type(layer) for layer in FUNCTIONS.values()], _activation),
    ours.Dense: _dense, ours.Conv1D: _conv, ours.Conv2D: _conv,
    ours.DepthwiseConv1D: _conv, ours.DepthwiseConv2D: _conv,
    ours.MaxPool1D: _pool, ours.MaxPool2D: _pool,
    ours.AveragePool1D: _pool, ours.AveragePool2D: _pool,
    ours.GlobalAveragePool: _of_rank("GlobalAveragePooling"),
    ours.GlobalMaxPool: _of_rank("GlobalMaxPooling"),
    ours.Dropout: _dropout, ours.SpatialDropout: _spatial, ours.StochasticDepth: _depth,
    ours.BatchNorm: _batch_norm, ours.LayerNorm: _layer_norm, ours.RMSNorm: _rms_norm,
    ours.GroupNorm: _grouped, ours.InstanceNorm: _grouped,
    ours.Flatten: _flatten, ours.Reshape: _reshape, ours.PReLU: _prelu, ours.Embedding: _embedding,
    Recurrent: _recurrent,
}
