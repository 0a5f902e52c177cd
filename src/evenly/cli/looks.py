"""How sheets of exercises are written: their formats, and an exercise in one of them."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evenly.byhand.document import Document
    from evenly.exercises import Exercise

# Each format: the ending of its files, and what renders it (module and function).
FORMATS = {
    "text": (".txt", "terminal:render_text"),
    "markdown": (".md", "markdown:render_markdown"),
    "latex": (".tex", "latex:render_latex"),
    "html": (".html", "html:render_html"),
    "pdf": (".pdf", "pdf:pdf_bytes"),
    "typst": (".typ", "pdf:typst_source"),
    "json": (".json", ""),
}
PAPERS = ("A4", "Letter")
_ON_PAPER = ("pdf", "typst")
_RENDERERS = "evenly.byhand.render"


@dataclass(frozen=True)
class Look:
    """How sheets are written.

    Attributes:
        format, paper: of the options.
        link: where the page is served; None: the sheets do not say.
    """

    format: str
    paper: str
    link: str | None

    @property
    def ending(self) -> str:
        """Of the files."""
        return FORMATS[self.format][0]

    def document(self, made: Exercise, answers: bool) -> Document:
        """A sheet, or its key."""
        from evenly.byhand.document import Document, Paragraph

        document = made.document(answers)
        if self.link is None or answers:
            return document
        text = f"The same exercise in the browser: {self.link.rstrip('/')}{made.link}"
        return Document(document.title, (*document.blocks, Paragraph(text)), document.digits)

    def rendered(self, made: Exercise, answers: bool) -> bytes:
        """An exercise as the bytes of a file."""
        if self.format == "json":
            return _json(made.key() if answers else made.sheet())
        return self.render([self.document(made, answers)])

    def render(self, documents: Sequence[Document]) -> bytes:
        """Documents in a file; of several, one behind the other, there is a PDF alone."""
        module, _, function = FORMATS[self.format][1].partition(":")
        settings = (self.paper, documents[1:]) if self.format in _ON_PAPER else ()
        result: str | bytes = renderer(module, function)(documents[0], *settings)
        return result.encode() if isinstance(result, str) else result


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode()


def renderer(module: str, function: str) -> Callable[..., Any]:
    """What renders documents, such as ``renderer("html", "render_html")``."""
    found: Callable[..., Any] = getattr(importlib.import_module(f"{_RENDERERS}.{module}"), function)
    return found
