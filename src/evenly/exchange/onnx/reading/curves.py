"""Functions of one activation that a graph writes out in several operators, such as GELU by erf, or
layer normalization by means and roots.

They are kept as expressions until something reads their result. What they are is told by their
values: an expression is a layer if both agree on many numbers, whatever way it is written.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from .... import layers as ours
from ....errors import ConfigurationError
from ....layers.base import Layer, Run
from ....layers.special import normal_cdf
from .axes import Group, Value, size
from .file import Node

_RUN = Run(training=False)
_MOST = 30  # operators of one expression


@dataclass(eq=False)
class Expression:
    """What an operator makes of others' results.

    Attributes:
        node: the operator.
        parts: expressions, values and numbers.
        theirs: axes of the graph's array.
        count: operators in it, at most.
        value: once it has become a layer: its output.
    """

    node: Node
    parts: tuple[Any, ...]
    theirs: tuple[Group, ...]
    count: int
    value: Value | None = None

    @property
    def dims(self) -> tuple[int, ...]:
        return tuple(map(size, self.theirs))


def _selu(settings: dict[str, Any]) -> Layer:
    if abs(settings["alpha"] - 1.6732632) > 1e-6 or abs(settings["gamma"] - 1.0507010) > 1e-6:
        raise ConfigurationError("SELU's two numbers are those of its fixed point, these "
                                 "are others")
    return ours.SELU()


# Operators that are a layer by themselves.
NAMED: dict[str, Callable[[dict[str, Any]], Layer]] = {
    "Relu": lambda s: ours.ReLU(), "Sigmoid": lambda s: ours.Sigmoid(),
    "Tanh": lambda s: ours.Tanh(), "Softsign": lambda s: ours.Softsign(),
    "Softplus": lambda s: ours.Softplus(), "Mish": lambda s: ours.Mish(),
    "HardSwish": lambda s: ours.HardSwish(), "Selu": _selu,
    "Elu": lambda s: ours.ELU(_exact(s["alpha"])),
    "LeakyRelu": lambda s: ours.LeakyReLU(_exact(s["alpha"])),
    "HardSigmoid": lambda s: ours.HardSigmoid(_exact(s["alpha"]), _exact(s["beta"])),
    "Gelu": lambda s: ours.GELU(approximate=s["approximate"] == "tanh"),
    "Swish": lambda s: _plain_swish(s),
}


def _plain_swish(settings: dict[str, Any]) -> Layer:
    if settings["alpha"] != 1:
        raise ConfigurationError(f"Swish with alpha={settings['alpha']} has no counterpart, only 1")
    return ours.SiLU()


def _exact(number: float) -> float:
    """The number that a float32 was written as: 0.2, not 0.20000000298."""
    short = float(f"{number:.7g}")
    return next((n for n in (short, 1 / 6) if np.float32(n) == np.float32(number)), number)


def _clip(x: Any, low: Any = -np.inf, high: Any = np.inf) -> Any:
    return np.minimum(np.maximum(x, low), high)


# The others, as arithmetic. Reductions are over the columns of rows.
_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "Pow": np.power,
    "Neg": np.negative, "Abs": np.abs, "Exp": np.exp, "Log": np.log, "Sqrt": np.sqrt,
    "Reciprocal": lambda x: 1 / x, "Erf": lambda x: 2 * normal_cdf(np, x * math.sqrt(2)) - 1,
    "Min": lambda *parts: reduce(np.minimum, parts),
    "Max": lambda *parts: reduce(np.maximum, parts),
    "Sum": lambda *parts: reduce(np.add, parts), "Clip": _clip,
    "ReduceMean": lambda x: np.mean(x, axis=-1, keepdims=True),
}
ELEMENTWISE = frozenset({*NAMED, *_ARITHMETIC} - {"ReduceMean"})


def expression(node: Node, parts: list[Any], theirs: tuple[Group, ...]) -> Expression:
    """An operator applied to expressions, values and numbers."""
    count = 1 + sum(part.count for part in parts if isinstance(part, Expression)
                    and part.value is None)
    return Expression(node, tuple(parts), theirs, count)


def too_long(expr: Expression) -> bool:
    return expr.count > _MOST


def within(expr: Expression) -> Iterator[Any]:
    """Everything that an expression is made of, itself included, down to values."""
    seen: set[int] = set()
    left: list[Any] = [expr]
    while left:
        part = left.pop()
        if id(part) not in seen:
            seen.add(id(part))
            yield part
            if isinstance(part, Expression) and part.value is None:
                left += part.parts


def bases(expr: Expression) -> list[Any]:
    """The values, and expressions that are layers already, that it is made of."""
    return [part for part in within(expr)
            if isinstance(part, Value) or (isinstance(part, Expression) and part.value is not None)]


def cuts(expr: Expression) -> list[Any]:
    """What the expression is a function of: values or expressions, the farthest first."""
    found = [part for part in within(expr) if part is not expr
             and isinstance(part, (Value, Expression)) and _only_by(expr, part)]
    return sorted(found, key=lambda part: part.count if isinstance(part, Expression)
                  and part.value is None else 0)


def _only_by(expr: Expression, cut: Any) -> bool:
    """Whether every way from an expression down to a value passes a part of it."""
    if expr.value is not None:
        return False
    return all(
        part is cut or isinstance(part, float)
        or (isinstance(part, Expression) and _only_by(part, cut)) for part in expr.parts
    )


def evaluated(expr: Expression, cut: Any, x: Any) -> Any:
    """The expression's values where a part of it has the values x."""
    known: dict[int, Any] = {id(cut): x}

    def value(part: Any) -> Any:
        if isinstance(part, float):
            return part
        if id(part) not in known:
            inputs = [value(inner) for inner in part.parts]
            op, settings = part.node.op, part.node.settings
            if op in NAMED:
                known[id(part)] = NAMED[op](settings).forward(inputs[0], {}, _RUN)[0]
            elif op == "Clip" and "max" in settings:
                known[id(part)] = _clip(inputs[0], settings["min"], settings["max"])
            else:
                known[id(part)] = _ARITHMETIC[op](*inputs)
        return known[id(part)]

    with np.errstate(all="ignore"):
        return np.broadcast_to(value(expr), x.shape)


_FAR = np.concatenate([np.logspace(-3, 1.5, 60), [1e2, 1e3, 1e4]])
_GRID = np.concatenate([-_FAR[::-1], [0.0], _FAR])


def curve_of(expr: Expression, cut: Any) -> Layer | tuple[float, float] | None:
    """The activation that an expression is of a part of it; (a, b) for a x + b; or None."""
    if expr.parts == (cut,) and expr.node.op in NAMED:
        return NAMED[expr.node.op](expr.node.settings)

    def f(x: float) -> float:
        return float(evaluated(expr, cut, np.array([x]))[0])

    y = evaluated(expr, cut, _GRID)
    zero = f(0.0)
    slope = f(1.0) - zero

    def same(other: Any) -> bool:
        # Far out a way of writing may overflow where the layer does not.
        fits = np.isclose(y, other, rtol=1e-5, atol=1e-9)
        return bool((fits | (~np.isfinite(y) & (np.abs(_GRID) > 80))).all())

    if np.isfinite(slope) and same(slope * _GRID + zero):
        return slope, zero
    makers: list[Callable[[], Layer]] = [
        ours.ReLU, ours.Sigmoid, ours.Tanh, ours.SiLU, ours.GELU,
        lambda: ours.GELU(approximate=True), ours.Mish, ours.HardSwish, ours.Softsign, ours.SELU,
        lambda: ours.LeakyReLU(_exact(-f(-1.0))),
        lambda: ours.ELU(_exact(-f(-80.0))),
        lambda: ours.Softplus(_exact(math.log(2) / zero)),
        lambda: ours.HardSigmoid(_exact((f(1e-3) - zero) / 1e-3), _exact(zero)),
    ]
    for make in makers:
        try:
            layer = make()
        except (ConfigurationError, ArithmeticError):
            continue  # what was measured cannot be a setting of this one
        if same(layer.forward(_GRID, {}, _RUN)[0]):
            return layer
    return None


def norm_of(expr: Expression, cut: Any) -> tuple[str, float, set[Any]] | None:
    """("layer" or "rms", epsilon, atoms) where an expression normalizes a part of it over axes."""
    parts = [part for part in within(expr) if isinstance(part, Expression) and part is not cut]
    means = [part for part in parts if part.node.op == "ReduceMean" and part.value is None]
    kept = [{atom for group in part.theirs for atom in group} for part in means]
    if not means or any(own != kept[0] for own in kept):
        return None
    every = {atom for group in cut.theirs for atom in group}
    rows = np.random.default_rng(0).normal(size=(6, 7))
    x = rows * np.array([[1e-3], [1e-2], [0.1], [1.0], [10.0], [100.0]]) + 0.1
    y = evaluated(expr, cut, x)
    epsilons = {part for whole in parts for part in whole.parts if isinstance(part, float)}
    for epsilon in sorted(n for n in epsilons if 0 <= n < 1):
        short = _exact(epsilon)
        for kind, layer in (("layer", ours.LayerNorm(1, short, False, False)),
                            ("rms", ours.RMSNorm(1, short, False))):
            with np.errstate(all="ignore"):
                own = layer.forward(x, {}, _RUN)[0]
            if np.allclose(y, own, rtol=1e-6, atol=1e-7):
                return kind, short, every - kept[0]
    return None
