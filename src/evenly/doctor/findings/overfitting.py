"""A network that learns its training rows by heart."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case, finite
from .base import Rule, Sign

CURES = (cures.stop_early(), cures.add_dropout(0.5), cures.weight_decay(1e-3), cures.narrow(4))


def look(case: Case) -> Iterator[Sign]:
    if not case.settled or case.failed or case.record.best_epoch is not None:
        return
    told = _rise(case)
    gap = _gap(case)
    if told or gap:
        yield Sign((*told, *gap), CURES, 0.9, None, _since(case))


def _rows(case: Case) -> int:
    return case.record.validation.rows if case.record.validation is not None else 100


def _rise(case: Case) -> tuple[Evidence, ...]:
    """The validation loss rises from its best while the training loss falls."""
    if len(case.losses) != len(case.epochs):
        return ()
    pairs = [(e.validation_loss, loss) for e, loss in zip(case.epochs, case.losses, strict=True)
             if e.validation_loss is not None]
    if len(pairs) < 6 or not all(math.isfinite(a + b) for a, b in pairs):
        return ()
    held = [a for a, _ in pairs]
    smooth = [statistics.median(held[max(0, i - 1):i + 2]) for i in range(len(held))]
    best = min(range(len(held)), key=smooth.__getitem__)
    count = max(1, len(held) // 5)
    last = statistics.median(held[-count:])
    rise, low = last - smooth[best], smooth[best]
    trained_on = statistics.median(b for _, b in pairs[-count:])
    if low <= 0 or best >= len(held) - count or trained_on >= pairs[best][1]:
        return ()
    # A small validation set: its loss is known no better than this.
    chance = last / math.sqrt(max(1, _rows(case)))
    scale = case.chance if case.chance is not None else low
    if rise < case.limit("overfit_rise") * low or rise < chance or rise < 0.03 * scale:
        return ()
    # All along, not in one swing.
    if min(held[-count:]) < low + rise / 4:
        return ()
    return (Evidence(
        f"The validation loss was {low:.3g} at epoch {best + 1} and is {last:.3g} at the end, "
        f"while the training loss fell from {pairs[best][1]:.3g} to {trained_on:.3g}.", rise / low,
        case.limit("overfit_rise"), "epochs.validation_loss"),)


def _gap(case: Case) -> tuple[Evidence, ...]:
    """Unseen rows are answered worse than a simple model would, seen ones better."""
    scores = finite(e.validation_score for e in case.last_epochs)
    if not scores or case.score is None or not case.learnable or case.reference is None:
        return ()
    held = statistics.median(scores)
    noise = case.noise / 2 + 1 / math.sqrt(max(1, _rows(case)))
    missing, gap = case.reference - held, case.score - held
    if missing < 0.03 + noise or gap < case.limit("overfit_gap") + noise:
        return ()
    return (Evidence(
        f"The score is {case.score:.3g} on training rows and {held:.3g} on validation rows; a "
        f"simple model reaches {case.reference:.3g} on unseen rows.", gap,
        case.limit("overfit_gap"), "epochs.validation_score"),)


def _since(case: Case) -> tuple[int, int] | None:
    held = [e.validation_loss for e in case.epochs if e.validation_loss is not None]
    if len(held) < len(case.epochs) or not case.steps:
        return case.span
    best = min(range(len(held)), key=held.__getitem__)
    first = sum(e.steps for e in case.epochs[: best + 1])
    return (min(first, case.steps - 1), case.steps - 1)


RULE = Rule(
    "overfitting",
    "The network goes on to learn what is particular to its training rows. That costs it on all "
    "other rows: the validation loss rises while the training loss falls.",
    "Prechelt 1998, Early stopping - but when?; Goodfellow, Bengio and Courville 2016, Deep "
    "learning, section 7.8",
    look,
)
