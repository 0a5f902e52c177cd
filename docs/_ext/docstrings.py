"""Docstrings as they are written here, for Sphinx: sections with names, each told in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import dedent, indent
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SECTIONS = ("Arguments", "Attributes", "Raises", "Returns", "Yields", "Warns", "Example",
            "Examples")
NAMED = ("Arguments", "Attributes", "Raises", "Warns")


def entries(body: str) -> Iterator[tuple[str, str]]:
    """(names, what is said of them); a list of names may go over several lines."""
    for entry in re.split(r"\n(?=\S)", body.strip("\n")):
        names, colon, text = entry.partition(": ")
        if "\n\n" in names or not colon:
            names, colon, text = entry.partition(":\n")
        if not colon:
            raise ValueError(f"a section of names has an entry without a colon: {entry!r}")
        first, _, rest = text.partition("\n")
        yield " ".join(names.split()), f"{first}\n{dedent(rest)}".strip("\n")


def marked(section: str, names: str) -> str:
    role = ":exc:" if section in ("Raises", "Warns") else ""
    mark = "`" if role else "``"
    return ", ".join(f"{role}{mark}{name}{mark}" for name in re.split(r",\s*", names) if name)


def rendered(lines: list[str]) -> list[str]:
    # |g| is a length, no name of a substitution.
    parts = "\n".join(lines).split("``")
    parts[::2] = [re.sub(r"\|(\w+)\|", r"\\|\1\\|", part) for part in parts[::2]]
    text = "``".join(parts)
    parts = re.split(rf"(?m)^({'|'.join(SECTIONS)}):\n((?:(?: .*)?\n)*(?: .*)?)", text)
    out = [parts[0]]
    for section, body, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        body = dedent(body)
        if section in NAMED:
            body = "\n\n".join(f"{marked(section, names)}\n{indent(said, '    ')}"
                               for names, said in entries(body))
        out += [f"\n\n.. rubric:: {section}\n\n{body}\n\n", after]
    return "".join(out).split("\n")


def process(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    lines[:] = rendered(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
