"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..confirmed import confidence
from ..finding import Cure, Evidence, Finding
from ..measures import Case


@dataclass(frozen=True)
class Sign:
    """What a rule saw: a finding without the texts that all of its kind share.

    Attributes:
        evidence: what was measured.
        cures: what to change, the most promising first.
        believed: how much this evidence is worth, in (0, 1].
        layer: where, or None where it is of the whole.
        steps: (first, last) step at which it was seen; None before training.
        by_itself: whether no other finding can explain it.
    """

    evidence: tuple[Evidence, ...]
    cures: tuple[Cure, ...]
    believed: float = 0.95
    layer: str | None = None
    steps: tuple[int, int] | None = None
    by_itself: bool = False


@dataclass(frozen=True)
class Rule:
    """One kind of finding.

    Attributes:
        kind: its stable name.
        why: two sentences: what it is, and what it does.
        source: where that is from.
        look: yields what it sees in a case, the worst first.
    """

    kind: str
    why: str
    source: str
    look: Callable[[Case], Iterable[Sign]]

    def __call__(self, case: Case) -> list[Finding]:
        return [
            Finding(self.kind, sign.layer, sign.steps, confidence(self.kind, sign.believed),
                    sign.evidence, self.why, self.source, sign.cures, sign.by_itself)
            for sign in self.look(case)
        ]


def harm(case: Case) -> tuple[Evidence, ...]:
    """The harm that a training took, as evidence."""
    if not case.harm:
        return ()
    text = case.harm[0].upper() + case.harm[1:]
    if case.failed or case.worsened:
        return (Evidence(f"{text}.", float("inf"), None, "epochs.loss"),)
    if case.poor and case.achieved is not None:
        return (Evidence(f"{text}.", case.achieved, case.limit("poor_achieved"),
                         "epochs.train_score"),)
    share = case.skill if case.skill is not None else case.gain
    return (Evidence(f"{text}.", float(share or 0.0), case.limit("stuck_skill"), "epochs.loss"),)


def whole(case: Case, first: float = 0.0) -> tuple[int, int] | None:
    """The steps from a share of the training on, to its end."""
    return (int(first * (case.steps - 1)), case.steps - 1) if case.steps else None
