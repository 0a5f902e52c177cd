"""Models from PyTorch modules."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..errors import ConfigurationError, ShapeError
from ..layers.base import Layer, Shape
from ..layers.containers import Sequential, with_name
from ..losses import Loss
from ..training import Model, init
from .layout import FIRST, LAST, Layout, missing_torch
from .reader_rules import RULES, Made, convolution


def from_torch(
    module: Any,
    input_shape: int | Shape,
    *,
    seed: int = 0,
    dtype: str = "float32",
    loss: Loss | None = None,
    threads: int | None = None,
) -> Model:
    """Builds a model from a PyTorch module: a layer, or a ``torch.nn.Sequential`` of them (they may
    be nested), with its weights and running averages.

    Layouts are handled: our examples have the channels last, so PyTorch's (channels, height,
    width) becomes (height, width, channels), and what stands behind a ``Flatten`` is put in the
    order in which we flatten. Recurrent layers need ``batch_first=True``; their outputs for all
    steps are taken.

    Arguments:
        module: what to convert. It is not changed.
        input_shape: the shape of one example on our side, channels last.
        seed: of dropout masks.
        dtype: ``"float32"`` or ``"float64"``.
        loss: for ``gradients``, ``evaluate`` and ``predict_proba``.
        threads: by default as many as the work is worth.

    Returns:
        A :class:`Model`; its predictions are those of ``module.eval()``.

    Raises:
        ConfigurationError: PyTorch is missing, or a module or one of its settings cannot be
            converted; the message names it.
        ShapeError: input_shape does not fit the module.

    Example:
        >>> import torch                                                    # doctest: +SKIP
        >>> module = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU())  # doctest: +SKIP
        >>> from_torch(module, 4).predict(np.zeros((1, 4))).shape           # doctest: +SKIP
        (1, 8)
    """
    try:
        import torch
    except ImportError:
        raise ConfigurationError(missing_torch("from_torch")) from None
    if not isinstance(module, torch.nn.Module):
        raise ConfigurationError(f"from_torch: expects a torch.nn.Module, got {module!r}")
    shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
    layout = Layout(shape, LAST if len(shape) == 1 else FIRST if len(shape) == 3 else "")
    counts: Counter[str] = Counter()
    parts: list[Layer] = []
    arrays: dict[str, Any] = {}
    for path, leaf in _leaves(module, ""):
        for layer, own in _convert(leaf, path, layout):
            counts[layer.type_name] += 1
            name = f"{layer.type_name}_{counts[layer.type_name]}"
            parts.append(with_name(layer, name))
            try:
                layer.check(layout.shape, name)
            except ShapeError as error:
                raise ShapeError(f"from_torch: {path or 'the module'}: {error}") from None
            layout.shape = layer.output_shape(layout.shape)
            arrays.update({f"{name}{slot}": value for slot, value in own.items()})
    if layout.padding:
        raise ConfigurationError("from_torch: the module ends with padding, which only a "
                                 "convolution behind it can take")
    if layout.order is not None:
        raise ConfigurationError(
            "from_torch: the module ends with features that PyTorch flattened channels first; "
            "behind them must come a Linear, which can be put in our order"
        )
    model = init(Sequential(parts), shape, seed, loss=loss, dtype=dtype, threads=threads)
    model.engine.set_weights(arrays)
    return model


def _leaves(module: Any, path: str) -> Any:
    """The modules that compute something, in order, each with its place in the tree."""
    if type(module).__name__ == "Sequential":
        for name, child in module.named_children():
            yield from _leaves(child, f"{path}.{name}" if path else name)
    else:
        yield path, module


def _convert(module: Any, path: str, layout: Layout) -> Made:
    kind = type(module).__name__
    where = f"from_torch: {path or 'the module'} ({kind})"
    rule = _RULES.get(kind)
    known_home = type(module).__module__.startswith(("torch.nn", "evenly.exchange"))
    if rule is None or not known_home:
        raise ConfigurationError(
            f"{where}: this module cannot be converted; those that can are "
            f"{', '.join(sorted(_RULES))}, and Sequential"
        )
    if layout.padding and rule is not convolution:
        raise ConfigurationError(f"{where}: the padding in front of it can only be converted with "
                                 "a convolution behind it")
    return rule(module, layout, where)


def _channels_last(module: Any, layout: Layout, where: str) -> Made:
    layout.torch = FIRST
    made = [part for path, leaf in _leaves(module.module, where)
            for part in _convert(leaf, path, layout)]
    layout.torch = LAST
    return made


_RULES = {**RULES, "ChannelsLast": _channels_last}
