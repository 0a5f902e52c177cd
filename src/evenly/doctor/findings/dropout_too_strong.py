"""Dropout that leaves too little."""

from __future__ import annotations

from collections.abc import Iterator

from ...records.network import DROPOUTS
from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign, harm


def look(case: Case) -> Iterator[Sign]:
    if not case.epochs or case.failed or not case.unfit:
        return
    rates = []
    for layer in case.layers:
        for key in ("rate", "dropout", "recurrent_dropout"):
            value = layer.settings.get(key)
            if isinstance(value, (int, float)) and not isinstance(value, bool) and \
                    (layer.kind in DROPOUTS or key != "rate"):
                rates.append((float(value), layer.name))
    if not rates:
        return
    rate, name = max(rates)
    kept = 1.0
    for value, _ in rates:
        kept *= 1 - min(value, 1.0)
    if rate < case.limit("dropout"):
        return
    evidence = Evidence(f"{name} drops {rate:.0%} of what passes.", rate, case.limit("dropout"),
                        "network")
    yield Sign((evidence, *harm(case)), (cures.dropout_at(0.2), cures.dropout_at(0.0)), 0.9, name,
               case.span, True)


RULE = Rule(
    "dropout_too_strong",
    "Dropout takes so much away that what is left no longer tells the rows apart. The network "
    "cannot even follow its training rows.",
    "Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014, Dropout, section 7.3",
    look,
)
