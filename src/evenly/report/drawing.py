"""Drawings for the inside of a page: SVG that takes its colours from the page.

Matplotlib draws with stand-in colours; each becomes a CSS variable, so one drawing serves light
and dark. Text stays text, in the page's own font.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from importlib import resources
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


@contextmanager
def drawing(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """A figure of its own: nothing here touches the drawing state of the program around it."""
    with panels(1, 1, width, height) as (figure, axes):
        yield figure, axes[0][0]


@contextmanager
def panels(
    rows: int, columns: int, width: float, height: float
) -> Iterator[tuple[Figure, list[list[Axes]]]]:
    """A figure of its own with several axes, row by row."""
    import matplotlib
    from matplotlib.figure import Figure

    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "evenly", "font.size": 10.0}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
        figure.patch.set_alpha(0)
        axes = [[figure.add_subplot(rows, columns, row * columns + column + 1)
                 for column in range(columns)] for row in range(rows)]
        for each in (one for row in axes for one in row):
            each.patch.set_alpha(0)
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


def svg_file(figure: Figure, title: str, about: str) -> str:
    """The figure as an SVG file that stands by itself, with the page's colours for light and dark
    and a ground of its own, so that it can be read on any page.

    Arguments:
        figure: what is drawn.
        title, about: for those who hear it: what it is, and what it shows.
    """
    text = svg(figure, "")
    head = re.match(r'<svg viewBox="0 0 (\S+) (\S+)"[^>]*><title></title>', text)
    assert head is not None
    width, height = head.groups()
    for pattern, new in _LIGHTER:
        text = re.sub(pattern, new, text)
    text = re.sub(r'="[^"]*"', lambda own: re.sub(r"(\d\.\d)\d+", r"\1", own[0]), text)
    begin = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-labelledby="title about" '
        f'font-family="system-ui, sans-serif"><title id="title">{escape(title)}</title>'
        f'<desc id="about">{escape(about)}</desc><style>{_palette()}</style>'
        '<rect width="100%" height="100%" rx="8" fill="var(--card)"/>'
    )
    return re.sub(r"<svg[^>]*><title></title>", lambda _: begin, text, count=1) + "\n"


# What a file can do without: comments, names that nothing refers to, space between elements, and
# digits that nobody sees.
_LIGHTER = (
    (r"<!--.*?-->", ""), (r'<g id="[^"]*"', "<g"), (r"\s*\n\s*", " "), (r"> <", "><"),
    (r" ?([ML]) ?(?=[-\d])", r"\1"), (r"; ", ";"), (r": ", ":"),
    (r"font-family:[^;]*;", ""), (r' transform="rotate\(-0 [^"]*\)"', ""), (r"<g/>", ""),
    (r"<g>(<text[^>]*>[^<]*</text>)</g>", r"\1"), (r'<path[^>]*style="fill:none;opacity:0"/>', ""),
    (r"<path[^>]*;opacity:0;[^>]*/>", ""), (r' type="text/css"', ""), (r"<g></g>", ""),
)


def _palette() -> str:
    """The page's colours, by their variables, light and dark."""
    style = resources.files("evenly.report").joinpath("templates/report.css").read_text("utf-8")
    colours, _, _ = style.partition("* {")
    return re.sub(r"\s+", " ", colours).strip()
