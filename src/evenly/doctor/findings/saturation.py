"""Sigmoids and tanhs at their flat ends."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign, harm


def look(case: Case) -> Iterator[Sign]:
    if case.trained and not case.room:
        return
    ends = {layer.name for layer in case.output_layers}
    worst: tuple[float, str] | None = None
    for name in case.probes[-1].layers if case.probes else ():
        share = case.typical(name, "saturated_share")
        if share is not None and name not in ends and (worst is None or share > worst[0]):
            worst = share, name
    if worst is None or worst[0] < case.limit("saturated"):
        return
    share, name = worst
    early = case.first(name, "saturated_share")
    # Many train to where they saturate; few begin there.
    if case.trained and not case.ails and (early is None or early < case.limit("saturated")):
        return
    evidence = Evidence(f"{share:.0%} of the outputs of {name} lie where their slope is below a "
                        "hundredth of the largest.", share, case.limit("saturated"),
                        f"probes.{name}.saturated_share")
    yield Sign((evidence, *harm(case)), (cures.fresh_weights(), cures.normalize(), cures.rectify()),
               0.92, name, case.span)


RULE = Rule(
    "saturation",
    "Most outputs of a sigmoid or tanh lie at its flat ends, where a change of the input changes "
    "nothing. Gradients stop there, and the layers in front learn nothing.",
    "LeCun, Bottou, Orr and Mueller 1998, Efficient BackProp, section 4.4; Glorot and Bengio 2010, "
    "section 3",
    look,
)
