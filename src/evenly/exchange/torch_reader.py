"""Models from PyTorch modules."""

from __future__ import annotations

from copy import copy
from typing import Any

from ..errors import ConfigurationError, EvenlyError
from ..layers.base import Layer, Shape
from ..layers.containers import Branches, Sequential
from ..layers.ensemble import Ensemble
from ..losses import Loss
from ..training import Model
from .layout import FIRST, LAST, Layout, missing_torch
from .made import fits, loaded, settle
from .reader_rules import AMBIGUOUS, RULES, convolution


def from_torch(
    module: Any,
    input_shape: int | Shape,
    *,
    seed: int = 0,
    dtype: str = "float32",
    loss: Loss | None = None,
    threads: int | None = None,
    channels_first: bool | None = None,
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
        channels_first: whether PyTorch's sequences have their features first; None: as the first
            module that knows reads them. Images always have.

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
    layout = Layout(shape, {1: LAST, 3: FIRST}.get(len(shape), ""))
    if len(shape) == 2 and channels_first is not None:
        layout.torch = FIRST if channels_first else LAST
    reader = _Reader()
    net = Sequential(reader.read(module, "", layout)).named
    if layout.padding:
        raise ConfigurationError("from_torch: the module ends with padding, which only a "
                                 "convolution behind it can take")
    if layout.order is not None:
        raise ConfigurationError(
            "from_torch: the module ends with features that PyTorch flattened channels first; "
            "behind them must come a Linear, which can be put in our order"
        )
    return loaded(net, shape, reader.arrays, seed=seed, loss=loss, dtype=dtype, threads=threads)


class _Reader:
    """Walks through a module; keeps the arrays of each layer made, in the layers' order."""

    def __init__(self) -> None:
        self.arrays: list[dict[str, Any]] = []
        self._homes: dict[int, str] = {}

    def read(self, module: Any, path: str, layout: Layout) -> list[Layer]:
        """The layers that a module becomes; `layout` goes on behind it."""
        import torch

        from . import torch_modules as modules

        where = f"from_torch: {path or 'the module'} ({type(module).__name__})"
        _expect_plain(module, where)
        if type(module) is torch.nn.Sequential:
            # named_children() would leave out a module that stands there a second time.
            children = module._modules.items()
            return [layer for name, child in children
                    for layer in self.read(child, f"{path}.{name}" if path else name, layout)]
        if isinstance(module, modules.ChannelsLast):
            layout.torch = FIRST
            layers = self.read(module.module, f"{path}.module", layout)
            layout.torch = LAST
            return layers
        if isinstance(module, modules.Joined):
            return [self._joined(module, path, layout, where)]
        return self._leaf(module, path, layout, where)

    def _leaf(self, module: Any, path: str, layout: Layout, where: str) -> list[Layer]:
        self._expect_own_weights(module, path, where)
        rule = RULES.get(type(module).__name__)
        if rule is None or not type(module).__module__.startswith(("torch.nn.modules.", "evenly.")):
            raise ConfigurationError(
                f"{where}: this module cannot be converted; those that can are "
                f"{', '.join(sorted(RULES))}, and Sequential"
            )
        if layout.padding and rule is not convolution:
            raise ConfigurationError(f"{where}: the padding in front of it can only be converted "
                                     "with a convolution behind it")
        try:
            made = rule(module, layout, where)
        except ConfigurationError as error:
            if str(error).startswith(where):
                raise
            raise ConfigurationError(f"{where}: {error}") from None
        self.arrays += [own for _, own in made]
        return settle(made, layout, where, "from_torch")

    def _joined(self, module: Any, path: str, layout: Layout, where: str) -> Layer:
        from . import torch_modules as modules

        if not layout.torch:
            self._decide(module, path, layout, where)
        branches, ends = [], []
        for i, branch in enumerate(module.branches):
            own = copy(layout)
            branches.append(self.read(branch, f"{path}.branches.{i}", own))
            ends.append(own)
        averaged = isinstance(module, modules.Averaged)
        first = ends[0]
        join = "average" if averaged else "sum" if module.dim is None else "concatenate"
        if any(end.torch != first.torch and len(end.shape) > 1 for end in ends) or any(
            (end.order is None) != (first.order is None) for end in ends
        ) or (join != "sum" and first.order is not None):
            raise ConfigurationError(f"{where}: its branches end in other orders of axes, so they "
                                     "cannot be joined: end each with a Linear")
        layer: Layer = (
            Ensemble(branches, module.of, module.levels, module.anchor) if averaged
            else Branches(branches, join)
        )
        fits(layer, layout.shape, where)
        layout.torch, layout.order = first.torch, first.order
        layout.shape = layer.output_shape(layout.shape)
        return layer

    def _decide(self, module: Any, path: str, layout: Layout, where: str) -> None:
        """Sets the layout that all branches can read; where none is, reading them says why."""
        fits = []
        for candidate in (FIRST, LAST):
            layout.torch = candidate
            try:
                _Reader()._joined(module, path, copy(layout), where)
            except EvenlyError:
                continue
            fits.append(candidate)
        if len(fits) == 2:
            raise ConfigurationError(f"{where}: {AMBIGUOUS}")
        layout.torch = fits[0] if fits else FIRST

    def _expect_own_weights(self, module: Any, path: str, where: str) -> None:
        for parameter in module.parameters():
            home = self._homes.setdefault(id(parameter), path)
            if home != path:
                raise ConfigurationError(
                    f"{where}: shares its weights with {home}; here each layer has its own: give "
                    "it a copy (copy.deepcopy)"
                )


def _expect_plain(module: Any, where: str) -> None:
    """Raises ConfigurationError where something beside the module itself has a part in it."""
    if hasattr(module, "parametrizations"):
        raise ConfigurationError(
            f"{where}: its {', '.join(module.parametrizations)} is made from other arrays: call "
            "torch.nn.utils.parametrize.remove_parametrizations first"
        )
    if module._forward_hooks or module._forward_pre_hooks:
        raise ConfigurationError(
            f"{where}: has hooks, which may compute something and cannot be converted: remove "
            "them first (for weight_norm and spectral_norm by remove_weight_norm and so on)"
        )
