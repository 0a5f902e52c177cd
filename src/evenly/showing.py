"""What objects show of themselves in notebooks: HTML whose every element carries its own style, in
the colors of the page around it, light or dark. Nothing of it reaches another cell."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

# Rows of a table that are shown; of longer ones the first and the last.
_MOST_ROWS = 20
# What XML has no place for.
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_COLORS = ("#4477aa", "#cc6677", "#228833", "#aa7733")


def plain(text: Any) -> str:
    """A text as it stands in HTML and SVG."""
    return escape(_NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", str(text)))


def shortened(text: str, most: int) -> str:
    """A text of at most so many columns."""
    width = 0
    for i, letter in enumerate(text):
        width += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if width > most:
            return f"{text[: i - 1]}…"
    return text


def card(title: str, lines: Sequence[str], *parts: str) -> str:
    """A box with a title, lines of text, and HTML.

    Example:
        >>> card("Net", ["3 < 4"], "<p>more</p>").count("3 &lt; 4")
        1
    """
    told = "".join(f'<div style="opacity: 0.85">{plain(line)}</div>' for line in lines)
    return (
        '<div style="border: 1px solid rgba(128, 128, 128, 0.5); border-radius: 6px; padding: 8px '
        '12px; max-width: 60em; overflow-x: auto; color: inherit; font-size: 13px">'
        f'<div style="font-weight: 600">{plain(title)}</div>{told}{"".join(parts)}</div>'
    )


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table; of many rows the first and the last are shown, and it is said so."""
    shown = [tuple(map(str, row)) for row in rows]
    if len(shown) > _MOST_ROWS:
        half = _MOST_ROWS // 2
        left_out = (f"… {len(shown) - 2 * half:,} more …", *[""] * (len(headers) - 1))
        shown = [*shown[:half], left_out, *shown[-half:]]
    # A column of numbers is read from its right end.
    sides = ["right" if column and all(re.match(r"[-\d.,]*(e[-+]\d+)?$|nan|-?inf", cell)
                                       for cell in column) else "left"
             for column in zip(*shown, strict=True)] or ["left"] * len(headers)

    def line(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(
            f'<{tag} style="padding: 2px 10px; text-align: {side}">{plain(cell)}</{tag}>'
            for cell, side in zip(cells, sides, strict=True)) + "</tr>"

    return (
        '<table style="border-collapse: collapse; margin: 6px 0; color: inherit; white-space: '
        'nowrap">'
        f"<thead>{line('th', headers)}</thead>"
        f"<tbody>{''.join(line('td', row) for row in shown)}</tbody></table>"
    )


def unfolding(title: str, inside: str) -> str:
    """HTML that a click unfolds."""
    return (f'<details style="margin: 4px 0"><summary style="cursor: pointer">{plain(title)}'
            f"</summary>{inside}</details>")


def curves(series: Mapping[str, Sequence[float]], width: int = 360, height: int = 110) -> str:
    """Lines of numbers over their places as SVG; numbers that are not finite are left out, and of
    many every so many-th is taken."""
    known = {name: [(i, v) for i, v in enumerate(values) if math.isfinite(v)]
             for name, values in series.items()}
    known = {name: points[:: -(-len(points) // width)] for name, points in known.items() if points}
    values = [v for points in known.values() for _, v in points]
    if not values:
        return ""
    low, high = min(values), max(values)
    last = max(1, *(i for points in known.values() for i, _ in points))
    spread = high - low if math.isfinite(high - low) and high > low else 1.0
    parts = []
    for number, (name, points) in enumerate(known.items()):
        color = _COLORS[number % len(_COLORS)]
        path = " ".join(f"{4 + i / last * (width - 8):.1f},"
                        f"{height - 18 - (v - low) / spread * (height - 40):.1f}"
                        for i, v in points)
        shape = f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>'
        if len(points) == 1:
            at = path.split(",")
            shape = f'<circle cx="{at[0]}" cy="{at[1]}" r="3" fill="{color}"/>'
        x = 4 + 130 * number
        parts += [shape, f'<rect x="{x}" y="4" width="9" height="9" fill="{color}"/><text '
                         f'x="{x + 14}" y="12" font-size="11" fill="currentColor">{plain(name)}'
                         "</text>"]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img" '
        f'aria-label="{plain(", ".join(known))} by epoch" font-family="sans-serif">'
        f'{"".join(parts)}<text x="4" y="{height - 4}" font-size="11" fill="currentColor">'
        f"{low:.4g} to {high:.4g}</text></svg>"
    )
