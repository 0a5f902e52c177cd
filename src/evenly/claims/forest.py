"""The parts of a claim as dots with intervals: effects of one unit share an axis."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

from ..report.drawing import Look, bare, canvas, plain_log_ticks, written
from .parts import Part
from .records import ClaimRecord, PartRecord
from .study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = {"holds": "o", "fails": "X", "cannot tell": "D"}
LINE, ROW, AXIS = 0.18, 0.28, 0.5
# From this width on words stand beside their intervals, and above them below it.
BESIDE = 8.0


def forest(study: Study, record: ClaimRecord, width: float, look: Look) -> Figure:
    """The effects of all parts with their 95 % intervals; shaded is what the claim expects."""
    groups = _groups(study, record)
    is_beside = width >= BESIDE
    letters = 60 if is_beside else int(width * 100 / 7.4)
    heights = [sum(_height(part, letters, is_beside) for _, part in group) for group in groups]
    with canvas(width, sum(heights) + AXIS * len(groups)) as figure:
        found = figure.subplots(len(groups), 1, squeeze=False,
                                gridspec_kw={"height_ratios": heights})
        for (axes,), group, height in zip(found, groups, heights, strict=True):
            axes.patch.set_alpha(0)
            _draw(axes, group, height, letters, is_beside, look)
        return figure


def described(record: ClaimRecord) -> str:
    """The same in words, for those who hear it."""
    return " ".join(f"{part.words}: {part.effect}, expected {part.expects}: {part.verdict}."
                    for part in record.parts)


def _groups(study: Study, record: ClaimRecord) -> list[list[tuple[Part, PartRecord]]]:
    """Parts that share an axis: ratios, and those of one unit. Numbers without one stand alone."""
    groups: dict[Any, list[tuple[Part, PartRecord]]] = {}
    for place, (part, found) in enumerate(zip(study.parts, record.parts, strict=True)):
        key = "ratio" if part.ratio else (part.unit, part.factor) if part.unit else place
        groups.setdefault(key, []).append((part, found))
    return list(groups.values())


def _wrapped(part: PartRecord, letters: int) -> list[str]:
    text = part.words + ("" if part.counts else " (does not count)")
    return textwrap.wrap(text, letters) or [""]


def _height(part: PartRecord, letters: int, is_beside: bool) -> float:
    lines = LINE * len(_wrapped(part, letters))
    return lines + 0.12 if is_beside else lines + ROW


def _draw(
    axes: Axes, group: list[tuple[Part, PartRecord]], height: float, letters: int,
    is_beside: bool, look: Look,
) -> None:
    is_ratio = group[0][0].ratio
    zero = 1.0 if is_ratio else 0.0
    low, high = _reach(group)
    axes.set_ylim(height, 0)
    if is_ratio:
        axes.set_xscale("log")
    axes.set_xlim(low, high)
    bare(axes, look)
    axes.grid(axis="y", visible=False)
    top, rows = 0.0, []
    for part, found in group:
        lines, tall = _wrapped(found, letters), _height(found, letters, is_beside)
        middle = top + tall / 2 if is_beside else top + LINE * len(lines) + 0.11
        rows.append(middle)
        if not is_beside:
            words = axes.text(0, top, "\n".join(lines), transform=axes.get_yaxis_transform(),
                              va="top", color=_ink(found, look), fontsize=9.5,
                              linespacing=1.2, clip_on=False)
            words.set_in_layout(False)
        _shade(axes, part, middle, (low, high), look)
        axes.plot([zero, zero], [middle - 0.09, middle + 0.09], color=look.muted, linewidth=1.2)
        colour = {"holds": look.good, "fails": look.bad}.get(found.verdict, look.plain)
        ends = [_value(part, end) for end in (found.low, found.high)]
        axes.plot(ends, [middle, middle], color=colour, linewidth=2.5, solid_capstyle="round")
        axes.plot([_value(part, found.mean)], [middle], color=colour, markersize=7,
                  marker=MARKERS[found.verdict])
        top += tall
    names = ["\n".join(_wrapped(found, letters)) for _, found in group]
    axes.set_yticks(rows if is_beside else [], names if is_beside else [], fontsize=9.5)
    for label, (_, found) in zip(axes.get_yticklabels(), group, strict=False):
        label.set_color(_ink(found, look))
    _numbers(axes, group[0][0], look)


def _ink(part: PartRecord, look: Look) -> str:
    return look.ink if part.counts else look.muted


def _shade(
    axes: Axes, part: Part, middle: float, reach: tuple[float, float], look: Look
) -> None:
    low, high = reach
    zero = 1.0 if part.ratio else 0.0
    if part.expects == "same":
        low, high = _value(part, -part.margin), _value(part, part.margin)
    elif part.expects == "less":
        high = zero
    else:
        low = zero
    axes.fill_between([low, high], middle - 0.09, middle + 0.09, color=look.good, alpha=0.13,
                      linewidth=0)


def _value(part: Part, value: float) -> float:
    """An effect on its axis: a ratio as such, others in the unit that they are told in."""
    if part.ratio:
        return math.exp(max(-690.0, min(value, 690.0)))
    return value * part.factor


def _reach(group: list[tuple[Part, PartRecord]]) -> tuple[float, float]:
    """Limits that hold all intervals, and a little on both sides of no effect."""
    ends = [end for part, found in group
            for end in (found.low, found.high, found.mean, 0.0, -part.margin, part.margin)]
    first = group[0][0]
    low, high = min(ends), max(ends)
    margin = 0.12 * (high - low) or 1.0
    return tuple(sorted((_value(first, low - margin), _value(first, high + margin))))  # type: ignore[return-value]


def _numbers(axes: Axes, part: Part, look: Look) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    if part.ratio:
        plain_log_ticks(axes.xaxis)
        axes.set_xlabel("times as much", color=look.muted)
        return
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: written(round(x, 12))))
    if part.unit:
        axes.set_xlabel(part.unit, color=look.muted)
