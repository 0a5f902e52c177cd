"""The network in JAX: plain functions on a tree of arrays, Adam written out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .case import BETAS, EPSILON, LEARNING_RATE, RATE, Net

NORM_EPSILON = 1e-5
_DECAY = 0.9


def initial(net: Net) -> tuple[Any, Any]:
    """Parameters and running statistics, in NumPy: JAX compiles each fill on its own."""
    random = np.random.default_rng(0)
    parameters, statistics = [], []
    for n_in, n_out in net.layers:
        kernel = random.standard_normal((n_in, n_out), dtype=np.float32) * (2 / n_in) ** 0.5
        zeros, ones = np.zeros(n_out, np.float32), np.ones(n_out, np.float32)
        layer = {"kernel": kernel.astype(np.float32), "bias": zeros}
        if len(parameters) < len(net.hidden):
            layer |= {"gamma": ones, "beta": zeros}
            if net.norm == "batch":
                statistics.append({"mean": zeros, "variance": ones})
        parameters.append(layer)
    return parameters, statistics


def batch_norm(x: Any, layer: Any, running: Any) -> tuple[Any, Any]:
    """Output and new running statistics."""
    mean, variance, n = x.mean(0), x.var(0), len(x)
    y = (x - mean) * (layer["gamma"] * jax.lax.rsqrt(variance + NORM_EPSILON)) + layer["beta"]
    return y, {
        "mean": _DECAY * running["mean"] + (1 - _DECAY) * mean,
        "variance": _DECAY * running["variance"] + (1 - _DECAY) * variance * (n / (n - 1)),
    }


def layer_norm(x: Any, layer: Any) -> Any:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + NORM_EPSILON) * layer["gamma"] + layer["beta"]


def dropout(x: Any, key: Any) -> Any:
    keep = 1 - RATE
    return jnp.where(jax.random.bernoulli(key, keep, x.shape), x / keep, 0.0)


def scores(parameters: Any, statistics: Any, x: Any, key: Any) -> tuple[Any, Any]:
    """Training mode. Scores and new running statistics."""
    new = []
    keys = jax.random.split(key, len(parameters) - 1)
    for i, layer in enumerate(parameters[:-1]):
        x = x @ layer["kernel"] + layer["bias"]
        if statistics:
            x, running = batch_norm(x, layer, statistics[i])
            new.append(running)
        else:
            x = layer_norm(x, layer)
        x = dropout(jax.nn.relu(x), keys[i])
    return x @ parameters[-1]["kernel"] + parameters[-1]["bias"], new


def inference(parameters: Any, statistics: Any, x: Any) -> Any:
    """Scores in inference mode."""
    for layer, running in zip(parameters, statistics, strict=False):
        scale = layer["gamma"] * jax.lax.rsqrt(running["variance"] + NORM_EPSILON)
        x = (x @ layer["kernel"] + layer["bias"] - running["mean"]) * scale + layer["beta"]
        x = jax.nn.relu(x)
    return x @ parameters[-1]["kernel"] + parameters[-1]["bias"]


def cross_entropy(z: Any, y: Any) -> Any:
    """Of scores (rows, classes), or (rows, members, classes), each member judged by itself."""
    y = y.reshape(-1, *[1] * (z.ndim - 1))
    chosen = jnp.take_along_axis(z, y, axis=-1)[..., 0]
    return (jax.nn.logsumexp(z, axis=-1) - chosen).mean()


def adam(parameters: Any, gradients: Any, means: Any, squares: Any, steps: Any) -> Any:
    """New parameters, means and squares after `steps` steps."""
    first, second = 1 - BETAS[0] ** steps, 1 - BETAS[1] ** steps
    tree = jax.tree.map
    means = tree(lambda m, g: BETAS[0] * m + (1 - BETAS[0]) * g, means, gradients)
    squares = tree(lambda v, g: BETAS[1] * v + (1 - BETAS[1]) * g * g, squares, gradients)
    parameters = tree(
        lambda p, m, v: p - LEARNING_RATE * (m / first) / (jnp.sqrt(v / second) + EPSILON),
        parameters, means, squares,
    )
    return parameters, means, squares


def initial_state(net: Net) -> Any:
    """Everything a step changes: parameters, running statistics, Adam's, the step, the key."""
    return state_of(*initial(net))


def state_of(parameters: Any, statistics: Any) -> Any:
    """The state of these parameters and statistics before the first step."""
    zeros = partial(jax.tree.map, np.zeros_like)
    state = parameters, statistics, zeros(parameters), zeros(parameters), np.zeros((), np.int32)
    return *jax.device_put(state), jax.random.key(0)


def training_step(
    state: Any, x: Any, y: Any, scores: Callable[..., tuple[Any, Any]] = scores
) -> tuple[Any, Any]:
    """New state and the loss; to be jitted with the state donated."""
    parameters, statistics, means, squares, steps, key = state

    def loss(parameters: Any) -> tuple[Any, Any]:
        z, new = scores(parameters, statistics, x, jax.random.fold_in(key, steps))
        return cross_entropy(z, y), new

    (value, statistics), gradients = jax.value_and_grad(loss, has_aux=True)(parameters)
    steps = steps + 1
    parameters, means, squares = adam(parameters, gradients, means, squares, steps)
    return (parameters, statistics, means, squares, steps, key), value
