"""Does the cure heal? The doctor's first cure, a random one, and AUTOTRAINER's, refitted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

import evenly as ev
from evenly.doctor import Diagnosis, diagnose
from evenly.records import TrainingRecord
from evenly.settings import Settings

from . import others
from .cases import Case
from .data import Data
from .measure import Count, Z
from .networks import Plan, build
from .outcome import Outcome, fit_settings
from .recipes import Made
from .truth import AS_GOOD, LEAST, cures
from .watch import watch

WAYS = DOCTOR, RANDOM, AUTOTRAINER = "Evenly", "random", "AUTOTRAINER"
SEEDS, TRIES = 3, 3
# Ailments of the data or of the user's own code: no change of settings heals them.
BY_HAND = ("constant", "shuffled", "mismatch", "leak", "wrong range", "wrong sign", "mixed rows")

Change = Callable[[], tuple[Settings, Plan, Data]]


def curable(case: Case) -> bool:
    """Whether a change of settings can heal it."""
    return bool(case.recipes) and not any(name in BY_HAND for name, _ in case.recipes)


def heal(case: Case) -> dict[str, Any]:
    """What each way of healing comes to: the score after one try and after three, of which the best
    on the validation rows is kept; and how many trainings and seconds that took."""
    record = watch(case)
    diagnosis = diagnose(record)
    plan, data = case.make()
    settings = build(plan, data)
    ways: dict[str, Sequence[Change]] = {
        DOCTOR: list(_doctors(diagnosis, settings, plan, data)),
        RANDOM: list(_random(case, plan, data)),
        AUTOTRAINER: list(_autotrainers(record, plan, data)),
    }
    sick = _all(lambda: (settings, plan, data), case)
    undone_plan, undone_data = case.make([name for name, _ in case.recipes])
    undone = _all(lambda: (build(undone_plan, undone_data), undone_plan, undone_data), case)
    result: dict[str, Any] = {"sick": _score(sick), "undone": _score(undone)}
    for name, changes in ways.items():
        begin = time.process_time()
        tried = [_all(change, case) for change in islice(changes, TRIES)]
        seconds = time.process_time() - begin
        best = max([sick, *tried], key=_watched)
        result[name] = {"first": _score(tried[0]) if tried else _score(sick),
                        "best": _score(best), "trainings": len(tried), "seconds": seconds / SEEDS}
    return result


def table(results: Sequence[dict[str, Any]]) -> str:
    """The ways of healing side by side, as Markdown. What is proved by its loss alone is left out:
    scores are compared."""
    results = [one for one in results if one["undone"] - one["sick"] >= LEAST["score"]]
    lines = [f"Of {len(results)} sick trainings that a change of settings can heal:", "",
             "| way | gain of the first cure | cured by it | gain of the best of three | "
             "cured by it | trainings | seconds |", "|---|---|---|---|---|---|---|"]
    for way in WAYS:
        cells = []
        for which in ("first", "best"):
            shares = [(one[way][which] - one["sick"]) / (one["undone"] - one["sick"])
                      for one in results]
            mean, half = _interval(np.clip(shares, -1, 1))
            whole = Count(sum(share >= AS_GOOD for share in shares), len(shares))
            cells += [f"{mean:.2f} +- {half:.2f}", str(whole)]
        cells += [f"{np.mean([one[way][name] for one in results]):.{digits}f}"
                  for name, digits in (("trainings", 1), ("seconds", 2))]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _interval(values: Any) -> tuple[float, float]:
    """Mean, and half of its 95 % interval."""
    return float(values.mean()), float(Z * values.std(ddof=1) / np.sqrt(len(values)))


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
    for problem in others.kinds(AUTOTRAINER, record):
        for changes in _ORDER[problem]:
            values = {name: getattr(plan, name) * value if name == "rate"
                      else int(plan.batch * value) if name == "batch" else value
                      for name, value in changes.items()}
            yield lambda values=values: _settings(  # type: ignore[misc]
                (replace(plan, **values), data))


