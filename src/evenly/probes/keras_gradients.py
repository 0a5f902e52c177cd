"""Outputs and gradients of a Keras model's layers on some rows, without moving a variable."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .keras_layers import KerasLayer, flat_layers, kernels

# Those whose gradients are asked for without a training step.
BACKENDS = ("jax", "torch")


@dataclass
class Flow:
    """What flows through a model, by layer name.

    Attributes:
        loss: of the rows.
        outputs, output_gradients: of the layers.
        gradients: of the layers' kernels.
    """

    loss: float = math.nan
    outputs: dict[str, Any] = field(default_factory=dict)
    output_gradients: dict[str, Any] = field(default_factory=dict)
    gradients: dict[str, list[Any]] = field(default_factory=dict)


def flow(model: Any, layers: list[KerasLayer], x: Any, y: Any) -> Flow:
    """On the backends JAX and PyTorch all of it, in training mode. On others the outputs of a model
    whose layers are a graph, in inference mode: training mode would move running statistics."""
    import keras

    if keras.config.backend() not in BACKENDS:
        return _outputs_alone(model, layers, x)
    sequence = _sequence(model)
    return _through_sequence(model, sequence, x, y) if sequence else _through_graph(
        model, layers, x, y
    )


def _sequence(model: Any) -> list[Any]:
    """The layers where each reads the one before it alone; none else."""
    flat = [layer for layer in flat_layers(model) if type(layer).__name__ != "InputLayer"]
    before = None
    for layer in flat:
        nodes = getattr(layer, "_inbound_nodes", [])
        if len(nodes) != 1 or len(nodes[0].parent_nodes) > 1:
            return []
        parents = [parent.operation for parent in nodes[0].parent_nodes]
        if before is not None and parents and parents[0] is not before and type(
            parents[0]
        ).__name__ != "InputLayer":
            return []
        before = layer
    return flat


def _values(variables: Any) -> list[Any]:
    return [variable.value for variable in variables]


def _differentiated(run: Callable[..., Any], *at: list[Any]) -> tuple[Any, Any]:
    """(what a function gives, the gradients of its first number on what it is given), which is
    lists of arrays, or of lists of them."""
    import keras

    if keras.config.backend() == "jax":
        import jax

        places = tuple(range(len(at)))
        (loss, others), found = jax.value_and_grad(run, argnums=places, has_aux=True)(*at)
        return (loss, others), found
    import torch

    with _random_as_it_was(), torch.enable_grad():
        own = tuple(_each(part, lambda a: a.detach().clone().requires_grad_()) for part in at)
        told = run(*own)
        found = iter(torch.autograd.grad(told[0], _flat(own), allow_unused=True))

    def gradient(array: Any) -> Any:
        one = next(found)
        return torch.zeros_like(array) if one is None else one

    return told, tuple(_each(part, gradient) for part in own)


@contextmanager
def _random_as_it_was() -> Iterator[None]:
    """Keras's dropout, and layers of the user's own, draw from PyTorch's generator: it is put back
    to where it was, so that what follows draws the same."""
    import keras

    if keras.config.backend() != "torch":
        yield
        return
    import torch

    state = torch.get_rng_state()
    try:
        yield
    finally:
        torch.set_rng_state(state)


def _each(part: Any, change: Callable[[Any], Any]) -> Any:
    return [_each(one, change) for one in part] if isinstance(part, list) else change(part)


def _flat(parts: Any) -> list[Any]:
    if isinstance(parts, (list, tuple)):
        return [array for part in parts for array in _flat(part)]
    return [parts]


def _array(tensor: Any) -> Any:
    import keras

    return np.array(keras.ops.convert_to_numpy(tensor))


def _through_sequence(model: Any, sequence: list[Any], x: Any, y: Any) -> Flow:
    import keras

    criterion = keras.losses.get(model.loss)
    trainable = [_values(layer.trainable_variables) for layer in sequence]
    fixed = [_values(layer.non_trainable_variables) for layer in sequence]

    def run(trained: Any, added: Any) -> tuple[Any, Any]:
        value, outputs = keras.ops.convert_to_tensor(x), []
        for i, layer in enumerate(sequence):
            words = {"training": True} if layer._call_has_training_arg else {}
            value, _ = layer.stateless_call(trained[i], fixed[i], value, **words)
            if added is not None:
                value = value + added[i]
            outputs.append(value)
        return keras.ops.mean(criterion(y, value)), outputs

    with _random_as_it_was():
        _, outputs = run(trainable, None)
    zeros = [keras.ops.zeros_like(output) for output in outputs]
    (loss, _), (gradients, on_outputs) = _differentiated(run, trainable, zeros)
    seen = Flow(float(_array(loss)))
    for i, layer in enumerate(sequence):
        seen.outputs[layer.name] = _array(outputs[i])
        seen.output_gradients[layer.name] = _array(on_outputs[i])
        seen.gradients[layer.name] = [_array(g) for g in gradients[i] if g.ndim > 1]
    return seen


def _through_graph(model: Any, layers: list[KerasLayer], x: Any, y: Any) -> Flow:
    import keras

    criterion = keras.losses.get(model.loss)
    fixed = _values(model.non_trainable_variables)

    words = {"training": True} if model._call_has_training_arg else {}

    def run(trained: Any) -> tuple[Any, None]:
        value = keras.ops.convert_to_tensor(x)
        outputs, _ = model.stateless_call(trained, fixed, value, **words)
        return keras.ops.mean(criterion(y, outputs)), None

    (loss, _), (gradients,) = _differentiated(run, _values(model.trainable_variables))
    seen = _outputs_alone(model, layers, x)
    seen.loss = float(_array(loss))
    by_variable = {id(variable): _array(gradient) for variable, gradient in
                   zip(model.trainable_variables, gradients, strict=True)}
    for own in layers:
        seen.gradients[own.name] = [by_variable[id(weight)] for weight in kernels(own.layer)
                                    if id(weight) in by_variable]
    return seen


def _outputs_alone(model: Any, layers: list[KerasLayer], x: Any) -> Flow:
    import keras

    seen = Flow()
    try:
        tensors = [own.layer.output for own in layers]
        inner = keras.Model(model.inputs, tensors)
    except (AttributeError, ValueError):  # no graph: the model's own code calls its layers
        return seen
    values = inner(x, training=False)
    values = values if isinstance(values, (list, tuple)) else [values]
    for own, value in zip(layers, values, strict=True):
        seen.outputs[own.name] = np.array(keras.ops.convert_to_numpy(value))
    return seen
