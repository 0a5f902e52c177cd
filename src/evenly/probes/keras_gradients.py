"""Outputs and gradients of a Keras model's layers on some rows, without moving a variable."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .keras_layers import KerasLayer, flat_layers, kernels


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
    """On the backend JAX all of it, in training mode. On others the outputs of a model whose
    layers are a graph, in inference mode: training mode would move running statistics."""
    import keras

    if keras.config.backend() != "jax":
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


def _through_sequence(model: Any, sequence: list[Any], x: Any, y: Any) -> Flow:
    import jax
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

    _, outputs = run(trainable, None)
    zeros = [keras.ops.zeros_like(output) for output in outputs]
    (loss, _), (gradients, on_outputs) = jax.value_and_grad(run, argnums=(0, 1), has_aux=True)(
        trainable, zeros
    )
    seen = Flow(float(loss))
    for i, layer in enumerate(sequence):
        seen.outputs[layer.name] = np.asarray(outputs[i])
        seen.output_gradients[layer.name] = np.asarray(on_outputs[i])
        seen.gradients[layer.name] = [np.asarray(g) for g in gradients[i] if g.ndim > 1]
    return seen


def _through_graph(model: Any, layers: list[KerasLayer], x: Any, y: Any) -> Flow:
    import jax
    import keras

    criterion = keras.losses.get(model.loss)
    fixed = _values(model.non_trainable_variables)

    words = {"training": True} if model._call_has_training_arg else {}

    def run(trained: Any) -> Any:
        outputs, _ = model.stateless_call(trained, fixed, x, **words)
        return keras.ops.mean(criterion(y, outputs))

    loss, gradients = jax.value_and_grad(run)(_values(model.trainable_variables))
    seen = _outputs_alone(model, layers, x)
    seen.loss = float(loss)
    by_variable = {id(variable): np.asarray(gradient) for variable, gradient in
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
