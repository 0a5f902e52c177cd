"""Models from Keras's."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

from ... import layers as ours
from ...errors import ConfigurationError, ShapeError
from ...layers.base import Layer, Shape
from ...losses import Loss
from ...training import Model
from ..chains import Fork, TangledError, chain
from ..layout import FIRST, LAST
from ..made import fits, loaded, settle
from .kernels import KERNELS, PADDED
from .masks import follow_masks
from .rules import Place, expect_channels
from .tables import keras_module


def from_keras(
    model: Any,
    input_shape: int | Shape | None = None,
    *,
    seed: int = 0,
    dtype: str | None = None,
    loss: Loss | None = None,
    threads: int | None = None,
    channels_first: bool | None = None,
    lengths: bool = False,
) -> Model:
    """Builds a model from one of Keras 3's, with its weights and running averages: a
    ``keras.Sequential``, or a functional model of one input and one output whose branches nest.
    Models may stand within models.

    Layers keep their names. Layouts are handled: our examples have the channels last, so
    ``data_format="channels_first"`` turns (channels, height, width) to (height, width, channels).
    Sums of two become :class:`Residual`, other sums and concatenations :class:`Branches`.

    Regularizers, constraints and ``trainable=False`` belong to the training and do not come along;
    but a ``BatchNormalization`` that rests comes ``frozen``. Keras's running variance is the mean
    square, ours is unbiased: they begin alike, and differ by n / (n - 1) in what training adds.

    Arguments:
        model: what to convert. It is not changed.
        input_shape: the shape of one example on our side, channels last; None: the model's own.
        seed: of dropout masks.
        dtype: ``"float32"`` or ``"float64"``; None: as the model's weights.
        loss: for ``gradients``, ``evaluate`` and ``predict_proba``.
        threads: by default as many as the work is worth.
        channels_first: whether Keras's examples have their channels first; None: as the first layer
            that tells reads them.
        lengths: whether ``predict`` and ``fit`` will get the lengths of sequences, in place of
            Keras's masks (``Embedding(mask_zero=True)``, ``Masking``).

    Returns:
        A :class:`Model`; its predictions are those of ``model(x, training=False)``.

    Raises:
        ConfigurationError: Keras is missing, or a layer or one of its settings cannot be converted;
            the message names it.
        ShapeError: input_shape does not fit the model.

    Example:
        >>> import keras                                                    # doctest: +SKIP
        >>> net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu")])
        ...                                                                 # doctest: +SKIP
        >>> from_keras(net).predict(np.zeros((1, 4))).shape                 # doctest: +SKIP
        (1, 8)
    """
    keras = keras_module("from_keras")
    if not isinstance(model, keras.Model):
        raise ConfigurationError(f"from_keras: expects a keras.Model, got {model!r}")
    reader = _Reader()
    reader.expect_graph(model, "from_keras: the model")
    place = _first_place(model, input_shape, channels_first)
    place.lengths = lengths
    shape = place.shape
    net = ours.Sequential(reader.read(model, place)).named
    if place.padding or place.flipped or place.order is not None:
        what = ("zeros around the positions: only a convolution takes them" if place.padding else
                "a sequence from its end to its beginning" if place.flipped else
                "features flattened channels first: only Dense puts them in our order")
        raise ConfigurationError(f"from_keras: the model ends with {what}")
    if dtype is None:
        double = any(one.dtype == "float64" for one in [*model.weights, *model.outputs])
        dtype = "float64" if double else "float32"
    return loaded(net, shape, reader.arrays, seed=seed, loss=loss, dtype=dtype, threads=threads)


def _first_place(model: Any, given: int | Shape | None, channels_first: bool | None) -> Place:
    """Where the examples come in."""
    theirs = tuple(model.inputs[0].shape)[1:]
    if len(theirs) < 2:
        channels_first = False
    elif channels_first is None:
        channels_first = _reads_first(model, len(theirs))
    own = (*theirs[1:], theirs[0]) if channels_first else theirs
    shape = own if given is None else (given,) if isinstance(given, int) else tuple(given)
    if None in shape:
        raise ConfigurationError(f"from_keras: the model reads examples of shape {own}, channels "
                                 "last: give input_shape, without None")
    if len(shape) != len(own) or any(n not in (None, m) for n, m in zip(own, shape, strict=True)):
        raise ShapeError(f"from_keras: input_shape is {shape}, the model reads {own}, channels "
                         "last: give such a shape")
    return Place(shape, FIRST if channels_first else LAST)


def _reads_first(model: Any, rank: int) -> bool:
    """Whether the channels come first into a model, as its first layer that tells reads them."""
    to_last, to_first = (*range(2, rank + 1), 1), (rank, *range(1, rank))
    turned = False
    for layer in _all_layers(model):
        if type(layer).__name__ == "Permute" and layer.dims in (to_last, to_first):
            if to_last != to_first:
                return bool(layer.dims == to_last)
            turned = not turned
        told = _told(layer)
        if told is not None:
            return told != turned
    return turned


def _told(layer: Any) -> bool | None:
    """Whether a layer reads the channels first; None: it does not tell."""
    kind = type(layer).__name__
    if kind in ("Dense", "Bidirectional", "TimeDistributed") or hasattr(layer, "cell"):
        return False
    if hasattr(layer, "data_format") and kind != "Flatten":
        return bool(layer.data_format == "channels_first")
    return None


def _all_layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield from _all_layers(layer) if _is_model(layer) else (layer,)


def _is_model(layer: Any) -> bool:
    import keras

    return isinstance(layer, keras.Model)


class _Reader:
    """Walks through a model; keeps the arrays of each layer made, in the layers' order."""

    def __init__(self) -> None:
        self.arrays: list[dict[str, Any]] = []
        self._names: set[str] = set()
        self._read: set[int] = set()

    def expect_graph(self, model: Any, where: str) -> None:
        """Raises ConfigurationError where nobody can look how a model calls its layers."""
        kind = type(model)
        if kind.__name__ not in ("Sequential", "Functional") or not _of_keras(kind):
            raise ConfigurationError(f"{where} ({kind.__name__}): its own code calls its layers: "
                                     "write it as keras.Sequential or with keras.Model(x, y)")
        if not model.built or not getattr(model, "inputs", None):
            raise ConfigurationError(f"{where} ({kind.__name__}): its shapes are not known: begin "
                                     "with keras.Input((...))")
        if len(model.inputs) != 1 or len(model.outputs) != 1:
            raise ConfigurationError(f"{where} ({kind.__name__}): has {len(model.inputs)} inputs "
                                     f"and {len(model.outputs)} outputs: only one of each can be "
                                     "converted")

    def read(self, model: Any, place: Place) -> list[Layer]:
        """The layers that a model becomes; `place` goes on behind it."""
        if type(model).__name__ == "Sequential":
            return [made for layer in model.layers for made in self._leaf(layer, place)]
        start, end = _node(model.inputs[0]), _node(model.outputs[0])

        def parents(node: Any) -> list[Any]:
            if not node.parent_nodes:
                raise ConfigurationError(f"from_keras: {node.operation.name}: reads no layer, and "
                                         "is not the model's input")
            return list(node.parent_nodes)

        try:
            items = chain(start, end, parents)
        except TangledError as error:
            name = error.node.operation.name
            raise ConfigurationError(
                f"from_keras: {name}: is read by branches that our containers cannot nest: what "
                "several branches read must stand in front of all of them"
            ) from None
        return self._chain(items, place)

    def _chain(self, items: list[Any], place: Place) -> list[Layer]:
        made: list[Layer] = []
        for item in items:
            if isinstance(item, Fork):
                made.append(self._fork(item, place))
                continue
            _expect_plain_call(item)
            made += self._leaf(item.operation, place)
        return made

    def _leaf(self, layer: Any, place: Place) -> list[Layer]:
        kind = type(layer).__name__
        where = f"from_keras: {layer.name} ({kind})"
        if getattr(layer, "weights", None):
            if id(layer) in self._read:
                raise ConfigurationError(f"{where}: is called twice; here each layer has its own "
                                         "weights: give it a copy")
            self._read.add(id(layer))
        if _is_model(layer):
            self.expect_graph(layer, f"from_keras: {layer.name}")
            return self.read(layer, place)
        rule = KERNELS.get(kind) if _of_keras(type(layer)) else None
        if rule is None or getattr(layer, "quantization_mode", None):
            raise ConfigurationError(
                f"{where}: this layer cannot be converted; those that can are "
                f"{', '.join(sorted(KERNELS))}, Add, Average, Concatenate, Sequential and Model"
            )
        if place.padding and kind not in PADDED:
            raise ConfigurationError(f"{where}: the zeros in front of it can only be converted "
                                     "with a convolution behind them")
        if place.flipped and kind not in ("SimpleRNN", "LSTM", "GRU", "Flip"):
            raise ConfigurationError(f"{where}: reads a sequence from its end to its beginning, as "
                                     "go_backwards leaves it: put keras.ops.flip(x, axis=1) before "
                                     "it")
        place.where, place.name = where, self._named(layer.name)
        before = copy(place)
        try:
            made = rule(layer, place)
        except (ConfigurationError, ShapeError) as error:
            if str(error).startswith(where):
                raise
            raise type(error)(f"{where}: {error}") from None
        follow_masks(layer, made, before, place)
        self.arrays += [own for _, own in made]
        return settle(made, place, where, "from_keras")

    def _fork(self, fork: Fork, place: Place) -> Layer:
        operation = fork.node.operation
        kind = type(operation).__name__
        where = f"from_keras: {operation.name} ({kind})"
        if kind not in ("Add", "Average", "Concatenate") or not _of_keras(type(operation)):
            raise ConfigurationError(f"{where}: reads {len(fork.branches)} values; only Add, "
                                     "Average and Concatenate of them can be converted")
        name, branches, ends = self._named(operation.name), [], []
        for branch in fork.branches:
            own = copy(place)
            branches.append(self._chain(branch, own))
            ends.append(own)
        first = ends[0]
        if any(end.state != first.state for end in ends) or first.padding or (
            first.order is not None and kind != "Add"
        ):
            raise ConfigurationError(f"{where}: its branches end in other orders of axes or steps, "
                                     "so they cannot be joined: end each with Dense")
        layer: Layer
        if kind == "Concatenate":
            end = copy(first)
            end.where = where
            expect_channels(operation.axis, end)
            layer = ours.Branches(branches, "concatenate", name)
        elif kind == "Average":
            layer = ours.Ensemble(branches, "numbers", name=name)
        elif len(branches) == 2:
            layers, shortcut = sorted(branches, key=lambda branch: not branch)
            layer = ours.Residual(layers, shortcut, name)
        else:
            layer = ours.Branches(branches, "sum", name)
        fits(layer, place.shape, where)
        shape = layer.output_shape(place.shape)
        vars(place).update(vars(first) | {"shape": shape})
        return layer

    def _named(self, name: str) -> str:
        """A name that no layer has: Keras lets models within one another use the same."""
        name = name.replace(".", "_")
        free, number = name, 1
        while free in self._names:
            number += 1
            free = f"{name}_{number}"
        self._names.add(free)
        return free


def _node(tensor: Any) -> Any:
    """The call that made a tensor of a model's graph."""
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def _of_keras(kind: type) -> bool:
    return kind.__module__.startswith("keras.")


def _expect_plain_call(node: Any) -> None:
    """Raises ConfigurationError where a layer is called with settings of its own."""
    # Keras passes mask and training on by itself.
    given = {key: value for key, value in node.arguments.kwargs.items()
             if value is not None and key not in ("mask", "training")}
    if given or any(tensor._keras_history.tensor_index for tensor in node.input_tensors):
        what = ", ".join(f"{key}={value!r}" for key, value in given.items())
        raise ConfigurationError(f"from_keras: {node.operation.name}: its call with "
                                 f"{what or 'one of several outputs'} cannot be converted")
