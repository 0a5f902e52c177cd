"""A network that is too small."""

from __future__ import annotations

from collections.abc import Iterator

from ...records.network import RECURRENT
from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign, harm

# So few units are few where the result is poor, and so few in any case.
FEW_UNITS, ALMOST_NONE = 8, 2
FEW_LAYERS = 2


def look(case: Case) -> Iterator[Sign]:
    if not case.epochs or case.failed or not case.settled or not case.layers:
        return
    smallest = _narrowest(case)
    blatant = smallest is not None and smallest[0] <= ALMOST_NONE
    if blatant and not case.room:
        return
    if not blatant and (not _limited(case) or case.falls is not None or case.few_steps
                        or case.barely_moved):
        return
    layers = len([name for name in case.weighted if case.kinds.get(name) != "embedding"])
    if smallest is not None and smallest[0] <= FEW_UNITS:
        text = f"All that the network knows of a row passes {smallest[0]} units, {smallest[1]}."
        layer: str | None = smallest[1]
    elif layers < FEW_LAYERS:
        text, layer = "The network has no hidden layer: it is a linear model.", None
    else:
        return
    evidence = Evidence(text, float(smallest[0] if smallest else 0), FEW_UNITS, "network")
    more = _room(case)
    yield Sign((evidence, *(harm(case) or more)), (cures.widen(8, 64),), 0.85, layer, case.span,
               blatant)


def _limited(case: Case) -> bool:
    data = case.record.data
    if case.poor or (case.stuck and case.learnable):
        return True
    return data is not None and data.neighbour_score is not None and case.score is not None and \
        data.neighbour_score - case.score > 0.03 + case.noise / 2


def _room(case: Case) -> tuple[Evidence, ...]:
    data = case.record.data
    if data is None or data.neighbour_score is None or case.score is None:
        return ()
    return (Evidence(f"The score on its own training rows is {case.score:.3g}; the nearest "
                     f"neighbour reaches {data.neighbour_score:.3g} on unseen ones.",
                     data.neighbour_score - case.score, 0.03, "epochs.train_score"),)


def _narrowest(case: Case) -> tuple[int, str] | None:
    """(units, name) of the narrowest hidden layer that all must pass."""
    found = [(layer.shape[-1], layer.name) for layer in case.layers
             if layer.kind in ("dense", "conv", *RECURRENT) and layer.shape
             and layer.name != case.last_weighted
             # An image has few channels and many positions.
             and (layer.kind != "conv" or layer.shape[-1] <= ALMOST_NONE)]
    if not found:
        return None
    # What is added or put side by side goes other ways too: then all of them must be narrow.
    forked = any(layer.kind in ("add", "concat") for layer in case.layers)
    return max(found) if forked else min(found)


RULE = Rule(
    "underfitting_capacity",
    "The network is too small for what the rows hold: it cannot even follow its own training rows "
    "as far as a simple model gets on unseen ones. More epochs do not help, more units do.",
    "Goodfellow, Bengio and Courville 2016, Deep learning, section 5.2",
    look,
)
