"""Charts of a fit, as SVG for the inside of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evenly.explain.records import Dependence, FitRecord

from .drawing import PAGE, Look, bare, drawing, plain_log_ticks, svg, written

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Columns that the chart of importance has lines for.
MOST_BARS = 20
# Letters of a name on an axis.
LONGEST = 22
PANEL = (3.4, 2.3)


def loss_chart(record: FitRecord) -> str | None:
    """The loss by epoch: training dashed, held-out solid; None without epochs."""
    return _curve(record, "loss", ("loss", "held_out_loss"))


def score_chart(record: FitRecord, name: str) -> str | None:
    """The score by epoch, the same way."""
    return _curve(record, name, ("score", "held_out_score"))


def _curve(record: FitRecord, name: str, fields: tuple[str, str]) -> str | None:
    lines = [[(e.epoch, value) for e in record.epochs if (value := getattr(e, field)) is not None]
             for field in fields]
    if not any(lines):
        return None
    with drawing(*PANEL) as (figure, axes):
        for line, dashed in zip(lines, (True, False), strict=True):
            if line:
                axes.plot(*zip(*line, strict=True), color=PAGE.muted if dashed else PAGE.accent,
                          linestyle="--" if dashed else "-", linewidth=1.8,
                          marker="o" if len(line) == 1 else None)
        if record.kept and lines[1]:
            axes.axvline(record.kept, color=PAGE.plain, linewidth=1, linestyle=":")
        values = sorted(value for line in lines for _, value in line)
        if name == "loss" and values[0] > 0 and values[-1] > 3 * values[0]:
            axes.set_yscale("log")
            axes.set_ylim(values[0] / 1.2, values[-1] * 1.2)
            plain_log_ticks(axes.yaxis)
        elif name != "loss" and len(values) > 20:
            # The first epochs may be far below all others.
            low, high = values[len(values) // 20], values[-1]
            margin = 0.06 * (high - low) or 0.01
            axes.set_ylim(low - margin, high + margin)
        _whole_epochs(axes, len(record.epochs))
        _titled(axes, name, "epoch")
        return svg(figure, f"{name} by epoch")


def importance_chart(record: FitRecord, width: float, factor: float = 1.0) -> str | None:
    """What the most important columns are worth: a bar each, and the spread of the repeats.

    Arguments:
        record: the fit.
        width: in inches.
        factor: of the numbers, such as 100 for percent.
    """
    rows = record.importance[:MOST_BARS]
    if not rows:
        return None
    with drawing(width, 0.5 + 0.27 * len(rows)) as (figure, axes):
        for place, one in enumerate(reversed(rows)):
            axes.barh(place, one.mean * factor, height=0.62, color=PAGE.accent, alpha=0.85)
            low, high = min(one.drops) * factor, max(one.drops) * factor
            axes.plot([low, high], [place, place], color=PAGE.ink, linewidth=1.4)
        axes.axvline(0, color=PAGE.muted, linewidth=1)
        axes.set_yticks(range(len(rows)), [_short(one.column) for one in reversed(rows)])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        _axis_of(axes)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", labelcolor=PAGE.ink)
        return svg(figure, "What each column is worth", f"{width:g}-")


def dependence_chart(record: FitRecord, one: Dependence, mark: str) -> str:
    """How answers change with one column."""
    is_axis = all(point.place is not None for point in one.points)
    height = PANEL[1] if is_axis else max(1.3, 0.5 + 0.26 * len(one.points))
    with drawing(PANEL[0], height) as (figure, axes):
        if is_axis:
            _draw_line(axes, one, PAGE)
        else:
            _draw_levels(axes, one, PAGE)
        words = "; ".join(f"{p.value}: {', '.join(f'{a:.4g}' for a in p.answers)}"
                          for p in one.points)
        return svg(figure, f"Answers by {one.column}", f"{mark}-", words)


def _draw_line(axes: Axes, one: Dependence, look: Look) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    places = [point.place or 0.0 for point in one.points]
    for number in range(len(one.series)):
        colour = look.accent if len(one.series) == 1 else look.series[number % len(look.series)]
        axes.plot(places, [point.answers[number] for point in one.points], color=colour,
                  linewidth=1.8, marker="o", markersize=3)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    if one.type == "date":
        shown = [one.points[0], one.points[-1]]
        axes.set_xticks([point.place or 0.0 for point in shown], [p.value for p in shown])
        first, last = axes.get_xticklabels()
        first.set_horizontalalignment("left")
        last.set_horizontalalignment("right")
    else:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: written(value)))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: written(value)))
    bare(axes, look)


def _draw_levels(axes: Axes, one: Dependence, look: Look) -> None:
    count = len(one.points)
    for number in range(len(one.series)):
        colour = look.accent if len(one.series) == 1 else look.series[number % len(look.series)]
        axes.plot([point.answers[number] for point in one.points], range(count - 1, -1, -1), "o",
                  color=colour, markersize=6)
    axes.set_yticks(range(count - 1, -1, -1), [_short(point.value) for point in one.points])
    axes.set_ylim(-0.6, count - 0.4)
    axes.margins(x=0.12)
    _axis_of(axes)
    axes.tick_params(axis="y", labelcolor=look.ink)


def _axis_of(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: written(value)))
    bare(axes)


def pairs_chart(record: FitRecord) -> str | None:
    """Truth by answer, with the line where they are equal; None for classes."""
    found = record.residuals
    if found is None or not found.pairs:
        return None
    with drawing(*PANEL) as (figure, axes):
        given, truth = zip(*found.pairs, strict=True)
        ends = (min(*given, *truth), max(*given, *truth))
        axes.plot(ends, ends, color=PAGE.muted, linewidth=1)
        axes.plot(given, truth, "o", color=PAGE.accent, markersize=3, alpha=0.5,
                  markeredgewidth=0)
        _axis_of(axes)
        _titled(axes, "truth", "answer")
        return svg(figure, "Truth by answer")


def residuals_chart(record: FitRecord) -> str | None:
    """How often which residual; None for classes."""
    found = record.residuals
    if found is None:
        return None
    with drawing(*PANEL) as (figure, axes):
        width = found.edges[1] - found.edges[0]
        axes.bar(found.edges[:-1], found.counts, width=width * 0.92, align="edge",
                 color=PAGE.accent, alpha=0.85)
        axes.axvline(0, color=PAGE.muted, linewidth=1)
        _axis_of(axes)
        axes.grid(axis="x", visible=False)
        _titled(axes, "rows", "truth minus answer")
        return svg(figure, "Residuals")


def calibration_chart(record: FitRecord) -> str | None:
    """How often it was so, by the probability that was said; None for numbers."""
    found = record.calibration
    if found is None:
        return None
    with drawing(*PANEL) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=PAGE.muted, linewidth=1)
        largest = max(one.rows for one in found.bins)
        axes.plot([one.said for one in found.bins], [one.seen for one in found.bins],
                  color=PAGE.accent, linewidth=1.4)
        for one in found.bins:
            axes.plot([one.said], [one.seen], "o", color=PAGE.accent,
                      markersize=3 + 7 * (one.rows / largest) ** 0.5)
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        _axis_of(axes)
        _titled(axes, "share that is so", "probability said")
        return svg(figure, "Reliability of the probabilities")


def _titled(axes: Axes, title: str, below: str) -> None:
    axes.set_title(title, loc="left", color=PAGE.muted, fontsize=10)
    axes.set_xlabel(below, color=PAGE.muted)
    bare(axes)


def _whole_epochs(axes: Axes, count: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(1 if count > 1 else 0.5, max(count, 1.5))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"
