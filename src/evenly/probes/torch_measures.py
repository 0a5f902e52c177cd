"""What is read off one module of PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import measure_weights, twin_share
from .torch_data import as_array
from .torch_modules import by_unit, kernels, module_kind


def layers_of(module: Any) -> dict[str, Any]:
    """The modules that are layers: those without parts, and those with parameters of their own."""
    found = {}
    for name, own in module.named_modules():
        is_leaf = not any(True for _ in own.children())
        if is_leaf or any(True for _ in own.parameters(recurse=False)):
            found[name or type(own).__name__] = own
    return found


def tensors_of(values: Any) -> list[Any]:
    """The tensors among some values, nested ones too."""
    import torch

    if isinstance(values, torch.Tensor):
        return [values]
    if isinstance(values, dict):
        values = list(values.values())
    if isinstance(values, (tuple, list)):
        return [tensor for value in values for tensor in tensors_of(value)]
    return []


def statistics_gaps(module: Any, x: Any) -> dict[str, Any]:
    """Batch statistics against running ones, before the step moves these."""
    if module.running_mean is None or not module.training:
        return {}
    axes = [axis for axis in range(x.ndim) if axis != 1]
    x = x.detach().double()
    mean, variance = x.mean(axes), x.var(axes, unbiased=False)
    running, spread = module.running_mean.double(), module.running_var.double()
    floor = module.eps + 1e-30
    return {
        "mean_gap": float(((mean - running).abs() / (spread + floor).sqrt()).mean()),
        "variance_gap": float(((variance + floor) / (spread + floor)).log().abs().mean()),
    }


def has_channels_first(module: Any, output: Any, behind: list[bool]) -> bool:
    """Whether a module's output has its channels on axis 1.

    Arguments:
        module, output: which.
        behind: of the layers that it reads.
    """
    kind = module_kind(module)
    if output.ndim < 3:
        return False
    if kind in ("conv", "batch_norm", "instance_norm", "group_norm") or output.ndim > 4:
        return True
    if kind in ("dense", "embedding", "rnn", "lstm", "gru", "layer_norm"):
        return False
    return any(behind)


def measure_kernels(module: Any) -> dict[str, Any]:
    """The kernels of a module and their gradients."""
    pairs = kernels(module)
    if not pairs:
        return {}
    arrays = {key: as_array(kernel) for key, kernel in pairs}
    gradients = {key: as_array(kernel.grad) for key, kernel in pairs if kernel.grad is not None}
    told: dict[str, Any] = measure_weights(list(arrays.values()), list(gradients.values()))
    columns = [(by_unit(module, key, arrays[key]), by_unit(module, key, gradients[key]))
               for key in arrays if key in gradients]
    columns = [pair for pair in columns if pair[0] is not None]
    bias = getattr(module, "bias", None)
    if columns and bias is not None and getattr(bias, "grad", None) is not None:
        columns.append((as_array(bias)[None], as_array(bias.grad)[None]))
    if columns:
        told["twin_share"] = twin_share(*(np.concatenate(part)
                                          for part in zip(*columns, strict=True)))
    return told
