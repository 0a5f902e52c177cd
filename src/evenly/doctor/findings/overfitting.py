"""A network that learns its training rows by heart."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign

CURES = (cures.stop_early(), cures.add_dropout(0.5), cures.weight_decay(1e-3), cures.narrow(4))


def look(case: Case) -> Iterator[Sign]:
    told = (*_rise(case), *_gap(case))
    if told:
        yield Sign(told, CURES, 0.9, None, _since(case))


def _rise(case: Case) -> tuple[Evidence, ...]:
    """The validation loss rises from its best while the training loss falls."""
    found = case.overfits
    if found is None:
        return ()
    return (Evidence(
        f"The validation loss was {found.low:.3g} at epoch {found.best + 1} and is "
        f"{found.last:.3g} at the end, while the training loss fell from {found.before:.3g} to "
        f"{found.after:.3g}.", found.size / found.low, case.limit("overfit_rise"),
        "epochs.validation_loss"),)


def _gap(case: Case) -> tuple[Evidence, ...]:
    """Unseen rows are answered worse than a simple model would, seen ones better."""
    held = case.held_score
    if not case.weak or case.fails_to_fit or held is None or case.score is None:
        return ()
    assert case.reference is not None
    gap, above = case.score - held, case.score - case.reference
    if above < case.limit("overfit_above") and case.score < 0.97:
        return ()
    if gap < case.limit("overfit_gap") + case.noise:
        return ()
    return (Evidence(
        f"The score is {case.score:.3g} on training rows and {held:.3g} on validation rows; a "
        f"simple model reaches {case.reference:.3g} on unseen rows.", gap,
        case.limit("overfit_gap"), "epochs.validation_score"),)


def _since(case: Case) -> tuple[int, int] | None:
    found = case.overfits
    if found is None or not case.steps:
        return case.span
    first = sum(epoch.steps for epoch in case.epochs[: found.best + 1])
    return (min(first, case.steps - 1), case.steps - 1)


RULE = Rule(
    "overfitting",
    "The network goes on to learn what is particular to its training rows. That costs it on all "
    "other rows: the validation loss rises while the training loss falls.",
    "Prechelt 1998, Early stopping - but when?; Goodfellow, Bengio and Courville 2016, Deep "
    "learning, section 7.8",
    look,
)
