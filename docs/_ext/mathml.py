"""Formulas as MathML, which browsers draw by themselves: no script, no font, no network."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx


def formula(source: str, block: bool) -> str:
    """A formula of LaTeX as an element of MathML; what cannot be said so fails the build."""
    return str(latex2mathml.tex2mathml(" ".join(source.split()), as_block=block))


def inline(translator: Any, node: nodes.Element) -> None:
    translator.body.append(formula(node.astext(), block=False))
    raise nodes.SkipNode


def block(translator: Any, node: nodes.Element) -> None:
    translator.body.append(f'<div class="math">{formula(node.astext(), block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
