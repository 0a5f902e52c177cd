"""Labels that do not belong to their rows."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign
from .inputs import far_out


def look(case: Case) -> Iterator[Sign]:
    data = case.record.data
    if data is None or data.rows < 2:
        return
    cure = (cures.advice("Look at some rows beside their targets, and follow both back to where "
                         "they part: sorting, shuffling or joining one without the other."),)
    if data.targets.distinct == 1:
        yield Sign((Evidence("All targets are the same number.", 1.0, None, "data"),), cure, 0.98,
                   None, case.span)
        return
    if data.contradictions > case.limit("contradictions") and \
            data.contradictions > 0.5 * data.equal_rows:
        yield Sign((Evidence(
            f"{data.contradictions:.0%} of the rows have the same inputs as another row and "
            "another target.", data.contradictions, case.limit("contradictions"), "data"),),
            cure, 0.85, None, case.span)
        return
    if case.about_to_begin and far_out(case) is not None:
        return  # no simple model says anything then
    evidence = _unrelated(case)
    if evidence:
        yield Sign(evidence, cure, 0.85, None, case.span)


def _unrelated(case: Case) -> tuple[Evidence, ...]:
    """No simple model finds anything, and the network finds nothing that holds for other rows."""
    data = case.record.data
    assert data is not None
    constant, reference = case.constant_score, case.reference
    if constant is None or reference is None or data.linear_score is None or \
            data.neighbour_score is None or data.rows < 50 or _has_rare_class(case):
        return ()
    if reference - constant > 0.03 * (1 - constant) + case.noise / 2:
        return ()
    told = [Evidence(
        f"Neither a linear model ({data.linear_score:.3g}) nor the nearest neighbour "
        f"({data.neighbour_score:.3g}) beats a constant answer ({constant:.3g}).",
        reference - constant, None, "data")]
    if not case.trained:
        return tuple(told) if _is_plain(case) else ()
    if case.failed or not case.epochs or not _had_its_chance(case):
        return ()
    scores = [e.validation_score for e in case.epochs if e.validation_score is not None]
    rows = case.record.validation.rows if case.record.validation is not None else 100
    margin = 0.05 * (1 - constant) + 1 / max(1, rows) ** 0.5
    if scores:
        if max(scores[-3:]) - constant > margin:
            return ()
        told.append(Evidence(f"On the validation rows the network reaches {scores[-1]:.3g}.",
                             scores[-1] - constant, margin, "epochs.validation_score"))
    elif not case.stuck:
        return ()
    return tuple(told)


def _has_rare_class(case: Case) -> bool:
    """Whether hardly anything is left above a constant answer."""
    return case.is_classes and case.constant_score is not None and case.constant_score > 0.75


def _is_plain(case: Case) -> bool:
    """Whether what simple models do not find is not there, before any training: classes of rows
    without positions, and a short trial that finds nothing either."""
    data, checks = case.record.data, case.record.checks
    assert data is not None
    if data.targets.kind != "classes" or case.is_recurrent or checks is None or \
            any(layer.kind in ("conv", "embedding") for layer in case.layers):
        return False
    seeing, blind = checks.seeing_loss, checks.blind_loss
    return seeing is not None and blind is not None and seeing > 0.95 * blind


def _had_its_chance(case: Case) -> bool:
    """Whether a training that could find something would have: it learned its own rows, or went on
    for long."""
    fitted = case.skill is not None and case.skill > 0.15
    if case.record.stopped == "early stopping":
        return True
    return case.ended and (fitted or case.steps >= 2 * case.limit("tried_steps"))


RULE = Rule(
    "labels_corrupted",
    "The targets tell nothing about the inputs that they stand beside, as after one of the two was "
    "shuffled or sorted alone. A network can learn such rows by heart, but nothing that holds for "
    "another row.",
    "Zhang, Bengio, Hardt, Recht and Vinyals 2017, Understanding deep learning requires rethinking "
    "generalization, section 2",
    look,
)
