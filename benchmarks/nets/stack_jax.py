"""The networks of ``stacks.py`` in JAX: images NHWC, kernels HWIO, time as a scan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from . import values, with_jax
from .stack import Part, Stack

# Steps in one round of the loop: a quarter faster than one; all 28 are no faster still.
_UNROLL = 4


def initial(stack: Stack) -> tuple[list[Any], list[Any]]:
    """Parameters of each layer, and the running statistics of the normalizing ones."""
    return values.initial(stack), values.statistics(stack)


def scores(stack: Stack) -> Callable[[Any, Any, Any, Any], tuple[Any, Any]]:
    """The function from parameters, statistics, input and key to scores and new statistics."""

    def forward(parameters: Any, statistics: Any, x: Any, key: Any) -> tuple[Any, Any]:
        new: list[Any] = []
        return _through(stack.parts, parameters, x, iter(statistics), new, key), new

    return forward


def _through(
    parts: Sequence[Part], layers: Any, x: Any, running: Iterator[Any], new: list[Any], key: Any
) -> Any:
    for part, layer in zip(parts, layers, strict=True):
        if part.kind == "batch_norm":
            y, now = with_jax.batch_norm(x.reshape(-1, x.shape[-1]), layer, next(running))
            x = y.reshape(x.shape)
            new.append(now)
        elif part.kind == "dropout":
            # One dropout a network: the key is used once.
            x = with_jax.dropout(x, key)
        elif part.kind == "residual":
            inner = _through(part.inner, layer["inner"], x, running, new, key)
            x = inner + _through(part.shortcut, layer["shortcut"], x, running, new, key)
        elif part.kind == "conv":
            x = _conv(x, layer, part.stride)
        else:
            x = _FORWARD[part.kind](x, layer)
    return x


def max_pool(x: Any, layer: Any = None) -> Any:
    return _windows(x).max((2, 4))


def average_pool(x: Any, layer: Any = None) -> Any:
    return _windows(x).mean((2, 4))


def _windows(x: Any) -> Any:
    n, height, width, channels = x.shape
    return x.reshape(n, height // 2, 2, width // 2, 2, channels)


def _conv(x: Any, layer: Any, stride: int) -> Any:
    around = layer["kernel"].shape[0] // 2
    return jax.lax.conv_general_dilated(
        x, layer["kernel"], (stride, stride), [(around, around)] * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def _dense(x: Any, layer: Any) -> Any:
    return x @ layer["kernel"] + layer["bias"]


def _recurrent(
    x: Any, layer: Any, states: int, cell: Callable[..., Any], reverse: bool = False,
    sequences: bool = False,
) -> Any:
    """The last state, or that of each step. The input's products are taken for all steps at once,
    before the walk."""
    kernel, inner_bias = layer["recurrent_kernel"], layer.get("recurrent_bias")
    projected = jnp.swapaxes(x, 0, 1) @ layer["input_kernel"] + layer["bias"]

    def step(carried: Any, a: Any) -> Any:
        carried = cell(carried, a, kernel, inner_bias)
        return carried, carried[0] if sequences else None

    zeros = tuple(jnp.zeros((len(x), len(kernel))) for _ in range(states))
    carried, each = jax.lax.scan(step, zeros, projected, unroll=_UNROLL, reverse=reverse)
    return jnp.swapaxes(each, 0, 1) if sequences else carried[0]


def _both_ways(x: Any, layer: Any) -> Any:
    """The last layer's last states, each direction's own."""
    pairs = [*zip(layer["layers"][::2], layer["layers"][1::2], strict=True)]
    for number, (onward, backward) in enumerate(pairs, 1):
        goes_on = number < len(pairs)
        x = jnp.concatenate([
            _recurrent(x, onward, 2, _lstm, sequences=goes_on),
            _recurrent(x, backward, 2, _lstm, reverse=True, sequences=goes_on),
        ], -1)
    return x


def _embeddings(x: Any, layer: Any) -> Any:
    numbers, codes = x
    looked_up = [own["table"][codes[:, i]] for i, own in enumerate(layer["tables"])]
    return jnp.concatenate([numbers, *looked_up], 1)


def _batch_ensemble(x: Any, layer: Any) -> Any:
    x = x * layer["input_scale"] if "input_scale" in layer else x
    return x @ layer["kernel"] * layer["output_scale"] + layer["bias"]


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
    "dense": _dense, "max_pool": max_pool,
    "relu": lambda x, _: jax.nn.relu(x),
    "flatten": lambda x, _: x.reshape(len(x), -1),
    "global_average_pool": lambda x, _: x.mean((1, 2)),
    "rnn": lambda x, layer: _recurrent(x, layer, 1, _rnn),
    "lstm": lambda x, layer: _recurrent(x, layer, 2, _lstm),
    "gru": lambda x, layer: _recurrent(x, layer, 1, _gru),
    "bi_lstm": _both_ways, "embeddings": _embeddings, "batch_ensemble": _batch_ensemble,
    "members": lambda x, layer: x[:, None] * layer["factor"],
    "member_dense": lambda x, layer: jnp.einsum("bmi,miu->bmu", x, layer["kernel"]) + layer["bias"],
    # In training each member is judged by itself.
    "member_mean": lambda x, _: x,
}
