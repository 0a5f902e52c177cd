"""A network as a drawing and as a table: layers, shapes, parameters, what is fused."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import ConfigurationError
from ..files import Path, write_bytes
from ..layers.base import Layer, Shape
from ..layers.containers import Joined, Sequential, leaves
from ..showing import card, plain, shortened, table, unfolding

# Of a box, and between boxes.
_WIDTH, _HEIGHT, _GAP, _ASIDE = 236, 40, 22, 18
# Branches that are drawn beside each other; of more the others are counted.
_MOST_BRANCHES = 8


@dataclass
class Item:
    """A layer of a network.

    Attributes:
        name, layer: which.
        shape: of one example behind it.
        parameters, others: trainable numbers, and those that are kept beside them.
        fused: whether it is computed together with the layer in front of it.
        branches: what stands in its branches, where it has some.
    """

    name: str
    layer: Layer
    shape: Shape
    parameters: int = 0
    others: int = 0
    fused: bool = False
    branches: list[list[Item]] = field(default_factory=list)


def items_of(program: Any) -> list[Item]:
    """The network of a program, layer by layer."""
    lists = program.lists
    lines = lists["gradient"] if "gradient" in lists else lists["forward"]
    with_front = {(front, behind) for line in lines if not line.operation.endswith(".backward")
                  for front, behind in zip(line.layers, line.layers[1:], strict=False)}
    return _items(program.net.resolved, program.input_shape, with_front)


def _items(net: Layer, shape: Shape, with_front: set[tuple[str, str]]) -> list[Item]:
    found: list[Item] = []
    for layer in leaves(net, Sequential):
        before, shape = shape, layer.output_shape(shape)
        item = Item(layer.name or "", layer, shape)
        if isinstance(layer, Joined):
            item.branches = [_items(part, before, with_front) for part in layer.parts]
        else:
            for spec in layer.arrays(before).values():
                size = math.prod(spec.shape)
                if spec.trainable:
                    item.parameters += size
                else:
                    item.others += size
        item.fused = bool(found) and (found[-1].name, item.name) in with_front
        found.append(item)
    return found


def _rows(items: Sequence[Item], depth: int = 0) -> Iterator[tuple[str, ...]]:
    for item in items:
        for branch in item.branches:
            yield from _rows(branch, depth + 1)
            if not branch:
                yield ("· " * (depth + 1) + "its input", "", "", "", "")
        yield (
            "· " * depth + shortened(item.name, 60), _kind(item.layer), _of(item.shape),
            f"{item.parameters:,}" if item.parameters else "",
            "with the layer in front" if item.fused else "",
        )


def program_html(program: Any, title: str, lines: Sequence[str], *parts: str) -> str:
    """A program as a notebook shows it: a table of its layers, and its drawing."""
    items = items_of(program)
    return card(
        title, lines,
        table(("layer", "kind", "shape", "parameters", "computed"), list(_rows(items))),
        unfolding("drawn", drawn(program).inside), *parts,
    )


def _kind(layer: Layer) -> str:
    inner = getattr(layer, "layer", None)
    kind = type(layer).__name__
    return f"{kind}({_kind(inner)})" if isinstance(inner, Layer) else kind


def _of(shape: Shape) -> str:
    return " x ".join(map(str, shape)) if shape else "1"


@dataclass(frozen=True)
class NetworkPlot:
    """The drawing of a network. A notebook shows it; made by :meth:`evenly.Model.plot`.

    Attributes:
        svg: as a file holds it, dark on white.
        inside: as a page holds it, in the page's own color.

    Example:
        >>> import evenly as ev
        >>> plot = ev.init(ev.Sequential([ev.Dense(3), ev.ReLU()]), 4).plot()
        >>> plot
        NetworkPlot(236 x 130)
        >>> "15 parameters" in plot.svg
        True
    """

    svg: str
    inside: str
    width: int
    height: int

    def save(self, path: Path) -> None:
        """Writes the drawing as an SVG file.

        Raises:
            ConfigurationError: a path that does not end in .svg.
            OSError: as writing raises it. An old file is then as it was.
        """
        if os.path.splitext(os.fspath(path))[1].lower() != ".svg":
            raise ConfigurationError(f"save: the path must end in .svg, got {os.fspath(path)!r}")
        write_bytes(path, self.svg.encode())

    def __repr__(self) -> str:
        return f"NetworkPlot({self.width} x {self.height})"

    def _repr_html_(self) -> str:
        return self.inside

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.inside, "image/svg+xml": self.svg}


def drawn(program: Any) -> NetworkPlot:
    """A program's network, its input on top, branches beside each other, fused layers without a
    gap."""
    items = items_of(program)
    width, inner = _size(items)
    top = _HEIGHT - 14 + _GAP
    height = top + inner + 2
    middle = width / 2
    parts = [
        _text(middle, 17, f"input {_of(program.input_shape)}"),
        _line(middle, 24, middle, top, arrow=True), *_stack(items, middle, top),
    ]
    size = f'viewBox="-1 0 {width + 2} {height}" width="{width}" height="{height}"'
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="sans-serif" '
            f'font-size="12" aria-label="a network of {len(program.net.named_layers())} layers"')
    body = "".join(parts) + "</svg>"
    return NetworkPlot(f'{head} style="color: #1a1a1a; background: #ffffff">{body}',
                       f"{head}>{body}", width, height)


def _size(items: Sequence[Item]) -> tuple[int, int]:
    """(width, height) of layers one after the other."""
    width, height = _WIDTH if items else _ASIDE, 0
    for item in items:
        own, tall = _size_of(item)
        width, height = max(width, own), height + tall + (_GAP if height and not item.fused else 0)
    return width, height


def _size_of(item: Item) -> tuple[int, int]:
    if not item.branches:
        return _WIDTH, _HEIGHT
    sizes = [_size(branch) for branch in item.branches[:_MOST_BRANCHES]]
    wide = sum(width for width, _ in sizes) + _ASIDE * (len(sizes) - 1)
    return wide, 2 * _GAP + max(height for _, height in sizes) + _HEIGHT


def _stack(items: Sequence[Item], middle: float, top: float) -> Iterator[str]:
    for number, item in enumerate(items):
        if number and not item.fused:
            yield _line(middle, top, middle, top + _GAP, arrow=True)
            top += _GAP
        yield from _one(item, middle, top)
        top += _size_of(item)[1]


def _one(item: Item, middle: float, top: float) -> Iterator[str]:
    wide, tall = _size_of(item)
    if item.branches:
        x, end = middle - wide / 2, top + tall - _HEIGHT
        for branch in item.branches[:_MOST_BRANCHES]:
            width, height = _size(branch)
            own = x + width / 2
            yield _line(middle, top, own, top + _GAP, arrow=bool(branch))
            yield from _stack(branch, own, top + _GAP)
            yield _line(own, top + _GAP + height, own, end - _GAP)
            yield _line(own, end - _GAP, middle, end, arrow=True)
            x += width + _ASIDE
        top = end
    x = middle - _WIDTH / 2
    more = len(item.branches) - _MOST_BRANCHES
    numbers = [_of(item.shape)]
    if item.parameters:
        numbers.append(f"{item.parameters:,} parameters")
    if item.branches:
        numbers.append({"sum": "the sum", "concatenate": "side by side"}.get(
            getattr(item.layer, "join", ""), "the average"))
    if more > 0:
        numbers.append(f"{more} more branches")
    if item.fused:
        numbers.append("fused")
    color = "#4477aa" if item.parameters else "#888888"
    yield (f'<g><title>{plain(item.name)}: {plain(repr(item.layer))}</title><rect x="{x:g}" '
           f'y="{top:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="5" fill="{color}" '
           f'fill-opacity="0.18" stroke="{color}"/>')
    yield _text(middle, top + 17, shortened(f"{item.name}  {_kind(item.layer)}", 34), bold=True)
    yield _text(middle, top + 32, " · ".join(numbers), size=11) + "</g>"


def _text(x: float, y: float, text: str, size: int = 12, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (f'<text x="{x:g}" y="{y:g}" text-anchor="middle" font-size="{size}"{weight} '
            f'fill="currentColor">{plain(text)}</text>')


def _line(x: float, y: float, to_x: float, to_y: float, arrow: bool = False) -> str:
    line = (f'<line x1="{x:g}" y1="{y:g}" x2="{to_x:g}" y2="{to_y:g}" stroke="currentColor" '
            'stroke-opacity="0.6"/>')
    if not arrow:
        return line
    tip = f"{to_x:g},{to_y:g} {to_x - 3.5:g},{to_y - 6:g} {to_x + 3.5:g},{to_y - 6:g}"
    return f'{line}<polygon points="{tip}" fill="currentColor" fill-opacity="0.6"/>'
