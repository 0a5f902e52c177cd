"""A document as a PDF to print, set by Typst."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...errors import ConfigurationError
from ...files import write_bytes
from ...templating import beside
from ..document import Document, Heading, Paragraph, StepBlock
from ..expressions import Number
from ..notation import Notation
from ..views import Table
from . import parts, pieces
from .typst_notation import Typst, string

# Paper: its name for Typst, and the width in mm between the margins.
PAPERS = {"A4": ("a4", 174.0), "Letter": ("us-letter", 179.9)}
# A table or a step higher than this, in mm, may go on on the next page, under its labels again.
_HIGH = 215.0
# Heights in mm: of a row of plain numbers, of fractions or roots, of boxes to write in.
_PLAIN_ROW, _TALL_ROW, _BOX_ROW = 6.1, 10.4, 11.9
# Widths in mm: of a character, a cell's margins, a box to write in, between tables.
_CHARACTER, _MARGINS, _BOX, _GAP = 1.8, 4.5, 23.5, 7.0
_LONGEST = 8


def pdf_bytes(document: Document, paper: str = "A4",
              others: Sequence[Document] = ()) -> bytes:
    """The document as a PDF. The same document gives the same bytes.

    Arguments:
        document: what is rendered.
        paper: ``"A4"`` or ``"Letter"``.
        others: documents behind it, each on a page of its own.

    Raises:
        ConfigurationError: another paper, or Typst is not installed.
    """
    pieces.need("a PDF", "typst", "sheets")
    import typst

    source = typst_source(document, paper, others).encode("utf-8")
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
    write_bytes(path, pdf_bytes(document, paper))


def typst_source(document: Document, paper: str = "A4",
                 others: Sequence[Document] = ()) -> str:
    """The source from which Typst sets the document.

    Arguments:
        document: what is rendered.
        paper: ``"A4"`` or ``"Letter"``.
        others: documents behind it, each on a page of its own.

    Raises:
        ConfigurationError: another paper.
    """
    if paper not in PAPERS:
        raise ConfigurationError(f"paper must be one of {', '.join(PAPERS)}, got {paper!r}")
    head = beside("evenly.byhand.render", "sheet.typ")
    lines = [head, f"#set document(title: {string(document.title)}, date: none)"]
    for number, own in enumerate((document, *others)):
        lines += _pages(own, number, paper)
    return "\n".join(lines) + "\n"


def _pages(document: Document, number: int, paper: str) -> Iterator[str]:
    """The pages of one of several documents, counted from 1 in each."""
    name, width = PAPERS[paper]
    title, first, last = string(document.title), f"<start-{number}>", f"<end-{number}>"
    before = f"(locate({first}).page() - 1)"
    yield (f'#set page(paper: "{name}", margin: (x: 18mm, top: 22mm, bottom: 20mm), '
           f"header: context if here().page() - {before} > 1 {{ text(9pt, muted, {title}) }}, "
           "footer: context align(center, text(9pt, muted, "
           f"[#(here().page() - {before}) / #(locate({last}).page() - {before})])))")
    yield f"#metadata(none) {first}"
    yield f"#heading(level: 1, {title})"
    if pieces.has_blanks(document):
        yield "#names"
    sheet = _Sheet(document.digits, width)
    given: list[StepBlock] = []
    for block, hidden in pieces.blocks(document):
        if isinstance(block, StepBlock) and sheet.stands_beside(block):
            given.append(block)
            continue
        yield from sheet.beside(given)
        given = []
        if isinstance(block, Heading):
            yield f"#heading(level: 2, {string(block.text)})"
        elif isinstance(block, Paragraph):
            yield "#par({ " + "; ".join(
                f"raw({string(text)})" if code else f"text({string(text)})"
                for code, text in pieces.quoted(block.text)) + " })"
        else:
            yield sheet.step(block, hidden)
    yield from sheet.beside(given)
    yield f"#metadata(none) {last}"


class _Sheet:
    """Writes blocks for a page of a width in mm."""

    def __init__(self, digits: int, width: float) -> None:
        self.notation, self.plain = Typst(digits, _LONGEST), Notation(digits, _LONGEST)
        self.width = width

    # What was given ------------------------------------------------------------------------------

    def stands_beside(self, block: StepBlock) -> bool:
        """Whether a block may stand beside others: small, given, in a single piece."""
        view = block.view
        if view.step.origin is not None or block.blank or view.left_out or block.hint \
                or len(view.tables) != 1:
            return False
        (table,) = view.tables
        return len(table.places) <= 8 and len(list(self._chunks(block, table))) == 1

    def beside(self, given: list[StepBlock]) -> list[str]:
        """Blocks in lines, as many in each as there is room for."""
        parts = []
        for block in given:
            (table,) = block.view.tables
            wide = max(self._wide(block, table), len(block.title) * _CHARACTER)
            parts.append((wide, f"small({string(block.title)}, "
                          f"{self._matrix(block, table, 0, None)})"))
        return [f"#{line}" for line in self._lines(parts)]

    def _lines(self, parts: list[tuple[float, str]]) -> Iterator[str]:
        """Parts, each with its width, in lines: as many in each as there is room for."""
        row: list[str] = []
        used = 0.0
        for wide, part in parts:
            if row and used + wide + _GAP > self.width:
                yield f"beside({', '.join(row)})"
                row, used = [], 0.0
            row.append(part)
            used += wide + _GAP
        if row:
            yield f"beside({', '.join(row)})"

    # A step --------------------------------------------------------------------------------------

    def step(self, block: StepBlock, hidden: frozenset[int]) -> str:
        view, step = block.view, block.view.step
        words, length = self._words(block, hidden)
        chunks = [(table, first, last) for table in view.tables
                  for first, last in self._chunks(block, table)]
        breaks = sum(self._high(block, table) for table, _, _ in chunks) > 0.8 * _HIGH
        if len(chunks) == 1 and not breaks and words and self._wide(
            block, view.tables[0]
        ) <= self.width / 2 and length * _CHARACTER <= self.width / 2:
            # Beside boxes to fill in, the left half is for working.
            table = self._matrix(block, *chunks[0])
            body = f"halves(50%, {{ {'; '.join(words)} }}, {table})"
        else:
            body = "; ".join(words + self._tables(block, chunks))
            body = f"{{ {body} }}"
        size = pieces.size(step.value.shape)
        head = ", ".join(string(text) for text in (block.title, size, block.key))
        return f"#step(breaks: {_bool(breaks)}, {head},\n  {body})"

    def _words(self, block: StepBlock, hidden: frozenset[int]) -> tuple[list[str], int]:
        """(what stands beside or above the table, its length in characters)."""
        view, step, notation = block.view, block.view.step, self.notation
        words, length = [], 0
        formula = parts.equation(step, notation)
        if formula:
            words.append(f"block(sticky: true, fit($display({formula})$))")
            length = len(step.name) + len(step.formula) + 3
        example = None if block.blank else view.example()
        if example is not None and pieces.tells(example[1], hidden) \
                and not isinstance(example[1], Number):
            flat, expression = example
            value = step.number_at(flat)
            text = f"{notation.expression(expression)} {parts.written_results(value, notation)}"
            name = parts.label_of(view, flat)
            if name:
                words.append(f"block(sticky: true, below: 5pt, text(9pt, muted, {string(name)}))")
            body = f"$display({text})$"
            # A line breaks at the signs of a sum, but not within a fraction or under a root.
            whole = "frac(" in text or "sqrt(" in text
            words.append(f"block(sticky: true, {f'fit({body})' if whole else body})")
            length = max(length, len(self.plain.expression(expression)) + 10)
        words += [f"note({string(view.left_out)})"] if view.left_out else []
        words += [f"hint({string(block.hint)})"] if block.hint else []
        return words, length

    def _tables(self, block: StepBlock, chunks: list[tuple[Table, int, int]]) -> list[str]:
        lines: list[str] = []
        parts: list[tuple[float, str]] = []
        for table, first, last in chunks:
            matrix = self._matrix(block, table, first, last)
            if self._high(block, table) > _HIGH:
                lines += [*self._lines(parts), f"block(breakable: true, {matrix})"]
                parts = []
            else:
                parts.append((self._wide(block, table, first, last), matrix))
        return [*lines, *self._lines(parts)]

    # A table -------------------------------------------------------------------------------------

    def _matrix(self, block: StepBlock, table: Table, first: int, last: int | None) -> str:
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
            cells += ["empty" if block.blank else self._cell(block, flat) for flat in row]
        count = len(places[0]) + named if places else 1
        caption = f"caption: {string(table.caption)}, " if table.caption else ""
        return f"matrix({caption}columns: {count}, {', '.join(cells)})"

    def _cell(self, block: StepBlock, flat: int) -> str:
        value = block.view.step.number_at(flat)
        near = self.notation.approximate(value)
        text = f"$display({self.notation.number(value)})$"
        return text if near is None else f"{{ {text}; h(4pt); text(9pt, muted, $approx {near}$) }}"

    def _chunks(self, block: StepBlock, table: Table) -> Iterator[tuple[int, int]]:
        """Ranges of columns that fit on the page beside the names of the rows."""
        widths = [self._column(block, table, c) for c in range(table.places.shape[1])]
        room = self.width - _names(table)
        # As few chunks as there is room for, and those about alike.
        for count in range(1, len(widths) + 1):
            each = -(-len(widths) // count)
            starts = range(0, len(widths), each)
            if each == 1 or all(sum(widths[first : first + each]) <= room for first in starts):
                yield from ((first, min(first + each, len(widths))) for first in starts)
                return

    def _high(self, block: StepBlock, table: Table) -> float:
        """About how high a table is."""
        rows = 0.0
        for row in table.places.tolist():
            tall = any(mark in self.plain.number(block.view.step.number_at(i))
                       for i in row for mark in ("/", "sqrt"))
            rows += _BOX_ROW if block.blank else _TALL_ROW if tall else _PLAIN_ROW
        return rows + _PLAIN_ROW

    def _wide(self, block: StepBlock, table: Table, first: int = 0,
              last: int | None = None) -> float:
        """About how wide some columns of a table are."""
        columns = range(table.places.shape[1])[first:last]
        return _names(table) + sum(self._column(block, table, c) for c in columns)

    def _column(self, block: StepBlock, table: Table, column: int) -> float:
        label = table.columns[column] if column < len(table.columns) else ""
        own = _BOX
        if not block.blank:
            values = [block.view.step.number_at(int(i)) for i in table.places[:, column]]
            texts = [self.plain.number(v) + (self.plain.approximate(v) or "") for v in values]
            own = max((len(text) for text in texts), default=0) * _CHARACTER + _MARGINS
        return max(own, len(label) * 0.8 * _CHARACTER + _MARGINS)


def _names(table: Table) -> float:
    """About how wide the names of the rows are."""
    return max((len(name) for name in table.rows), default=0) * 0.8 * _CHARACTER + _MARGINS


def _bool(value: bool) -> str:
    return "true" if value else "false"
