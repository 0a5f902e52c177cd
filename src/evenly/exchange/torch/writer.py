"""PyTorch modules from models."""

from __future__ import annotations

from copy import copy
from typing import Any

from ... import layers as ours
from ...errors import ConfigurationError
from ...layers.base import Layer
from ...layers.containers import Joined
from ...layers.recurrent import Recurrent
from ...training import Model
from ..layout import FIRST, LAST, Layout, need_torch
from .place import Place, in_our_order
from .writer_rules import RULES, fits


def to_torch(model: Model, *, channels_first: bool | None = None) -> Any:
    """Builds a PyTorch module from a model, with its weights and running averages: a
    ``torch.nn.Sequential``, in evaluation mode.

    Images, and sequences that go through convolutions or pooling first, have the channels first in
    PyTorch: (channels, height, width). Other sequences stay (steps, features).

    What PyTorch has no module for becomes one of ours, of plain PyTorch operations: such a module
    trains on any device, and needs this package where it is loaded again.

    Arguments:
        model: what to convert; its arrays are copied.
        channels_first: whether PyTorch's sequences have their features first; None: where a
            convolution or pooling comes first. Images always have.

    Returns:
        A ``torch.nn.Sequential`` in the model's precision.

    Raises:
        ConfigurationError: PyTorch is missing, or a layer or one of its settings has no
            counterpart there; the message names it.

    Example:
        >>> import evenly as ev
        >>> model = ev.init(ev.Sequential([ev.Dense(8), ev.ReLU()]), 4)
        >>> to_torch(model)                                                 # doctest: +SKIP
        Sequential(
          (0): Linear(in_features=4, out_features=8, bias=True)
          (1): ReLU()
        )
    """
    torch = need_torch("to_torch")
    if not isinstance(model, Model):
        raise ConfigurationError(f"to_torch: expects a Model, as fit gives it, got {model!r}")
    shape = model.input_shape
    layout = Layout(shape, _first_layout(model, channels_first))
    dtype = {"float32": torch.float32, "float64": torch.float64}[model.engine.program.dtype]
    arrays = dict(model.weights)
    modules = _convert_all(model.net.named, arrays, layout, torch)
    modules += in_our_order(layout)
    return torch.nn.Sequential(*modules).to(dtype).eval()


def _convert_all(net: Layer, arrays: Any, layout: Layout, torch: Any) -> list[Any]:
    modules = []
    layers = net.layers if isinstance(net, ours.Sequential) else (net,)
    for layer in layers:
        if isinstance(layer, ours.Sequential):
            modules += _convert_all(layer, arrays, layout, torch)
            continue
        where = f"to_torch: {type(layer).__name__} '{layer.name}'"
        if isinstance(layer, Joined):
            modules.append(_joined(layer, arrays, layout, torch))
        elif isinstance(layer, Recurrent) and not layer.is_single and not fits(layer):
            modules += _convert_all(layer.expand(), arrays, copy(layout), torch)
            layout.torch, layout.order = LAST, None
        else:
            rule = next((RULES[kind] for kind in type(layer).__mro__ if kind in RULES), None)
            if rule is None:
                raise ConfigurationError(
                    f"{where}: a layer of your own has no module in PyTorch: replace it, or write "
                    "its module there"
                )
            modules += rule(Place(layer, arrays, layout, torch, where))
        layout.shape = layer.output_shape(layout.shape)
    return modules


def _joined(layer: Joined, arrays: Any, layout: Layout, torch: Any) -> Any:
    from . import modules as modules

    branches, ends = [], []
    for part in layer.parts:
        own = copy(layout)
        branches.append(_convert_all(part, arrays, own, torch))
        ends.append(own)
    # They are joined in one order of axes and features: PyTorch's where all have it, else ours.
    averaged = isinstance(layer, ours.Ensemble)
    wide = len(ends[0].shape) > 1
    if wide and (averaged or len({end.torch for end in ends}) > 1):
        for branch, end in zip(branches, ends, strict=True):
            if end.torch == FIRST:
                branch.append(modules.Moved(last=True))
                end.torch = LAST
    if layer.join != "sum" or len({end.order is None for end in ends}) > 1:
        for branch, end in zip(branches, ends, strict=True):
            branch += in_our_order(end)
    layout.torch, layout.order = ends[0].torch, ends[0].order
    made = [torch.nn.Sequential(*branch) for branch in branches]
    if isinstance(layer, ours.Ensemble):
        return modules.Averaged(made, layer.of, layer.levels, layer.anchor)
    dim = 1 if ends[0].torch == FIRST and wide else -1
    return modules.Joined(made, None if layer.join == "sum" else dim)


def _first_layout(model: Model, channels_first: bool | None) -> str:
    """Whether PyTorch will have the channels first at the input."""
    shape = model.input_shape
    if len(shape) == 1:
        return LAST
    if len(shape) == 3:
        return FIRST
    if channels_first is not None:
        return FIRST if channels_first else LAST
    for _, layer in model.net.named_layers():
        if isinstance(layer, (ours.Conv1D, ours.DepthwiseConv1D, ours.MaxPool1D,
                              ours.AveragePool1D)):
            return FIRST
        if isinstance(layer, (Recurrent, ours.Embedding, ours.Flatten)):
            return LAST
    return LAST
