"""Documents in a terminal, and as plain text."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from ..document import Document, Heading, Paragraph, StepBlock
from ..expressions import Place
from ..notation import Notation
from ..views import Table, View
from .parts import Example, cell, equation, example_of, is_single

# Of middling brightness: readable on white and on black.
_COLOURS = ("color(31)", "color(133)", "color(64)", "color(130)", "color(97)", "color(167)")
_MARK = re.compile("\x01(\\d+)\x02(.*?)\x03")
_BLANK = "_______"
# A space at which a line must not end; a space when it is printed.
_GLUE = "\ue000"


class Marked(Notation):
    """Plain text in which every number of an earlier step says which step it is from."""

    def marked(self, text: str, place: Place) -> str:
        return f"\x01{place.step}\x02{text}\x03"

    # Lines end at sums: factors stay together.

    def product(self, factors: Sequence[str]) -> str:
        return f"{_GLUE}*{_GLUE}".join(factors)

    def more(self, count: int) -> str:
        return super().more(count).replace(" ", _GLUE)


def render_text(document: Document, width: int = 80) -> str:
    """A document as plain text of at most `width` columns."""
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False,
                      force_jupyter=False)  # it would show the text in the cell, and keep none
    console.print(*renderables(document, width), sep="\n")
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def renderables(document: Document, width: int) -> Iterator[RenderableType]:
    """A document as what rich prints, line by line."""
    notation = Marked(document.digits)
    names = {block.view.step.number: block.view.step.title
             for block in document.blocks if isinstance(block, StepBlock)}
    if document.title:
        yield Text(document.title, "bold")
    for block in document.blocks:
        yield Text()
        if isinstance(block, Heading):
            line = "─" * max(width - len(block.text) - 4, 2)
            yield Text.assemble("── ", (block.text, "bold"), f" {line}")
        elif isinstance(block, Paragraph):
            yield Text(block.text.replace("`", ""))
        else:
            yield from _step(block, notation, names, width)


def _step(block: StepBlock, notation: Notation, names: dict[int, str],
          width: int) -> Iterator[RenderableType]:
    view = block.view
    example = None if block.blank else example_of(view, notation)
    colours = dict(zip(example.sources if example else (), _COLOURS, strict=False))
    formula, sign = equation(view.step, notation), f" {notation.equals} "
    name, equals, right = formula.partition(sign)
    if equals and re.sub(r" \(\d+\)$", "", block.title).rpartition(".")[2] == name:
        # The name stands in the title already.
        yield Text.assemble((f"{block.title}{sign}", "bold"), _coloured(right, colours, names))
    else:
        yield Text(block.title, "bold")
        if formula:
            yield _indented(_coloured(formula, colours, names))
    if example is not None:
        yield from map(_indented, _example(example, colours, width - 2))
    if example is None or not is_single(view):
        for table in view.tables:
            if table.caption:
                yield _indented(Text(table.caption, "dim"))
            yield from map(_indented, _table(table, view, notation, block.blank, width - 2))
    if view.left_out:
        yield _indented(Text(f"({view.left_out})", "dim"))
    if block.hint:
        yield _indented(Text(f"Hint: {block.hint}".replace("`", "")))


def _coloured(formula: str, colours: dict[int, str], names: dict[int, str]) -> Text:
    """A formula whose names have the colours of their numbers."""
    text = Text(formula)
    for number, colour in colours.items():
        name = names.get(number, "").rpartition(".")[2]
        if name:
            text.highlight_regex(rf"(?<!\w){re.escape(name)}(?!\w)", colour)
    return text


def _example(example: Example, colours: dict[int, str], width: int) -> Iterator[Text]:
    """The formula with numbers, those of one step in one colour; in lines that begin alike."""
    line, end = Text(), 0
    for mark in _MARK.finditer(example.formula):
        line.append(example.formula[end : mark.start()])
        line.append(mark[2], colours.get(int(mark[1]), ""))
        end = mark.end()
    line.append(example.formula[end:])
    for sign, number in example.results:
        line.append(f" {sign}{_GLUE}").append(number.replace(" ", _GLUE), "bold")
    label = f"{example.label}: " if example.label else ""
    if len(label) > width // 2:
        yield Text(label, "dim")
        label = "  "
    cuts, start, room = [], 0, width - len(label)
    while len(line) - start > room:
        space = line.plain.rfind(" ", start + 1, start + room + 1)
        start = start + room if space < 0 else space + 1
        cuts.append(start)
    for i, part in enumerate(line.divide(cuts)):
        part.rstrip()
        part.plain = part.plain.replace(_GLUE, " ")
        yield Text(label if i == 0 else " " * len(label), "dim").append_text(_bright(part))


def _bright(text: Text) -> Text:
    """Text that is not as dim as the label in front of it."""
    text.stylize_before("not dim")
    return text


def _table(table: Table, view: View, notation: Notation, blank: bool,
           width: int) -> Iterator[Text]:
    """A matrix; what is too wide goes on below."""
    numbers = [[_BLANK if blank else cell(view.step.number_at(int(i)), notation) for i in ids]
               for ids in table.places]
    first = max(map(len, table.rows)) if any(table.rows) else 0
    start = 0
    while start < len(table.columns):
        end, names = _fitting(table.columns, numbers, start, width - first)
        widths = [max(len(names[i]), *(len(row[start + i]) for row in numbers))
                  for i in range(end - start)]
        if any(names):
            head = "".join(f"  {name:>{w}}" for name, w in zip(names, widths, strict=True))
            yield Text(" " * first + head, "dim")
        for name, row in zip(table.rows, numbers, strict=True):
            line = Text(f"{name:<{first}}", "dim")
            for text, w in zip(row[start:end], widths, strict=True):
                line.append(f"  {text:>{w}}", "not dim")
            yield line
        start = end


def _fitting(columns: Sequence[str], numbers: list[list[str]], start: int,
             width: int) -> tuple[int, list[str]]:
    """(up to which column a table fits, their names): the names are short where that helps."""
    best = start, [""]
    for short in (False, True):
        names: list[str] = []
        used, end = 0, start
        for i in range(start, len(columns)):
            word, _, number = columns[i].rpartition(" ")
            same = short and i > start and word == columns[start].rpartition(" ")[0]
            name = number if same else columns[i]
            used += 2 + max(len(name), *(len(row[i]) for row in numbers))
            if used > width:
                break
            names.append(name)
            end = i + 1
        if end > best[0]:
            best = end, names
    return best if best[0] > start else (start + 1, [columns[start]])


def _indented(text: Any) -> RenderableType:
    return Padding(text, (0, 0, 0, 2), expand=False)
