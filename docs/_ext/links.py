"""Links: names in code to their pages, docstrings' names to the public ones, files to the sources.
"""

from __future__ import annotations

import collections.abc
import inspect
import re
import sys
from fnmatch import fnmatch
from functools import cache
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

from . import face

NAMES = {name.path: name for name in face.names()}
SHORT = {name.short: name for name in reversed(list(NAMES.values()))}


def named(text: str) -> face.Name | None:
    """The public name that a piece of code is about: ``ev.fit(...)``, ``BatchNorm(decay=0.9)``."""
    match = re.fullmatch(r"(?:ev\.|evenly\.)?((?:errors\.|claims\.)?([A-Za-z_]\w*))(\(.*\))?", text)
    if match is None:
        return None
    # A bare word in small letters is as likely an argument.
    if match[2][0].islower() and not text.startswith(("ev.", "evenly.")):
        return None
    return NAMES.get(f"evenly.{match[1]}") or SHORT.get(match[2])


class CodeLinks(SphinxPostTransform):  # type: ignore[misc,unused-ignore]
    """Code that is a public name leads to its page."""

    default_priority = 900

    def run(self, **kwargs: Any) -> None:
        here = self.env.docname
        for node in list(self.document.findall(nodes.literal)):
            name = named(node.astext())
            inside = isinstance(node.parent, nodes.reference | nodes.title | addnodes.pending_xref)
            if name is None or inside or name.page == here:
                continue
            copy = node.deepcopy()
            node.replace_self(make_refnode(self.app.builder, here, name.page, name.path, copy,
                                           name.path))


def sources(app: Sphinx, docname: str, source: list[str]) -> None:
    """Files beside docs/ are handed on as they are. A pattern for pages that are not there yet
    is left out of the contents."""
    source[0] = re.sub(r"\[([^][]+)\]\((\.\./(?:\.\./)*(?:[a-z]\w*/)*[A-Z]\w*\.md)\)",
                       r"{download}`\1 <\2>`", source[0])
    source[0] = re.sub(r"(?m)^[\w/-]*\*\n", lambda line: line[0] if any(
        fnmatch(page, line[0].strip()) for page in app.env.found_docs) else "", source[0])


def missing(app: Sphinx, env: Any, node: Any, contnode: Any) -> Any:
    """What docstrings refer to by another path: the public name; without a page of its own, code.

    What is nowhere stays missing, and fails the build.
    """
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py":
        return None
    name = NAMES.get(target) or SHORT.get(target.rpartition(".")[2])
    if name is not None:
        return make_refnode(app.builder, node["refdoc"], name.page, name.path, contnode, name.path)
    last = target.rpartition(".")[2]
    there = any(hasattr(module, last) or any(hasattr(one, last) for one in _classes(module))
                for path, module in list(sys.modules.items()) if path.startswith("evenly."))
    return contnode if there or last in vars(collections.abc) else None


@cache
def _classes(module: ModuleType) -> list[type]:
    return [value for value in vars(module).values() if inspect.isclass(value)]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", sources)
    app.connect("missing-reference", missing)
    app.add_post_transform(CodeLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
