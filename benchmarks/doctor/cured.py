"""Does the cure heal? The doctor's first cure, a random one, and AUTOTRAINER's, refitted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

import evenly as ev
from evenly.doctor import Diagnosis
from evenly.records import TrainingRecord
from evenly.settings import Settings

from . import others
from .cases import Case
from .data import Data
from .networks import Plan, build
from .outcome import Outcome, fit_settings
from .recipes import Made
from .truth import AS_GOOD, chance, cures

SEEDS, TRIES = 3, 3
# Ailments of the data or of the user's own code: no change of settings heals them.
BY_HAND = ("constant", "shuffled", "mismatch", "leak", "wrong range", "wrong sign", "mixed rows")

Change = Callable[[], tuple[Settings, Plan, Data]]


def curable(case: Case) -> bool:
    """Whether a change of settings can heal it."""
    return bool(case.recipes) and not any(name in BY_HAND for name, _ in case.recipes)


def heal(case: Case, record: TrainingRecord, diagnosis: Diagnosis) -> dict[str, Any]:
    """What each way of healing comes to: the score after one try and after three, of which the best
    on the validation rows is kept; and how many trainings three tries took."""
    plan, data = case.make()
    settings = build(plan, data)
    ways: dict[str, Sequence[Change]] = {
        "doctor": list(_doctors(diagnosis, settings, plan, data)),
        "random": list(_random(case, plan, data)),
        "AUTOTRAINER": list(_autotrainers(record, plan, data)),
    }
    sick = _all(lambda: (settings, plan, data), case)
    undone_plan, undone_data = case.make([name for name, _ in case.recipes])
    undone = _all(lambda: (build(undone_plan, undone_data), undone_plan, undone_data), case)
    result: dict[str, Any] = {"sick": _score(sick), "undone": _score(undone),
                              "chance": chance(data)}
    for name, changes in ways.items():
        tried = [_all(change, case) for change in islice(changes, TRIES)]
        best = max([sick, *tried], key=_watched)
        result[name] = {"first": _score(tried[0]) if tried else _score(sick),
                        "best": _score(best), "trainings": SEEDS * len(tried)}
    return result


def healed(result: dict[str, Any], way: str, which: str) -> tuple[float, bool]:
    """(share of what undoing brings, whether that is nearly all of it)."""
    gap = result["undone"] - result["sick"]
    if gap < 0.02:  # proved by its loss, not by its score
        return float("nan"), False
    share = (result[way][which] - result["sick"]) / gap
    return float(np.clip(share, -1, 1)), share >= AS_GOOD


def _all(change: Change, case: Case) -> list[Outcome]:
    try:
        settings, plan, data = change()
        return [fit_settings(settings, plan, data, case.seed + n) for n in range(SEEDS)]
    except ev.errors.EvenlyError:
        # What cannot be trained heals nothing.
        return []


def _score(outcomes: Sequence[Outcome]) -> float:
    return float(np.mean([one.score for one in outcomes])) if outcomes else -1.0


def _watched(outcomes: Sequence[Outcome]) -> float:
    return float(np.mean([one.watch_score for one in outcomes])) if outcomes else -np.inf


def _doctors(diagnosis: Diagnosis, settings: Settings, plan: Plan, data: Data) -> Iterator[Change]:
    """The cures of the findings, in order; of each finding its most promising one first."""
    able = [[cure for cure in finding.cures if cure.change] for finding in diagnosis.findings]
    for place in range(max(map(len, able), default=0)):
        for own in able:
            if place < len(own):
                yield lambda cure=own[place]: (cure(settings), plan, data)  # type: ignore[misc]


def _settings(made: Made) -> tuple[Settings, Plan, Data]:
    return build(*made), *made


def _random(case: Case, plan: Plan, data: Data) -> Iterator[Change]:
    """Cures of a fixed list, in random order."""
    every: list[Callable[[Plan, Data], Made]] = [change for _, change in cures(plan, data)]
    for changes in ({"norm": "batch"}, {"norm": "layer"}, {"activation": "relu"}, {"output": ""},
                    {"batch": 2 * plan.batch}, {"optimizer": "adam", "rate": 0.003}, {"loss": ""}):
        every.append(lambda plan, data, changes=changes: (replace(plan, **changes), data))
    for number in np.random.default_rng(case.seed).permutation(len(every)):
        yield lambda change=every[number]: _settings(change(plan, data))  # type: ignore[misc]


# Zhang et al. 2021, table 3: what is tried for each problem, in that order.
_ORDER: dict[str, tuple[dict[str, Any], ...]] = {
    "vanishing_gradient": (
        {"activation": "relu", "init": None}, {"activation": "elu", "init": ev.LeCunNormal()},
        {"norm": "batch"}),
    "exploding_gradient": (
        {"activation": "relu", "init": None}, {"activation": "elu", "init": ev.LeCunNormal()},
        {"norm": "batch"}, {"clip": ev.ClipGlobalNorm(1.0)}, {"activation": "tanh"}),
    "dead_relu": (
        {"activation": "elu", "init": ev.LeCunNormal()}, {"norm": "batch"},
        {"init": None, "bias": 0.0}, {"activation": "leaky_relu"}),
    "oscillation": ({"rate": 0.1}, {"batch": 4.0}, {"optimizer": "adam"}),
    "not_learning": ({"rate": 10.0}, {"init": None}, {"optimizer": "adam"}),
}


def _autotrainers(record: TrainingRecord, plan: Plan, data: Data) -> Iterator[Change]:
    for problem in others.kinds("AUTOTRAINER", record):
        for changes in _ORDER[problem]:
            values = {name: getattr(plan, name) * value if name == "rate"
                      else int(plan.batch * value) if name == "batch" else value
                      for name, value in changes.items()}
            yield lambda values=values: _settings(  # type: ignore[misc]
                (replace(plan, **values), data))


