"""What the doctor says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..settings import Settings
from .exercises import EXERCISES


@dataclass(frozen=True)
class Evidence:
    """A number that speaks for a finding.

    Attributes:
        text: what was measured, with its number, as a sentence for people.
        value: the number.
        limit: beyond which it speaks for the finding.
        series: which numbers of the record it was read off, ``epochs.validation_loss`` or
            ``probes.dense_1.update_ratio``, so that a page can draw it; "" for none.
    """

    text: str
    value: float
    limit: float | None = None
    series: str = ""


@dataclass(frozen=True)
class Cure:
    """What to change: called with settings it returns the changed ones, a new value.

    Attributes:
        text: what it does, as an instruction: "Lower the learning rate to 0.003."
        change: the change; None where only the user can make it (data that are wrong).
    """

    text: str
    change: Callable[[Settings], Settings] | None = None

    def __call__(self, settings: Settings) -> Settings:
        """The changed settings.

        Raises:
            ConfigurationError: the cure is no change of settings.
        """
        if self.change is None:
            from ..errors import ConfigurationError

            raise ConfigurationError(f"this cure is for you to make: {self.text}")
        return self.change(settings)


@dataclass(frozen=True)
class Finding:
    """Something that ails a training.

    Attributes:
        kind: its stable name, ``dead_relu``.
        layer: where, or None where it is of the whole.
        steps: (first, last) step at which it was seen; None before training.
        confidence: in (0, 1]: share of the bank's runs with this kind of finding in which it was
            true, drawn towards what the evidence is worth where the bank has few of them.
        evidence: what was measured.
        why: two sentences: what it is, and what it does.
        source: where that is from.
        cures: what to change, the most promising first.
        by_itself: whether it shows in a setting or in the first weights, so that no other finding
            explains it.
    """

    kind: str
    layer: str | None
    steps: tuple[int, int] | None
    confidence: float
    evidence: tuple[Evidence, ...]
    why: str
    source: str
    cures: tuple[Cure, ...]
    by_itself: bool = False

    @property
    def exercise(self) -> str | None:
        """The topic of ``evenly exercise`` in which it is worked by hand; None: there is none.
        The layer that ails, on rows of one's own: ``evenly.see(finding, model, x, y)``."""
        return EXERCISES.get(self.kind)

    @property
    def cure(self) -> Cure:
        """The most promising change."""
        return self.cures[0]
