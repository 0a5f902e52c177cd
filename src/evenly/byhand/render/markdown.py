"""Documents as GitHub's Markdown: tables, and formulas between dollar signs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from ..document import Document, Heading, Paragraph, StepBlock
from ..views import Table
from .latex import LaTeX
from .parts import cell, equation, example_of, is_single


class MarkdownFormula(LaTeX):
    """LaTeX without a backslash in front of punctuation, which Markdown takes for its own."""

    thin: ClassVar[str] = r"\thinspace"

    def word(self, name: str) -> str:
        return rf"\text{{{name.replace('_', ' ')}}}"


def render_markdown(document: Document) -> str:
    """A document as Markdown."""
    notation = MarkdownFormula(document.digits)
    parts = [f"# {_plain(document.title)}"] if document.title else []
    for block in document.blocks:
        if isinstance(block, Heading):
            parts.append(f"## {_plain(block.text)}")
        elif isinstance(block, Paragraph):
            parts.append(block.text)
        else:
            parts += _step(block, notation)
    return "\n\n".join(parts) + "\n"


def _step(block: StepBlock, notation: LaTeX) -> Iterator[str]:
    view = block.view
    yield f"### {_plain(block.title)}"
    formula = equation(view.step, notation)
    if formula:
        yield f"```math\n{formula}\n```"
    example = None if block.blank else example_of(view, notation)
    if example is not None:
        label = f"{example.label[:1].upper()}{example.label[1:]}:\n\n" if example.label else ""
        yield f"{label}```math\n{example.formula} {example.result}\n```"
    if example is None or not is_single(view):
        for table in view.tables:
            if table.caption:
                yield f"*{table.caption}*"
            yield _table(table, view.step, notation, block.blank)
    if view.left_out:
        yield f"*{view.left_out}*"
    if block.hint:
        yield f"Hint: {block.hint}"


def _table(table: Table, step: Any, notation: LaTeX, blank: bool) -> str:
    named = any(table.rows)
    head = [*([""] if named else []), *table.columns]
    lines = [head, [*(["---"] if named else []), *["---:"] * len(table.columns)]]
    for name, ids in zip(table.rows, table.places, strict=True):
        cells = ["" if blank else _cell(step.number_at(int(i)), notation) for i in ids]
        lines.append([*([name] if named else []), *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any, notation: LaTeX) -> str:
    text = cell(value, notation)
    return f"${text}$" if "\\" in text else text


def _plain(text: str) -> str:
    """Text in which underscores and stars stand for themselves."""
    return text.replace("_", r"\_").replace("*", r"\*")
