"""JAX's part of ``operations.py``.

Every step is one jitted function. What it returns is donated to the next call, so that outputs land
in memory that is there already; without that each call pays for fresh pages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from .nets import stack_jax, with_jax
from .operation import GROUPS, RMS_EPSILON


def builder(operation: Any) -> Callable[[int], None]:
    make = {"adam": _adam, "cross_entropy": _cross_entropy}.get(operation.kind, _layers)
    step, state, constants = make(operation)
    jitted = jax.jit(step, donate_argnums=0, keep_unused=True)

    def run(steps: int) -> None:
        nonlocal state
        for _ in range(steps):
            state = jitted(state, *constants)
        jax.block_until_ready(state)

    return run


def _layers(operation: Any) -> tuple[Callable, Any, tuple]:
    kind, columns = operation.kind, operation.shape[-1]
    x, d_y = map(jnp.asarray, operation.arrays())
    layer = {"gamma": jnp.ones(columns), "beta": jnp.zeros(columns)} if "norm" in kind else {}
    if kind == "rms_norm":
        del layer["beta"]
    statistics = {"mean": jnp.zeros(columns), "variance": jnp.ones(columns)}
    if "batch_norm" not in kind:
        statistics = {}

    def step(state: Any, x: Any, layer: Any, d_y: Any) -> Any:
        _, (running, counter) = state

        def forward(x: Any, layer: Any) -> tuple[Any, Any]:
            new = running
            if "batch_norm" in kind:
                x, new = with_jax.batch_norm(x, layer, running)
            if kind == "layer_norm":
                x = with_jax.layer_norm(x, layer)
            if kind in _OTHERS:
                x = _OTHERS[kind](x, layer)
            if "relu" in kind:
                x = jax.nn.relu(x)
            if "dropout" in kind:
                x = with_jax.dropout(x, jax.random.fold_in(jax.random.key(0), counter))
            return x, new

        y, backward, new = jax.vjp(forward, x, layer, has_aux=True)
        return (y, *backward(d_y)), (new, counter + 1)

    outputs = (jnp.zeros_like(d_y), jnp.zeros_like(x), jax.tree.map(jnp.zeros_like, layer))
    return step, (outputs, (statistics, jnp.zeros((), jnp.int32))), (x, layer, d_y)


def _group_norm(x: Any, layer: Any) -> Any:
    groups = x.reshape(len(x), GROUPS, -1)
    mean, variance = groups.mean(-1, keepdims=True), groups.var(-1, keepdims=True)
    y = (groups - mean) * jax.lax.rsqrt(variance + with_jax.NORM_EPSILON)
    return y.reshape(x.shape) * layer["gamma"] + layer["beta"]


def _rms_norm(x: Any, layer: Any) -> Any:
    square = jnp.square(x).mean(-1, keepdims=True)
    return x * jax.lax.rsqrt(square + RMS_EPSILON) * layer["gamma"]


_OTHERS: dict[str, Callable[[Any, Any], Any]] = {
    "group_norm": _group_norm, "rms_norm": _rms_norm,
    "max_pool": stack_jax.max_pool, "average_pool": stack_jax.average_pool,
}


def _cross_entropy(operation: Any) -> tuple[Callable, Any, tuple]:
    x, _ = operation.arrays()

    def step(state: Any, x: Any, y: Any) -> Any:
        return jax.value_and_grad(with_jax.cross_entropy)(x, y)

    state = (jnp.zeros(()), jnp.zeros_like(x))
    return step, state, (jnp.asarray(x), jnp.asarray(operation.classes()))


def _adam(operation: Any) -> tuple[Callable, Any, tuple]:
    n_in, n_out = operation.shape[0] - 1, operation.shape[1]
    keys = jax.random.split(jax.random.key(0), 4)

    def layer(i: int) -> Any:
        return [jax.random.normal(keys[i], (n_in, n_out)), jax.random.normal(keys[i + 1], (n_out,))]

    def step(state: Any, gradients: Any) -> Any:
        parameters, means, squares, steps = state
        steps = steps + 1
        return *with_jax.adam(parameters, gradients, means, squares, steps), steps

    zeros = [[jnp.zeros((n_in, n_out)), jnp.zeros(n_out)] for _ in range(2)]
    return step, (layer(0), *zeros, jnp.zeros((), jnp.int32)), (layer(2),)
