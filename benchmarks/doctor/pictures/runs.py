"""A training that was watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from evenly.doctor import Diagnosis, diagnose
from evenly.records import TrainingRecord
from evenly.settings import Settings

from ..data import Data
from ..networks import Plan, targets


@dataclass(frozen=True)
class Run:
    """A training that was watched.

    Attributes:
        settings, plan, data: what was trained, and on what.
        record: of it.
        predict: the network's answers to inputs, as the loss takes them.
    """

    settings: Settings
    plan: Plan
    data: Data
    record: TrainingRecord
    predict: Callable[[Any], Any]

    @property
    def diagnosis(self) -> Diagnosis:
        """What the doctor says of it."""
        return diagnose(self.record)

    def targets(self, y: Any) -> Any:
        """As the plan's loss takes them."""
        return targets(self.plan, self.data, y)
