"""The layers of members within one network, as PyTorch modules and back."""

from __future__ import annotations

from typing import Any

from ... import layers as ours
from ...errors import ConfigurationError
from ..layout import LAST, Layout
from .own import expect_features_last


def written_members(place: Any) -> list[Any]:
    """The module of such a layer where it stands."""
    from . import member_modules as modules

    layer, shapes = place.layer, {name: array.shape for name, array in place.arrays.items()}
    before = place.in_our_axes()
    if isinstance(layer, ours.MemberMean):
        return [*before, modules.MemberMean(layer.of, layer.levels, layer.anchor)]
    if isinstance(layer, ours.Members):
        module: Any = modules.Members(**shapes)
    elif isinstance(layer, ours.BatchEnsemble):
        module = modules.BatchEnsemble(**shapes)
    else:
        module = modules.MemberDense(place.layout.shape[0], **shapes)
    return [*before, place.load(module, **place.arrays)]


def read_members(module: Any, layout: Layout, where: str) -> list[tuple[Any, dict[str, Any]]]:
    """The layer of such a module, and its arrays."""
    expect_features_last(layout, where)
    layout.torch = LAST
    own = {f".{name}": value.detach().cpu().double().numpy()
           for name, value in module._parameters.items()}
    kind, biased = type(module).__name__, module._parameters.get("bias") is not None
    if kind == "MemberMean":
        return [(ours.MemberMean(module.of, module.levels, module.anchor), own)]
    if kind == "Members":
        return [(ours.Members(len(module.factor), "ones"), own)]
    if kind == "BatchEnsemble":
        scales = module._parameters.get("input_scale") is not None
        return [(ours.BatchEnsemble(module.kernel.shape[1], biased, scales), own)]
    if module.kernel.shape[1] % module.members:
        raise ConfigurationError(f"{where}: {module.kernel.shape[1]} columns of "
                                 f"{module.members} members: each has as many")
    return [(ours.MemberDense(module.kernel.shape[1] // module.members, biased), own)]


WRITTEN = dict.fromkeys(
    (ours.Members, ours.BatchEnsemble, ours.MemberDense, ours.MemberMean), written_members
)
READ = dict.fromkeys((kind.__name__ for kind in WRITTEN), read_members)
