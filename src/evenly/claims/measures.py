"""The measures of trainings, asked for by their levels."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..study.errors import StudyError
from .records import RunRecord
from .study import Case


class Measures:
    """The measures of one block, or of all: what the effect of a part reads.

    Arguments:
        runs: that it reads.
        fixed: levels that are given already.
    """

    def __init__(
        self, runs: Sequence[RunRecord], fixed: Mapping[str, Any] | None = None
    ) -> None:
        self.runs, self.fixed = runs, dict(fixed or {})

    def __call__(self, measure: str, **levels: Any) -> Any:
        asked = {**self.fixed, **levels}
        found = self.at(asked, measure)
        mean = np.mean(found, axis=0)
        return float(mean) if np.ndim(mean) == 0 else mean.tolist()

    def at(self, levels: Mapping[str, Any], measure: str) -> list[Any]:
        """The measure of each run at these levels."""
        for name in levels:
            if self.runs and name not in self.runs[0].levels:
                raise StudyError(f"part: there is no factor '{name}': expects one of "
                                 f"{', '.join(self.runs[0].levels)}")
        runs = [run for run in self.runs
                if all(run.levels[name] == level for name, level in levels.items())]
        if not runs:
            raise StudyError(f"part: no training has the levels {dict(levels)}")
        for run in runs:
            if measure not in run.values:
                raise StudyError(f"part: there is no measure '{measure}': expects one of "
                                 f"{', '.join(run.values)}")
        return [run.values[measure] for run in runs]


def whole_blocks(runs: Sequence[RunRecord], cases: Sequence[Case]) -> dict[int, list[RunRecord]]:
    """The runs of the blocks that all ended, by block."""
    asked: dict[int, int] = defaultdict(int)
    for case in cases:
        asked[case.block] += 1
    found: dict[int, list[RunRecord]] = defaultdict(list)
    for one in runs:
        found[one.block].append(one)
    return {block: have for block, have in found.items() if len(have) == asked[block]}


def finite(value: float, where: str) -> float:
    """The value, if it is a finite number."""
    if not math.isfinite(value):
        raise StudyError(f"{where}: the effect is not finite")
    return float(value)
