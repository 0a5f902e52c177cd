"""A sick training and its cured twin: of the same data and seed, watched at fixed steps."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import numpy as np

import evenly as ev
from evenly.probes import watcher
from evenly.probes.pace import Pace
from evenly.settings import Settings
from evenly.training.before import before_training

from .. import data as sets
from ..data import Data
from ..networks import Plan, build, targets
from ..recipes import RECIPES
from .curves import View
from .runs import Run

EVERY = 20  # steps


@dataclass(frozen=True)
class Twins:
    """What is shown of a finding.

    Attributes:
        kind: of the finding.
        views: what is drawn, one below the other.
        data: name of a data set of the bank.
        plan: of the sound training.
        recipe: (name, strength) of the bank's; None where the plan is sick as it is.
        undo: whether the twin is the training without the recipe, since no change of settings
            cures it; else the doctor's own cure is applied.
        seed: of the recipe and of both trainings.
    """

    kind: str
    views: tuple[View, ...]
    data: str
    plan: Plan
    recipe: tuple[str, int] | None = None
    undo: bool = False
    seed: int = 0

    def sick(self) -> Run:
        """The training that ails."""
        plan, data = self._made()
        return _watched(build(plan, data), plan, data, self.seed)

    def cured(self, sick: Run) -> Run:
        """Its twin."""
        if self.undo:
            plan, data = self.plan, sets.load(self.data)
            return _watched(build(plan, data), plan, data, self.seed)
        finding = self.finding(sick)
        assert finding is not None, f"{self.kind}: the doctor says {sick.diagnosis.headline}"
        settings = finding.cure(sick.settings)
        plan = sick.plan
        if isinstance(settings.loss, (ev.SoftmaxCrossEntropy, ev.BinaryCrossEntropy)):
            plan = replace(plan, loss="")
        return _watched(settings, plan, sick.data, self.seed)

    def finding(self, run: Run) -> Any:
        """The finding of this kind in a training, None where there is none."""
        told = run.diagnosis
        found = (*told.findings, *told.consequences)
        return next((one for one in found if one.kind == self.kind), None)

    def _made(self) -> tuple[Plan, Data]:
        plan, data = self.plan, sets.load(self.data)
        if self.recipe is None:
            return plan, data
        name, strength = self.recipe
        recipe = RECIPES[name]
        return recipe.make(plan, data, recipe.strengths[strength],
                           np.random.default_rng([self.seed, *map(ord, name)]))


class Steady(Pace):
    """Looks at every so many steps, whatever the clock says: a picture is the same each time."""

    def looked(self, step: int, seconds: float) -> None:
        self.due = min(step + max(1, step - self._first_step), step + EVERY)

    def affords(self, cost: float) -> bool:
        return True

    def worth(self, epoch: int, cost: float, last: int | None = None) -> bool:
        return True


def _watched(settings: Settings, plan: Plan, data: Data, seed: int) -> Run:
    x, y = data.x, targets(plan, data, data.y)
    held = data.watch_x, targets(plan, data, data.watch_y)
    with warnings.catch_warnings(), patch.object(watcher, "Pace", Steady):
        warnings.simplefilter("ignore")
        before = before_training(settings, x, y, validation=held, seed=seed)
        try:
            model = ev.fit(settings, x, y, validation=held, seed=seed, threads=1, progress=False,
                           doctor=True)
        except ev.errors.DivergenceError as error:
            model = error.model
    record = replace(model.record, checks=before.checks)
    return Run(settings, plan, data, record, model.predict)
