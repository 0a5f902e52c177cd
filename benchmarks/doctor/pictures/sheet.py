"""Twins beside each other, as an SVG file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evenly.report.drawing import BAD, GOOD, MUTED, RULE, panels

from .runs import Run
from .standalone import svg_file
from .torch_twins import TorchTwins
from .twins import Twins

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .curves import Line

# In inches: of the whole, of a row of drawings, above and within it.
WIDTH, ROW, HEADING = 7.2, 2.05, 0.35
LEFT, RIGHT, BETWEEN, ABOVE, BELOW = 0.62, 0.15, 0.75, 0.25, 0.62


def draw(twins: Twins | TorchTwins) -> str:
    """The picture of a finding: both trainings are made, and drawn.

    Raises:
        AssertionError: the sick one does not have the finding, or the cured one still has it.
    """
    sick = twins.sick()
    assert twins.finding(sick) is not None, \
        f"{twins.kind}: the doctor says {sick.diagnosis.headline}"
    cured = twins.cured(sick)
    assert twins.finding(cured) is None, f"{twins.kind}: the cure leaves it"
    return sheet(twins, sick, cured)


def sheet(twins: Twins | TorchTwins, sick: Run, cured: Run) -> str:
    """The picture of two trainings."""
    both = (sick, cured)
    rows = len(twins.views)
    with panels(rows, 2, WIDTH, HEADING + ROW * rows) as (figure, axes):
        figure.set_layout_engine("none")
        words = []
        for row, view in enumerate(twins.views):
            keys: list[Line] = []
            for column, run in enumerate(both):
                own = axes[row][column]
                # A key names what either of the two has.
                keys += [k for k in view.draw(own, run, both) if k.name not in
                         [other.name for other in keys]]
                _finish(own, view.title)
                _place(figure, own, row, column, rows)
            _key(axes[row][0], keys)
            words.append(f"{view.title}. Sick, {_without(view.words(sick), view.title)}. Cured, "
                         f"{_without(view.words(cured), view.title)}.")
        for column, (name, colour) in enumerate((("sick", BAD), ("cured", GOOD))):
            axes[0][column].annotate(
                name, (0, 1), xytext=(0, 24), xycoords="axes fraction",
                textcoords="offset points", color=colour, fontsize=12, weight="bold")
        return svg_file(figure, f"{twins.kind}: a sick training beside its cured twin",
                        " ".join(words))


def _place(figure: Figure, axes: Axes, row: int, column: int, rows: int) -> None:
    """Puts axes where all pictures have them."""
    height = HEADING + ROW * rows
    width = (WIDTH - LEFT - RIGHT - BETWEEN) / 2
    left, top = LEFT + column * (width + BETWEEN), HEADING + row * ROW + ABOVE
    tall = ROW - ABOVE - BELOW
    axes.set_position((left / WIDTH, 1 - (top + tall) / height, width / WIDTH, tall / height))


def _without(words: str, title: str) -> str:
    return words.removeprefix(f"{title}: ")


def _finish(axes: Axes, title: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    if axes.get_yscale() == "log":
        axes.yaxis.set_major_locator(LogLocator(numticks=5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.minorticks_off()
    elif axes.get_yscale() == "symlog":
        low, high = axes.get_ylim()
        axes.set_yticks([low / 1.2, 0, high / 1.2])
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{float(f'{value:.2g}'):g}"))
        axes.minorticks_off()
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4))
    if axes.get_xlabel() in ("epoch", "step", "column"):
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_xlabel(axes.get_xlabel(), loc="right", labelpad=1, fontsize=9)
    axes.set_title(title, loc="left", color=MUTED, fontsize=10)
    axes.tick_params(which="both", labelcolor=MUTED, color=RULE, length=0, labelsize=9)
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)


def _key(axes: Axes, lines: list[Line]) -> None:
    from matplotlib.lines import Line2D

    if not lines:
        return
    keys = [Line2D([], [], color=line.colour, ls=line.style, linewidth=line.width)
            for line in lines]
    axes.legend(keys, [line.name for line in lines], frameon=False, fontsize=9, labelcolor=MUTED,
                loc="upper left", bbox_to_anchor=(-0.01, -0.29), ncols=4, handlelength=1.5,
                columnspacing=1.1, borderaxespad=0, borderpad=0)
