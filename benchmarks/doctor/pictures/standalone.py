"""A drawing as an SVG file of its own, for documents that are no page of ours."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from evenly.report.drawing import svg
from evenly.templating import beside

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    style = beside("evenly.report", "report.css")
    colours, _, _ = style.partition("* {")
    return re.sub(r"\s+", " ", colours).strip()
