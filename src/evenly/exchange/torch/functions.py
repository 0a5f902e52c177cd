"""PyTorch's functions and methods that are called in ``forward``, as layers of ours: a rule for
each, by name. Imported only where PyTorch is there."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.fx
from torch.nn import functional

from ... import layers as ours
from ...errors import ConfigurationError
from ..layout import FIRST, LAST, Layout
from ..made import Made
from .reader_rules import AMBIGUOUS, RULES, SAME_NUMBERS

BATCH = "batch"


def is_static(node: Any) -> bool:
    """Whether a node is a size, and numbers computed from sizes."""
    if node.op == "call_method":
        return bool(node.target == "size")
    if node.op != "call_function":
        return False
    if node.target is getattr:
        return bool(node.args[1] == "shape")
    if node.target in (operator.getitem, operator.mul, operator.floordiv, operator.add,
                       operator.sub):
        nodes = [arg for arg in node.args if isinstance(arg, torch.fx.Node)]
        return bool(nodes) and all(map(is_static, nodes))
    return False


class Call:
    """A node with its arguments as plain values, where BATCH stands for the size of the batch.
    `sizes`: PyTorch's shape of an example behind each node."""

    def __init__(self, node: Any, names: tuple[str, ...], sizes: dict[Any, Any]) -> None:
        self.node, self.sizes = node, sizes
        given = dict(zip(names, node.args[1:], strict=False))
        rest = node.args[1 + len(names) :]
        if rest and names and names[-1].startswith("*"):
            given[names[-1]] = (given[names[-1]], *rest)
        self.given = {name.lstrip("*"): self.plain(value)
                      for name, value in {**given, **node.kwargs}.items() if name != "input"}

    def plain(self, value: Any) -> Any:
        """A value without nodes: sizes are known by now."""
        if isinstance(value, (tuple, list)):
            return tuple(map(self.plain, value))
        if not isinstance(value, torch.fx.Node):
            return value
        if value.op == "call_method" or value.target is getattr:
            of: Any = value.args[0]
            if of not in self.sizes:
                raise ConfigurationError(f"takes the size of '{of.name}', which is not on the way")
            shape = self.sizes[of]
            if shape is None:
                raise ConfigurationError(AMBIGUOUS)
            dim: Any = value.args[1:] if value.op == "call_method" else ()
            return (BATCH, *shape)[dim[0]] if dim else (BATCH, *shape)
        numbers = [self.plain(arg) for arg in value.args]
        if BATCH in numbers:
            raise ConfigurationError(f"computes with the size of the batch in '{value.name}'")
        compute: Any = value.target
        return compute(*numbers)

    def get(self, name: str, default: Any = None) -> Any:
        return self.given.get(name, default)


Rule = Callable[[Call, Layout, str], Made]


def _as_module(kind: str, names: tuple[str, ...]) -> tuple[Rule, tuple[str, ...]]:
    """A function that is a module whose settings are its arguments."""
    def rule(call: Call, layout: Layout, where: str) -> Made:
        settings = {name: call.given[name] for name in names
                    if name in call.given and call.given[name] is not None
                    and name not in ("inplace", "training", "train", "_stacklevel", "dtype")}
        if call.get("dtype") is not None:
            raise ConfigurationError(f"{where}: dtype={call.get('dtype')} cannot be converted")
        if settings.get("stride") == ():
            settings.pop("stride")
        if "Dropout" in kind:
            drops, always = call.node.meta["drops"]
            if always:
                raise ConfigurationError(f"{where}: drops in evaluation too: give it "
                                         "training=self.training, or make it a module")
            if not drops:
                return []
        return RULES[kind](getattr(torch.nn, kind)(**settings), layout, where)

    return rule, names


def _rank(layout: Layout) -> int:
    return len(layout.shape) + 1


def _same(call: Call, layout: Layout, where: str) -> Made:
    return []


def _flatten(call: Call, layout: Layout, where: str) -> Made:
    first, last = call.get("start_dim", 0), call.get("end_dim", -1)
    last = -1 if last == _rank(layout) - 1 else last
    if (first, last, layout.torch) == (2, -1, FIRST):
        return _merged(layout)
    return RULES["Flatten"](torch.nn.Flatten(first, last), layout, where)


def _view(call: Call, layout: Layout, where: str) -> Made:
    sizes = call.get("sizes")
    sizes = sizes if isinstance(sizes, tuple) else (sizes,)
    sizes = sizes[0] if sizes and isinstance(sizes[0], tuple) else sizes
    if len(sizes) < 2 or sizes[0] not in (BATCH, -1) or BATCH in sizes[1:]:
        raise ConfigurationError(
            f"{where}: shape {sizes} does not begin with the batch: write x.size(0), or flatten(1)"
        )
    size = 1
    for n in layout.shape:
        size *= n
    if len(sizes) == 2 and sizes[1] in (-1, size):
        return [] if len(layout.shape) == 1 else (
            RULES["Flatten"](torch.nn.Flatten(), layout, where))
    channels = layout.shape[-1]
    if len(sizes) == 3 and layout.torch == FIRST and len(layout.shape) == 3 and (
        sizes[1] == channels and sizes[2] in (-1, size // channels)
    ):
        return _merged(layout)
    return RULES["Unflatten"](torch.nn.Unflatten(1, sizes[1:]), layout, where)


def _merged(layout: Layout) -> Made:
    """All positions as one axis."""
    return [(ours.Reshape((-1, layout.shape[-1])), {})]


def _permute(call: Call, layout: Layout, where: str) -> Made:
    rank, dims = _rank(layout), call.get("dims")
    if dims is None:
        pairs = (("dim0", "dim1"), ("source", "destination"))
        dims = next((call.get(a), call.get(b)) for a, b in pairs if a in call.given)
    order = tuple(dim % rank for dim in dims)
    if call.node.target in _SWAPS and len(order) == 2:
        swapped = list(range(rank))
        swapped[order[0]], swapped[order[1]] = order[1], order[0]
        order = tuple(swapped)
    elif call.node.target in _MOVES:
        rest = [dim for dim in range(rank) if dim != order[0]]
        rest.insert(order[1], order[0])
        order = tuple(rest)
    if order == tuple(range(rank)):
        return []
    there = (0, *range(2, rank), 1)
    back = (0, rank - 1, *range(1, rank - 1))
    if order == there == back and not layout.torch:
        return []  # whoever reads it says which way it went
    for way, before, behind in ((there, FIRST, LAST), (back, LAST, FIRST)):
        if order == way and layout.torch in (before, ""):
            layout.torch = behind
            return []
    raise ConfigurationError(f"{where}: only the channels can move, from first to last or back; "
                             f"{order} moves others, or where PyTorch has {layout.torch}")


def _squeeze(call: Call, layout: Layout, where: str) -> Made:
    rank, shape = _rank(layout), layout.shape
    dims = call.get("dim")
    dims = {dim % rank for dim in (dims if isinstance(dims, tuple) else (dims,))
            } if dims is not None else set()
    if not layout.torch:
        raise ConfigurationError(f"{where}: {AMBIGUOUS}")
    order = (-1, *range(rank - 2)) if layout.torch == FIRST else range(rank - 1)
    if rank == 3 and len(dims) == 1 and 0 not in dims and shape[order[max(dims) - 1]] == 1:
        layout.torch = LAST
        return [(ours.Reshape((shape[0] * shape[1],)), {})]
    places = set(range(2, rank)) if layout.torch == FIRST else set(range(1, rank - 1))
    if not dims or not dims <= places:
        raise ConfigurationError(f"{where}: dim={call.get('dim')}: only axes of positions can go, "
                                 f"named one by one, {sorted(places)} here")
    first = 2 if layout.torch == FIRST else 1
    dims = {dim for dim in dims if shape[dim - first] == 1}
    left = [n for i, n in enumerate(shape) if i + first not in dims]
    layout.torch = LAST if len(left) == 1 else layout.torch
    return [(ours.Reshape(tuple(left)), {})]


def _unsqueeze(call: Call, layout: Layout, where: str) -> Made:
    dim = call.get("dim") % (_rank(layout) + 1)
    if len(layout.shape) != 1 or layout.order is not None or dim == 0:
        raise ConfigurationError(f"{where}: only flat features can get another axis: "
                                 f"{SAME_NUMBERS}")
    # Features one after the other become steps of one channel, which stands at dim.
    layout.torch = FIRST if dim == 1 else LAST
    return [(ours.Reshape((layout.shape[0], 1)), {})]


def _over_positions(make: Callable[[], ours.Layer]) -> Rule:
    def rule(call: Call, layout: Layout, where: str) -> Made:
        rank, dims = _rank(layout), call.get("dim")
        dims = {dim % rank for dim in (dims if isinstance(dims, tuple) else (dims,))
                } if dims is not None else set()
        wanted = {FIRST: set(range(2, rank)), LAST: set(range(1, rank - 1))}
        fits = [torch for torch in (FIRST, LAST)
                if dims and dims == wanted[torch] and layout.torch in (torch, "")]
        if not fits or call.get("dtype") is not None:
            raise ConfigurationError(f"{where}: dim={call.get('dim')}: only over all positions, "
                                     f"{sorted(wanted[layout.torch or LAST])} here")
        layout.torch = fits[0] if call.get("keepdim", False) else LAST
        pooled: Made = [(make(), {})]
        if call.get("keepdim", False):
            pooled.append((ours.Reshape((*(1 for _ in dims), layout.shape[-1])), {}))
        return pooled

    return rule


def _taken(call: Call, layout: Layout, where: str) -> Made:
    """The largest numbers, of those and their places."""
    inner = call.node.args[0]
    if inner.target not in (torch.max, "max") or call.node.args[1] not in (0, "values"):
        raise ConfigurationError(f"{where}: takes a part of an array, which no layer does; of max "
                                 "only the numbers can be taken")
    return _LARGEST(Call(inner, ("dim", "keepdim"), call.sizes), layout, where)


def _largest_pair(call: Call, layout: Layout, where: str) -> Made:
    """All that max gives is passed on: what takes its numbers converts it."""
    if all(user.target in (operator.getitem, getattr) for user in call.node.users):
        return []
    raise ConfigurationError(f"{where}: take the numbers of it: x.amax(dim), or x.max(dim)[0]")


_LARGEST = _over_positions(ours.GlobalMaxPool)
_POOL = ("kernel_size", "stride", "padding")
_MAX = (*_POOL, "dilation", "ceil_mode", "return_indices")
_AVERAGE = (*_POOL, "ceil_mode", "count_include_pad", "divisor_override")
_DROP = ("p", "training", "inplace")
# Of each function its rule, and the names of what it takes behind the array.
_NAMED: dict[str, tuple[Rule, tuple[str, ...]]] = {
    **{name: _as_module(kind, ("inplace",)) for name, kind in {
        "relu": "ReLU", "selu": "SELU", "silu": "SiLU", "mish": "Mish", "softsign": "Softsign",
        "sigmoid": "Sigmoid", "tanh": "Tanh", "hardsigmoid": "Hardsigmoid",
        "hardswish": "Hardswish"}.items()},
    "leaky_relu": _as_module("LeakyReLU", ("negative_slope", "inplace")),
    "elu": _as_module("ELU", ("alpha", "inplace")),
    "gelu": _as_module("GELU", ("approximate",)),
    "softplus": _as_module("Softplus", ("beta", "threshold")),
    "softmax": _as_module("Softmax", ("dim", "_stacklevel", "dtype")),
    **{f"max_pool{n}d": _as_module(f"MaxPool{n}d", _MAX) for n in (1, 2)},
    **{f"avg_pool{n}d": _as_module(f"AvgPool{n}d", _AVERAGE) for n in (1, 2)},
    **{f"adaptive_{name}_pool{n}d": _as_module(f"Adaptive{kind}Pool{n}d", ("output_size",))
       for n in (1, 2) for name, kind in (("avg", "Avg"), ("max", "Max"))},
    "dropout": _as_module("Dropout", _DROP), "alpha_dropout": _as_module("AlphaDropout", _DROP),
    **{f"dropout{n}d": _as_module(f"Dropout{n}d", _DROP) for n in (1, 2)},
    "flatten": (_flatten, ("start_dim", "end_dim")),
    "view": (_view, ("*sizes",)), "reshape": (_view, ("*sizes",)),
    **dict.fromkeys(("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis"),
                    (_permute, ("*dims",))),
    "squeeze": (_squeeze, ("dim",)), "unsqueeze": (_unsqueeze, ("dim",)),
    "mean": (_over_positions(ours.GlobalAveragePool), ("dim", "keepdim")),
    "amax": (_LARGEST, ("dim", "keepdim")), "max": (_largest_pair, ("dim", "keepdim")),
    **dict.fromkeys(("contiguous", "clone", "float"), (_same, ())),
}


def _targets(name: str) -> set[Any]:
    spelled = (name, f"_{name}", f"{name}_")
    return {getattr(home, one) for home in (functional, torch) for one in spelled
            if hasattr(home, one) and callable(getattr(home, one))}


FUNCTIONS: dict[Any, tuple[Rule, tuple[str, ...]]] = {
    **{target: entry for name, entry in _NAMED.items() for target in _targets(name)},
    operator.getitem: (_taken, ()), getattr: (_taken, ()),
}
METHODS = {name: _NAMED[name.rstrip("_")] for stem in _NAMED for name in (stem, f"{stem}_")
           if hasattr(torch.Tensor, name)}
NAMES = tuple(_NAMED)
_SWAPS = {torch.transpose, torch.swapaxes, torch.swapdims, "transpose", "swapaxes", "swapdims"}
_MOVES = {torch.movedim, torch.moveaxis, "movedim", "moveaxis"}
# What may give the same memory on.
_VIEWS = ("flatten", "view", "reshape", "permute", "transpose", "swapaxes", "swapdims", "movedim",
          "moveaxis", "squeeze", "unsqueeze", "contiguous", "float", "dropout", "alpha_dropout")
SHARING = (torch.nn.Identity, torch.nn.Flatten, torch.nn.Unflatten, torch.nn.Dropout)
SHARING_CALLS = {*_VIEWS, *(target for name in _VIEWS for target in _targets(name))}
