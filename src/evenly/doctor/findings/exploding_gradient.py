"""Gradients that grow on their way back."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case, finite, median
from .base import Rule, Sign, harm
from .vanishing_gradient import reach


def look(case: Case) -> Iterator[Sign]:
    if not case.trained or not case.ails:
        return
    evidence = []
    found = reach(case)
    if found is not None and found[0] > case.limit("exploding"):
        ratio, first, last = found
        evidence.append(Evidence(f"The gradient at {first} is {ratio:.3g} times that at {last}.",
                                 ratio, case.limit("exploding"),
                                 f"probes.{first}.output_gradient"))
    elif case.is_recurrent:
        evidence += _jumps(case)
    if not evidence:
        return
    yield Sign((*evidence, *harm(case)), (cures.clip(), cures.fresh_weights(), cures.normalize()),
               0.88, found[1] if found is not None else None, case.span)


def _jumps(case: Case) -> list[Evidence]:
    """A recurrent network's gradients grow over the steps of a sequence: now and then, by much."""
    told = [(e.gradient_norm, e.largest_gradient_norm) for e in case.epochs
            if e.gradient_norm and e.largest_gradient_norm]
    jumps = finite(largest / norm for norm, largest in told)
    norms = finite(probe.gradient_norm for probe in case.probes)
    jump = max(jumps, default=0.0)
    if jump > case.limit("gradient_jump"):
        return [Evidence(f"An epoch's largest gradient is {jump:.3g} times its mean.", jump,
                         case.limit("gradient_jump"), "epochs.largest_gradient_norm")]
    typical = median(norms)
    if typical and max(norms) / typical > case.limit("exploding"):
        return [Evidence(f"The largest gradient is {max(norms) / typical:.3g} times the typical.",
                         max(norms) / typical, case.limit("exploding"), "probes.gradient_norm")]
    return []


RULE = Rule(
    "exploding_gradient",
    "On its way back each layer, or each step of a sequence, multiplies the gradient by a factor "
    "above 1. A single step then throws the weights so far that what was learned is lost.",
    "Pascanu, Mikolov and Bengio 2013, On the difficulty of training recurrent neural networks",
    look,
)
