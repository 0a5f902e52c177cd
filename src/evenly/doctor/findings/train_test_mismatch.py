"""Training and validation rows that were prepared differently."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign
from .inputs import varying


def look(case: Case) -> Iterator[Sign]:
    data, other = case.record.data, case.record.validation
    if data is None or other is None or data.indices or other.rows < 10:
        return
    theirs = {c.index: c for c in other.columns}
    pairs = [(c, theirs[c.index]) for c in varying(data.columns) if c.index in theirs]
    if not pairs:
        return
    shift = statistics.median(abs(b.mean - a.mean) / a.deviation for a, b in pairs)
    ratio = statistics.median(
        math.log(b.deviation / a.deviation) if b.deviation > 0 else -math.inf for a, b in pairs)
    # Means of few rows differ by chance.
    chance = 1.2 / math.sqrt(other.rows)
    evidence = []
    if shift > case.limit("mismatch_shift") + chance:
        evidence.append(Evidence(
            f"The validation inputs' means lie {shift:.3g} deviations from those of training.",
            shift, case.limit("mismatch_shift"), "data"))
    limit = math.log(case.limit("mismatch_scale")) + chance
    if abs(ratio) > limit:
        evidence.append(Evidence(
            f"The validation inputs vary {math.exp(ratio):.3g} times as much as those of training.",
            math.exp(ratio), case.limit("mismatch_scale"), "data"))
    if not evidence:
        return
    harm = _harm(case)
    strong = shift > 2 * case.limit("mismatch_shift") + chance or abs(ratio) > 2 * limit
    # Of a network that does not even fit its own rows, scores tell nothing.
    if case.trained and not harm and not (strong and case.fails_to_fit):
        return
    evidence += harm
    yield Sign(tuple(evidence), (cures.advice(
        "Prepare validation and test rows exactly as the training rows: learn means and deviations "
        "on the training rows, and apply those to all."),), 0.95, None, case.span)


def _harm(case: Case) -> list[Evidence]:
    kept = case.kept
    if kept is None or kept.validation_score is None or case.score is None:
        return []
    gap = case.score - kept.validation_score
    if gap <= case.limit("mismatch_harm"):
        return []
    return [Evidence(f"The score is {case.score:.3g} on the training rows and "
                     f"{kept.validation_score:.3g} on the validation rows.", gap,
                     case.limit("mismatch_harm"), "epochs.validation_score")]


RULE = Rule(
    "train_test_mismatch",
    "Inputs of the validation rows come from another distribution than those of training, as when "
    "one part was scaled and the other not. The network is asked about inputs that it has never "
    "seen the like of, so its validation score says nothing about it.",
    "Zheng and Casari 2018, Feature engineering for machine learning, chapter 2; scikit-learn, "
    "Common pitfalls: inconsistent preprocessing",
    look,
)
