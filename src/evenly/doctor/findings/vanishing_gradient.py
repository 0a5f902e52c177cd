"""Gradients that do not reach the first layers."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case, median
from .base import Rule, Sign, harm


def look(case: Case) -> Iterator[Sign]:
    if not case.trained or not case.ails or case.failed:
        return
    found = reach(case)
    if found is None:
        return
    ratio, first, last = found
    if ratio < case.limit("vanishing"):
        evidence = Evidence(
            f"The gradient at {first} is {ratio:.2g} times that at {last}.", ratio,
            case.limit("vanishing"), f"probes.{first}.output_gradient")
        yield Sign((evidence, *harm(case)),
                   (cures.rectify(), cures.normalize(), cures.fresh_weights()), 0.92, first,
                   case.span)


def reach(case: Case) -> tuple[float, str, str] | None:
    """(first layer's gradient over the last's, their names): the median over the probes."""
    names = [name for name in case.weighted if case.series(name, "output_gradient")]
    if len(names) < 3:
        return None
    first, last = names[0], names[-1]
    ratios = []
    for probe in case.probes:
        a = probe.layers[first].output_gradient if first in probe.layers else None
        b = probe.layers[last].output_gradient if last in probe.layers else None
        if a is not None and b is not None and b > 0:
            ratios.append(a / b)
    ratio = median(ratios)
    return None if ratio is None else (ratio, first, last)


RULE = Rule(
    "vanishing_gradient",
    "On its way back each layer multiplies the gradient by a factor below 1, so next to nothing "
    "arrives at the first layers. They stay as they were drawn, and the layers behind them learn "
    "from noise.",
    "Hochreiter 1991; Bengio, Simard and Frasconi 1994, Learning long-term dependencies with "
    "gradient descent is difficult; Glorot and Bengio 2010",
    look,
)
