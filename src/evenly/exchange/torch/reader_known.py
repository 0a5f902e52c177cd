"""Which PyTorch modules have a rule, and which; those around a module that they change too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from ... import layers as ours
from ...errors import ConfigurationError
from ...layers.base import Layer
from ..layout import Layout
from ..made import Made
from .checks import array_of
from .own import expect_features_last
from .reader_rules import RULES

Rule = Callable[[Any, Layout, str], Made]


def is_known(module: Any) -> bool:
    """Whether a rule reads a module, or nothing does: else its forward is followed."""
    import torch

    kind = type(module)
    homes = ("torch.nn.", "torch.ao.", "evenly.")
    return kind is not torch.nn.Sequential and kind.__module__.startswith(homes)


def rule_of(module: Any, where: str) -> Rule:
    """The rule that reads a module that is no container."""
    made = _around(module, where)
    if made is not None:
        return made
    expect_no_hooks(module, where)
    rule = RULES.get(type(module).__name__)
    if rule is None:
        raise ConfigurationError(
            f"{where}: this module cannot be converted; those that can are "
            f"{', '.join(sorted(RULES))}, and Sequential"
        )
    return rule


def draws(layer: Layer) -> bool:
    """Whether a layer that stood twice would not be one layer twice."""
    return bool(getattr(layer, "draws", False) or hasattr(layer, "rate"))


def expect_no_hooks(module: Any, where: str) -> None:
    if module._forward_hooks or module._forward_pre_hooks:
        raise ConfigurationError(
            f"{where}: has hooks, which may compute something and cannot be converted: remove "
            "them first (for spectral_norm by remove_spectral_norm)"
        )


def _around(module: Any, where: str) -> Rule | None:
    """The rule of a module that holds another, or whose weight is made from other arrays."""
    from torch.nn.utils.weight_norm import WeightNorm  # the older way, by a hook

    from . import modules as modules
    from .noise import DropConnect

    if isinstance(module, modules.Frozen):
        return _frozen
    if isinstance(module, modules.Parametric):
        return _parametric
    hooks = list(module._forward_pre_hooks.values())
    if len(hooks) == 1 and isinstance(hooks[0], WeightNorm) and not module._forward_hooks:
        if hooks[0].name != "weight" or hooks[0].dim != 0:
            raise ConfigurationError(f"{where}: weight_norm of {hooks[0].name!r} over dim="
                                     f"{hooks[0].dim}: only of 'weight' over dim=0 can")
        return _made_kernel(module.weight_v, module.weight_g)
    if not hasattr(module, "parametrizations"):
        return None
    expect_no_hooks(module, where)
    lists: dict[str, Any] = dict(module.parametrizations)
    kinds = [part for parts in lists.values() for part in parts]
    if list(lists) == ["weight"] and len(kinds) == 1:
        if isinstance(kinds[0], DropConnect):
            return _made_kernel(lists["weight"].original, None, kinds[0].amount)
        if type(kinds[0]).__name__ == "_WeightNorm" and kinds[0].dim == 0:
            return _made_kernel(lists["weight"].original1, lists["weight"].original0)
    names = ", ".join(f"{name} by {'then '.join(type(part).__name__ for part in parts)}"
                      for name, parts in lists.items())
    raise ConfigurationError(
        f"{where}: makes its {names}: only weight_norm of a weight over dim=0 can be converted; "
        "call torch.nn.utils.parametrize.remove_parametrizations first, which keeps the weight as "
        "it is now"
    )


def _made_kernel(weight: Any, gain: Any, rate: float = 0.0) -> Rule:
    """WeightNorm or DropConnect around the layer that the module is with this weight."""
    def rule(module: Any, layout: Layout, where: str) -> Made:
        kind = type(module).__name__.removeprefix("Parametrized")
        inner = RULES.get(kind)
        if kind not in ("Linear", "Conv1d", "Conv2d") or inner is None:
            raise ConfigurationError(f"{where}: only Linear and convolutions can have a weight "
                                     "that is made from other arrays")
        names = ("bias", "in_features", "out_features", "kernel_size", "stride", "padding",
                 "dilation", "groups", "out_channels", "padding_mode")
        plain = {name: getattr(module, name) for name in names if hasattr(module, name)}
        ((layer, own),) = inner(SimpleNamespace(weight=weight, **plain), layout, where)
        if gain is None:
            return [(ours.DropConnect(layer, rate), own)]
        own[".direction"] = own.pop(".kernel")
        own[".gain"] = array_of(gain).reshape(-1)
        return [(ours.WeightNorm(layer), own)]

    return rule


def _frozen(module: Any, layout: Layout, where: str) -> Made:
    ((layer, own),) = RULES[type(module.module).__name__](module.module, layout, where)
    return [(replace(layer, frozen=True), own)]  # type: ignore[type-var]


def _parametric(module: Any, layout: Layout, where: str) -> Made:
    expect_features_last(layout, where)
    ((activation, _),) = RULES[type(module.activation).__name__](module.activation, layout, where)
    return [(ours.Parametric(activation), {".share": array_of(module.share)})]
