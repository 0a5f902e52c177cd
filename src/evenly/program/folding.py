"""A network as inference needs it: what is fixed by then is worked into the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..layers.base import Layer, Run, Shape, own_arrays
from ..layers.batchnorm import BatchNorm
from ..layers.containers import Container, Sequential, with_name
from ..layers.wrapped import _MadeKernel

# Layers whose kernel's last axis is their outputs, each with a factor of its own.
_LINEAR = ("dense", "convolution")


def folded(
    net: Sequential, shape: Shape, arrays: Mapping[str, Any], dtype: str
) -> tuple[Sequential, dict[str, Any]]:
    """A network that gives in inference what another gives, and its arrays.

    A batch normalization right behind a linear layer or a convolution becomes part of its kernel
    and its bias, ``kernel factor`` and ``(bias - running_mean) factor + beta`` with ``factor =
    gamma / sqrt(running_variance + epsilon)``, where these are finite in the dtype; a kernel that
    is made from other arrays is made; what inference hands through is left out. Computed in double
    precision.

    Arguments:
        net: the network.
        shape: of one example.
        arrays: parameters and running statistics by name.
        dtype: that it will be computed in.
    """
    exact = {name: np.asarray(value, np.float64) for name, value in arrays.items()}
    made = _folded(net.resolved, shape, exact, np.dtype(dtype))
    return made, {name: exact[name] for name in made.arrays(shape)}


def _folded(net: Sequential, shape: Shape, arrays: dict[str, Any], dtype: Any) -> Sequential:
    done: list[Layer] = []

    def take(net: Sequential, shape: Shape) -> None:
        for layer in net.layers:
            before, shape = shape, layer.output_shape(shape)
            if isinstance(layer, Sequential):
                take(layer, before)
            elif isinstance(layer, Container):
                parts = [_folded(_alone(part), before, arrays, dtype) for part in layer.parts]
                done.append(layer.with_parts(parts))
            elif isinstance(layer, BatchNorm) and done and _join(layer, done, arrays, dtype):
                pass
            elif isinstance(layer, _MadeKernel):
                done.append(_made(layer, arrays))
            elif not layer.inference_is_identity:
                done.append(layer)

    take(net, shape)
    return Sequential(done)


def _alone(part: Layer) -> Sequential:
    return part if isinstance(part, Sequential) else Sequential([part])


def _made(layer: _MadeKernel, arrays: dict[str, Any]) -> Layer:
    name = layer.name or ""
    kernel, _ = layer.make(own_arrays(arrays, name), Run(training=False))
    arrays[f"{name}.kernel"] = kernel
    return with_name(layer.layer, name)


def _join(norm: BatchNorm, done: list[Layer], arrays: dict[str, Any], dtype: Any) -> bool:
    """Whether a normalization could be worked into the layer in front of it, and is."""
    last: Any = done[-1]
    if last.kernel not in _LINEAR:
        return False
    own = own_arrays(arrays, norm.name or "")
    name = last.name or ""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        factor = own.get("gamma", 1.0) / np.sqrt(own["running_variance"] + norm.epsilon)
        kernel = arrays[f"{name}.kernel"] * factor
        bias = arrays.get(f"{name}.bias", 0.0) if last.bias else 0.0
        bias = (bias - own["running_mean"]) * factor + own.get("beta", 0.0)
        if not (np.isfinite(kernel.astype(dtype)).all() and np.isfinite(bias.astype(dtype)).all()):
            return False
    arrays[f"{name}.kernel"], arrays[f"{name}.bias"] = kernel, bias
    done[-1] = replace(last, bias=True)
    return True
