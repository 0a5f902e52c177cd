"""Mistakes of penalties and of clipping."""

from __future__ import annotations

from typing import Any

from ...byhand.exact import Exact
from ...byhand.expressions import Apply, Expression, Number
from ...byhand.recorder import Step
from .base import (
    Context,
    Mistake,
    NotHere,
    at,
    exact_array_of,
    factors,
    first_alone,
    is_constant,
    operation,
    times,
    under_root,
    unsquared,
    without_root,
)


def _strength_forgotten(c: Context) -> Any:
    def change(e: Expression) -> Expression:
        rest = [f for f in factors(e) if not is_constant(f)]
        if not rest or len(rest) == len(factors(e)):
            raise NotHere("a strength")
        return times(*rest)

    return c.each(change)


def _l2_times(c: Context, factor: Any) -> Any:
    if "l2" not in c.step.formula or "l1" in c.step.formula:
        raise NotHere("a squared penalty alone")
    return c.now * factor


def _limit(c: Context) -> tuple[Any, Any]:
    """(what a norm is clipped to, the norm); NotHere where nothing is clipped by a norm."""
    cells = c.cells()
    if c.has("factor") or _shared(c, "factor") is not None:
        factor = _shared(c, "factor") or c.find("factor")
        cells = [a for cell in c.cells(factor) if isinstance(cell, Apply) for a in cell.arguments]
    for cell in cells:
        for part in factors(cell):
            if isinstance(part, Apply) and part.operation == "divide" \
                    and is_constant(part.arguments[0]):
                limit, norm = map(c.own.evaluated, part.arguments)
                if norm > limit:
                    return limit, norm
    raise NotHere("a limit")


def _shared(c: Context, name: str) -> Step | None:
    """A step that belongs to no array, as the norm of all."""
    return next((s for s in c.own.work.steps if s.name == name and s.layer == ""
                 and s.origin is not None), None)


def _named(c: Context, e: Expression, name: str) -> bool:
    return isinstance(e, Number) and e.place is not None \
        and c.own.work.steps[e.place.step].name == name


def _unclipped(c: Context) -> Any:
    """The gradient in front of clipping."""
    def gradient(e: Expression) -> Expression:
        rest = [f for f in factors(e) if not (isinstance(f, Apply) and f.operation == "divide")
                and not is_constant(f) and not _named(c, f, "factor")]
        if len(rest) != 1:
            raise NotHere("a gradient")
        while isinstance(rest[0], Apply) and rest[0].operation in ("minimum", "maximum"):
            rest = [a for a in rest[0].arguments if not is_constant(a)]
        return rest[0]

    return c.each(gradient)


def _within_limit(c: Context) -> Any:
    """What is within the limit, scaled nevertheless."""
    try:
        _limit(c)
    except NotHere:
        shared = _shared(c, "norm")
        norm = c.get("norm") if shared is None else c.own.array(shared)
        if c.step.name == "factor":
            return c.setting("max_norm") / norm
        return _unclipped(c) * c.setting("max_norm") / norm
    raise NotHere("it is beyond the limit")


def _own_norm(c: Context) -> Any:
    limit, _ = _limit(c)
    g = _unclipped(c)
    norm = Exact((g * g).sum()).sqrt()
    return g * limit / norm if norm > limit else g


def _squared_norm(c: Context) -> Any:
    limit, norm = _limit(c)
    return _unclipped(c) * limit / (norm * norm)


def _each_clipped(c: Context) -> Any:
    limit, _ = _limit(c)
    g = _unclipped(c)
    return exact_array_of([max(min(v, limit), -limit) for v in g.reshape(-1)], g.shape)


def _limit_forgotten(c: Context) -> Any:
    _, norm = _limit(c)
    return _unclipped(c) / norm


def _absolute_sum(c: Context) -> Any:
    def change(e: Expression) -> Expression:
        inner = under_root(e)
        if not (isinstance(inner, Apply) and inner.operation == "add"):
            raise NotHere("a norm")
        return Apply("add", tuple(Apply("absolute", (factors(t)[0],)) for t in inner.arguments))

    return c.each(change)


LIMITS = (
    Mistake("1/2 missing in the penalty", "The penalty was not halved.",
            "It is strength / 2 times the sum of the squares.", at("penalty"),
            lambda c: _l2_times(c, 2)),
    Mistake("factor 2 in the penalty's gradient", "The gradient was doubled, or halved: the 1/2 of "
            "the penalty and the 2 of the square cancel.", "It is strength times the weight.",
            at("d_penalty"), lambda c: (_l2_times(c, 2), _l2_times(c, Exact(1) / 2))),
    Mistake("strength of the penalty forgotten", "The penalty was not multiplied by its strength.",
            "Multiply by the strength.", at("penalty", "d_penalty"), _strength_forgotten),
    Mistake("weights not squared in the penalty", "The weights were added up without squares.",
            "Square each weight first.", at("penalty"),
            unsquared),
    Mistake("absolute value forgotten in the penalty", "The weights were added up with their "
            "signs.", "Add up their absolute values.", at("penalty"), first_alone("absolute")),
    Mistake("weight for its sign", "The gradient of |w| was taken to be w.",
            "It is the sign of w: 1, -1 or 0.", at("d_penalty"), first_alone("sign")),
    Mistake("penalty's gradient forgotten", "Only the gradient of the loss was taken.",
            "Add the penalty's gradient.", at("g"), first_alone("add")),
    Mistake("penalty's gradient subtracted", "The penalty's gradient was subtracted.",
            "Add it: the step then shrinks the weights.", at("g"),
            lambda c: c.changed(operation("add", lambda *terms: Apply("subtract", terms[:2])))),
    Mistake("root of the norm forgotten", "The sum of squares was taken for the norm.",
            "Take its root.", at("norm"), without_root),
    Mistake("absolute values for the norm", "The absolute values were added up.",
            "The root of the sum of squares.", at("norm"), _absolute_sum),
    Mistake("not clipped", "The gradient stayed as it was, though beyond the limit.",
            "Multiply by limit / norm.", at("clipped"), _unclipped),
    Mistake("scaled though within the limit", "The gradient is within the limit already.",
            "Leave it as it is.", at("clipped", "factor"), _within_limit),
    Mistake("clipped by the squared norm", "It was divided by the squared norm.",
            "Multiply by limit / norm.", at("clipped", "factor"),
            lambda c: c.changed(operation("divide", lambda a, b: Apply("divide", (a, times(b, b)))))
            if c.step.name == "factor" else _squared_norm(c)),
    Mistake("clipped by its own norm", "The norm of this array alone was used.",
            "Use the norm of all gradients together.", at("clipped"), _own_norm),
    Mistake("each number clipped", "Each number was cut off at the limit.",
            "The whole gradient is multiplied by limit / norm: its direction stays.",
            at("clipped"), _each_clipped),
    Mistake("limit forgotten in clipping", "The gradient was divided by its norm.",
            "Multiply by limit / norm.", at("clipped"), _limit_forgotten),
)
