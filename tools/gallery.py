"""Runs the examples of docs/gallery and writes a page for each, its pictures beside it.

    python tools/gallery.py                  # all, into docs/gallery/built
    python tools/gallery.py --out PATH NAME  # one of them

An example is a script in cells: lines that begin with ``# %%`` part them, and the comment right
below such a line is prose. ``plt.show()`` in a cell makes its figures pictures of the page.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GALLERY = Path(__file__).resolve().parent.parent / "docs" / "gallery"
STYLE = {
    "axes.grid": True, "axes.prop_cycle": "cycler('color', ['#0072b2', '#d55e00', '#009e73', "
    "'#cc79a7', '#e69f00', '#56b4e9'])", "axes.spines.right": False, "axes.spines.top": False,
    "figure.constrained_layout.use": True, "figure.figsize": (7.0, 3.4), "font.size": 10.0,
    "grid.alpha": 0.3, "legend.frameon": False, "svg.fonttype": "none", "svg.hashsalt": "evenly",
}


@dataclass(frozen=True)
class Cell:
    """A part of an example: its prose, its code, and what it printed and drew."""

    prose: str
    code: str
    printed: str = ""
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Example:
    """An example as it stands in its file, or as it ran."""

    name: str
    title: str
    prose: str
    cells: tuple[Cell, ...]

    @property
    def printed(self) -> str:
        return "".join(cell.printed for cell in self.cells)

    @property
    def pictures(self) -> list[str]:
        return [picture for cell in self.cells for picture in cell.pictures]

    @property
    def sees(self) -> str:
        """The first sentence, which says what one will see."""
        return re.split(r"(?<=[.])\s", " ".join(self.prose.split()), maxsplit=1)[0]


def names() -> list[str]:
    return sorted(path.stem for path in GALLERY.glob("*.py"))


def read(name: str) -> Example:
    """An example, not yet run."""
    _, head, body = (GALLERY / f"{name}.py").read_text().split('"""', 2)
    title, _, prose = head.strip().partition("\n\n")
    first, *rest = re.split(r"^# %%.*\n", body, flags=re.M)
    cells = [Cell("", first.strip())]
    for part in rest:
        comment, code = re.fullmatch(r"((?:#[^\n]*\n)*)(.*)", part, re.S).groups()
        cells.append(Cell(re.sub(r"^# ?", "", comment, flags=re.M).strip(), code.strip()))
    return Example(name, title, prose, tuple(cell for cell in cells if cell.code))


def run(name: str) -> Example:
    """The example with all that its cells print and draw.

    Runs in a temporary folder, so that files it writes are gone behind it."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    example, path = read(name), GALLERY / f"{name}.py"
    source = path.read_text()
    done: list[Cell] = []
    namespace: dict[str, Any] = {"__name__": "__main__"}
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, matplotlib.rc_context(STYLE):
        shown: list[str] = []
        show, plt.show = plt.show, lambda: _take(plt, shown)
        try:
            os.chdir(folder)
            for cell in example.cells:
                lines_above = "\n" * source[:source.index(cell.code)].count("\n")
                out = io.StringIO()
                with contextlib.redirect_stdout(out):
                    exec(compile(lines_above + cell.code, str(path), "exec"), namespace)
                done.append(Cell(cell.prose, cell.code, out.getvalue(), tuple(shown)))
                shown.clear()
        finally:
            plt.show = show
            plt.close("all")
            os.chdir(here)
    return Example(name, example.title, example.prose, tuple(done))


def _take(plt: Any, shown: list[str]) -> None:
    """What ``plt.show()`` does here."""
    shown += [_svg(plt.figure(number)) for number in plt.get_fignums()]
    plt.close("all")


def _svg(figure: Any) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def write(example: Example, out: Path) -> None:
    """The page of an example that ran, and its pictures."""
    parts = [f"# {example.title}", example.prose]
    count = 0
    for cell in example.cells:
        parts += [cell.prose] if cell.prose else []
        parts.append(f"```python\n{cell.code}\n```")
        parts += [f"```text\n{cell.printed.rstrip()}\n```"] if cell.printed else []
        for picture in cell.pictures:
            count += 1
            (out / f"{example.name}_{count}.svg").write_text(picture)
            parts.append(f"![{example.sees}]({example.name}_{count}.svg)")
    parts.append(f"The picture is made by `python tools/gallery.py {example.name}`.")
    (out / f"{example.name}.md").write_text("\n\n".join(parts) + "\n")


def index() -> str:
    """A table of all examples, for the reader of the sources."""
    rows = [f"| [{one.title}]({one.name}.py) | {one.sees} |" for one in map(read, names())]
    return "\n".join(["| example | what you see |", "|---|---|", *rows, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--out", type=Path, default=GALLERY / "built")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    ran = [run(name) for name in arguments.names or names()]
    for example in ran:
        write(example, arguments.out)
    if not arguments.names:
        entries = "\n".join(example.name for example in ran)
        described = "\n".join(
            f"[{one.title}]({one.name}.md)\n: {one.sees}\n\n  ![{one.sees}]({one.name}_1.svg)\n"
            for one in ran)
        (arguments.out / "index.md").write_text(
            f"# Gallery\n\n{described}\n```{{toctree}}\n:hidden:\n\n{entries}\n```\n")


if __name__ == "__main__":
    main()
