"""Drawings for the inside of a page: SVG that takes its colours from the page.

Matplotlib draws with stand-in colours; each becomes a CSS variable, so one drawing serves light
and dark. Text stays text, in the page's own font.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Stand-ins: colours that nothing else draws with, and the CSS variables they become.
INK = "#010203"
MUTED = "#010204"
RULE = "#010205"
PLAIN = "#010206"
ACCENT = "#010207"
GOOD = "#010208"
BAD = "#010209"
VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    PLAIN: "--plain",
    ACCENT: "--accent",
    GOOD: "--good",
    BAD: "--bad",
}


@dataclass(frozen=True)
class Look:
    """The colours of a drawing."""

    ink: str
    muted: str
    rule: str
    plain: str
    accent: str
    good: str
    bad: str


PAGE = Look(INK, MUTED, RULE, PLAIN, ACCENT, GOOD, BAD)
# Those of the page in the light, for figures by themselves.
PAPER = Look("#17202b", "#5b6878", "#e2e6eb", "#8a94a1", "#2f5fd0", "#11804d", "#c23a2e")


@contextmanager
def drawing(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """A figure of its own: nothing here touches the drawing state of the program around it."""
    import matplotlib
    from matplotlib.figure import Figure

    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "evenly", "font.size": 10.0}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        yield figure, axes


def svg(figure: Figure, title: str, mark: str = "") -> str:
    """The figure as an <svg> element for a page, with a title for those who hear it.

    `mark` tells two charts of the same title apart.
    """
    buffer = io.StringIO()
    metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=metadata)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = text.replace("xlink:href", "href")
    width, height = (
        float(number) for number in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)[0]
    )
    text = re.sub(
        r"<svg[^>]*>",
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img"><title>{title}</title>',
        text,
        count=1,
    )
    for stand_in, variable in VARIABLES.items():
        text = text.replace(stand_in, f"var({variable})")
    text = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", text)
    return _own_ids(text, re.sub(r"\W+", "-", f"c{mark}{title}".lower()))


def _own_ids(text: str, prefix: str) -> str:
    """Names of parts made different from those of every other chart in the page."""
    text = re.sub(r'\bid="([^"]*)"', rf'id="{prefix}-\1"', text)
    text = re.sub(r'href="#([^"]*)"', rf'href="#{prefix}-\1"', text)
    return re.sub(r"url\(#([^)]*)\)", rf"url(#{prefix}-\1)", text)
