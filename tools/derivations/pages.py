"""Pages of derivations: Markdown whose code blocks are run.

A page begins with its public names, ``names: [BatchNorm]``. Its blocks are of four kinds, told by
the word behind ``python``: ``given`` (a layer, a loss or an update rule, and random values) begins
a section, ``definition`` computes forward, ``derivation`` backward, ``page`` asks the library. A
line is an assignment, or ``left == right``.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .formulas import equation, symbol

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "derivations"
KINDS = ("given", "definition", "derivation", "page")
_FENCE = re.compile(r"^```python (\w+)\n(.*?)^```$", re.M | re.S)
_MATH = re.compile(r"^```math\n(?:(?!^```$).*\n)*?```\n\n(?=```python (?:definition|derivation)$)",
                   re.M)


@dataclass(frozen=True)
class Line:
    """A line that runs: where it stands, its syntax, and the name that it assigns, if any."""

    where: str
    statement: ast.stmt

    @property
    def name(self) -> str | None:
        target = self.statement.targets[0] if isinstance(self.statement, ast.Assign) else None
        return target.id if isinstance(target, ast.Name) else None

    @functools.cached_property
    def text(self) -> str:
        return ast.unparse(self.statement)


@dataclass
class Section:
    """A given case with the lines that follow it."""

    where: str
    # Of its random values: what stays when lines above it come or go.
    seed: str
    given: str
    definition: list[Line] = field(default_factory=list)
    derivation: list[Line] = field(default_factory=list)
    page: list[Line] = field(default_factory=list)


def pages() -> list[Path]:
    return sorted(path for path in FOLDER.glob("*.md") if path.stem != "index")


def names(path: Path) -> list[str]:
    """The public names that a page is about; none where it goes on from another."""
    found = re.match(r"---\nnames: \[([\w, ]*)\]\n---\n", path.read_text())
    if found is None:
        raise ValueError(f"{path.name}: expects '---', 'names: [Name, ...]', '---' at its top")
    return [name.strip() for name in found[1].split(",") if name]


def page_of() -> dict[str, Path]:
    """The page of each public name."""
    return {name: path for path in pages() for name in names(path)}


def title(path: Path) -> str:
    found = re.search(r"^# (.+)$", path.read_text(), re.M)
    if found is None:
        raise ValueError(f"{path.name}: has no title")
    return found[1]


def lines(code: str, where: str, first: int) -> list[Line]:
    return [Line(f"{where}:{first + statement.lineno}", statement)
            for statement in ast.parse(code).body]


def sections(path: Path) -> list[Section]:
    """The sections of a page."""
    text, found = path.read_text(), []
    for block in _FENCE.finditer(text):
        kind, code = block.groups()
        first = text.count("\n", 0, block.start()) + 1
        if kind not in KINDS:
            raise ValueError(f"{path.name}:{first}: a block is one of {KINDS}, got {kind!r}")
        if kind == "given":
            found.append(Section(f"{path.name}:{first}", f"{path.stem} {len(found)}", code))
        elif not found:
            raise ValueError(f"{path.name}:{first}: a page begins with a given block")
        else:
            getattr(found[-1], kind).extend(lines(code, path.name, first))
    return found


def with_formulas(text: str) -> str:
    """The text with the formulas of its blocks above them, made from the lines that run."""

    local: list[str] = []

    def set_above(block: re.Match[str]) -> str:
        if block[1] == "given":
            local[:] = [node.value for line in lines(block[2], "", 0) if line.name == "local"
                        for node in ast.walk(line.statement) if isinstance(node, ast.Constant)]
        if block[1] not in ("definition", "derivation"):
            return block[0]
        rows = [equation(line.statement) for line in lines(block[2], "", 0)]
        for name in local:  # not the loss's derivative
            plain = name.replace("_", " ")
            rows = [row.replace(symbol(name), rf"\text{{{plain}}}") for row in rows]
        body = " \\\\\n".join(rows)
        return f"```math\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n```\n\n{block[0]}"

    return _FENCE.sub(set_above, _MATH.sub("", text))


def index() -> str:
    """The index: every name, and its page."""
    rows = [f"| `{name}` | [{title(path)}]({path.name}) |"
            for name, path in sorted(page_of().items(), key=lambda pair: pair[0].lower())]
    return "\n".join(["| name | derivation |", "|---|---|", *rows])


def with_index(text: str) -> str:
    """The text of the index page with its table anew."""
    return re.sub(r"^\| name \|.*?(?=\n\n|\n?\Z)", lambda _: index(), text, flags=re.M | re.S)


def stale() -> Iterator[str]:
    """Pages whose formulas, or whose index, are not those of the lines."""
    for path in [*pages(), FOLDER / "index.md"]:
        if path.read_text() != _anew(path):
            yield f"{path.name}: write its formulas anew: python -m tools.derivations"


def write() -> None:
    """Writes the formulas of all pages, and the index, from the lines that run."""
    for path in [*pages(), FOLDER / "index.md"]:
        path.write_text(_anew(path))


def _anew(path: Path) -> str:
    text = path.read_text()
    return with_index(text) if path.stem == "index" else with_formulas(text)
