"""What a search was and what it found, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

VERSION = 1
FINISHED, PRUNED, FAILED = "finished", "pruned", "failed"


@dataclass(frozen=True)
class TrialRecord:
    """One setting that was tried.

    Attributes:
        number: from 0; 0 is the estimator as it was given.
        settings: value by name of the space, as it was trained with.
        state: ``"finished"``; ``"pruned"``: ended early by its validation curve; ``"failed"``.
        score: on the rows held out, more is better; the mean over the parts; None where it did not
            finish.
        scores: of each part.
        seconds: of training, all parts.
        epochs: of the first training.
        curve: validation score of each epoch of the first training.
        why: it failed, in words.
        exact: whether the settings say all of it: of the first trial they are the nearest.
    """

    number: int
    settings: dict[str, Any]
    state: str
    score: float | None = None
    scores: tuple[float, ...] = ()
    seconds: float = 0.0
    epochs: int = 0
    curve: tuple[float, ...] = ()
    why: str = ""
    exact: bool = True


@dataclass(frozen=True)
class SearchRecord:
    """A search.

    Attributes:
        estimator: what was tuned, by its name.
        data: what it was tuned on, by name and in words.
        scoring: the name of the score; more is better.
        objectives: ``("score",)`` or ``("score", "time")``.
        space: name, kind and range of each setting, in words.
        logarithmic: the names that are drawn evenly in the logarithm.
        trials: in the order they were asked for.
        best: the number of the best; of equal scores the first.
        front: numbers of the trials that no other one beats in score and time both, the fastest
            first; empty where time was no objective.
        importances: share of the scores' variance by name, the largest first; empty where too few
            have finished.
        changed: the best's arguments, by name, that the estimator as given has not.
        code: Python that trains the best.
        command: the `evenly fit` line that does; empty where there is none.
        typed: the line of the search itself, or empty.
        facts: what else is worth knowing: name and text.
        notes: about the data: a line each.
        interrupted: whether it ended before all trials were there; `why_ended` says by what.
        seconds: of this run.
    """

    estimator: str
    data: str
    scoring: str
    objectives: tuple[str, ...]
    space: tuple[tuple[str, str], ...]
    logarithmic: tuple[str, ...]
    trials: tuple[TrialRecord, ...]
    best: int
    front: tuple[int, ...]
    importances: dict[str, float]
    changed: dict[str, Any]
    code: str
    command: str = ""
    typed: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    why_ended: str = ""
    seconds: float = 0.0
    version: int = field(default=VERSION)

    @property
    def finished(self) -> tuple[TrialRecord, ...]:
        """The trials that have a score."""
        return tuple(one for one in self.trials if one.state == FINISHED)

    @property
    def best_trial(self) -> TrialRecord:
        """The trial with the best score."""
        return next(one for one in self.trials if one.number == self.best)

    @property
    def first(self) -> TrialRecord | None:
        """The estimator as it was given; None where it failed."""
        return next((one for one in self.finished if one.number == 0), None)

    def count(self, state: str) -> int:
        """How many trials are in a state."""
        return sum(one.state == state for one in self.trials)

    @property
    def headline(self) -> str:
        """What came of it, in a sentence."""
        best, first = self.best_trial, self.first
        text = f"{self.scoring} {said(best.score)} by trial {best.number}"
        if first is None:
            return f"{text}; the estimator as it was given failed."
        if best.number == 0:
            return f"{text}, the estimator as it was given: nothing that was tried is better."
        return f"{text}, {said(first.score)} by the estimator as it was given."

    @property
    def told(self) -> str:
        """How many trials there were, and how they ended, in a sentence."""
        parts = [f"{self.count(state)} {state}" for state in (FINISHED, PRUNED, FAILED)
                 if self.count(state)]
        text = f"{len(self.trials)} trials: {', '.join(parts)}"
        return f"{text}; ended early by {self.why_ended}." if self.interrupted else f"{text}."

    def ranked(self) -> tuple[TrialRecord, ...]:
        """The trials that have a score, the best first."""
        return tuple(sorted(self.finished, key=lambda one: -(one.score or 0.0)))


def said(value: Any) -> str:
    """A score or a setting as it is written."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)
