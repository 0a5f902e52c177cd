"""A study's pictures, drawn with Matplotlib: as figures, and as SVG for the inside of a page."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..report.drawing import PAGE, PAPER, Look, bare, canvas, plain_log_ticks, svg, written
from .captions import described, noted
from .figures import Figures
from .pictures import Picture
from .records import ClaimRecord
from .series import Line, Plotted, plotted, told
from .study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

MARKERS = "osD^vPX*"
BAND = 0.14
# Inches: a picture in a column or on a phone, and one of several panels across the page.
COLUMN, ACROSS = 3.6, 10.9
MOST_ACROSS = 4
# Ticks are so far apart, times a power of ten.
STEPS = (1, 2, 5, 10)
# Intervals may reach so much further than the means, times what those span.
MOST_WIDER = 2.0
# A figure by itself.
OWN = 5.2


@dataclass(frozen=True)
class Mark:
    """How one line is told from others: by its colour, and by its marker too."""

    colour: str
    marker: str


def figures(study: Study, record: ClaimRecord) -> Figures:
    """A figure for each picture of the study; the last is of its parts.

    The list shows itself in notebooks.

    Raises:
        StudyError: a picture names what does not exist.
    """
    from .forest import forest

    drawn = Figures()
    for picture in study.pictures:
        what = plotted(study, record, picture)
        width = ACROSS if len(what.panels) > 1 else OWN
        figure = draw(study, picture, what, width, PAPER)
        figure.suptitle(picture.title, x=0.01, ha="left", fontsize=11, color=PAPER.ink)
        drawn.append(_on_paper(figure))
    drawn.append(_on_paper(forest(study, record, OWN, PAPER)))
    return drawn


def _on_paper(figure: Figure) -> Figure:
    figure.patch.set_alpha(1)
    figure.patch.set_facecolor("white")
    return figure


def pictured(study: Study, record: ClaimRecord, picture: Picture, mark: str) -> dict[str, Any]:
    """A picture for a page, and what is said below it. One of several panels is drawn twice: side
    by side, and below each other for a phone.

    Arguments:
        study, record: what was run.
        picture: one of the study's.
        mark: tells its parts from those of all other drawings in the page.
    """
    what = plotted(study, record, picture)
    words, note = described(picture, what), noted(picture, what)
    low, high = _limits(picture, what)
    if any(point.low < low or point.high > high for point in _points(what)):
        note += " Some are wider than the picture."

    def drawing(width: float) -> str:
        figure = draw(study, picture, what, width, PAGE)
        return svg(figure, picture.title, f"{mark}-{width:g}-", words)

    return {"title": picture.title, "about": picture.about, "note": note,
            "slim": drawing(COLUMN), "broad": drawing(ACROSS) if len(what.panels) > 1 else ""}


def draw(
    study: Study, picture: Picture, what: Plotted, width: float, look: Look
) -> Figure:
    """A picture as a figure of this width."""
    is_narrow = width <= COLUMN
    across = 1 if is_narrow else min(len(what.panels), MOST_ACROSS)
    rows = math.ceil(len(what.panels) / across)
    marks = _marks(study, picture, what, look)
    direct = _has_room_at_ends(what)
    height = _height(what, is_narrow)
    legend = 0.0 if direct or len(what.labels) < 2 else 0.2 + 0.18 * _legend_rows(what, width)
    with canvas(width, height * rows + legend) as figure:
        figure.set_layout_engine("constrained", wspace=0.05)
        found = figure.subplots(rows, across, sharex=True, sharey=True, squeeze=False)
        panels = [axes for row in found for axes in row]
        for axes in panels[len(what.panels):]:
            axes.set_visible(False)
        panels = panels[:len(what.panels)]
        for place, (axes, panel) in enumerate(zip(panels, what.panels, strict=True)):
            axes.patch.set_alpha(0)
            if what.is_words:
                _dots(axes, what, panel.lines, marks)
            else:
                for number, line in enumerate(panel.lines):
                    _line(axes, what, line, marks[line.label], number, len(panel.lines))
            if panel.title:
                axes.set_title(panel.title, loc="left", color=look.ink, fontsize=10)
            # Hidden panels have no numbers of their own: those above them show theirs.
            is_lowest = place + across >= len(panels)
            axes.xaxis.set_tick_params(labelbottom=is_lowest)
        _scales(panels, picture, what, look)
        _name_axes(panels, picture, what, look, across)
        if direct:
            ends = marks if what.is_list else {}
            _names_at_ends(panels[0], what.panels[0].lines, ends, look, height)
        elif len(what.labels) > 1:
            _legend(figure, picture, what, marks, look, width)
        return figure


def _marks(
    study: Study, picture: Picture, what: Plotted, look: Look
) -> dict[str, Mark]:
    """Colours and markers by label. What a technique is compared with is grey, as it is in all
    reports."""
    has_base = picture.by in study.technique and len(what.labels) > 1
    marks = {}
    for place, label in enumerate(what.labels):
        if has_base and place == 0:
            marks[label] = Mark(look.plain, MARKERS[0])
            continue
        number = place - has_base
        marks[label] = Mark(look.series[number % len(look.series)],
                            MARKERS[place % len(MARKERS)])
    return marks


def _height(what: Plotted, is_narrow: bool) -> float:
    if what.is_words:
        lines = max(len(panel.lines) for panel in what.panels)
        return 0.75 + len(_words(what)) * (0.16 + 0.17 * lines)
    return 2.3 if is_narrow else 2.8


def _line(
    axes: Axes, what: Plotted, line: Line, mark: Mark, number: int, count: int
) -> None:
    xs = [point.x for point in line.points]
    means = [point.mean for point in line.points]
    lows, highs = ([getattr(point, name) for point in line.points] for name in ("low", "high"))
    # Lines that lie on each other are still seen apart by their markers.
    every = max(1, round(len(xs) / 6))
    style: Any = {"color": mark.colour, "marker": mark.marker, "markersize": 5, "linewidth": 1.8,
                  "clip_on": False}
    if what.is_list:
        axes.fill_between(xs, lows, highs, color=mark.colour, alpha=BAND, linewidth=0)
        start = (number * max(1, every // max(count, 1))) % len(xs)
        axes.plot(xs, means, markevery=(start, every), solid_capstyle="round", **style)
        return
    beside = _beside(axes, 3.0 * (number - (count - 1) / 2))
    axes.vlines(xs, lows, highs, color=mark.colour, linewidth=1.6, transform=beside)
    axes.plot(xs, means, transform=beside, **style)


def _beside(axes: Axes, points: float) -> Transform:
    """The data's place, some points to the right: bars at one level stand side by side."""
    from matplotlib.transforms import ScaledTranslation

    figure = axes.get_figure()
    assert figure is not None
    return axes.transData + ScaledTranslation(points / 72, 0, figure.dpi_scale_trans)


def _dots(
    axes: Axes, what: Plotted, lines: Sequence[Line], marks: dict[str, Mark]
) -> None:
    """A row a level, the first on top; in it a dot with its interval for each line."""
    rows = {level: place for place, level in enumerate(_words(what))}
    step = 0.62 / max(1, len(lines))
    for number, line in enumerate(lines):
        mark = marks[line.label]
        for point in line.points:
            y = rows[point.x] + step * (number - (len(lines) - 1) / 2)
            axes.plot([point.low, point.high], [y, y], color=mark.colour, linewidth=2.2,
                      solid_capstyle="round")
            axes.plot([point.mean], [y], color=mark.colour, marker=mark.marker, markersize=6.5)


def _words(what: Plotted) -> list[Any]:
    """The levels in which there is something, in their order."""
    return list(dict.fromkeys(
        point.x for panel in what.panels for line in panel.lines for point in line.points))


def _points(what: Plotted) -> list[Any]:
    return [point for panel in what.panels for line in panel.lines for point in line.points]


def _scales(
    panels: Sequence[Axes], picture: Picture, what: Plotted, look: Look
) -> None:
    """Limits, scales and numbers, the same for all panels."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    formatter = FuncFormatter(lambda value, _: written(round(value, 12)))
    low, high = _limits(picture, what)
    for axes in panels:
        bare(axes, look)
        value = axes.xaxis if what.is_words else axes.yaxis
        (axes.set_xlim if what.is_words else axes.set_ylim)(low, high)
        if "y" in picture.log:
            (axes.set_xscale if what.is_words else axes.set_yscale)("log")
            (axes.set_xlim if what.is_words else axes.set_ylim)(low, high)
            plain_log_ticks(value)
        else:
            value.set_major_locator(MaxNLocator(4 if what.is_words else 5, steps=STEPS))
            value.set_major_formatter(formatter)
        if what.is_words:
            names = [_wrapped(level) for level in _words(what)]
            axes.set_yticks(range(len(names)), names)
            axes.set_ylim(len(names) - 0.5, -0.5)
            axes.tick_params(axis="y", labelcolor=look.ink)
            axes.grid(axis="y", visible=False)
            continue
        _level_axis(axes, picture, what)


def _level_axis(axes: Axes, picture: Picture, what: Plotted) -> None:
    """The axis of places or of levels that are numbers."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    xs = sorted({point.x for point in _points(what)})
    low, high = float(xs[0]), float(xs[-1])
    is_log = "x" in picture.log and low > 0
    if is_log:
        axes.set_xscale("log")
    margin = 0.0 if what.is_list and len(xs) > 1 else 0.05
    if is_log:
        factor = (high / low) ** margin if high > low else 2.0
        axes.set_xlim(low / factor, high * factor)
    else:
        reach = margin * (high - low) or (0.0 if high > low else 0.5)
        axes.set_xlim(low - reach, high + reach)
    if not what.is_list and _stand_apart(xs, is_log):
        axes.set_xticks(xs, [written(x) for x in xs])
        axes.set_xticks([], minor=True)
    elif is_log:
        plain_log_ticks(axes.xaxis)
    else:
        is_whole = all(float(x).is_integer() for x in xs)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=is_whole, steps=STEPS))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: written(round(x, 12))))


def _stand_apart(xs: Sequence[float], is_log: bool) -> bool:
    """Whether there is room for a number at each level."""
    places = [math.log(x) if is_log else float(x) for x in xs]
    gaps = [after - before for before, after in pairwise(places)]
    return len(xs) <= 9 and min(gaps, default=1.0) >= 0.1 * ((places[-1] - places[0]) or 1.0)


def _limits(picture: Picture, what: Plotted) -> tuple[float, float]:
    """From the means; an interval that is far wider than all they span runs out of the picture."""
    points = _points(what)
    is_log = "y" in picture.log
    change = math.log10 if is_log else float
    wider = math.inf if picture.band else MOST_WIDER
    means = [change(point.mean) for point in points]
    low, high = min(means), max(means)
    span = high - low or abs(high) * 0.1 or 1.0
    lows = [change(point.low) for point in points if not is_log or point.low > 0]
    low = max(min([low, *lows]), low - wider * span)
    high = min(max(change(point.high) for point in points), high + wider * span)
    margin = 0.06 * (high - low) or 0.05 * span
    low, high = low - margin, high + margin
    return (10 ** max(low, -300), 10 ** min(high, 300)) if is_log else (low, high)


def _wrapped(level: Any) -> str:
    return textwrap.fill(told(level), 18)


def _name_axes(
    panels: Sequence[Axes], picture: Picture, what: Plotted, look: Look, across: int
) -> None:
    measure = picture.measure + (f" ({picture.unit})" if picture.unit else "")
    for place, axes in enumerate(panels):
        is_lowest = place + across >= len(panels)
        if what.is_words:
            if is_lowest:
                axes.set_xlabel(measure, color=look.muted)
            continue
        if is_lowest:
            axes.set_xlabel(picture.over, color=look.muted)
        if len(panels) == 1:
            axes.set_title(measure, loc="left", color=look.muted, fontsize=10)
        elif place % across == 0:
            axes.set_ylabel(measure, color=look.muted)


def _has_room_at_ends(what: Plotted) -> bool:
    """Whether names stand at the lines' ends: a few short ones, and all lines end together."""
    if what.is_words or len(what.panels) > 1 or not 1 < len(what.labels) <= 6:
        return False
    ends = {line.points[-1].x for line in what.panels[0].lines}
    return len(ends) == 1 and max(map(len, what.labels)) <= 14


def _names_at_ends(
    axes: Axes, lines: Sequence[Line], marks: dict[str, Mark], look: Look, height: float
) -> None:
    """Names at the right ends of lines, moved apart where the ends are close."""
    figure = axes.get_figure()
    assert figure is not None
    tall = 72 * (height - 0.75)
    change = axes.transScale.transform
    low, high = (change((1.0, y))[1] for y in axes.get_ylim())
    ends = [(change((1.0, line.points[-1].mean))[1] - low) / (high - low) * tall for line in lines]
    places = spread(ends, 13.0)
    for line, end, place in zip(lines, ends, places, strict=True):
        point = line.points[-1]
        axes.annotate(line.label, (point.x, point.mean), xytext=(12, place - end),
                      textcoords="offset points", va="center", color=look.ink, fontsize=9.5,
                      annotation_clip=False)
        if mark := marks.get(line.label):
            axes.plot([point.x], [point.mean], color=mark.colour, marker=mark.marker,
                      markersize=5, clip_on=False)


def spread(places: Sequence[float], gap: float) -> list[float]:
    """The places, moved as little as it takes to be a gap apart."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    groups: list[tuple[float, list[int]]] = []
    for i in order:
        groups.append((places[i], [i]))
        while len(groups) > 1:
            (below, first), (above, second) = groups[-2:]
            if above - below >= gap * (len(first) + len(second)) / 2:
                break
            together = [*first, *second]
            groups[-2:] = [(sum(places[j] for j in together) / len(together), together)]
    moved = [0.0] * len(places)
    for middle, members in groups:
        for rank, i in enumerate(members):
            moved[i] = middle + gap * (rank - (len(members) - 1) / 2)
    return moved


def _legend_columns(what: Plotted, width: float) -> int:
    longest = max(map(len, what.labels), default=0)
    return max(1, min(len(what.labels), int(width * 100 / (48 + 7.2 * longest))))


def _legend_rows(what: Plotted, width: float) -> int:
    return math.ceil(len(what.labels) / _legend_columns(what, width))


def _legend(
    figure: Figure, picture: Picture, what: Plotted, marks: dict[str, Mark], look: Look,
    width: float,
) -> None:
    from matplotlib.lines import Line2D

    keys = [Line2D([], [], color=mark.colour, marker=mark.marker, markersize=5, linewidth=1.8)
            for mark in marks.values()]
    figure.legend(keys, list(marks), frameon=False, fontsize=9.5, labelcolor=look.ink,
                  loc="outside lower left", ncols=_legend_columns(what, width), handlelength=1.8,
                  columnspacing=1.4, borderpad=0.1)
