"""Convolutional and recurrent networks in JAX: images NHWC, kernels HWIO, time as a scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from . import with_jax
from .stack import BIASES, GATES, Stack

# Steps in one round of the loop: a quarter faster than one; all 28 are no faster still.
_UNROLL = 4


def initial(stack: Stack) -> tuple[list[Any], list[Any]]:
    """Parameters of each layer, and the running statistics of the normalizing ones."""
    random = np.random.default_rng(0)

    def normal(*shape: int) -> Any:
        values = random.standard_normal(shape, dtype=np.float32)
        return values * np.float32((2 / np.prod(shape[:-1])) ** 0.5)

    parameters, statistics = [], []
    for part, shape in stack.walk():
        inputs, units, layer = shape[-1], part.units, {}
        if part.kind == "conv":
            layer = {"kernel": normal(3, 3, inputs, units)}
        elif part.kind == "dense":
            layer = {"kernel": normal(inputs, units), "bias": np.zeros(units, np.float32)}
        elif part.kind == "batch_norm":
            ones, zeros = np.ones(inputs, np.float32), np.zeros(inputs, np.float32)
            layer = {"gamma": ones, "beta": zeros}
            statistics.append({"mean": zeros, "variance": ones})
        elif part.kind in GATES:
            columns = GATES[part.kind] * units
            layer = {
                "input_kernel": normal(inputs, columns), "recurrent_kernel": normal(units, columns),
                "bias": np.zeros(BIASES[part.kind] * units, np.float32),
            }
        parameters.append(layer)
    return parameters, statistics


def scores(stack: Stack) -> Callable[[Any, Any, Any, Any], tuple[Any, Any]]:
    """The function from parameters, statistics, input and key to scores and new statistics."""

    def forward(parameters: Any, statistics: Any, x: Any, key: Any) -> tuple[Any, Any]:
        running, new = iter(statistics), []
        for part, layer in zip(stack.parts, parameters, strict=True):
            if part.kind == "batch_norm":
                y, now = with_jax.batch_norm(x.reshape(-1, x.shape[-1]), layer, next(running))
                x = y.reshape(x.shape)
                new.append(now)
            elif part.kind == "dropout":
                # One dropout a network: the key is used once.
                x = with_jax.dropout(x, key)
            else:
                x = _FORWARD[part.kind](x, layer)
        return x, new

    return forward


def max_pool(x: Any, layer: Any = None) -> Any:
    return _windows(x).max((2, 4))


def average_pool(x: Any, layer: Any = None) -> Any:
    return _windows(x).mean((2, 4))


def _windows(x: Any) -> Any:
    n, height, width, channels = x.shape
    return x.reshape(n, height // 2, 2, width // 2, 2, channels)


def _conv(x: Any, layer: Any) -> Any:
    return jax.lax.conv_general_dilated(
        x, layer["kernel"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _dense(x: Any, layer: Any) -> Any:
    return x @ layer["kernel"] + layer["bias"]


def _recurrent(x: Any, layer: Any, states: int, cell: Callable[..., Any]) -> Any:
    """The last state. The input's products are taken for all steps at once, before the walk."""
    kernel = layer["recurrent_kernel"]
    units = len(kernel)
    columns = kernel.shape[1]
    bias, inner_bias = layer["bias"][:columns], layer["bias"][columns:]
    projected = jnp.swapaxes(x, 0, 1) @ layer["input_kernel"] + bias

    def step(carried: Any, a: Any) -> Any:
        return cell(carried, a, kernel, inner_bias), None

    zeros = tuple(jnp.zeros((len(x), units)) for _ in range(states))
    carried, _ = jax.lax.scan(step, zeros, projected, unroll=_UNROLL)
    return carried[0]


def _rnn(carried: Any, a: Any, kernel: Any, _: Any) -> Any:
    return (jnp.tanh(a + carried[0] @ kernel),)


def _lstm(carried: Any, a: Any, kernel: Any, _: Any) -> Any:
    h, c = carried
    i, f, g, o = jnp.split(a + h @ kernel, 4, axis=1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def _gru(carried: Any, a: Any, kernel: Any, inner_bias: Any) -> Any:
    (h,) = carried
    (a_r, a_z, a_n), (p_r, p_z, p_n) = jnp.split(a, 3, axis=1), jnp.split(h @ kernel, 3, axis=1)
    r, z = jax.nn.sigmoid(a_r + p_r), jax.nn.sigmoid(a_z + p_z)
    n = jnp.tanh(a_n + r * (p_n + inner_bias))
    return ((1 - z) * n + z * h,)


_FORWARD: dict[str, Callable[[Any, Any], Any]] = {
    "conv": _conv, "dense": _dense, "max_pool": max_pool,
    "relu": lambda x, _: jax.nn.relu(x),
    "flatten": lambda x, _: x.reshape(len(x), -1),
    "global_average_pool": lambda x, _: x.mean((1, 2)),
    "rnn": lambda x, layer: _recurrent(x, layer, 1, _rnn),
    "lstm": lambda x, layer: _recurrent(x, layer, 2, _lstm),
    "gru": lambda x, layer: _recurrent(x, layer, 1, _gru),
}
