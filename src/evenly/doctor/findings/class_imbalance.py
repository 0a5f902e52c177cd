"""Rare classes that are never answered."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign


def look(case: Case) -> Iterator[Sign]:
    data = case.record.data
    if data is None or data.targets.kind not in ("classes", "labels") or _is_weighed(case):
        return
    shares = _shares(case)
    present = {c: s for c, s in enumerate(shares) if s > 0}
    if len(present) < 2:
        return
    ratio = max(present.values()) / min(present.values())
    if ratio < case.limit("imbalance"):
        return
    evidence = Evidence(f"The most frequent class has {ratio:.3g} times the rows of the rarest.",
                        ratio, case.limit("imbalance"), "data")
    cure = (cures.weigh_classes(_weights(shares)), cures.advice(
        "Draw rare classes more often, and judge by a score that counts each class alike."))
    if case.about_to_begin and ratio >= case.limit("imbalance_before"):
        yield Sign((evidence,), cure, 0.7, None, None)
    if not case.trained or not case.settled:
        return
    told = _ignored(case, present) or _not_held(case) or _errs(case, present)
    if told is not None:
        yield Sign((evidence, told), cure, 0.9, None, case.span)


def _ignored(case: Case, present: dict[int, float]) -> Evidence | None:
    """Rare classes that are hardly ever answered."""
    data, answers = case.record.data, case.kept.answers if case.kept is not None else ()
    assert data is not None
    if not answers or len(answers) <= max(present):
        return None
    ignored = [c for c, share in present.items()
               if share * data.rows >= 5 and share < 1 / len(present)
               and answers[c] < case.limit("imbalance_ignored") * share]
    if not ignored:
        return None
    missed = sum(present[c] for c in ignored)
    return Evidence(
        f"Classes {', '.join(map(str, ignored[:8]))} make up {missed:.1%} of the rows and "
        f"{sum(answers[c] for c in ignored):.1%} of the answers.", missed, None, "epochs.answers")


def _not_held(case: Case) -> Evidence | None:
    """Rows learned by heart that tell nothing of others: of rare classes there are too few."""
    if case.score is None or case.held_score is None or not case.is_classes:
        return None
    gap = case.score - case.held_score
    if gap < case.limit("overfit_gap") or case.score < 0.9 or not case.room:
        return None
    return Evidence(f"The score is {case.score:.3g} on training rows and {case.held_score:.3g} on "
                    "validation rows.", gap, case.limit("overfit_gap"), "epochs.validation_score")


def _errs(case: Case, present: dict[int, float]) -> Evidence | None:
    """Wrong answers so many that a good part of the rare rows may be among them."""
    if case.held_score is None or not case.is_classes:
        return None
    most = max(present.values())
    rare = sum(s for s in present.values() if s * case.limit("imbalance") <= most)
    wrong = 1 - case.held_score
    limit = case.limit("imbalance_errors") * rare
    if wrong < limit:
        return None
    return Evidence(f"On validation rows {wrong:.1%} of the answers are wrong; rare classes make "
                    f"up {rare:.1%} of the rows.", wrong, limit, "epochs.validation_score")


def _shares(case: Case) -> tuple[float, ...]:
    data = case.record.data
    assert data is not None
    if data.targets.kind == "labels" and data.targets.outputs == 1 and \
            len(data.targets.shares) == 1:
        return (1 - data.targets.shares[0], data.targets.shares[0])
    return data.targets.shares if data.targets.kind == "classes" else ()


def _weights(shares: tuple[float, ...]) -> list[float]:
    present = sum(s > 0 for s in shares)
    return [1 / (present * s) if s > 0 else 0.0 for s in shares]


def _is_weighed(case: Case) -> bool:
    loss = case.record.loss
    return loss is not None and bool(loss.settings.get("class_weights"))


RULE = Rule(
    "class_imbalance",
    "Some classes are so rare that answering as if they did not exist costs next to no loss. The "
    "network does so: accuracy looks well, and the rare classes, often those that matter, are "
    "never found.",
    "He and Garcia 2009, Learning from imbalanced data, section 3",
    look,
)
