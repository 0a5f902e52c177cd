"""Mistakes of layers in front of a network: factors, shares, waves and bins."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...byhand.exact import Exact
from .base import Context, Mistake, NotHere, is_constant, mapped, operation

_ONE, _ZERO = Exact(1), Exact(0)


def _x(c: Context) -> Any:
    return c.entering()


def _of_rows(c: Context) -> Any:
    x, factor = _x(c), c.get("factor")
    if len(x) != len(factor):
        raise NotHere("as many rows as factors")
    return x * factor[:, None]


def _swapped(c: Context) -> Any:
    """Each share in the place of what it leaves: share x + (1 - share) f."""
    share = c.get("share")
    return share * _x(c) + (1 - share) * c.get("f", "forward")


def _added_up(c: Context, each: Any) -> Any:
    return (c.d_y() * each).sum(axis=0)


def _z(c: Context) -> Any:
    return c.get("z", "forward")


def _cut(c: Context) -> Any:
    """All bins within 0 and 1, the outermost too."""
    return mapped(lambda v: min(max(v, _ZERO), _ONE), _z(c)).reshape(c.step.value.shape)


def _by_widths(c: Context) -> Any:
    """slope (x - edge) with the width in place of 1 / width."""
    slope = c.get("slope")
    return c.now / (slope * slope)


def _everywhere(c: Context) -> Any:
    """slope d_y in all bins."""
    slope = c.get("slope")
    return c.d_y().reshape(c.step.value.shape) * slope


def _without_turns(c: Context) -> Any:
    return _x(c)[:, None, :] * c.get("frequency") + c.get("phase")


def _sines(c: Context) -> Any:
    return mapped(lambda v: v.sin(), c.get("angle", "forward"))


def _in_degrees(c: Context) -> Any:
    """Angles taken as degrees."""
    return mapped(lambda v: (v * Exact(np.pi) / 180).cos(), c.get("angle", "forward"))


def _turns_forgotten(c: Context) -> Any:
    """Backward without 2 pi."""
    def rule(first: Any, second: Any) -> Any:
        for one, other in ((first, second), (second, first)):
            if is_constant(one) and abs(float(c.own.evaluated(one)) - 2 * np.pi) < 1e-9:
                return other
        return None

    return c.changed(operation("multiply", rule))


def _x_alone(c: Context) -> Any:
    """The gradient on x as it is, or through the waves alone."""
    features = c.step.value.shape[-1]
    straight = c.d_y()[:, :features]
    return straight, c.now - straight


FRONTS = (
    Mistake("factor added", "The factor was added.", "Multiply by it.", ("scale_*.y",),
            lambda c: _x(c) + c.get("factor")),
    Mistake("factor of the row", "Each row was multiplied by a factor.",
            "A factor belongs to a column.", ("scale_*.y",), _of_rows),
    Mistake("input forgotten in a factor's gradient", "The gradient was added up as it came.",
            "y changes with the factor by x: multiply by x first.", ("scale_*.share",
                                                                   "scale_*.d_factor"),
            lambda c: c.d_y() if c.step.name == "share" else _added_up(c, 1)),
    Mistake("factor forgotten backward", "The gradient passed unchanged.",
            "Multiply it by the factor of its column.", ("scale_*.d_x",), lambda c: c.d_y()),
    Mistake("shares swapped", "The share went to x, and the rest to the activation.",
            "The activation has the share, x what it leaves.", ("parametric_*.y",), _swapped),
    Mistake("x left out", "The share of the activation stands alone.",
            "Add what the share leaves of x.", ("parametric_*.y",),
            lambda c: c.get("share") * c.get("f", "forward")),
    Mistake("x left out of the share's gradient", "The gradient was weighed by f alone.",
            "y changes with the share by f - x.", ("parametric_*.d_share",),
            lambda c: _added_up(c, c.get("f", "forward"))),
    Mistake("difference turned round", "It was weighed by x - f.",
            "y changes with the share by f - x.", ("parametric_*.d_share",), lambda c: -c.now),
    Mistake("way of x forgotten", "The gradient went through the activation alone.",
            "x was used as it is too: add (1 - share) d_y.", ("parametric_*.d_x",),
            lambda c: c.get("share") * c.get("d_f")),
    Mistake("width for slope", "The distance from the edge was multiplied by the bin's width.",
            "Divide by the width: the slope is 1 / width.", ("piecewise_linear_*.z",), _by_widths),
    Mistake("not cut off at 0 and 1", "What lies outside of a bin was left as it is.",
            "A bin above x is 0, one below it 1.", ("piecewise_linear_*.y",),
            lambda c: _z(c).reshape(c.step.value.shape)),
    Mistake("outermost bins cut off too", "The first bin went no further than 0, or the last no "
            "further than 1.", "Beyond the outermost edges the encoding goes on.",
            ("piecewise_linear_*.y",), _cut),
    Mistake("gradient through every bin", "Bins that x does not lie in have handed it back too.",
            "Where y is 0 or 1 it does not change with x.", ("piecewise_linear_*.share",),
            _everywhere),
    Mistake("2 pi forgotten", "The frequency was not multiplied by 2 pi.",
            "A frequency of 1 is one turn: 2 pi frequency x + phase.",
            ("periodic_*.angle", "periodic_*.d_frequency"),
            lambda c: _without_turns(c) if c.step.name == "angle" else _turns_forgotten(c)),
    Mistake("sine for cosine", "The sine of the angle was taken.", "The wave is cos(angle).",
            ("periodic_*.wave",), _sines),
    Mistake("angle in degrees", "The calculator read the angle as degrees.",
            "Set it to radians.", ("periodic_*.wave",), _in_degrees),
    Mistake("sign of the cosine's slope", "The slope of cos was taken to be sin.",
            "It is minus the sine.",
            ("periodic_*.d_angle",), lambda c: -c.now),
    Mistake("one use of x forgotten", "x is in the output as it is, and in its waves.",
            "Add both ways.", ("periodic_*.d_x",), _x_alone),
)
