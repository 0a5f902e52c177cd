"""Drawings for the inside of a page, and as figures by themselves.

For a page Matplotlib draws with stand-in colours (:data:`PAGE`); each becomes a CSS variable, so
one drawing serves light and dark. Text stays text, in the page's own font. A figure by itself has
the page's light colours (:data:`PAPER`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Stand-ins: colours that nothing else draws with, and the CSS variables they become.
INK = "#010203"
MUTED = "#010204"
RULE = "#010205"
PLAIN = "#010206"
ACCENT = "#010207"
GOOD = "#010208"
BAD = "#010209"
# Series that stand beside each other: told apart with each kind of colour blindness.
SERIES = ("#01020a", "#01020b", "#01020c", "#01020d", "#01020e", "#01020f")
VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    PLAIN: "--plain",
    ACCENT: "--accent",
    GOOD: "--good",
    BAD: "--bad",
    **{colour: f"--series-{place}" for place, colour in enumerate(SERIES, 1)},
}


@dataclass(frozen=True)
class Look:
    """The colours of a drawing, by what they mean."""

    ink: str
    muted: str
    rule: str
    plain: str
    accent: str
    good: str
    bad: str
    series: tuple[str, ...]


# Names come from users: a dollar sign in them is a dollar sign.
STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "evenly", "font.size": 10.0,
              "text.parse_math": False}
PAGE = Look(INK, MUTED, RULE, PLAIN, ACCENT, GOOD, BAD, SERIES)
PAPER = Look(
    "#17202b", "#5b6878", "#e2e6eb", "#8a94a1", "#2f5fd0", "#0f7a48", "#bd352a",
    ("#2f5fd0", "#a83108", "#2b846e", "#912b90", "#a078f6", "#b2831a"),
)


@contextmanager
def canvas(width: float, height: float) -> Iterator[Figure]:
    """An empty figure of its own: nothing here touches the drawing state of the program around it.

    Args:
        width, height: in inches, 100 CSS pixels each.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
        figure.patch.set_alpha(0)
        yield figure


@contextmanager
def drawing(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """A figure with one pair of axes: see :func:`canvas`."""
    with panels(1, 1, width, height) as (figure, axes):
        yield figure, axes[0][0]


@contextmanager
def panels(
    rows: int, columns: int, width: float, height: float
) -> Iterator[tuple[Figure, list[list[Axes]]]]:
    """A figure with several pairs of axes, row by row: see :func:`canvas`."""
    with canvas(width, height) as figure:
        axes = [[figure.add_subplot(rows, columns, row * columns + column + 1)
                 for column in range(columns)] for row in range(rows)]
        for each in (one for row in axes for one in row):
            each.patch.set_alpha(0)
        yield figure, axes


def bare(axes: Axes, look: Look = PAGE) -> None:
    """Axes without a frame: thin lines behind, muted numbers."""
    axes.tick_params(which="both", labelcolor=look.muted, color=look.rule, length=0)
    axes.grid(color=look.rule, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)


def plain_log_ticks(axis: Axis, most: int = 5) -> None:
    """Numbers as one writes them on a logarithmic axis whose limits are set."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes = axis.axes
    low, high = axes.get_xlim() if axis is axes.xaxis else axes.get_ylim()
    subs = (1.0,) if high / low > 30 else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(subs=subs, numticks=most))
    axis.set_major_formatter(FuncFormatter(lambda value, _: written(value)))
    axis.set_minor_locator(NullLocator())


def written(value: float) -> str:
    """A number for an axis: 0.05, 2000, 5 x 10 to the power of -6."""
    if value and not 1e-4 <= abs(value) < 1e5:
        size, power = f"{value:.3e}".split("e")
        size = size.rstrip("0").rstrip(".")
        raised = str(int(power)).translate(RAISED)
        text = f"10{raised}" if size == "1" else f"{size}\N{MULTIPLICATION SIGN}10{raised}"
    else:
        text = f"{value:g}"
    return text.replace("-", "\N{MINUS SIGN}")


RAISED = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077"
                       "\u2078\u2079")


def svg(figure: Figure, title: str, mark: str = "", words: str = "") -> str:
    """The figure as an <svg> element for a page, with a title for those who hear it.

    Args:
        figure: drawn with the colours of :data:`PAGE`.
        title: what it shows.
        mark: tells two charts of the same title apart.
        words: what is to be seen, for those who hear it.
    """
    import matplotlib

    buffer = io.StringIO()
    metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context(STYLE):
        # Laid out once: saving would do it twice, and draw twice for it.
        engine = figure.get_layout_engine()
        if engine is not None:
            engine.execute(figure)
            figure.set_layout_engine("none")
        figure.savefig(buffer, format="svg", metadata=metadata)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = text.replace("xlink:href", "href")
    width, height = (
        float(number) for number in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)[0]
    )
    head = (f'<svg viewBox="0 0 {width:g} {height:g}" role="img"><title>{escape(title)}</title>'
            + (f"<desc>{escape(words)}</desc>" if words else ""))
    text = re.sub(r"<svg[^>]*>", lambda _: head, text, count=1)
    for stand_in, variable in VARIABLES.items():
        text = text.replace(stand_in, f"var({variable})")
    text = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", text)
    return _own_ids(text, re.sub(r"\W+", "-", f"c{mark}{title}".lower()))


def _own_ids(text: str, prefix: str) -> str:
    """Names of parts made different from those of every other chart in the page."""
    text = re.sub(r'\bid="([^"]*)"', rf'id="{prefix}-\1"', text)
    text = re.sub(r'href="#([^"]*)"', rf'href="#{prefix}-\1"', text)
    return re.sub(r"url\(#([^)]*)\)", rf"url(#{prefix}-\1)", text)
