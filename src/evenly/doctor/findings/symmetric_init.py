"""Units that are one unit."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign


def look(case: Case) -> Iterator[Sign]:
    worst: tuple[float, str] | None = None
    for name in case.weighted:
        series = case.series(name, "twin_share")
        if not series or name == case.last_weighted:
            continue
        # A layer whose inputs are all zero gets no gradient, but its weights differ.
        share = min(value for _, value in series[: max(1, len(series) // 2)])
        if share >= case.limit("twins") and (worst is None or share > worst[0]):
            worst = share, name
    if worst is None:
        return
    share, name = worst
    evidence = Evidence(
        f"{share:.0%} of the units of {name} have the same incoming weights and the same gradients "
        "as another unit.", share, case.limit("twins"), f"probes.{name}.twin_share")
    yield Sign((evidence,), (cures.fresh_weights(),), 0.98, name, case.span)


RULE = Rule(
    "symmetric_init",
    "Units of a layer begin with equal weights, so they get equal gradients and stay equal at "
    "every step. However many there are, the layer computes what a single unit would.",
    "Goodfellow, Bengio and Courville 2016, Deep learning, section 8.4",
    look,
)
