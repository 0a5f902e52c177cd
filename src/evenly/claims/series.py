"""The numbers of a picture: a mean with its 95 % interval at each point of each line."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from .pictures import Picture
from .records import ClaimRecord, RunRecord
from .study import Study

# The blocks' numbers at each place or level.
Columns = list[tuple[Any, list[float]]]


@dataclass(frozen=True)
class Point:
    """A mean over blocks, with its 95 % interval, at a place or a level."""

    x: Any
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """What is joined by a line: the points at one level of the factor `by`."""

    label: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Panel:
    """The lines at one level of the factor `panels`."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Plotted:
    """A picture with its numbers.

    Attributes:
        panels: those in which there is something.
        labels: of all lines, in the order of their levels.
        is_list: over a list's places, in place of a factor's levels.
        is_words: over levels that are not all numbers.
        is_geometric: means and intervals are those of logarithms.
        left_out: points that have no place on a logarithmic scale.
        blocks: that the means are over.
    """

    panels: tuple[Panel, ...]
    labels: tuple[str, ...]
    is_list: bool
    is_words: bool
    is_geometric: bool
    left_out: int
    blocks: int


def plotted(study: Study, record: ClaimRecord, picture: Picture) -> Plotted:
    """The numbers that a picture shows, of the blocks that are whole.

    Means and intervals are those of the values; where the measure's axis is logarithmic and all
    values are above 0, those of their logarithms.

    Raises:
        StudyError: the picture names what does not exist.
    """

    def wrong(what: str) -> Exception:
        return study.wrong(f"picture '{picture.title}': {what}")

    is_list = _checked(record, picture, wrong)
    blocks = _whole(record.runs)
    by = _levels(record, picture.by)
    panels = _levels(record, picture.panels)

    def at_points(measure: str, fixed: Mapping[str, Any]) -> Columns:
        one = replace(picture, measure=measure)
        return (_over_places(blocks, one, fixed, wrong) if is_list else
                _over_levels(blocks, record, one, fixed, wrong))

    found, bands = {}, {}
    for p, panel in enumerate(panels):
        for b, line in enumerate(by):
            fixed = {**picture.at, **panel, **line}
            found[p, b] = at_points(picture.measure, fixed)
            bands[p, b] = [at_points(end, fixed) for end in picture.band]
    every = [v for column in found.values() for _, values in column for v in values]
    if not every:
        raise wrong("no training has these levels")
    # What an axis of logarithms is about is ratios: there the middle is the geometric mean.
    is_geometric = "y" in picture.log and min(every) > 0
    drawn, left_out = [], 0
    for p, panel in enumerate(panels):
        lines = []
        for b, line in enumerate(by):
            points = [_point(x, values, study.test_ratio, is_geometric)
                      for x, values in found[p, b]]
            if picture.band:
                ends = [[_mean(values) for _, values in end] for end in bands[p, b]]
                points = [replace(point, low=low, high=high)
                          for point, low, high in zip(points, *ends, strict=True)]
            shown = [point for point in points if "y" not in picture.log or point.mean > 0]
            left_out += len(points) - len(shown)
            if shown:
                lines.append(Line(_label(line), tuple(shown)))
        if lines:
            drawn.append(Panel(_label(panel), tuple(lines)))
    if not drawn:
        raise wrong(f"log: the measure '{picture.measure}' is nowhere above 0: leave y out of log")
    return Plotted(
        panels=tuple(drawn), labels=tuple(_label(line) for line in by), is_list=is_list,
        is_words=not is_list and not _on_axis(record.factors[picture.over]),
        is_geometric=is_geometric, left_out=left_out, blocks=len(blocks),
    )


def _on_axis(levels: Sequence[Any]) -> bool:
    """Whether levels are places on an axis: several, and all of them numbers."""
    return len(levels) > 1 and all(map(is_number, levels))


def is_number(level: Any) -> bool:
    """Whether a level has a place on an axis; True and False have none."""
    return isinstance(level, int | float) and not isinstance(level, bool)


def told(level: Any) -> str:
    """A level in words."""
    if isinstance(level, bool):
        return "yes" if level else "no"
    if isinstance(level, str):
        return level
    return f"{level:g}".replace("-", "\N{MINUS SIGN}") if isinstance(level, float) else (
        str(level).replace("-", "\N{MINUS SIGN}"))


def _checked(
    record: ClaimRecord, picture: Picture, wrong: Callable[[str], Exception]
) -> bool:
    """Checks the names of a picture; whether its measure is a list."""
    known = ", ".join(record.factors)
    for what, name in (("by", picture.by), ("panels", picture.panels),
                       *(("at", name) for name in picture.at)):
        if name and name not in record.factors:
            raise wrong(f"{what}: there is no factor '{name}': expects one of {known}")
    for name, level in picture.at.items():
        if level not in record.factors[name]:
            every = ", ".join(map(repr, record.factors[name]))
            raise wrong(f"at: the factor '{name}' has no level {level!r}: expects one of {every}")
    kinds = set()
    for run in record.runs:
        for what, name in (("", picture.measure), *(("band: ", end) for end in picture.band)):
            if name not in run.values:
                raise wrong(f"{what}there is no measure '{name}': expects one of "
                            f"{', '.join(run.values)}")
        lengths = {np.size(run.values[name]) for name in (picture.measure, *picture.band)}
        if len(lengths) > 1:
            raise wrong(f"band: differs in length from the measure '{picture.measure}'")
        kinds.add(isinstance(run.values[picture.measure], list | tuple))
        if picture.places and not isinstance(run.values.get(picture.places), list | tuple):
            lists = [name for name, value in run.values.items() if isinstance(value, list | tuple)]
            raise wrong(f"places: there is no list '{picture.places}': expects one of "
                        f"{', '.join(lists)}")
    if len(kinds) > 1:
        raise wrong(f"the measure '{picture.measure}' is a number in some trainings and a list in "
                    "others")
    is_list = kinds == {True}
    if is_list and picture.over in record.factors:
        raise wrong(f"over: the measure '{picture.measure}' is a list: expects what its places "
                    f"are, got the factor '{picture.over}'")
    if not is_list and picture.over not in record.factors:
        raise wrong(f"over: there is no factor '{picture.over}': expects one of {known}")
    if not is_list and "x" in picture.log:
        levels = record.factors[picture.over]
        if not all(is_number(level) and level > 0 for level in levels):
            raise wrong(f"log: the levels of '{picture.over}' are not all above 0: leave x out "
                        "of log")
    return is_list


def _whole(runs: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """The runs by block, of the blocks that are whole."""
    blocks: dict[int, list[RunRecord]] = {}
    for run in runs:
        blocks.setdefault(run.block, []).append(run)
    most = max(map(len, blocks.values()), default=0)
    return [found for found in blocks.values() if len(found) == most]


def _levels(record: ClaimRecord, factor: str) -> list[dict[str, Any]]:
    return [{factor: level} for level in record.factors[factor]] if factor else [{}]


def _label(fixed: Mapping[str, Any]) -> str:
    """A line's or a panel's name: a word by itself, a number with its factor's name."""
    return ", ".join(level if isinstance(level, str) else f"{name} {told(level)}"
                     for name, level in fixed.items())


def _at(block: Sequence[RunRecord], fixed: Mapping[str, Any]) -> list[RunRecord]:
    return [run for run in block
            if all(run.levels[name] == level for name, level in fixed.items())]


def _over_levels(
    blocks: Sequence[Sequence[RunRecord]], record: ClaimRecord, picture: Picture,
    fixed: Mapping[str, Any], wrong: Callable[[str], Exception],
) -> Columns:
    """The blocks' means at each level of the factor `over` that was run."""
    if picture.over in fixed:
        raise wrong(f"over: the factor '{picture.over}' is in by, panels or at too")
    levels = record.factors[picture.over]
    found = []
    # A line runs from left to right, whichever level the others are compared with.
    for level in sorted(levels) if _on_axis(levels) else levels:
        runs = [_at(block, {**fixed, picture.over: level}) for block in blocks]
        if all(runs):
            found.append((level, [_mean([run.values[picture.measure] for run in own])
                                  for own in runs]))
    return found


def _over_places(
    blocks: Sequence[Sequence[RunRecord]], picture: Picture, fixed: Mapping[str, Any],
    wrong: Callable[[str], Exception],
) -> Columns:
    """The blocks' means at each place of a list. Lists of several lengths: of those that reach
    it."""
    runs = [own for block in blocks if (own := _at(block, fixed))]
    if not runs:
        return []
    values = [_mean_list([run.values[picture.measure] for run in own]) for own in runs]
    length = max(map(len, values))
    places = list(range(1, length + 1))
    if picture.places:
        means = [_mean_list([run.values[picture.places] for run in own]) for own in runs]
        if list(map(len, means)) != list(map(len, values)):
            raise wrong(f"places: '{picture.places}' and '{picture.measure}' differ in length")
        places = _mean_list(means)
        if "x" in picture.log and min(places) <= 0:
            raise wrong(f"log: '{picture.places}' is not all above 0: leave x out of log")
    return [(places[i], [own[i] for own in values if len(own) > i]) for i in range(length)]


def _mean_list(lists: Sequence[Sequence[float]]) -> list[Any]:
    length = max(map(len, lists), default=0)
    return [_mean([values[i] for values in lists if len(values) > i]) for i in range(length)]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _point(x: Any, values: Sequence[float], test_ratio: float, is_geometric: bool) -> Point:
    """The mean and its interval: as the parts' intervals are made."""
    own = [math.log(value) for value in values] if is_geometric else list(values)
    mean = _mean(own)
    half = 0.0
    if len(own) > 1:
        variance = math.fsum((value - mean) ** 2 for value in own) / (len(own) - 1)
        error = math.sqrt(variance * (1 / len(own) + test_ratio))
        half = _quantile(len(own) - 1) * error
    back = _exp if is_geometric else float
    return Point(x, back(mean), back(mean - half), back(mean + half))


@cache
def _quantile(freedom: int) -> float:
    from scipy import stats

    return float(stats.t.ppf(0.975, freedom))


def _exp(value: float) -> float:
    return math.exp(max(-700.0, min(value, 700.0)))
