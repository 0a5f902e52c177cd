"""Settings chosen on a part of the training rows: what is tested on has no say in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .data import Data
from .study import Case

# The loss of a training with a setting, on the test part of the data that it is given.
Trial = Callable[[Case, Data, Any], float]


@dataclass(frozen=True)
class Tuned:
    """What came of the settings that were tried.

    Attributes:
        best: the one of the smallest loss; of equal ones the first.
        tried, losses: the settings in their order, and the loss of each on what was held out.
    """

    best: Any
    tried: tuple[Any, ...]
    losses: tuple[float, ...]


def tuned(
    case: Case, data: Data, settings: Sequence[Any], trial: Trial, seeds: int = 1,
) -> Tuned:
    """Tries each setting on three quarters of the training part, and compares them on the rest.

    Arguments:
        case: names the cut, equal for all cases of a block; trials have seeds of their own.
        data: its test part is not looked at.
        settings: in their order.
        trial: gives the loss of one.
        seeds: trainings a setting, of which the mean counts.

    Example:
        >>> tuned(Case({}, 0, 0, 0), Data(*[np.zeros(8)] * 4), (1, 2, 3),
        ...       lambda case, part, setting: (setting - 2) ** 2).best
        2
    """
    part = held_out(case, data)
    losses = tuple(_mean(case, part, setting, trial, seeds) for setting in settings)
    return Tuned(settings[int(np.argmin(losses))], tuple(settings), losses)


def best_rate(
    case: Case, data: Data, start: float, trial: Trial, seeds: int = 2, furthest: int = 4,
) -> Tuned:
    """The best learning rate, wherever it is: from `start` in steps of the root of 10 up and down
    until both neighbours of the best are worse (at most `furthest` steps away), then half a step to
    both sides. Other arguments are those of :func:`tuned`.

    Example:
        >>> found = best_rate(Case({}, 0, 0, 0), Data(*[np.zeros(8)] * 4), 1.0,
        ...                   lambda case, part, rate: abs(np.log10(rate) - 1.1))
        >>> round(found.best, 2), len(found.tried)
        (10.0, 7)
    """
    part = held_out(case, data)
    losses: dict[float, float] = {}

    def best_of(places: Sequence[float]) -> float:
        for place in places:
            if place not in losses:
                losses[place] = _mean(case, part, start * 10 ** (place / 2), trial, seeds)
        return min(sorted(losses), key=losses.__getitem__)

    best = best_of((-1, 0, 1))
    while abs(best) < furthest and not {best - 1, best + 1} <= losses.keys():
        best = best_of((best - 1, best + 1))
    best = best_of((best - 0.5, best + 0.5))
    places = sorted(losses)
    return Tuned(start * 10 ** (best / 2), tuple(start * 10 ** (place / 2) for place in places),
                 tuple(losses[place] for place in places))


def held_out(case: Case, data: Data, share: float = 0.25) -> Data:
    """The training part cut in two at random, class by class: what is left to train on, and in the
    place of the test part what is held out."""
    rng = case.rng("held out")
    of_class = np.zeros(len(data.y)) if data.y.dtype.kind == "f" else data.y
    out = np.zeros(len(data.y), dtype=bool)
    for kind in np.unique(of_class):
        rows = np.flatnonzero(of_class == kind)
        out[rng.permutation(rows)[: int(share * len(rows))]] = True
    return Data(data.x[~out], data.y[~out], data.x[out], data.y[out])


def _mean(case: Case, part: Data, setting: Any, trial: Trial, seeds: int) -> float:
    cases = [replace(case, seed=(case.seed + 1 + number) % 2**31) for number in range(seeds)]
    return float(np.mean([trial(one, part, setting) for one in cases]))
