"""Arithmetic of the graph on its constants, and on the sizes of its arrays."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....saving.values import NotReadable
from .axes import BATCH
from .file import Node


@dataclass(frozen=True)
class Filled:
    """An array that holds one number everywhere, with as many rows as there are examples."""

    number: float


def ints(node: Node, value: Any, what: str) -> list[int]:
    """The whole numbers of a constant of one axis."""
    if not isinstance(value, np.ndarray) or value.ndim > 1 or value.dtype.kind not in "iu":
        raise NotReadable(f"{node.where}: its {what} are no constant whole numbers: fix the shapes "
                          "when exporting")
    return [int(n) for n in np.atleast_1d(value)]


def axes_of(node: Node, args: list[Any], place: int, rank: int) -> list[int]:
    """Its axes, an attribute or (in newer versions) an input, none negative; all by default."""
    given = node.settings.get("axes")
    if given is None:
        given = list(range(rank)) if args[place] is None else ints(node, args[place], "axes")
    return [checked_axis(node, axis, rank) for axis in given]


def checked_axis(node: Node, axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise NotReadable(f"{node.where}: has no axis {axis}: its input has {rank}")
    return axis % rank


def slices(node: Node, args: list[Any], dims: tuple[int, ...]) -> list[tuple[int, range]]:
    """(axis, positions taken) of a Slice."""
    settings = node.settings
    if "starts" in settings:
        starts, ends = settings["starts"], settings["ends"]
        axes, steps = settings.get("axes", list(range(len(starts)))), [1] * len(starts)
    else:
        starts, ends = ints(node, args[1], "starts"), ints(node, args[2], "ends")
        axes = list(range(len(starts))) if args[3] is None else ints(node, args[3], "axes")
        steps = [1] * len(starts) if args[4] is None else ints(node, args[4], "steps")
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise NotReadable(f"{node.where}: its starts, ends, axes and steps do not fit together")
    taken = []
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        axis = checked_axis(node, axis, len(dims))
        taken.append((axis, range(dims[axis])[slice(start, end, step)]))
    return taken


def _slice(node: Node, args: list[Any]) -> Any:
    x = args[0]
    for axis, taken in slices(node, args, x.shape):
        x = x[(slice(None),) * axis + (_as_slice(taken),)]
    return x


def _as_slice(taken: range) -> slice:
    if not len(taken):
        return slice(0, 0)
    return slice(taken[0], taken.stop if taken.stop >= 0 else None, taken.step)


def _reshape(node: Node, args: list[Any]) -> Any:
    x, shape = args[0], ints(node, args[1], "sizes")
    if not node.settings.get("allowzero"):
        shape = [x.shape[i] if n == 0 and i < x.ndim else n for i, n in enumerate(shape)]
    return x.reshape(shape)


def _gather(node: Node, args: list[Any]) -> Any:
    return np.take(args[0], args[1], axis=node.settings["axis"])


def _divide(node: Node, args: list[Any]) -> Any:
    x, y = args[:2]
    if x.dtype.kind not in "iu":
        return x / y
    if (y == 0).any():
        raise NotReadable(f"{node.where}: divides by zero")
    return (np.sign(x) * np.sign(y)) * (np.abs(x) // np.abs(y))


def _of_shape(node: Node, args: list[Any]) -> Any:
    shape, value = ints(node, args[0], "sizes"), node.settings.get("value", np.zeros(1, np.float32))
    if value.size != 1 or min(shape, default=0) < 0:
        raise NotReadable(f"{node.where}: cannot fill shape {shape}")
    if any(n and n % BATCH == 0 for n in shape):
        return Filled(float(value.reshape(-1)[0]))
    return np.full(shape, value.reshape(-1)[0])


def _expand(node: Node, args: list[Any]) -> Any:
    x, shape = args[0], ints(node, args[1], "sizes")
    if any(n and n % BATCH == 0 for n in shape):
        if x.size and (x == x.reshape(-1)[0]).all():
            return Filled(float(x.reshape(-1)[0]))
        raise NotReadable(f"{node.where}: repeats an array for each example")
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(shape)))


def _constant(node: Node, args: list[Any]) -> Any:
    given = [(name, value) for name, value in node.settings.items() if value is not None]
    if len(given) != 1 or given[0][0] not in ("value", "value_float", "value_floats", "value_int",
                                              "value_ints"):
        raise NotReadable(f"{node.where}: holds no numbers")
    name, value = given[0]
    if name == "value":
        return value
    return np.array(value, np.float32 if "float" in name else np.int64)


def _cast(node: Node, args: list[Any]) -> Any:
    import onnx

    try:
        kind = onnx.helper.tensor_dtype_to_np_dtype(node.settings["to"])
    except KeyError:
        kind = np.dtype("O")
    if kind.kind not in "fiub":
        raise NotReadable(f"{node.where}: makes no plain numbers")
    return args[0].astype(kind)


def _squeeze(node: Node, args: list[Any]) -> Any:
    axes = axes_of(node, args, 1, args[0].ndim)
    if args[1] is None and "axes" not in node.settings:
        axes = [axis for axis in axes if args[0].shape[axis] == 1]
    return np.squeeze(args[0], tuple(axes))


def _unsqueeze(node: Node, args: list[Any]) -> Any:
    given = node.settings.get("axes") or ints(node, args[1], "axes")
    return np.expand_dims(args[0], tuple(given))


_FOLDS: dict[str, Callable[[Node, list[Any]], Any]] = {
    "Constant": _constant, "ConstantOfShape": _of_shape, "Expand": _expand, "Cast": _cast,
    "Identity": lambda node, args: args[0],
    "Shape": lambda node, args: np.array(
        args[0].shape[node.settings.get("start", 0) : node.settings.get("end")], np.int64),
    "Gather": _gather, "Slice": _slice, "Reshape": _reshape, "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": lambda node, args: args[0].transpose(node.settings.get("perm")),
    "Concat": lambda node, args: np.concatenate(
        [a for a in args if a is not None], axis=node.settings["axis"]),
    "Add": lambda node, args: args[0] + args[1], "Sub": lambda node, args: args[0] - args[1],
    "Mul": lambda node, args: args[0] * args[1], "Div": _divide,
    "Neg": lambda node, args: -args[0], "Sqrt": lambda node, args: np.sqrt(args[0]),
    "Reciprocal": lambda node, args: 1 / args[0], "Exp": lambda node, args: np.exp(args[0]),
    "Pow": lambda node, args: args[0] ** args[1],
}
FOLDED = frozenset(_FOLDS)
_KEPT = {"Slice", "Gather", "Squeeze", "Unsqueeze", "Expand", "Identity", "Cast", "Transpose",
         "Reshape", "Concat"}


def fold(node: Node, args: list[Any], left: int) -> Any:
    """What an operator makes of constants.

    Raises:
        NotReadable: it cannot, or would take more than `left` bytes.
    """
    if any(isinstance(arg, Filled) for arg in args):
        first = args[0]
        if node.op not in _KEPT or not isinstance(first, Filled):
            raise NotReadable(f"{node.where}: computes with an array of one number an example")
        return first
    if node.op not in _FOLDS:
        raise NotReadable(f"{node.where}: computes with constants: fold them when exporting")
    if _size(node, args) * 8 > left:
        raise NotReadable(f"{node.where}: makes more than memory= allows of constants")
    try:
        with np.errstate(all="ignore"):
            made = _FOLDS[node.op](node, args)
            return made if isinstance(made, Filled) else np.asarray(made)
    except (ValueError, TypeError, IndexError, OverflowError, ArithmeticError) as error:
        raise NotReadable(f"{node.where}: cannot be: {error}") from None


def _size(node: Node, args: list[Any]) -> int:
    """How many numbers an operator makes, at most."""
    given = [arg for arg in args if isinstance(arg, np.ndarray)]
    if node.op == "ConstantOfShape":
        sizes = ints(node, args[0], "sizes")
        return 0 if any(n and n % BATCH == 0 for n in sizes) else math.prod(sizes)
    if node.op == "Expand":
        return 0  # a view
    if node.op == "Gather":
        return given[0].size * given[1].size if len(given) == 2 else 0
    if node.op in ("Add", "Sub", "Mul", "Div", "Pow"):
        try:
            return math.prod(np.broadcast_shapes(*(arg.shape for arg in given)))
        except ValueError:
            raise NotReadable(f"{node.where}: its constants do not fit together") from None
    return sum(arg.size for arg in given)
