"""A document as one HTML page that opens offline and asks for nothing.

Steps unfold one by one; each number shows which numbers it was made from. Without JavaScript, and
on paper, everything stands there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from typing import Any

from ...templating import beside, filled
from ..document import Document, Heading, Paragraph, StepBlock
from ..expressions import places
from ..views import Table, View
from . import parts, pieces
from .mathml import MathML

_PACKAGE = "evenly.byhand.render"
# Of large arrays: so many numbers of a step, operands of a number, and characters of a page
# remember what they were made from. The page says what is left out.
_CELLS, _OPERANDS, _CHARACTERS = 128, 64, 1_500_000


def render_html(document: Document) -> str:
    """The document as a page in one file: style, script and data are inside, nothing is loaded.

    Arguments:
        document: what is rendered.

    Raises:
        ConfigurationError: jinja2 is not installed.

    Example:
        >>> from evenly.byhand.document import Document, Paragraph
        >>> page = render_html(Document("Sums", (Paragraph("Add `x` and `y`."),)))
        >>> "<p>Add <code>x</code> and <code>y</code>.</p>" in page
        True
    """
    style = beside(_PACKAGE, "page.css")
    script = f'{beside(_PACKAGE, "page.js")}evenlyWork(document, "");'
    # Only this very style and script may act, and nothing may be loaded from anywhere.
    policy = "; ".join([
        "default-src 'none'", f"style-src '{_hash(style)}'", f"script-src '{_hash(script)}'",
        "base-uri 'none'", "form-action 'none'",
    ])
    return _filled("page.html.j2", document, "", style, script, policy=policy)


def render_part(document: Document) -> str:
    """The document as a part of another page, such as a notebook: its style, script and names are
    its own, and what moves it stands within it.

    Arguments:
        document: what is rendered.

    Raises:
        ConfigurationError: jinja2 is not installed.

    Example:
        >>> from evenly.byhand.document import Document, Paragraph
        >>> part = render_part(Document("Sums", (Paragraph("Add."),)))
        >>> part.startswith('<div class="evenly-work"')
        True
    """
    # No two parts of a page, from whatever session, may share a name.
    prefix = f"e{secrets.token_hex(6)}-"
    script = (f"(() => {{\n{beside(_PACKAGE, 'page.js')}"
              f"evenlyWork(document.getElementById('{prefix}work'), '{prefix}');\n}})();")
    return _filled("part.html.j2", document, prefix, _within(beside(_PACKAGE, "page.css")), script)


def _filled(template: str, document: Document, prefix: str, style: str, script: str,
            **others: str) -> str:
    pieces.need("an HTML page", "jinja2", "html")
    from markupsafe import Markup

    page = _Page(document, Markup, prefix)
    return filled(
        _PACKAGE, template,
        title=document.title,
        blocks=page.blocks,
        blank=pieces.has_blanks(document),
        computed=page.computed,
        prefix=prefix,
        style=Markup(style),
        script=Markup(script),
        data=Markup(_json(page.data)),
        **others,
    )


# What a part of a page does otherwise: it takes the width that it gets, and nothing of it is fixed.
_PART = """
& { margin: 0; border: 1px solid var(--rule); border-radius: 10px; }
main { max-width: none; margin: 0; padding: 16px; }
:where(h1, h2, h3, p, code) { color: inherit; }
.bar { position: static; border-radius: 0 0 10px 10px; }
"""


def _within(style: str) -> str:
    """The page's style for the inside of a part alone."""
    own = re.sub(r"(?m)^html \{.*\}\n", "", style)
    own = re.sub(r"(?m)^( *)(?::root|body) \{", r"\1& {", own)
    return f".evenly-work {{\n{own}{_PART}}}"


class _Page:
    """What the template asks for, and the data of the script, gathered block by block."""

    def __init__(self, document: Document, markup: Any, prefix: str) -> None:
        self.markup, self.digits, self.prefix = markup, document.digits, prefix
        self.data: dict[str, Any] = {"steps": {}}
        self.left = _CHARACTERS
        self.computed = 0
        self.ids: dict[int, str] = {}
        self.names: dict[int, str] = {
            block.view.step.number: block.view.step.title
            for block in document.blocks if isinstance(block, StepBlock)
        }
        self.blocks: list[dict[str, Any]] = []
        for block, hidden in pieces.blocks(document):
            if isinstance(block, Heading):
                self.blocks.append({"kind": "heading", "text": block.text})
            elif isinstance(block, Paragraph):
                self.blocks.append({"kind": "paragraph", "parts": pieces.quoted(block.text)})
            else:
                self.blocks.append(self._step(block, hidden))

    def _step(self, block: StepBlock, hidden: frozenset[int]) -> dict[str, Any]:
        view, step = block.view, block.view.step
        id = f"{self.prefix}step-{step.number}"
        if id in self.data["steps"]:
            id += f"-{len(self.blocks)}"
        self.ids.setdefault(step.number, id)
        self.computed += step.origin is not None
        found = self._cells(view) if step.origin is not None else {}
        operands = pieces.operands(found.values())
        math = MathML(self.digits, operands=operands)
        shown = {} if block.blank else found
        note, cells = self._remembered(view, shown, hidden, math)
        self.data["steps"][id] = {
            # A source that is for the reader to fill in is shown, empty; its numbers are not here.
            "sources": [[number, name] for number, name in operands.items()], "cells": cells,
        }
        written = parts.equation(step, math)
        formula = math.math(written) if written else ""
        return {
            "kind": "step", "id": id, "number": step.number, "title": block.title,
            "size": pieces.size(step.value.shape),
            "made": step.origin is not None, "blank": block.blank, "hint": block.hint,
            "key": block.key, "formula": self.markup(formula),
            "example": None if block.blank else self._example(view, hidden, math),
            "tables": [self._table(block, table, cells, math) for table in view.tables],
            "left_out": view.left_out, "note": note,
            "sources": [{"name": self.names.get(number, f"step {number}"), "class": name,
                         "href": f"#{self.ids[number]}" if number in self.ids else ""}
                        for number, name in operands.items()],
        }

    def _cells(self, view: View) -> dict[int, Any]:
        """The expressions of a step's numbers that are shown, as many as are remembered."""
        flats = [int(i) for table in view.tables for i in table.places.reshape(-1)]
        return {flat: view.step.expression(flat) for flat in flats[:_CELLS]}

    def _remembered(self, view: View, found: dict[int, Any], hidden: frozenset[int],
                    math: MathML) -> tuple[str, dict[str, Any]]:
        """(what is left out, of each cell: its formula and what it was made from)."""
        cells: dict[str, Any] = {}
        total = sum(table.places.size for table in view.tables)
        longest = 0
        for flat, expression in found.items():
            if not pieces.tells(expression, hidden):
                continue
            used = pieces.sources(list(places(expression)))
            longest = max(longest, len(used))
            cell = {"formula": self._with_numbers(view, flat, expression, math),
                    "name": parts.label_of(view, flat),
                    "from": [f"{p.step}-{p.flat}" for p in used[:_OPERANDS]]}
            self.left -= len(cell["formula"]) + 12 * len(cell["from"])
            if self.left < 0:
                break
            cells[f"{view.step.number}-{flat}"] = cell
        notes = []
        if found and cells and len(cells) < total:
            notes.append(f"{len(cells)} of {total} numbers show what they were made from.")
        elif found and self.left < 0:
            notes.append("The page is long: these numbers do not show what they were made from.")
        if longest > _OPERANDS:
            notes.append(f"Of the {longest} numbers that one is made of, {_OPERANDS} are marked.")
        return " ".join(notes), cells

    def _with_numbers(self, view: View, flat: int, expression: Any, math: MathML) -> str:
        result = parts.written_results(view.step.number_at(flat), math)
        return math.math(f"{math.expression(expression)}{result}")

    def _example(self, view: View, hidden: frozenset[int], math: MathML) -> Any:
        example = view.example()
        if example is None or not pieces.tells(example[1], hidden):
            return None
        return {"name": parts.label_of(view, example[0]),
                "math": self.markup(self._with_numbers(view, *example, math))}

    def _table(self, block: StepBlock, table: Table, cells: dict[str, Any],
               math: MathML) -> dict[str, Any]:
        step = block.view.step
        rows = []
        for r, own in enumerate(table.places.tolist()):
            row = []
            for c, flat in enumerate(own):
                place = f"{step.number}-{flat}"
                cell = {"place": place, "made": place in cells, "math": "", "near": "",
                        "name": pieces.cell_name(table, r, c)}
                if not block.blank:
                    value = step.number_at(flat)
                    cell["math"] = self.markup(math.math(math.number(value)))
                    cell["near"] = self.markup(math.near(value))
                row.append(cell)
            rows.append({"name": table.rows[r] if r < len(table.rows) else "", "cells": row})
        return {"title": step.title, "caption": table.caption, "rows": rows,
                "columns": table.columns if any(table.columns) else (),
                "named": any(table.rows)}


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _json(data: Any) -> str:
    """JSON that no browser takes for markup."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
