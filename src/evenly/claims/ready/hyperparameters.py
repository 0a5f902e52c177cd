"""Which hyperparameters matter most."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

import evenly as ev

from ...search import findings
from ...search.space import Space
from ..data import split
from ..parts import Block, Part
from ..pictures import Picture
from ..study import Case, Study
from ..training import mlp, train

# Lowest, highest, and how they are drawn: evenly, evenly in the logarithm, whole numbers.
SPACE: dict[str, tuple[float, float, bool, bool]] = {
    "learning rate": (1e-4, 1.0, True, False),
    "1 - momentum": (1e-3, 1e-1, True, False),
    "batch": (16, 256, True, True),
    "units": (50, 100, False, True),
    "layers": (2, 4, False, True),
    "decay": (0.0, 1.0, False, False),
}
OTHERS = tuple(SPACE)[1:]


def drawn(rng: np.random.Generator) -> dict[str, float]:
    """One setting at random."""
    found = {}
    for name, (low, high, is_log, is_whole) in SPACE.items():
        value = np.exp(rng.uniform(*np.log((low, high)))) if is_log else rng.uniform(low, high)
        if is_whole:
            value = rng.integers(int(low), int(high) + 1) if not is_log else round(value)
        found[name] = float(np.clip(value, low, high))
    return found


# The cases of a block ask for the same search; what comes out does not depend on who ran it.
@lru_cache(maxsize=4)
def searched(table: str, seed: int, data_seed: int, long: bool) -> tuple[Any, Any]:
    """The settings of a random search, and the test error of each: a guess's where it broke, and
    at most 1."""
    case = Case({}, 0, seed, data_seed, long)
    data = split(table, case, *((300, 300) if table in ("digits", "mnist") else ()))
    rng = case.rng("search")
    settings = [drawn(rng) for _ in range(128 if long else 64)]
    errors = []
    for one in settings:
        net = mlp((int(one["units"]),) * int(one["layers"]), data.classes)
        done = train(case, net, data, epochs=8, batch=int(one["batch"]),
                     optimizer=ev.Momentum(one["learning rate"], 1 - one["1 - momentum"]),
                     schedule=ev.InverseTimeDecay(max(one["decay"], 1e-9)))
        errors.append(min(1 - done.test, 1.0))
    return settings, np.array(errors)


@lru_cache(maxsize=4)
def importances(
    table: str, seed: int, data_seed: int, long: bool, scores: str,
) -> dict[str, float]:
    """The share of the errors' variance that each hyperparameter accounts for by itself."""
    settings, errors = searched(table, seed, data_seed, long)
    if scores == "shuffled":
        errors = np.random.default_rng([seed, 1]).permutation(errors)
    return fanova(settings, errors, seed)


def fanova(settings: Any, errors: Any, seed: int) -> dict[str, float]:
    """A functional ANOVA of any settings and their errors, by a forest of 32 trees."""
    ranges = Space.of({
        name: {"low": int(low) if is_whole else low, "high": int(high) if is_whole else high,
               "log": log}
        for name, (low, high, log, is_whole) in SPACE.items()
    }).ranges
    trials = [({name: int(value) if SPACE[name][3] else value for name, value in one.items()},
               float(error)) for one, error in zip(settings, errors, strict=True)]
    return findings.fanova(trials, ranges, seed)


def measure(case: Case) -> dict[str, Any]:
    """The importance of one hyperparameter in the search of this block."""
    found = importances(case["data"], case.seed, case.data_seed, case.long, case["scores"])
    return {"importance": found[case["hyperparameter"]]}


def _lead(other: str) -> Part:
    def effect(block: Block) -> float:
        rate, its = (
            block("importance", hyperparameter=name, scores="measured")
            - block("importance", hyperparameter=name, scores="shuffled")
            for name in ("learning rate", other)
        )
        return float(rate - its)

    # A twentieth of the variance is within what a search of this size tells by chance.
    return Part(f"importance of the learning rate less that of {other}", effect, "more", least=0.05,
                factor=100, digits=0, unit="points", every=("data",), name=other.split()[-1])


STUDY = Study(
    name="hyperparameters",
    claim="Of all hyperparameters the learning rate matters most.",
    source="course notes; Bengio 2012, section 3.1",
    factors={"data": ("digits",), "scores": ("shuffled", "measured"),
             "hyperparameter": tuple(SPACE)},
    long_factors={"data": ("digits", "cancer")},
    technique=("scores",),
    measure=measure,
    # What differs between blocks is the search above all, and each block draws its own: the
    # intervals are not widened for splits that overlap.
    parts=tuple(_lead(other) for other in OTHERS),
    long_blocks=16,
    about="In each block a random search of 64 settings (in the long form 128): learning rate from "
          "0.0001 to 1, momentum from 0.9 to 0.999 (drawn by its distance from 1), mini-batches "
          "of 16 to 256, 50 to 100 units in 2 to 4 hidden layers (ReLU), decay of the rate as 1 / "
          "(1 + d epoch) with d up to 1; eight epochs each. A functional ANOVA (Hutter, Hoos and "
          "Leyton-Brown 2014) of the test errors says which share of their variance each accounts "
          "for by itself. A forest finds some importance in chance as well: so what it finds in "
          "the same errors, shuffled, is subtracted. A training that breaks has the error of a "
          "guess. Importance depends on the ranges: these are those that the notes advise.",
    says={
        "holds": "The learning rate accounts for more of the differences than any other: by "
                 "{momentum} more than momentum, {batch} more than the batch, {layers} more than "
                 "layers, {units} more than units, {decay} more than decay.",
        "fails": "The learning rate is not ahead of all: it is {momentum} from momentum, {batch} "
                 "from the batch, {layers} from layers, {units} from units, {decay} from decay.",
        "cannot tell": "The learning rate is not surely ahead of all: it is {momentum} from "
                       "momentum, {batch} from the batch, {layers} from layers, {units} from "
                       "units, {decay} from decay.",
    },
    pictures=(
        Picture("Share of the variance of the test error", "importance", over="hyperparameter",
                by="scores", panels="data",
                about="What is found in shuffled errors is chance."),
    ),
    exercises=("gradient-descent", "momentum", "mini-batches", "inverse-time-decay"),
    layers=("Momentum", "InverseTimeDecay"),
    seconds=15,
)
