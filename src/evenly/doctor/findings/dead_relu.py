"""ReLUs that are zero for every row."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign, harm


def look(case: Case) -> Iterator[Sign]:
    if case.trained and not case.ails:
        return
    worst: tuple[float, str] | None = None
    names = [layer.name for layer in case.layers if layer.kind == "relu"] or \
        [] if case.layers else list(case.probes[-1].layers) if case.probes else []
    for name in names:
        share = case.late(name, "dead_share")
        if share is not None and (worst is None or share > worst[0]):
            worst = share, name
    if worst is None:
        return
    share, name = worst
    limit = case.limit("dead_units") if case.trained else case.limit("dead_all")
    if share < limit:
        return
    evidence = Evidence(f"{share:.0%} of the units of {name} are 0 for every row.", share, limit,
                        f"probes.{name}.dead_share")
    rate = case.rate
    yield Sign((evidence, *harm(case)),
               (cures.fresh_weights(), cures.rectify(leaky=True), cures.rate_times(0.1, rate)),
               0.93, name, _since(case, name, limit))


def _since(case: Case, name: str, limit: float) -> tuple[int, int] | None:
    for step, value in case.series(name, "dead_share"):
        if value >= limit:
            return (step, max(step, case.steps - 1))
    return case.span


RULE = Rule(
    "dead_relu",
    "A ReLU whose input is negative for every row gives 0 and gets no gradient, so it stays so. "
    "Where most units of a layer are dead, next to nothing passes it in either direction.",
    "Lu, Shin, Su and Karniadakis 2020, Dying ReLU and initialization; Maas, Hannun and Ng 2013, "
    "Rectifier nonlinearities improve neural network acoustic models",
    look,
)
