"""The charts of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evenly.search.records import SearchRecord, said

from .drawing import PAGE, bare, drawing, plain_log_ticks, svg, written

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL = (4.4, 2.4)
DOT: Any = {"markersize": 7, "markeredgewidth": 0, "alpha": 0.75}


def history_chart(record: SearchRecord, width: float) -> str | None:
    """The score of each trial, and the best so far."""
    done = record.finished
    if not done:
        return None
    with drawing(width, 2.8) as (figure, axes):
        best = [max(one.score or 0.0 for one in done[:place + 1]) for place in range(len(done))]
        axes.plot([one.number for one in done], [one.score or 0.0 for one in done], "o",
                  color=PAGE.plain, **DOT)
        axes.step([one.number for one in done], best, where="post", color=PAGE.accent,
                  linewidth=1.8)
        low = min(one.score or 0.0 for one in done)
        pruned = [one.number for one in record.trials if one.score is None]
        axes.plot(pruned, [low] * len(pruned), "|", color=PAGE.muted, markersize=9)
        _axes(axes, record.scoring, "trial", whole=True)
        return svg(figure, "Score of each trial", f"{width:g}-")


def importance_chart(record: SearchRecord, width: float) -> str | None:
    """The share of the scores' variance that each setting accounts for."""
    if not record.importances:
        return None
    rows = list(reversed(record.importances.items()))
    with drawing(width, 0.5 + 0.27 * len(rows)) as (figure, axes):
        axes.barh(range(len(rows)), [100 * share for _, share in rows], height=0.62,
                  color=PAGE.accent, alpha=0.85)
        axes.set_yticks(range(len(rows)), [name for name, _ in rows])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        _axes(axes, "", "% of the variance of the scores")
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", labelcolor=PAGE.ink)
        return svg(figure, "What mattered", f"{width:g}-")


def slice_chart(record: SearchRecord, name: str) -> str | None:
    """The score of each trial by one of its settings."""
    done = [one for one in record.finished if one.exact and name in one.settings]
    if not done:
        return None
    values = [one.settings[name] for one in done]
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool)
                  for value in values)
    with drawing(*PANEL) as (figure, axes):
        labels = sorted({said(value) for value in values})
        places = values if numbers else [labels.index(said(value)) for value in values]
        axes.plot(places, [one.score or 0.0 for one in done], "o", color=PAGE.plain, **DOT)
        for place, one in zip(places, done, strict=True):
            if one.number == record.best:
                axes.plot([place], [one.score or 0.0], "o", color=PAGE.accent, markersize=10)
        if numbers and name in record.logarithmic:
            axes.set_xscale("log")
        _axes(axes, record.scoring, "", all(isinstance(value, int) for value in values))
        if not numbers:
            axes.set_xticks(range(len(labels)), labels)
            axes.set_xlim(-0.5, len(labels) - 0.5)
        elif name in record.logarithmic:
            plain_log_ticks(axes.xaxis)
        return svg(figure, f"Score by {name}")


def front_chart(record: SearchRecord) -> str | None:
    """Score by seconds of training, with the front; None where time was no objective."""
    if not record.front:
        return None
    with drawing(*PANEL) as (figure, axes):
        axes.plot([one.seconds for one in record.finished],
                  [one.score or 0.0 for one in record.finished], "o", color=PAGE.plain, **DOT)
        by_number = {one.number: one for one in record.finished}
        ends = [by_number[number] for number in record.front]
        axes.step([one.seconds for one in ends], [one.score or 0.0 for one in ends], where="post",
                  color=PAGE.accent, linewidth=1.8, marker="o", markersize=6)
        axes.set_xscale("log")
        _axes(axes, record.scoring, "seconds of training")
        plain_log_ticks(axes.xaxis)
        return svg(figure, "Score by time")


def _axes(axes: Axes, title: str, below: str, whole: bool = False) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    if axes.get_xscale() == "linear":
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=whole))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: written(value)))
    if title:
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: written(value)))
        axes.set_title(title, loc="left", color=PAGE.muted, fontsize=10)
    axes.set_xlabel(below, color=PAGE.muted)
    bare(axes)
