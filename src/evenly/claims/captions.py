"""Pictures in words: for those who hear them, and below them."""

from __future__ import annotations

from .pictures import Picture
from .series import Line, Plotted, told


def described(picture: Picture, what: Plotted) -> str:
    """A picture in words, for those who hear it: each line from its first to its last point."""
    measure = picture.measure + (f" in {picture.unit}" if picture.unit else "")
    sentences = [f"{measure[0].upper()}{measure[1:]} by {picture.over}"]
    for panel in what.panels:
        for line in panel.lines:
            name = ", ".join(text for text in (panel.title, line.label) if text)
            sentences.append((f"{name}: " if name else "") + _told(picture, what, line))
    return ". ".join(sentences) + "."


def _told(picture: Picture, what: Plotted, line: Line) -> str:
    extent = "band" if picture.band else "interval"
    if what.is_words or len(line.points) == 1:
        return "; ".join(f"{told(point.x)} {point.mean:.3g}, {extent} {point.low:.3g} to "
                         f"{point.high:.3g}" for point in line.points)
    first, last = line.points[0], line.points[-1]
    return (f"from {first.mean:.3g} at {picture.over} {first.x:g} to {last.mean:.3g} at "
            f"{picture.over} {last.x:g}, {extent} there {last.low:.3g} to {last.high:.3g}")


def noted(picture: Picture, what: Plotted) -> str:
    """What lines and bars are, in a sentence."""
    mean = "Geometric means" if what.is_geometric else "Means"
    extent = "bands" if what.is_list else "bars"
    if picture.band:
        text = f"{mean} over {what.blocks} blocks; {extent} reach from {' to '.join(picture.band)}."
    elif what.blocks == 1:
        text = "One block: there are no intervals."
    else:
        text = f"{mean} over {what.blocks} blocks; {extent} are 95\N{NO-BREAK SPACE}% intervals."
    if what.left_out:
        points, them = ("point is", "it") if what.left_out == 1 else ("points are", "them")
        text += (f" {what.left_out} {points} not above 0, and left out: a logarithmic scale has no "
                 f"place for {them}.")
    return text
