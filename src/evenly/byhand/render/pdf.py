"""A document as a PDF to print, set by Typst."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from ..document import Document, Heading, Paragraph, StepBlock
from ..notation import Notation
from ..views import Table
from . import parts
from .typst_notation import Typst, string

# Paper: its name for Typst, and the width in mm between the margins.
PAPERS = {"A4": ("a4", 174.0), "Letter": ("us-letter", 179.9)}
# A table with more rows may go on on the next page, under its labels again; so may a step.
_ROWS, _BLANK_ROWS = 26, 16
# Widths in mm: of a character, a cell's margins, a box to write in.
_CHARACTER, _MARGINS, _BOX = 2.1, 4.5, 23.5
_LONGEST = 8


def pdf_bytes(document: Document, paper: str = "A4") -> bytes:
    """The document as a PDF. The same document gives the same bytes.

    Arguments:
        document: what is rendered.
        paper: ``"A4"`` or ``"Letter"``.

    Raises:
        ConfigurationError: another paper, or Typst is not installed.
    """
    parts.need("a PDF", "typst", "sheets")
    import typst

    source = typst_source(document, paper).encode("utf-8")
    result = typst.compile(source, format="pdf", ignore_system_fonts=True, timestamp=0)
    assert isinstance(result, bytes)
    return result


def write_pdf(path: Any, document: Document, paper: str = "A4") -> None:
    """Writes the PDF of :func:`pdf_bytes` to a file.

    Arguments:
        path: of the file.
        document: what is rendered.
        paper: ``"A4"`` or ``"Letter"``.

    Raises:
        ConfigurationError: another paper, or Typst is not installed.
    """
    Path(path).write_bytes(pdf_bytes(document, paper))


def typst_source(document: Document, paper: str = "A4") -> str:
    """The source from which Typst sets the document.

    Arguments:
        document: what is rendered.
        paper: ``"A4"`` or ``"Letter"``.

    Raises:
        ConfigurationError: another paper.
    """
    if paper not in PAPERS:
        raise ConfigurationError(f"paper must be one of {', '.join(PAPERS)}, got {paper!r}")
    name, width = PAPERS[paper]
    title = string(document.title)
    head = resources.files("evenly.byhand.render").joinpath("templates/sheet.typ").read_text(
        "utf-8")
    lines = [
        head,
        f"#set document(title: {title}, date: none)",
        f'#set page(paper: "{name}", margin: (x: 18mm, top: 22mm, bottom: 20mm), '
        "header: context if counter(page).get().first() > 1 "
        f"{{ text(9pt, muted, {title}); v(-6pt); line(length: 100%, stroke: 0.4pt + rule) }}, "
        "footer: context align(center, text(9pt, muted, "
        'counter(page).display("1 / 1", both: true))))',
        f"#heading(level: 1, {title})",
    ]
    if parts.has_blanks(document):
        lines.append("#names")
    notation = Typst(document.digits, _LONGEST)
    given: list[str] = []
    for block, hidden in parts.blocks(document):
        if isinstance(block, StepBlock) and block.view.step.origin is None and not block.blank \
                and not block.view.left_out and _fits(block, width):
            given.append(_given(block, notation))
            continue
        if given:
            lines.append(f"#flow({', '.join(given)})")
            given = []
        if isinstance(block, Heading):
            lines.append(f"#heading(level: 2, {string(block.text)})")
        elif isinstance(block, Paragraph):
            lines.append("#par({ " + "; ".join(
                f"raw({string(text)})" if code else f"text({string(text)})"
                for code, text in parts.quoted(block.text)) + " })")
        else:
            lines.append(_step(block, hidden, notation, width))
    if given:
        lines.append(f"#flow({', '.join(given)})")
    return "\n".join(lines) + "\n"


def _fits(block: StepBlock, width: float) -> bool:
    """Whether it may stand beside others: small, and a single table."""
    tables = block.view.tables
    return len(tables) == 1 and len(tables[0].places) <= 8 and \
        len(list(_chunks(block, tables[0], width))) == 1


def _given(block: StepBlock, notation: Typst) -> str:
    (table,) = block.view.tables
    return f"small({string(block.title)}, {_matrix(block, table, notation, 0, None)})"


def _step(block: StepBlock, hidden: frozenset[int], notation: Typst, width: float) -> str:
    view, step = block.view, block.view.step
    inside = []
    if step.formula:
        formula = f"{notation.symbol(step.name)} = {notation.formula(step.formula)}"
        inside.append(f"block(sticky: true, fit($display({formula})$))")
    example = None if block.blank else view.example()
    if example is not None and parts.tells(example[1], hidden):
        inside.append(_example(block, example, notation))
    tables = []
    rows = 0
    for table in view.tables:
        for first, last in _chunks(block, table, width):
            rows += len(table.places) + 1
            tables.append(_matrix(block, table, notation, first, last))
    most = _BLANK_ROWS if block.blank else _ROWS
    breaks = rows > most
    if len(tables) > 1 and all(len(table.places) <= most for table in view.tables):
        inside.append(f"flow({', '.join(tables)})")
    else:
        inside += [f"block(breakable: {_bool(breaks)}, fit({table}))" if not breaks
                   else f"block(breakable: true, {table})" for table in tables]
    if view.left_out:
        inside.append(f"note({string(view.left_out)})")
    if block.hint:
        inside.append(f"hint({string(block.hint)})")
    size = " × ".join(str(n) for n in step.value.shape)
    head = ", ".join(string(text) for text in (block.title, size, block.key))
    return f"#step(breaks: {_bool(breaks)}, {head},\n  " + ",\n  ".join(inside) + ")"


def _example(block: StepBlock, example: tuple[int, Any], notation: Typst) -> str:
    flat, expression = example
    value = block.view.step.number_at(flat)
    text = f"{notation.expression(expression)} = {notation.number(value)}"
    near = notation.approximate(value)
    text += "" if near is None else f" approx {near}"
    name = parts.located(block.view.tables, flat)
    named = f"text(9pt, muted, {string(name)}); h(8pt); " if name else ""
    # A line breaks at the signs of a sum, but not within a fraction or under a root.
    body = f"{{ {named}$display({text})$ }}"
    return f"block(sticky: true, {'fit(' + body + ')' if 'frac(' in text or 'sqrt(' in text else body})"


def _matrix(block: StepBlock, table: Table, notation: Typst, first: int,
            last: int | None) -> str:
    """Columns `first` to `last` of a table, with its labels."""
    places = table.places[:, first:last].tolist()
    named, cells = any(table.rows), []
    columns = table.columns[first:last]
    if any(columns):
        labels = ["label[]"] * named + [f"above({string(name)})" for name in columns]
        cells.append(f"table.header({', '.join(labels)})")
    for r, row in enumerate(places):
        if named:
            cells.append(f"label({string(table.rows[r])})")
        cells += ["empty" if block.blank else _cell(block, flat, notation) for flat in row]
    count = len(places[0]) + named if places else 1
    caption = f"caption: {string(table.caption)}, " if table.caption else ""
    return f"matrix({caption}columns: {count}, {', '.join(cells)})"


def _cell(block: StepBlock, flat: int, notation: Typst) -> str:
    value = block.view.step.number_at(flat)
    near = notation.approximate(value)
    text = f"$display({notation.number(value)})$"
    return text if near is None else f"{{ {text}; text(9pt, muted, $approx {near}$) }}"


def _chunks(block: StepBlock, table: Table, width: float) -> Iterator[tuple[int, int]]:
    """Ranges of columns that fit on the page beside the names of the rows."""
    plain = Notation(block.view.step.value.ndim and 4)
    names = max((len(name) for name in table.rows), default=0) * _CHARACTER + _MARGINS
    first, used = 0, names
    for c in range(table.places.shape[1]):
        own = _BOX if block.blank else max(
            len(plain.number(block.view.step.number_at(int(i)))) for i in table.places[:, c]
        ) * _CHARACTER + _MARGINS
        label = table.columns[c] if c < len(table.columns) else ""
        own = max(own, len(label) * 0.8 * _CHARACTER + _MARGINS)
        if c > first and used + own > width:
            yield first, c
            first, used = c, names
        used += own
    yield first, table.places.shape[1]


def _bool(value: bool) -> str:
    return "true" if value else "false"
